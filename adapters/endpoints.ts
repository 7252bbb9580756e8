/** Addresses between the contract's form and the one that runtimes use. */

import type { Address, InetAddress } from "./adapter.ts";

const AF_INET6 = 10;

/** The host of an address as the runtimes take it: a scope is part of it. */
export function hostOf([host, , , scope_id]: InetAddress): string {
  return scope_id ? `${host}%${scope_id}` : host;
}

/** The address that a runtime gave as host and port, in the form of the socket's family. */
export function addressFrom(
  family: number,
  host: string | undefined,
  port: number | undefined,
  scopeOf: (name: string) => number = () => 0,
): Address {
  // A connection that was reset before anybody looked has lost its address.
  if (host === undefined || port === undefined) {
    return family === AF_INET6 ? ["::", 0, 0, 0] : ["0.0.0.0", 0];
  }
  if (family !== AF_INET6) return [host, port];
  const [literal, scope] = host.split("%");
  return [literal!, port, 0, scope === undefined ? 0 : Number(scope) || scopeOf(scope)];
}
