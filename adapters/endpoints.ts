/** Conversions between the contract's addresses and those of the runtimes. */

import { AF_INET, AF_INET6, AF_UNIX } from "../core/constants.ts";
import type { Address, InetAddress } from "./adapter.ts";
import { refusal } from "./coded_error.ts";

/** The host of an address as the runtimes take it, including a scope. */
export function hostOf(address: InetAddress): string {
  // Not by destructuring, which would create an iterator for each datagram.
  const host = address[0];
  const scope_id = address[3];
  return scope_id ? `${host}%${scope_id}` : host;
}

/** Whether an address is a UNIX address. */
export function isUnix(address: Address): address is string | Uint8Array<ArrayBuffer> {
  return !Array.isArray(address);
}

/** The family of an address. */
export function familyOf(address: Address): number {
  if (isUnix(address)) return AF_UNIX;
  return address.length === 2 ? AF_INET : AF_INET6;
}

/** Whether it is the address of a socket that has none yet. */
export function isUnnamed(address: Address): boolean {
  return isUnix(address) ? address.length === 0 : address[1] === 0;
}

/** Whether an address is a wildcard; a UNIX address never is. */
export function isWildcard(address: Address): boolean {
  const host = isUnix(address) ? undefined : address[0];
  return host === "0.0.0.0" || host === "::" || host === "::ffff:0.0.0.0";
}

/** The path of a UNIX address, for runtimes that take paths as text only. */
export function pathOf(address: string | Uint8Array): string {
  if (typeof address === "string") return address;
  const detail = "this runtime takes UNIX names as text only";
  throw refusal("EINVAL", detail);
}

/** The address of a host and port from a runtime, in the form of the socket's family. */
export function addressFrom(
  family: number,
  host: string | undefined,
  port: number | undefined,
  scopeOf: (name: string) => number = () => 0,
): InetAddress {
  // A connection that was reset before the adapter looked has lost its address.
  if (host === undefined || port === undefined) {
    return family === AF_INET6 ? ["::", 0, 0, 0] : ["0.0.0.0", 0];
  }
  if (family !== AF_INET6) return [host, port];
  const [literal, scope] = host.split("%");
  return [literal!, port, 0, scope === undefined ? 0 : Number(scope) || scopeOf(scope)];
}

/**
 * The address with the scope of another one on the same link, for runtimes that omit it: only a link-local address has
 * one.
 */
export function scopedLike<A extends Address>(address: A, other: Address): A {
  if (address.length !== 4 || other.length !== 4 || address[3] !== 0 || other[3] === 0) {
    return address;
  }
  return isUnix(address) || !/^fe[89ab]/.test(address[0])
    ? address
    : [address[0], address[1], address[2], other[3]] as InetAddress as A;
}
