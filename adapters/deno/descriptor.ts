/**
 * Finding the descriptor of a socket. Deno 2.9 exposes only that of an accepted TCP connection, under an internal name.
 * So the process's sockets are searched for the one with the right type and addresses.
 */

import { AF_UNIX, SO_ACCEPTCONN, SO_TYPE, SOCK_DGRAM, SOL_SOCKET } from "../../core/constants.ts";
import type { Address } from "../adapter.ts";
import type { Libc } from "../libc/libc.ts";

/** How many numbers in a row without a socket mark the end of the table. */
const MOST_MISSES = 1024;

/** What distinguishes a socket from the others of the process. */
export interface SocketNames {
  /** SOCK_STREAM or SOCK_DGRAM. */
  readonly type: number;
  readonly local: Address;
  /** The peer; a stream socket without one listens. */
  readonly remote?: Address;
  /**
   * Whether other sockets may have the same addresses: with SO_REUSEADDR and SO_REUSEPORT, and UNIX connections to one
   * path.
   */
  readonly shared: boolean;
}

/** The descriptor of a socket; -1 if there is none, or several have the same addresses. */
export function findDescriptor(c: Libc, names: SocketNames): number {
  let found = -1;
  for (const [fd, local] of sockets(c)) {
    if (!isSame(local, names.local) || !hasNames(c, fd, names)) continue;
    if (!names.shared) return fd;
    if (found >= 0) return -1;
    found = fd;
  }
  return found;
}

/** The descriptor of the socket opened next: the kernel returns the lowest free number. */
export function nextDescriptor(c: Libc): number {
  try {
    const fd = c.socket(AF_UNIX, SOCK_DGRAM);
    c.close(fd);
    return fd;
  } catch {
    // EMFILE: there will be none.
    return -1;
  }
}

/** Whether a descriptor belongs to a socket. */
export function isDescriptor(c: Libc, fd: number, names: SocketNames): boolean {
  const local = c.findSocket(fd);
  return local !== undefined && isSame(local, names.local) && hasNames(c, fd, names);
}

/**
 * The sockets of the process, by descriptor and local address. The kernel returns the lowest free number, so the search
 * begins just below it, where a recent socket is.
 */
function* sockets(c: Libc): Generator<[fd: number, local: Address], void, void> {
  // If no number is free, any start will do.
  const free = Math.max(0, nextDescriptor(c));
  for (let fd = free - 1; fd >= 0; fd--) {
    const local = c.findSocket(fd);
    if (local !== undefined) yield [fd, local];
  }
  for (let fd = free, misses = 0; misses < MOST_MISSES; fd++) {
    const local = c.findSocket(fd);
    misses = local === undefined ? misses + 1 : 0;
    if (local !== undefined) yield [fd, local];
  }
}

function hasNames(c: Libc, fd: number, { type, remote }: SocketNames): boolean {
  if (c.getOption(fd, SOL_SOCKET, SO_TYPE) !== type) return false;
  if (remote !== undefined) {
    const peer = c.getpeername(fd);
    return peer !== undefined && isSame(peer, remote);
  }
  return type === SOCK_DGRAM || c.getOption(fd, SOL_SOCKET, SO_ACCEPTCONN) === 1;
}

/** Whether two addresses are the same, without the scope of IPv6, which Deno does not report. */
function isSame(a: Address, b: Address): boolean {
  return Array.isArray(a) && Array.isArray(b) ? a[0] === b[0] && a[1] === b[1] : a === b;
}
