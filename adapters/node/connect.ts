/** Connecting on Node from an address chosen by the system. */

import type { ConnectAttempt, ConnectTarget, InetAddress } from "../adapter.ts";
import { isUnix } from "../endpoints.ts";
import { bind } from "./bound.ts";
import { connectFrom } from "./connect_from.ts";

const AF_INET6 = 10;

/** Options that a socket must have before it connects. */
const EARLY = [
  "SO_REUSEPORT",
  "IPV6_V6ONLY",
  "SO_RCVBUF",
  "SO_SNDBUF",
  "SO_MARK",
  "SO_DONTROUTE",
  "TCP_MAXSEG",
  "TCP_SYNCNT",
  "TCP_WINDOW_CLAMP",
];

/** connect(2) from an address chosen by the system. */
export function connect(target: ConnectTarget): ConnectAttempt {
  const { family, address, settings } = target;
  if (isUnix(address) || !EARLY.some((name) => settings.has(name))) {
    return connectFrom(target, {}, "");
  }
  const any: InetAddress = family === AF_INET6 ? ["::", 0, 0, 0] : ["0.0.0.0", 0];
  return bind({ family, address: any, settings }).connect(target);
}
