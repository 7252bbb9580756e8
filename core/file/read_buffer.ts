/** Bytes that a file has received and not yet returned. */

import { concat } from "../bytes.ts";
import { LINE_FEED } from "./newlines.ts";

const NONE = new Uint8Array(0);

/** A buffer that returns arrays with memory of their own. */
export class ReadBuffer {
  #bytes: Uint8Array = NONE;
  /** Whether the bytes are the rest of an array and so share its memory. */
  #cut = false;

  /** Replaces the content with an array that shares no memory. */
  fill(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#cut = false;
  }

  /** Puts taken bytes back in front. */
  putBack(parts: readonly Uint8Array[]): void {
    if (parts.length > 0) this.fill(concat([...parts, this.#bytes]));
  }

  /** The end of the first line; 0 if there is none. */
  get lineEnd(): number {
    return this.#bytes.indexOf(LINE_FEED) + 1;
  }

  /** A copy of the content; `undefined` when it is empty. */
  copy(): Uint8Array | undefined {
    return this.#bytes.length === 0 ? undefined : this.#bytes.slice();
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
