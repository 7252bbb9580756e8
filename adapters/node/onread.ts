/**
 * Reading a socket of Node into memory of the library's own, which saves a buffer of 64 KiB for each read. The `onread`
 * option of `net.Socket` does it for sockets that a program makes; there is none for accepted ones, so that what the
 * option sets is set here, in the same way from Node 20 to 26.
 */

import { type NetSocket, nodeModule } from "../builtin/modules.ts";
import { ownerOf, setOwner } from "../builtin/owner.ts";

const SIZE = 64 * 1024;

/** All sockets read into one buffer: what came is taken out of it before the next read. */
const shared = new Uint8Array(SIZE);

/** Who reads a socket. */
export interface Reader {
  /** Whether the program keeps the bytes in the array that it is given, and does not have them copied to its own. */
  readonly keeps: boolean;
  /**
   * Bytes came.
   *
   * @param owned whether they have their buffer to themselves; else they are lent for the time of the call
   * @returns whether to go on reading
   */
  received(chunk: Uint8Array<ArrayBuffer>, owned: boolean): boolean;
}

/** The symbols of the properties in which a socket of Node has what `onread` sets. */
interface Keys {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

let keys: Keys | null | undefined;

/**
 * Has a socket tell its reader what it reads.
 *
 * @returns whether this Node can
 */
export function readShared(socket: NetSocket, reader: Reader): boolean {
  if (keys === undefined) keys = findKeys();
  if (keys === null || !socket._handle?.useUserBuffer) return false;
  setOwner(socket, reader);
  Reflect.set(socket, keys.buffer, shared);
  Reflect.set(socket, keys.callback, received);
  socket._handle.useUserBuffer(shared);
  return true;
}

/** The buffer for the next read of the socket that is being called back: every callback sets it. */
let following: Uint8Array<ArrayBuffer> = shared;
const nextBuffer = (): Uint8Array<ArrayBuffer> => following;

function received(this: NetSocket, count: number, buffer: Uint8Array<ArrayBuffer>): boolean {
  const reader = ownerOf<Reader>(this);
  // Where one read fills the buffer, the next will: handing a fresh one over is cheaper than copying this much.
  const bulk = count === SIZE && reader.keeps;
  following = bulk ? unzeroed() : shared;
  if (bulk && buffer === shared) Reflect.set(this, keys!.generator, nextBuffer);
  return bulk && buffer !== shared
    ? reader.received(buffer, true)
    : reader.received(buffer.subarray(0, count), false);
}

/** Memory that shows what was there before: only what was read into it is given to anybody. */
function unzeroed(): Uint8Array<ArrayBuffer> {
  return new Uint8Array(nodeModule("node:buffer").Buffer.allocUnsafeSlow(SIZE).buffer);
}

function findKeys(): Keys | null {
  const { Socket } = nodeModule("node:net");
  const symbols = Object.getOwnPropertySymbols(new Socket({}));
  const find = (name: string): symbol | undefined =>
    symbols.find(({ description }) => description === name);
  const [buffer, callback, generator] = [find("kBuffer"), find("kBufferCb"), find("kBufferGen")];
  return buffer === undefined || callback === undefined || generator === undefined
    ? null
    : { buffer, callback, generator };
}
