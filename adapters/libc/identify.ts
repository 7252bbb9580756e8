/** What a descriptor is, asked through the C library before the runtime has it: what is refused stays its owner's. */

import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  SO_ACCEPTCONN,
  SO_DOMAIN,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../../core/constants.ts";
import { refusal } from "../coded_error.ts";
import type { Address } from "../adapter.ts";
import type { StreamSocket, UdpSocket } from "../descriptor.ts";
import { addressFrom } from "../endpoints.ts";
import type { Libc } from "./libc.ts";

/**
 * Finds out what a descriptor is.
 *
 * @param wanted the type that it must be; `undefined` for any
 * @param peer the peer of a connection, where it is known
 * @throws an error with the code EBADF, ENOTSOCK, or ENOTSUP if it is another socket
 */
export function identify(
  c: Libc,
  fd: number,
  wanted: number | undefined,
  peer?: Address,
): StreamSocket | UdpSocket {
  const family = c.getOption(fd, SOL_SOCKET, SO_DOMAIN);
  const type = c.getOption(fd, SOL_SOCKET, SO_TYPE);
  const isStream = type === SOCK_STREAM && [AF_UNIX, AF_INET, AF_INET6].includes(family);
  const isUdp = type === SOCK_DGRAM && [AF_INET, AF_INET6].includes(family);
  if (!isStream && !isUdp) throw refusal("ENOTSUP", "it is neither a stream nor a UDP socket");
  if (wanted !== undefined && wanted !== type) {
    throw refusal("ENOTSUP", `it is a ${isStream ? "stream" : "datagram"} socket`);
  }
  return isUdp ? identifyUdp(c, fd, family) : identifyStream(c, fd, family, peer);
}

function identifyUdp(c: Libc, fd: number, family: number): UdpSocket {
  const local = c.getsockname(fd);
  // A runtime would bind it only as its own.
  if (local[1] === 0) throw refusal("ENOTSUP", "it is a datagram socket that is not bound");
  return { family, local, remote: c.getpeername(fd) };
}

function identifyStream(
  c: Libc,
  fd: number,
  family: number,
  peer: Address | undefined,
): StreamSocket {
  const local = c.getsockname(fd);
  const remote = c.getpeername(fd) ?? peer;
  if (remote !== undefined) return { family, local, remote, listening: false };
  if (c.getOption(fd, SOL_SOCKET, SO_ACCEPTCONN) !== 0) {
    return { family, local, remote: undefined, listening: true };
  }
  const wasReset = family !== AF_UNIX && c.wasConnected(fd);
  const lost = wasReset ? addressFrom(family, undefined, undefined) : undefined;
  return { family, local, remote: lost, listening: false };
}
