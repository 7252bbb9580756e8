/** Unbuffered reading: Python's SocketIO. */

import { concat } from "../bytes.ts";
import type { FileInput } from "./file_input.ts";
import { LINE_FEED } from "./newlines.ts";
import { orNull } from "./or_null.ts";
import { ReadBuffer } from "./read_buffer.ts";

const PIECE = 65536;

/** How many bytes are first looked at for a line: a look copies them, and most lines are short. */
const FIRST_LOOK = 256;

/** Reads straight from the socket. It keeps only the bytes of a failed call, for the next one. */
export class RawReader {
  #input: FileInput;
  readonly #kept = new ReadBuffer();

  constructor(input: FileInput) {
    this.#input = input;
  }

  /** Reads with one receive or, without `size`, all up to the end; `null` if a non-blocking socket has nothing. */
  async read(size: number | undefined): Promise<Uint8Array | null> {
    if (size === 0) {
      this.#input.check();
      return new Uint8Array(0);
    }
    if (size !== undefined) return this.#kept.take(size) ?? await orNull(this.#input.receive(size));
    return await this.#keeping(async (parts) => {
      const part = this.#kept.take(PIECE) ?? await orNull(this.#input.receive(PIECE));
      if (part !== null && part.length > 0) parts.push(part);
      return part === null ? "nothing" : part.length > 0 ? "more" : "end";
    });
  }

  /** Takes the next line if a failed call has kept it, for callers that need no promise. */
  nextLine(): Uint8Array | undefined {
    return this.#kept.takeLine();
  }

  /** Reads a line, found by peeking: without a buffer, no byte after it may be taken. */
  async readline(size: number | undefined): Promise<Uint8Array | null> {
    let left = size ?? Infinity;
    let look = FIRST_LOOK;
    return await this.#keeping(async (parts) => {
      if (left === 0) return "end";
      const part = await this.#lineOrPart(left, look);
      if (part === null) return "nothing";
      parts.push(part);
      left -= part.length;
      look = Math.min(2 * look, PIECE);
      return part.length === 0 || part[part.length - 1] === LINE_FEED ? "end" : "more";
    });
  }

  /** Puts bytes back for the next read. */
  putBack(parts: readonly Uint8Array[]): void {
    this.#kept.putBack(parts);
  }

  async #lineOrPart(max: number, look: number): Promise<Uint8Array | null> {
    const kept = this.#kept.take(Math.min(this.#kept.lineLength || max, max));
    if (kept !== undefined) return kept;
    const seen = await orNull(this.#input.peek(Math.min(max, look)));
    if (seen === null || seen.length === 0) return seen;
    const length = seen.indexOf(LINE_FEED) + 1 || seen.length;
    return await this.#input.receive(length);
  }

  /** Collects parts. On failure it puts them back, unless the file refuses further reads. */
  async #keeping(
    next: (parts: Uint8Array[]) => Promise<"more" | "end" | "nothing">,
  ): Promise<Uint8Array | null> {
    const parts: Uint8Array[] = [];
    try {
      for (;;) {
        const how = await next(parts);
        if (how === "nothing" && parts.length === 0) return null;
        if (how !== "more") return concat(parts);
      }
    } catch (error) {
      if (!this.#input.timedOut) this.putBack(parts);
      throw error;
    }
  }
}
