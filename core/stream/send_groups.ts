/** Sends that belong together, as those of one `sendfile`: what is called meanwhile goes after them. */

import { LookUps } from "../names/look_ups.ts";
import type { Limits } from "../waiting/wait.ts";
import { CallRow } from "./call_row.ts";

/** The groups of one socket, one after the other, and what waits behind them. */
export class SendGroups {
  /** What `sendto` a name waits for. */
  readonly lookUps: LookUps = new LookUps();
  #busy = false;
  #row = new CallRow();

  /** Whether a group is under way; only then something waits. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Makes the sends of a group, in its turn; with what the waiting for that has left of its limits. */
  run<T>(syscall: string, limits: Limits, group: (left: Limits) => Promise<T>): Promise<T> {
    return this.#busy
      ? this.#row.add(syscall, limits, (left) => this.#begin(group, left))
      : this.#begin(group, limits);
  }

  /** Makes a call after the group that is under way and what waits behind it already. */
  after<T>(syscall: string, limits: Limits, call: (left: Limits) => Promise<T>): Promise<T> {
    return this.#row.add(syscall, limits, call);
  }

  #begin<T>(group: (left: Limits) => Promise<T>, left: Limits): Promise<T> {
    this.#busy = true;
    const made = group(left);
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
