/** Bytes that a file has received and not yet returned. */

import { concat } from "../bytes.ts";
import { LINE_FEED } from "./newlines.ts";

const NONE = new Uint8Array(0);

/** A buffer that returns arrays with memory of their own. */
export class ReadBuffer {
  /** The bytes, taken up to `#taken`. */
  #bytes: Uint8Array = NONE;
  #taken = 0;

  /** Replaces the content with an array that shares no memory. */
  fill(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#taken = 0;
  }

  /** Puts taken bytes back in front. */
  putBack(parts: readonly Uint8Array[]): void {
    if (parts.length > 0) this.fill(concat([...parts, this.#bytes.subarray(this.#taken)]));
  }

  /** The length of the first line; 0 if there is none. */
  get lineLength(): number {
    const at = this.#bytes.indexOf(LINE_FEED, this.#taken);
    return at < 0 ? 0 : at + 1 - this.#taken;
  }

  /** A copy of the content; `undefined` when it is empty. */
  copy(): Uint8Array | undefined {
    return this.#taken === this.#bytes.length ? undefined : this.#bytes.slice(this.#taken);
  }

  /** Takes up to `max` bytes; `undefined` when it is empty. */
  take(max: number): Uint8Array | undefined {
    const bytes = this.#bytes;
    const start = this.#taken;
    if (start === bytes.length) return undefined;
    if (bytes.length - start > max) {
      this.#taken += max;
      return bytes.slice(start, start + max);
    }
    this.fill(NONE);
    return start > 0 ? bytes.slice(start) : bytes;
  }

  /** Takes the first line; `undefined` if there is none. */
  takeLine(): Uint8Array | undefined {
    const length = this.lineLength;
    return length > 0 ? this.take(length) : undefined;
  }
}
