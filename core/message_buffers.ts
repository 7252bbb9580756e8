/** Checks of the buffers and ancillary data of sendmsg, recvmsg and the like. */

import { int, integer } from "./arguments.ts";
import { type BytesLike, concat, describe, toBuffer, toBytes } from "./bytes.ts";

/** The size in bytes of the pieces that small buffers are joined to. */
const PIECE = 256 * 1024;

/** The part of the caller's buffer that a receive fills. */
export function receiveTarget(buffer: ArrayBufferView | ArrayBuffer, nbytes: number): Uint8Array {
  const bytes = toBuffer(buffer, "buffer");
  integer(nbytes, "nbytes", 0, bytes.length);
  return nbytes === 0 ? bytes : bytes.subarray(0, nbytes);
}

/** The buffers of `sendmsg` and `recvmsg_into`, each checked. */
export function bufferList<T>(
  buffers: Iterable<T>,
  check: (buffer: T & Uint8Array, name: string) => Uint8Array,
): Uint8Array[] {
  if (!isList(buffers)) {
    throw new TypeError(`buffers must be an iterable of buffers, not ${describe(buffers)}`);
  }
  return Array.from(buffers, (buffer, i) => check(buffer as T & Uint8Array, `buffers[${i}]`));
}

/** Whether a value can be a list; bytes, which are iterable, too, are none. */
function isList(value: unknown): boolean {
  return typeof value === "object" && value !== null && Symbol.iterator in value &&
    !ArrayBuffer.isView(value);
}

/**
 * Joins buffers piece by piece, for a stream, which takes only a part of many. A large one is a piece by itself, without
 * being copied.
 *
 * @returns a function that gives the next piece, after the last an empty one
 */
export function piecesOf(buffers: readonly Uint8Array[]): () => Uint8Array {
  let [index, offset] = [0, 0];
  return () => {
    const parts: Uint8Array[] = [];
    for (let size = 0; index < buffers.length && size < PIECE;) {
      const buffer = buffers[index]!;
      const rest = offset === 0 ? buffer : buffer.subarray(offset);
      const fits = size === 0 || rest.byteLength <= PIECE - size;
      const part = fits ? rest : rest.subarray(0, PIECE - size);
      parts.push(part);
      size += part.byteLength;
      if (fits) [index, offset] = [index + 1, 0];
      else offset += part.byteLength;
    }
    return concat(parts);
  };
}

/** Spreads received bytes over several buffers. One that is gone takes none. */
export function scatter(data: Uint8Array, targets: readonly Uint8Array[]): void {
  let offset = 0;
  for (const part of targets) {
    if (offset >= data.length) break;
    const piece = data.subarray(offset, offset + part.length);
    if (piece.length > 0) part.set(piece);
    offset += piece.length;
  }
}

/** Checks ancillary data and returns the count of its items. */
export function ancillaryList(ancdata: Iterable<readonly [number, number, BytesLike]>): number {
  if (!isList(ancdata)) {
    throw new TypeError(
      `ancdata must be an iterable of [level, type, data], not ${describe(ancdata)}`,
    );
  }
  let count = 0;
  for (const item of ancdata as Iterable<unknown>) {
    if (!Array.isArray(item) || item.length !== 3) {
      throw new TypeError(`ancdata[${count}] must be [level, type, data], not ${describe(item)}`);
    }
    int(item[0], `ancdata[${count}]: level`);
    int(item[1], `ancdata[${count}]: type`);
    toBytes(item[2] as BytesLike, `ancdata[${count}]: data`);
    count++;
  }
  return count;
}
