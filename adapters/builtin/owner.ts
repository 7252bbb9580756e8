/** The stream that a socket of Node belongs to, for handlers that all sockets share: those of its own would cost memory. */

import type { NetSocket } from "./modules.ts";

const OWNER = Symbol("owner");

interface Owned<T> extends NetSocket {
  [OWNER]: T;
}

/** Says whose a socket is. */
export function setOwner<T>(socket: NetSocket, owner: T): void {
  (socket as Owned<T>)[OWNER] = owner;
}

/** Whose a socket is. */
export function ownerOf<T>(socket: NetSocket): T {
  return (socket as Owned<T>)[OWNER];
}
