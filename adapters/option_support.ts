/** Tables of option support, for the adapters' capabilities. */

import type { Capabilities, OptionSupport } from "./adapter.ts";

/** Options that the core answers or keeps itself, on every adapter. */
export const CORE_OPTIONS: Readonly<Record<string, OptionSupport>> = {
  SO_TYPE: "get",
  SO_DOMAIN: "get",
  SO_PROTOCOL: "get",
  SO_ERROR: "get",
  SO_ACCEPTCONN: "get",
  SO_RCVLOWAT: "get",
  SO_SNDLOWAT: "get",
  SO_REUSEADDR: "set",
  SO_RCVTIMEO: "set",
  SO_SNDTIMEO: "set",
};

/** Further options that the core keeps for datagram sockets; Linux ignores them, too. */
export const CORE_DATAGRAM_OPTIONS: Readonly<Record<string, OptionSupport>> = {
  SO_KEEPALIVE: "set",
  SO_LINGER: "set",
  SO_OOBINLINE: "set",
};

/** The options of `node:dgram`. */
export const DGRAM_OPTIONS: Readonly<Record<string, OptionSupport>> = supported("set", [
  "SO_BROADCAST",
  "SO_RCVBUF",
  "SO_SNDBUF",
  "IP_TTL",
  "IP_MULTICAST_TTL",
  "IP_MULTICAST_LOOP",
  "IP_MULTICAST_IF",
  "IP_ADD_MEMBERSHIP",
  "IP_DROP_MEMBERSHIP",
  "IPV6_UNICAST_HOPS",
  "IPV6_MULTICAST_HOPS",
  "IPV6_MULTICAST_LOOP",
  "IPV6_MULTICAST_IF",
  "IPV6_JOIN_GROUP",
  "IPV6_LEAVE_GROUP",
]);

/** A table of options that are all supported in the same way. */
export function supported(
  support: OptionSupport,
  names: readonly string[],
): Record<string, OptionSupport> {
  return Object.fromEntries(names.map((name) => [name, support]));
}

/** Freezes capabilities: every call returns the same object, which a program must not change. */
export function frozen(capabilities: Capabilities): Capabilities {
  const { families, types, options } = capabilities;
  const tables = [families, types, options, ...Object.values(types), ...Object.values(options)];
  for (const part of tables) Object.freeze(part);
  return Object.freeze(capabilities);
}
