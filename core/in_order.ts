/** Calls that must not overlap: each begins when the one before it has ended. */

/** Calls in the order in which they are asked for. */
export class InOrder {
  /** Settles when the last of them has ended, and never rejects; absent while there is none. */
  last: Promise<void> | undefined;

  /** Whether a call is under way. */
  get busy(): boolean {
    return this.last !== undefined;
  }

  /** Makes a call, at once where none is under way. */
  async run<T>(call: () => Promise<T>): Promise<T> {
    const made = this.last === undefined ? call() : this.last.then(call);
    const over = made.then(() => {}, () => {});
    this.last = over;
    try {
      return await made;
    } finally {
      if (this.last === over) this.last = undefined;
    }
  }
}
