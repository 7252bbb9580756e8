/**
 * Reading a socket of Node into memory of the library's own, which saves a buffer of 64 KiB for each read. The `onread`
 * option of `net.Socket` does it for sockets that a program makes; there is none for accepted ones, so that what the
 * option sets is set here, in the same way from Node 20 to 26.
 */

import { type NetSocket, nodeModule } from "./node_types.ts";

/** All sockets read into one buffer: what came is taken out of it before the next read. */
const shared = new Uint8Array(64 * 1024);

interface Keys {
  readonly buffer: symbol;
  readonly callback: symbol;
}

let keys: Keys | null | undefined;

/**
 * Has a socket call back with the count of bytes that it has read.
 *
 * @param received answers whether to go on reading
 * @returns whether this Node can
 */
export function readShared(
  socket: NetSocket,
  received: (this: NetSocket, count: number) => boolean,
): boolean {
  if (keys === undefined) keys = findKeys();
  if (keys === null || !socket._handle?.useUserBuffer) return false;
  Reflect.set(socket, keys.buffer, shared);
  Reflect.set(socket, keys.callback, received);
  socket._handle.useUserBuffer(shared);
  return true;
}

/** The bytes that were read, lent for the time of the callback. */
export function lent(count: number): Uint8Array {
  return shared.subarray(0, count);
}

function findKeys(): Keys | null {
  const { Socket } = nodeModule("node:net");
  const symbols = Object.getOwnPropertySymbols(new Socket({}));
  const buffer = symbols.find(({ description }) => description === "kBuffer");
  const callback = symbols.find(({ description }) => description === "kBufferCb");
  return buffer === undefined || callback === undefined ? null : { buffer, callback };
}
