/** Sends that belong together, as those of one `sendfile`: what is called meanwhile goes after them. */

import type { Limits } from "../waiting/wait.ts";
import { CallRow } from "./call_row.ts";

/** The groups of one socket, one after the other, and what waits behind them. */
export class SendGroups {
  #busy = false;
  #row = new CallRow();

  /** Whether a group is under way; only then something waits. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Makes the sends of a group, in its turn. */
  run<T>(syscall: string, limits: Limits, group: () => Promise<T>): Promise<T> {
    return this.#busy
      ? this.#row.add(syscall, limits, () => this.#begin(group))
      : this.#begin(group);
  }

  /** Makes a call after the group that is under way and what waits behind it already. */
  after<T>(syscall: string, limits: Limits | undefined, call: () => Promise<T>): Promise<T> {
    return this.#row.add(syscall, limits, call);
  }

  #begin<T>(group: () => Promise<T>): Promise<T> {
    this.#busy = true;
    const made = group();
    const ended = (): void => this.#ended();
    made.then(ended, ended);
    return made;
  }

  #ended(): void {
    this.#busy = false;
    // The next may be a group itself.
    while (!this.#busy && this.#row.busy) this.#row.begin();
  }
}
