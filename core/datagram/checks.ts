/**
 * Checks of a datagram and its target, with Linux's errors; the runtimes refuse them each in its own way, or not at
 * all.
 */

import type { Address, Settings } from "../../adapters/adapter.ts";
import { AF_INET, AF_INET6 } from "../constants.ts";
import { systemError } from "../errors/errors.ts";

/** The largest payload of a UDP datagram: the 16 bits of length include IPv4's own header, but not that of IPv6. */
const MAX_DATAGRAM_IPV4 = 65507;
const MAX_DATAGRAM_IPV6 = 65527;

/** Checks that a datagram can go to an address, as far as can be known without the network. */
export function checkTarget(
  address: Address | undefined,
  syscall: string,
  settings: Settings,
): void {
  if (!Array.isArray(address)) return;
  if (address[1] === 0) throw systemError("EINVAL", syscall, { address });
  if (isBroadcast(address[0]) && settings.get("SO_BROADCAST") !== 1) {
    throw systemError("EACCES", syscall, { address, detail: "set SO_BROADCAST first" });
  }
}

/** Checks that a datagram is not too long. */
export function checkLength(
  data: Uint8Array,
  family: number,
  address: Address | undefined,
  syscall: string,
): void {
  if (data.length > largestPayload(family)) throw systemError("EMSGSIZE", syscall, { address });
}

/**
 * A copy of the payload of a datagram that has to wait: its caller may change the buffer meanwhile. One that is too
 * long is cut, and stays too long.
 */
export function copyOf(data: Uint8Array, family: number): Uint8Array {
  return data.slice(0, largestPayload(family) + 1);
}

/** This machine, as in Linux, by its wildcard addresses. */
const THIS_MACHINE: Record<string, string> = {
  "0.0.0.0": "127.0.0.1",
  "::": "::1",
  "::ffff:0.0.0.0": "::ffff:127.0.0.1",
};

/** Addresses that are unique on one link only: RFC 4007. */
const ON_LINK = /^(fe[89ab]|ff[0-9a-f][12])/;

/** A peer as the kernel knows it: without a wildcard, flowinfo, or a scope that its address does not need. */
export function peerOf(given: Address): Address {
  if (!Array.isArray(given)) return given;
  const host = THIS_MACHINE[given[0]] ?? given[0];
  if (given.length === 2) return [host, given[1]];
  return [host, given[1], 0, ON_LINK.test(host) ? given[3] ?? 0 : 0];
}

function largestPayload(family: number): number {
  if (family === AF_INET) return MAX_DATAGRAM_IPV4;
  return family === AF_INET6 ? MAX_DATAGRAM_IPV6 : Infinity;
}

/** Whether a host is a broadcast address on every machine; only the system knows those of its networks. */
function isBroadcast(host: string): boolean {
  return host === "255.255.255.255" || host === "127.255.255.255";
}
