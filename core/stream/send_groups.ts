/** Sends that belong together, such as those of one `sendfile`: calls made meanwhile go after them. */

import { LookUps } from "../names/look_ups.ts";
import type { Limits } from "../waiting/wait.ts";
import { CallRow } from "./call_row.ts";

/** The groups of one socket, one after another, and the calls that wait behind them. */
export class SendGroups {
  /** The look-ups that a `sendto` to a name waits for. */
  readonly lookUps: LookUps = new LookUps();
  #closing = new AbortController();
  #busy = false;
  #row = new CallRow();

  /** Whether a group is under way; calls wait only then. */
  get busy(): boolean {
    return this.#busy;
  }

  /** Aborts when the socket is closed: for a group that waits for anything but its sends. */
  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** Ends such waits. */
  close(): void {
    this.lookUps.fail();
    this.#closing.abort();
  }

  /** Makes the sends of a group, in its turn, with what the wait for it has left of its limits. */
  run<T>(syscall: string, limits: Limits, group: (left: Limits) => Promise<T>): Promise<T> {
    return this.#busy
      ? this.#row.add(syscall, limits, (left) => this.#begin(group, left))
      : this.#begin(group, limits);
  }

  /** Makes a call after the group under way and everything that already waits behind it. */
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
    // The next call may itself begin a group.
    while (!this.#busy && this.#row.busy) this.#row.begin();
  }
}
