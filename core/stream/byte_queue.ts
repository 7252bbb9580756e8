/** The unread bytes of a stream, in the chunks they arrived in. */

/** Below this, chunks are joined in one result: many small ones cost more calls than the copy. */
const JOIN_BELOW = 16 * 1024;

/** A queue of bytes that gives out arrays which belong to the caller alone. */
export class ByteQueue {
  #chunks: Uint8Array<ArrayBuffer>[] = [];
  #first = 0;
  #size = 0;
  /** The first chunk is what is left of one: it does not have its buffer to itself. */
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

  /** Takes up to `max` bytes: the first chunk as it is where it fits, several small ones, or for `all` any, joined. */
  take(max: number, all: boolean = false): Uint8Array<ArrayBuffer> {
    const chunk = this.#chunks[this.#first];
    if (chunk === undefined) return new Uint8Array(0);
    const enough = chunk.length === this.#size || chunk.length === max ||
      (!all && chunk.length >= JOIN_BELOW);
    if (chunk.length <= max && enough) {
      // A caller may transfer the buffer of what it gets.
      const own = this.#cut ? new Uint8Array(chunk) : chunk;
      this.#drop(chunk.length);
      return own;
    }
    // The copy of an array needs no zeros first.
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

  /** Takes exactly as many bytes as there are, up to the length of `target`, into it. */
  takeInto(target: Uint8Array): number {
    const count = this.copy(target);
    this.#drop(count);
    return count;
  }

  /** Copies bytes from the front and leaves them in the queue. */
  copy(target: Uint8Array): number {
    let count = 0;
    for (let i = this.#first; count < target.length && i < this.#chunks.length; i++) {
      const chunk = this.#chunks[i]!;
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
      const chunk = this.#chunks[this.#first]!;
      if (chunk.length > count) {
        this.#chunks[this.#first] = chunk.subarray(count);
        this.#cut = true;
        return;
      }
      this.#cut = false;
      count -= chunk.length;
      this.#first++;
    }
    // Shifting an array for each chunk would be quadratic for a long queue.
    if (this.#first > 32 && this.#first * 2 > this.#chunks.length) {
      this.#chunks.splice(0, this.#first);
      this.#first = 0;
    } else if (this.#first === this.#chunks.length) {
      this.#chunks.length = 0;
      this.#first = 0;
    }
  }
}
