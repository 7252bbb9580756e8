/** Unbuffered reading and writing: Python's SocketIO. */

import { concat } from "../bytes.ts";
import { SocketError } from "../errors.ts";
import type { FileInput } from "./file_input.ts";

const PIECE = 65536;
const NEWLINE = 0x0a;

/** What one receive gives, or all up to the end; `null` where a non-blocking socket has nothing now. */
export async function readRaw(
  input: FileInput,
  size: number | undefined,
): Promise<Uint8Array | null> {
  if (size === 0) {
    input.check();
    return new Uint8Array(0);
  }
  if (size !== undefined) return await orNull(input.receive(size));
  const parts: Uint8Array[] = [];
  for (;;) {
    const part = await orNull(input.receive(PIECE));
    if (part === null && parts.length === 0) return null;
    if (part === null || part.length === 0) return concat(parts);
    parts.push(part);
  }
}

/** A line, found by peeking: without a buffer no byte after it may be taken. */
export async function readRawLine(
  input: FileInput,
  size: number | undefined,
): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let left = size ?? Infinity;
  while (left > 0) {
    const seen = await orNull(input.peek(Math.min(left, PIECE)));
    if (seen === null && parts.length === 0) return null;
    if (seen === null || seen.length === 0) break;
    const end = seen.indexOf(NEWLINE) + 1;
    const part = await input.receive(end > 0 ? end : seen.length);
    parts.push(part);
    left -= part.length;
    if (part[part.length - 1] === NEWLINE) break;
  }
  return concat(parts);
}

/** The result, or `null` where the call would have to wait. */
export async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof SocketError && error.code === "EAGAIN") return null;
    throw error;
  }
}
