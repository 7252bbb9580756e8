/** Connecting on Node from an address chosen by the system. */

import { AF_INET6 } from "../../core/constants.ts";
import type { ConnectAttempt, ConnectTarget, InetAddress, Settings } from "../adapter.ts";
import { isUnix } from "../endpoints.ts";
import { bind } from "./bound.ts";
import { connectFrom } from "./connect_from.ts";
import { isEarly } from "./options.ts";

/** connect(2) from an address chosen by the system. */
export function connect(target: ConnectTarget): ConnectAttempt {
  const { family, address, settings } = target;
  if (isUnix(address) || !hasEarly(settings)) return connectFrom(target, {}, "");
  // Only a bound socket has a descriptor to set them on before connect(2).
  const any: InetAddress = family === AF_INET6 ? ["::", 0, 0, 0] : ["0.0.0.0", 0];
  return bind({ family, address: any, settings }).connect(target);
}

function hasEarly(settings: Settings): boolean {
  for (const name of settings.keys()) if (isEarly(name)) return true;
  return false;
}
