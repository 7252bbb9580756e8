/** Sends that belong together, as those of one `sendfile`: what others send meanwhile goes after them. */

import { type Limits, NOBODY, Wait } from "./wait.ts";

/** The groups of one socket, one after the other. */
export class SendGroups {
  /** Resolves when the last of them has ended; absent while there is none. */
  #last: Promise<void> | undefined;

  /** Whether a group is under way. */
  get busy(): boolean {
    return this.#last !== undefined;
  }

  /** Makes the sends of a group, after the groups before it. */
  async run<T>(sends: () => Promise<T>): Promise<T> {
    const before = this.#last;
    const sent = before === undefined ? sends() : before.then(sends);
    const over = sent.then(() => {}, () => {});
    this.#last = over;
    try {
      return await sent;
    } finally {
      if (this.#last === over) this.#last = undefined;
    }
  }

  /** Waits for the groups that are under way. */
  async ended(syscall: string, limits: Limits): Promise<void> {
    const wait = new Wait<void>(syscall).limit(limits, NOBODY);
    this.#last?.then(() => wait.done());
    await wait.promise;
  }
}
