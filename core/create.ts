/** Creation of sockets. */

import type { AddressOf } from "./address/address.ts";
import { INT_MAX, integer } from "./arguments.ts";
import { Socket, type SocketInit } from "./socket.ts";

/**
 * Creates a socket; nothing touches the network yet.
 *
 * Source: POSIX socket(), Python `socket.socket`.
 *
 * @param family AF_INET (the default), AF_INET6 or AF_UNIX
 * @param type SOCK_STREAM (the default) or SOCK_DGRAM; SOCK_CLOEXEC may be added and always applies
 * @param proto 0 (the default), or the default protocol of the family and type
 * @param init another adapter than the current one, or an open descriptor to take over
 * @throws {SocketError} EAFNOSUPPORT, ESOCKTNOSUPPORT or EPROTONOSUPPORT when the adapter has no such socket
 *
 * @example
 * ```ts
 * import { AF_INET, SOCK_STREAM, socket } from "@bsdsock/bsdsock";
 *
 * await using s = socket(AF_INET, SOCK_STREAM);
 * ```
 */
export function socket<Family extends number = 2>(
  family?: Family,
  type?: number,
  proto?: number,
  init?: SocketInit,
): Socket<AddressOf<Family>> {
  return new Socket<AddressOf<Family>>(family, type, proto, init);
}

/**
 * Creates a socket that takes over an open descriptor: closing the socket closes it. A descriptor that an open socket
 * of this process holds is duplicated first.
 *
 * Source: Python `socket.fromfd`, which always duplicates the descriptor.
 *
 * @param fd a TCP or UNIX stream socket, or a UDP socket that is bound; on Deno a TCP socket, connected or listening;
 * on Node before 26 a stream socket
 * @param family the descriptor's: AF_INET, AF_INET6 or AF_UNIX; found out if left out or -1
 * @param type SOCK_STREAM or SOCK_DGRAM; found out if left out or -1
 * @param proto 0 (the default), or the default protocol of the family and type; -1 detects it
 * @throws {TypeError} when it is not an integer
 * @throws {RangeError} when it is negative
 * @throws {SocketError} EBADF, ENOTSOCK, or ENOTSUP when the adapter cannot take it over or it is of another type; a
 * descriptor that is refused stays open
 *
 * @example
 * ```ts
 * import { AF_UNIX, capabilities, fromfd, socketpair } from "@bsdsock/bsdsock";
 *
 * // The first socket that systemd passes to a service would be fromfd(3).
 * if (capabilities().fileno) {
 *   const [a, b] = await socketpair();
 *   await using s = fromfd(a.detach(), AF_UNIX);
 *   await s.sendall("hello");
 *   console.log(await b.recv(5));
 *   await b.close();
 * }
 * ```
 */
export function fromfd<Family extends number = number>(
  fd: number,
  family?: Family,
  type?: number,
  proto: number = 0,
): Socket<AddressOf<Family>> {
  // In `init`, undefined would mean a new socket.
  const fileno = integer(fd, "fd", 0, INT_MAX);
  return socket(family, type, proto, { fileno });
}
