/** Calls that wait in a row, served in the order they came. */

import type { Handle } from "../../adapters/adapter.ts";

/** A call in a row; a call is in one row at most. */
export interface InRow<W> {
  /** The name of the call, for errors. */
  readonly syscall: string;
  /** The call behind it. */
  next: W | undefined;
  /** The call before it. */
  previous: W | undefined;
  /** The wait failed. */
  fail(error: unknown): void;
}

/**
 * A row of calls, linked through the calls themselves: most sockets have one waiting call at most, for which an array
 * would take more memory than everything else about the wait.
 */
export class WaitQueue<W extends InRow<W>> {
  /** The call to be served next. */
  first: W | undefined = undefined;
  #last: W | undefined = undefined;
  #handle: Handle | undefined;

  /** `handle` is what the calls wait for; while they do, it keeps the process alive. */
  constructor(handle?: Handle) {
    this.#handle = handle;
  }

  /** Sets what the calls wait for, if it is created after some of them. */
  set handle(handle: Handle) {
    this.#handle = handle;
    if (this.first !== undefined) handle.ref?.();
  }

  /** Adds a call at the end. */
  push(wait: W): void {
    if (this.first === undefined) this.#begin(wait);
    else link(this.#last!, wait);
    this.#last = wait;
  }

  /** Puts a call in front of all others. */
  unshift(wait: W): void {
    const { first } = this;
    if (first === undefined) return this.push(wait);
    link(wait, first);
    this.first = wait;
  }

  /** Removes and returns the first call. */
  shift(): W | undefined {
    const { first } = this;
    if (first === undefined) return undefined;
    const second = first.next;
    this.first = second;
    if (second === undefined) {
      this.#end();
    } else {
      first.next = undefined;
      second.previous = undefined;
    }
    return first;
  }

  /** Removes a call, wherever it stands; one that is not in the row stays out. */
  remove(wait: W): void {
    if (this.first === wait) {
      this.shift();
      return;
    }
    const { previous, next } = wait;
    if (previous === undefined) return;
    if (next === undefined) {
      previous.next = undefined;
      this.#last = previous;
    } else {
      link(previous, next);
      wait.next = undefined;
    }
    wait.previous = undefined;
  }

  /** Removes and returns all calls. */
  takeAll(): W[] {
    const waits: W[] = [];
    for (let wait = this.shift(); wait !== undefined; wait = this.shift()) waits.push(wait);
    return waits;
  }

  /** Fails all calls. */
  failAll(makeError: (syscall: string) => unknown): void {
    for (const wait of this.takeAll()) wait.fail(makeError(wait.syscall));
  }

  #begin(wait: W): void {
    this.first = wait;
    this.#handle?.ref?.();
  }

  #end(): void {
    this.#last = undefined;
    this.#handle?.unref?.();
  }
}

function link<W extends InRow<W>>(before: W, behind: W): void {
  before.next = behind;
  behind.previous = before;
}
