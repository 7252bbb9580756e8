/** Bytes for the tests: from a seed, as text, and read in full. */

import { createHash } from "node:crypto";
import type { Address, Socket } from "../../mod.ts";

/** A generator of numbers that starts from a seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The next 32 bits. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** An integer from `min` to `max`, both included. */
  integer(min: number, max: number): number {
    return min + this.bits() % (max - min + 1);
  }

  /** So many bytes; the length is rounded up to a multiple of 4 inside. */
  bytes(length: number): Uint8Array {
    const words = new Uint32Array(Math.ceil(length / 4));
    for (let i = 0; i < words.length; i++) words[i] = this.bits();
    return new Uint8Array(words.buffer, 0, length);
  }
}

/** Bytes that tell where they stand: byte `i` depends on `start + i`, so that a gap or a repeat shows. */
export function pattern(length: number, start: number = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const n = start + i;
    bytes[i] = n ^ (n >>> 8) ^ (n >>> 16);
  }
  return bytes;
}

/** UTF-8 as text. */
export function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

/** The SHA-256 of bytes, in hexadecimal. */
export function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}

/** Receives exactly so many bytes. */
export async function receive(s: Socket<Address>, length: number): Promise<Uint8Array> {
  const result = new Uint8Array(length);
  let count = 0;
  while (count < length) {
    const chunk = await s.recv(length - count);
    if (chunk.length === 0) throw new Error(`the stream ended after ${count} of ${length} bytes`);
    result.set(chunk, count);
    count += chunk.length;
  }
  return result;
}

/** Receives until the end of the stream. */
export async function receiveAll(s: Socket<Address>, bufsize: number = 65536): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = await s.recv(bufsize);
    if (chunk.length === 0) break;
    chunks.push(chunk);
  }
  return concat(chunks);
}

/** The bytes of all chunks. */
export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    result.set(chunk, offset);
    offset += chunk.length;
  }
  return result;
}

/** The bytes of Linux's `struct timeval`: seconds and microseconds. */
export function timeval(milliseconds: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(0, BigInt(Math.floor(milliseconds / 1000)), true);
  view.setBigInt64(8, BigInt(milliseconds % 1000 * 1000), true);
  return bytes;
}
