/** Calls that must not overlap: each begins when the one before it has ended. */

import { orAborted } from "./abort.ts";

/** Calls in the order in which they are asked for. */
export class InOrder {
  /** Settles when the last of them has ended, and never rejects; absent while there is none. */
  last: Promise<void> | undefined;

  /** Whether a call is under way. */
  get busy(): boolean {
    return this.last !== undefined;
  }

  /** Makes a call, at once where none is under way; the signal ends only the waiting for its turn. */
  async run<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.last;
    const made = before === undefined ? call() : before.then(() => {
      if (signal?.aborted) throw signal.reason;
      return call();
    });
    const over = made.then(() => {}, () => {});
    this.last = over;
    if (before !== undefined && signal !== undefined) {
      // The row goes on without it, but not before those in front have ended.
      over.then(() => this.#end(over));
      await orAborted(before, signal);
      return await made;
    }
    try {
      return await made;
    } finally {
      this.#end(over);
    }
  }

  #end(call: Promise<void>): void {
    if (this.last === call) this.last = undefined;
  }
}
