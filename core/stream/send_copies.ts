/** Copies of what is sent, for a runtime that cannot give a piece back when its call ends early. */

/** The smallest buffer. The stream keeps it, which is cheaper than one per call. */
const SMALLEST = 2 * 1024;

/** Larger buffers that no stream uses: a fresh one per call would triple the cost of 16 KiB. */
const spares: Uint8Array[] = [];
const MOST_SPARES = 32;

/** The buffer of one stream: one piece at a time is with the runtime. */
export class SendCopies {
  #buffer: Uint8Array | undefined;

  /** The copy of a piece, which lasts until the next one. */
  copy(piece: Uint8Array): Uint8Array {
    const { length } = piece;
    if (this.#buffer === undefined || this.#buffer.length < length) {
      const spare = length > SMALLEST ? spares.pop() : undefined;
      this.#buffer = spare !== undefined && spare.length >= length
        ? spare
        : new Uint8Array(Math.max(SMALLEST, length));
    }
    this.#buffer.set(piece);
    return this.#buffer.subarray(0, length);
  }

  /** Leaves a large buffer to other streams: nothing is being sent. */
  release(): void {
    if (this.#buffer === undefined || this.#buffer.length <= SMALLEST) return;
    if (spares.length < MOST_SPARES) spares.push(this.#buffer);
    this.#buffer = undefined;
  }
}
