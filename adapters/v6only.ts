/**
 * The option IPV6_V6ONLY as in Linux, where the runtime connects over IPv4 all the same: Deno 2.9, and Bun 1.4 without
 * libc.
 */

import { isMapped } from "../core/address/inet.ts";
import type { Address, ConnectAttempt, Settings } from "./adapter.ts";
import { codedError, failedAttempt } from "./coded_error.ts";
import { hostOf, isUnix } from "./endpoints.ts";

/** Why a call with such an address is refused. */
export const KEPT_OUT = "an IPv4 address, and IPV6_V6ONLY is on";

/** Whether a socket is for IPv6 only. */
export function isV6Only(settings: Settings): boolean {
  return settings.get("IPV6_V6ONLY") === 1;
}

/** Whether a socket is for IPv6 only, and the address is an IPv4 one. */
export function isKeptOut(address: Address, settings: Settings): boolean {
  return isV6Only(settings) && !isUnix(address) && isMapped(hostOf(address));
}

/** The attempt of such a socket to connect there. */
export function unreachable(): ConnectAttempt {
  return failedAttempt(codedError("ENETUNREACH", KEPT_OUT));
}
