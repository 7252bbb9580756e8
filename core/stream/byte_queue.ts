/** The unread bytes of a stream, in the chunks in which they arrived. */

import { Fifo } from "../fifo.ts";

/** The size in bytes below which chunks are joined in one result: more calls would cost more than the copy. */
const JOIN_BELOW = 16 * 1024;

/** A queue of bytes that returns arrays which belong to the caller alone. */
export class ByteQueue {
  readonly #chunks = new Fifo<Uint8Array<ArrayBuffer>>();
  #size = 0;
  /** Whether the first chunk is the rest of a larger one, and so has no buffer of its own. */
  #cut = false;

  /** How many bytes it holds. */
  get size(): number {
    return this.#size;
  }

  /** Adds a chunk at the end; a lent one is copied. */
  append(chunk: Uint8Array<ArrayBuffer>, owned: boolean): void {
    this.#chunks.push(owned ? chunk : chunk.slice());
    this.#size += chunk.length;
  }

  /** Takes up to `max` bytes: the first chunk as it is if it fits, or several joined: small ones, with `all` any. */
  take(max: number, all: boolean = false): Uint8Array<ArrayBuffer> {
    const chunk = this.#chunks.at(0);
    if (chunk === undefined) return new Uint8Array(0);
    const enough = chunk.length === this.#size || chunk.length === max ||
      (!all && chunk.length >= JOIN_BELOW);
    if (chunk.length <= max && enough) {
      // A caller may transfer the buffer of the result.
      const own = this.#cut ? new Uint8Array(chunk) : chunk;
      this.#drop(chunk.length);
      return own;
    }
    // The constructor copies an array without zero-filling first.
    if (chunk.length > max) {
      const part = new Uint8Array(chunk.subarray(0, max));
      this.#drop(max);
      return part;
    }
    const result = new Uint8Array(Math.min(max, this.#size));
    this.copy(result);
    this.#drop(result.length);
    return result;
  }

  /** Moves as many bytes as there are, up to the length of `target`, into it. Returns their count. */
  takeInto(target: Uint8Array): number {
    const count = this.copy(target);
    this.#drop(count);
    return count;
  }

  /** Copies bytes from the front without taking them. Returns their count. */
  copy(target: Uint8Array): number {
    let count = 0;
    for (let i = 0; count < target.length && i < this.#chunks.length; i++) {
      const chunk = this.#chunks.at(i)!;
      const part = chunk.length > target.length - count
        ? chunk.subarray(0, target.length - count)
        : chunk;
      target.set(part, count);
      count += part.length;
    }
    return count;
  }

  #drop(count: number): void {
    this.#size -= count;
    while (count > 0) {
      const chunk = this.#chunks.at(0)!;
      if (chunk.length > count) {
        this.#chunks.replaceFirst(chunk.subarray(count));
        this.#cut = true;
        return;
      }
      this.#cut = false;
      count -= chunk.length;
      this.#chunks.shift();
    }
  }
}
