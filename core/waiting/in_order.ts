/** Calls that must not overlap: each begins when the previous one has ended. */

import { orAborted } from "./abort.ts";

/** Calls in the order they were requested. */
export class InOrder {
  /** Settles when the last call has ended, and never rejects; absent while there is none. */
  last: Promise<void> | undefined;

  /** Whether a call is under way. */
  get busy(): boolean {
    return this.last !== undefined;
  }

  /** Makes a call, at once if none is under way; the signal only ends the wait for its turn. */
  async run<T>(call: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.last;
    const made = before === undefined ? call() : before.then(() => {
      if (signal?.aborted) throw signal.reason;
      return call();
    });
    const over = made.then(() => {}, () => {});
    this.last = over;
    if (before !== undefined && signal !== undefined) {
      // If the signal ends the wait, the row continues without this call once the calls before it have ended.
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
