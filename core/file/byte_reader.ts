/** Buffered reading of bytes: Python's BufferedReader over a socket. */

import { concat } from "../bytes.ts";
import type { FileInput } from "./file_input.ts";
import { LINE_FEED } from "./newlines.ts";
import { ReadBuffer } from "./read_buffer.ts";

/** The most bytes received at once; the parts of a long result are joined once, at the end. */
const LARGEST_READ = 256 * 1024;

/** Reads bytes with a buffer. */
export class ByteReader {
  #input: FileInput;
  #bufferSize: number;
  readonly #buffer = new ReadBuffer();

  constructor(input: FileInput, bufferSize: number) {
    this.#input = input;
    this.#bufferSize = bufferSize;
  }

  /** Reads up to `size` bytes, fewer only at the end of the stream; without `size`, all up to the end. */
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

  /** Reads from the buffer, else with one receive: at most `max` bytes, none at the end. */
  read1(max: number = this.#bufferSize): Uint8Array | Promise<Uint8Array> {
    if (max === 0) return new Uint8Array(0);
    return this.#buffer.take(max) ?? this.#input.receive(max);
  }

  /** The content of the buffer, which one receive fills if it is empty; none at the end. */
  async peek(): Promise<Uint8Array> {
    const bytes = this.#buffer.copy();
    if (bytes !== undefined) return bytes;
    this.#buffer.fill(await this.#input.receive(this.#bufferSize));
    return this.#buffer.copy() ?? new Uint8Array(0);
  }

  /** Takes the next line if it is in the buffer already, for callers that need no promise. */
  nextLine(): Uint8Array | undefined {
    return this.#buffer.takeLine();
  }

  /** Reads a line with its newline, at most `size` bytes. */
  async readline(size: number | undefined): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let left = size ?? Infinity;
    while (left > 0) {
      const part = this.#buffer.take(Math.min(this.#buffer.lineLength || left, left));
      if (part !== undefined) {
        parts.push(part);
        left -= part.length;
        if (part[part.length - 1] === LINE_FEED) break;
      } else if (!await this.#fillKeeping(parts, this.#bufferSize)) {
        break;
      }
    }
    return concat(parts);
  }

  /** Puts bytes back for the next read. */
  putBack(parts: readonly Uint8Array[]): void {
    this.#buffer.putBack(parts);
  }

  /** Fills the empty buffer. On failure it puts `parts` back, unless the file refuses further reads. */
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
