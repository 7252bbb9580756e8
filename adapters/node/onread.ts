/**
 * Reading a socket of Node into the library's own memory, which saves a buffer of 64 KiB per read. The `onread` option
 * of `net.Socket` does this for sockets that a program creates. Accepted sockets do not have the option, so its effects
 * are set here; they are the same from Node 20 to 26.
 */

import { type NetSocket, nodeModule } from "../builtin/modules.ts";
import { ownerOf, setOwner } from "../builtin/owner.ts";

const SIZE = 64 * 1024;

/** The buffer that all sockets read into: its bytes are taken before the next read. */
const shared = new Uint8Array(SIZE);

/** The reader of a socket. */
export interface Reader {
  /** Whether the program keeps the array it gets; otherwise the bytes are copied to its own. */
  readonly keeps: boolean;
  /**
   * Takes bytes that were read.
   *
   * @param owned whether they have a buffer of their own; otherwise they are lent for the duration of the call
   * @returns whether to go on reading
   */
  received(chunk: Uint8Array<ArrayBuffer>, owned: boolean): boolean;
}

/** The symbols of the properties that `onread` sets on a socket of Node. */
interface Keys {
  readonly buffer: symbol;
  readonly callback: symbol;
  readonly generator: symbol;
}

let keys: Keys | null | undefined;

/**
 * Makes a socket pass what it reads to its reader.
 *
 * @returns whether this version of Node can
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

/** The buffer for the next read of the socket whose callback runs; every callback sets it. */
let following: Uint8Array<ArrayBuffer> = shared;
const nextBuffer = (): Uint8Array<ArrayBuffer> => following;

function received(this: NetSocket, count: number, buffer: Uint8Array<ArrayBuffer>): boolean {
  const reader = ownerOf<Reader>(this);
  // A read that fills the buffer is followed by more: handing over a fresh buffer is cheaper than copying this much.
  const bulk = count === SIZE && reader.keeps;
  following = bulk ? unzeroed() : shared;
  if (bulk && buffer === shared) Reflect.set(this, keys!.generator, nextBuffer);
  return bulk && buffer !== shared
    ? reader.received(buffer, true)
    : reader.received(buffer.subarray(0, count), false);
}

/** Uninitialized memory: only the bytes read into it are passed on. */
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
