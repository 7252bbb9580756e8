/** What a descriptor is, asked through the C library before the runtime has it: what is refused stays its owner's. */

import { notAStream, type StreamSocket } from "../descriptor.ts";
import { addressFrom } from "../endpoints.ts";
import type { Libc } from "./libc.ts";

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_ACCEPTCONN = 30;
const SO_DOMAIN = 39;

/**
 * Finds out what a descriptor is.
 *
 * @throws an error with the code EBADF, ENOTSOCK, or ENOTSUP if it is no stream socket
 */
export function identify(c: Libc, fd: number): StreamSocket {
  const family = c.getOption(fd, SOL_SOCKET, SO_DOMAIN);
  const isKnown = [AF_UNIX, AF_INET, AF_INET6].includes(family);
  if (!isKnown || c.getOption(fd, SOL_SOCKET, SO_TYPE) !== SOCK_STREAM) throw notAStream();
  const local = c.getsockname(fd);
  const remote = c.getpeername(fd);
  if (remote !== undefined) return { family, local, remote, listening: false };
  if (c.getOption(fd, SOL_SOCKET, SO_ACCEPTCONN) !== 0) {
    return { family, local, remote: undefined, listening: true };
  }
  const wasReset = family !== AF_UNIX && c.wasConnected(fd);
  const lost = wasReset ? addressFrom(family, undefined, undefined) : undefined;
  return { family, local, remote: lost, listening: false };
}
