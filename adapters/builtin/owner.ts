/**
 * The stream that a socket of Node belongs to: handlers shared by all sockets need it, and handlers of its own would
 * cost each socket memory.
 */

import type { NetSocket } from "./modules.ts";

const OWNER = Symbol("owner");

interface Owned<T> extends NetSocket {
  [OWNER]: T;
}

/** Sets the owner of a socket. */
export function setOwner<T>(socket: NetSocket, owner: T): void {
  (socket as Owned<T>)[OWNER] = owner;
}

/** The owner of a socket. */
export function ownerOf<T>(socket: NetSocket): T {
  return (socket as Owned<T>)[OWNER];
}
