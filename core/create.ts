/** Making sockets. */

import type { AddressOf } from "./address.ts";
import { Socket, type SocketInit } from "./socket.ts";

/**
 * Makes a socket; nothing touches the network yet.
 *
 * @param family AF_INET (the default), AF_INET6 or AF_UNIX
 * @param type SOCK_STREAM (the default) or SOCK_DGRAM; SOCK_CLOEXEC may be added and is always the case
 * @param proto 0, or the protocol that the family and type have anyway
 * @throws {SocketError} EAFNOSUPPORT, ESOCKTNOSUPPORT or EPROTONOSUPPORT where the adapter has no such socket
 *
 * @example
 * ```ts
 * import { AF_INET, SOCK_STREAM, socket } from "@bsdsock/bsdsock";
 *
 * await using s = socket(AF_INET, SOCK_STREAM);
 * ```
 *
 * Source: POSIX socket(), Python `socket.socket`.
 */
export function socket<Family extends number = 2>(
  family?: Family,
  type?: number,
  proto?: number,
  init?: SocketInit,
): Socket<AddressOf<Family>> {
  return new Socket<AddressOf<Family>>(family, type, proto, init);
}
