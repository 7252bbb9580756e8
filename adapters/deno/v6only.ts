/** The option IPV6_V6ONLY as in Linux: Deno 2.9 itself binds and connects over IPv4 all the same. */

import { isMapped } from "../../core/address/inet.ts";
import type { Address, Settings } from "../adapter.ts";
import { hostOf, isUnix } from "../endpoints.ts";

/** Whether a socket is for IPv6 only. */
export function isV6Only(settings: Settings): boolean {
  return settings.get("IPV6_V6ONLY") === 1;
}

/** Whether a socket is for IPv6 only, and the address is an IPv4 one. */
export function isKeptOut(address: Address, settings: Settings): boolean {
  return isV6Only(settings) && !isUnix(address) && isMapped(hostOf(address));
}
