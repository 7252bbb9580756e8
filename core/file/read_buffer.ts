/** Bytes that a file has received and not yet given out. */

import { concat } from "../bytes.ts";

const NEWLINE = 0x0a;
const NONE = new Uint8Array(0);

/** Gives out arrays that belong to the caller alone. */
export class ReadBuffer {
  #bytes: Uint8Array = NONE;
  /** They are what is left of an array: they do not have its buffer to themselves. */
  #cut = false;

  /** Replaces what it holds by an array of its own. */
  fill(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#cut = false;
  }

  /** Puts what was taken in front again. */
  putBack(parts: readonly Uint8Array[]): void {
    if (parts.length > 0) this.fill(concat([...parts, this.#bytes]));
  }

  /** Where the first line ends; 0 where no line does. */
  get lineEnd(): number {
    return this.#bytes.indexOf(NEWLINE) + 1;
  }

  /** Takes up to `max` bytes; `undefined` when it is empty. */
  take(max: number): Uint8Array | undefined {
    const bytes = this.#bytes;
    if (bytes.length === 0) return undefined;
    if (bytes.length > max) {
      this.#bytes = bytes.subarray(max);
      this.#cut = true;
      return bytes.slice(0, max);
    }
    const own = this.#cut ? bytes.slice() : bytes;
    this.fill(NONE);
    return own;
  }
}
