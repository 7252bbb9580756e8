/** Buffered reading of bytes: Python's BufferedReader over a socket. */

import { concat } from "../bytes.ts";
import { type FileInput, isTimeout } from "./file_input.ts";

/** Below this, what was read for a long result is kept as it came; joined once at the end. */
const LARGEST_READ = 256 * 1024;

const NEWLINE = 0x0a;

/** Reads bytes with a buffer. */
export class ByteReader {
  #input: FileInput;
  #bufferSize: number;
  #buffer: Uint8Array = new Uint8Array(0);

  constructor(input: FileInput, bufferSize: number) {
    this.#input = input;
    this.#bufferSize = bufferSize;
  }

  /** Up to `size` bytes: fewer only at the end of the stream. Without `size` all up to the end. */
  async read(size: number | undefined): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let left = size ?? Infinity;
    while (left > 0) {
      const part = this.#take(left);
      if (part !== undefined) {
        parts.push(part);
        left -= part.length;
      } else if (!await this.#fillKeeping(parts, left)) {
        break;
      }
    }
    return concat(parts);
  }

  /** What is in the buffer, else what one receive gives: at most `max` bytes, none at the end. */
  read1(max: number): Uint8Array | Promise<Uint8Array> {
    return this.#take(max) ?? this.#input.receive(max);
  }

  /** A line with its newline, at most `size` bytes. */
  async readline(size: number | undefined): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let left = size ?? Infinity;
    while (left > 0) {
      const end = this.#buffer.indexOf(NEWLINE) + 1;
      const part = this.#take(end > 0 ? Math.min(end, left) : left);
      if (part !== undefined) {
        parts.push(part);
        left -= part.length;
        if (part[part.length - 1] === NEWLINE) break;
      } else if (!await this.#fillKeeping(parts, this.#bufferSize)) {
        break;
      }
    }
    return concat(parts);
  }

  /** Takes from the buffer; `undefined` when it is empty. */
  #take(max: number): Uint8Array | undefined {
    const buffer = this.#buffer;
    if (buffer.length === 0) return undefined;
    if (buffer.length <= max) {
      this.#buffer = new Uint8Array(0);
      return buffer;
    }
    this.#buffer = buffer.subarray(max);
    return buffer.slice(0, max);
  }

  /** Fills the empty buffer; a failure after which the file can be read puts back what was taken before. */
  async #fillKeeping(parts: Uint8Array[], wanted: number): Promise<boolean> {
    try {
      this.#buffer = await this.#input.receive(
        wanted === Infinity
          ? LARGEST_READ
          : Math.min(Math.max(wanted, this.#bufferSize), LARGEST_READ),
      );
    } catch (error) {
      if (!isTimeout(error)) this.#buffer = concat(parts.splice(0));
      throw error;
    }
    return this.#buffer.length > 0;
  }
}
