/** Buffered reading of bytes: Python's BufferedReader over a socket. */

import { concat } from "../bytes.ts";
import type { FileInput } from "./file_input.ts";
import { ReadBuffer } from "./read_buffer.ts";

/** Below this, what was read for a long result is kept as it came; joined once at the end. */
const LARGEST_READ = 256 * 1024;

const NEWLINE = 0x0a;

/** Reads bytes with a buffer. */
export class ByteReader {
  #input: FileInput;
  #bufferSize: number;
  readonly #buffer = new ReadBuffer();

  constructor(input: FileInput, bufferSize: number) {
    this.#input = input;
    this.#bufferSize = bufferSize;
  }

  /** Up to `size` bytes: fewer only at the end of the stream. Without `size` all up to the end. */
  async read(size: number | undefined): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let left = size ?? Infinity;
    while (left > 0) {
      const part = this.#buffer.take(left);
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
    return this.#buffer.take(max) ?? this.#input.receive(max);
  }

  /** A line with its newline, at most `size` bytes. */
  async readline(size: number | undefined): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let left = size ?? Infinity;
    while (left > 0) {
      const end = this.#buffer.lineEnd;
      const part = this.#buffer.take(end > 0 ? Math.min(end, left) : left);
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

  /** Makes what was read the next to be read. */
  putBack(parts: readonly Uint8Array[]): void {
    this.#buffer.putBack(parts);
  }

  /** Fills the empty buffer; a failure after which the file can be read puts back what was taken before. */
  async #fillKeeping(parts: Uint8Array[], wanted: number): Promise<boolean> {
    try {
      const bytes = await this.#input.receive(
        wanted === Infinity
          ? LARGEST_READ
          : Math.min(Math.max(wanted, this.#bufferSize), LARGEST_READ),
      );
      this.#buffer.fill(bytes);
      return bytes.length > 0;
    } catch (error) {
      if (!this.#input.timedOut) this.putBack(parts);
      throw error;
    }
  }
}
