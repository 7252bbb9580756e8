/** Buffered reading of bytes: Python's BufferedReader over a socket. */

import { concat } from "../bytes.ts";
import { SocketError, systemError, TimeoutError } from "../errors.ts";

/** Receives up to so many bytes; an empty array is the end. */
export type Receive = (max: number) => Promise<Uint8Array>;

/** Below this, what was read for a long result is kept as it came; joined once at the end. */
const LARGEST_READ = 256 * 1024;

const NEWLINE = 0x0a;

/** Reads bytes with a buffer. */
export class ByteReader {
  #receive: Receive;
  #bufferSize: number;
  #buffer: Uint8Array = new Uint8Array(0);
  #timedOut = false;

  constructor(receive: Receive, bufferSize: number) {
    this.#receive = receive;
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
    return this.#take(max) ?? this.#get(max);
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

  /** Fills the empty buffer; a failure puts back what was taken before, so that nothing is lost. */
  async #fillKeeping(parts: Uint8Array[], wanted: number): Promise<boolean> {
    try {
      this.#buffer = await this.#get(
        wanted === Infinity
          ? LARGEST_READ
          : Math.min(Math.max(wanted, this.#bufferSize), LARGEST_READ),
      );
    } catch (error) {
      this.#buffer = concat(parts.splice(0));
      throw error;
    }
    return this.#buffer.length > 0;
  }

  async #get(max: number): Promise<Uint8Array> {
    if (this.#timedOut) {
      throw systemError("EIO", "read", { detail: "cannot read from timed out object" });
    }
    try {
      return await this.#receive(max);
    } catch (error) {
      // As in Python: after a timeout in the middle of a read the file refuses further ones.
      if (error instanceof TimeoutError && error.cause === undefined) this.#timedOut = true;
      throw error;
    }
  }
}

/** Whether an error says that a non-blocking call could not go on. */
export function wouldBlock(error: unknown): boolean {
  return error instanceof SocketError && error.code === "EAGAIN";
}
