/** Addresses inside the network: one form of IPv4 for both families, and keys for UNIX names. */

import {
  formatIPv4,
  formatIPv6,
  MAPPED,
  parseIPv4,
  parseIPv6,
  unmapped,
} from "../../core/address/inet.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../../core/constants.ts";
import type { Address } from "../adapter.ts";
import { failure } from "./failure.ts";

/** One end of a conversation. An IPv4-mapped IPv6 address (`::ffff:127.0.0.1`) is stored as the IPv4 address. */
export interface Endpoint {
  /** The canonical literal; the key for AF_UNIX. */
  readonly host: string;
  /** The port; 0 for AF_UNIX. */
  readonly port: number;
  /** The interface's index. */
  readonly scope: number;
}

/** Whether a canonical host is IPv6; mapped addresses are IPv4 here. */
export function isIPv6(host: string): boolean {
  return host.includes(":");
}

/** Whether a host is the wildcard address of either family. */
export function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}

/** The usual form of a literal; `undefined` if it is not one. */
export function canonicalHost(literal: string): string | undefined {
  const v4 = parseIPv4(literal);
  if (v4 !== null) return formatIPv4(v4);
  const percent = literal.indexOf("%");
  const v6 = parseIPv6(percent < 0 ? literal : literal.slice(0, percent));
  if (v6 === null) return undefined;
  return unmapped(formatIPv6(v6));
}

/** Reads an address of the given family. */
export function endpointOf(family: number, address: Address): Endpoint {
  if (family === AF_UNIX && !Array.isArray(address)) {
    if (address.length === 0) throw failure("EINVAL", "no name");
    return { host: unixKey(address), port: 0, scope: 0 };
  }
  if (!Array.isArray(address)) throw failure("EINVAL", "not an internet address");
  const [literal, port, , scope] = address;
  const host = canonicalHost(literal);
  if (host === undefined || (family === AF_INET && literal.includes(":"))) {
    throw failure("EINVAL", "not an address of this family");
  }
  return { host, port, scope: scope ?? 0 };
}

/** The address in the form that a socket of the given family sees. */
export function addressOf(family: number, { host, port, scope }: Endpoint): Address {
  if (family !== AF_INET6) return [host, port];
  return [isIPv6(host) ? host : MAPPED + host, port, 0, scope];
}

/** The key of a UNIX name, unique even for names that are not UTF-8. */
export function unixKey(address: string | Uint8Array): string {
  const bytes = typeof address === "string" ? new TextEncoder().encode(address) : address;
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}
