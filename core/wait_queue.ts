/** Calls that wait in a row, served in the order in which they came. */

/** A call in a row; it is in one at most. */
export interface InRow<W> {
  /** The one behind it. */
  next: W | undefined;
}

/**
 * A row of calls, linked through the calls themselves: most sockets have one call waiting at most, for which an array
 * would take more memory than all else that the wait needs.
 */
export class WaitQueue<W extends InRow<W>> {
  /** The call that is served next. */
  first: W | undefined = undefined;
  #last: W | undefined = undefined;

  /** Adds a call at the end. */
  push(wait: W): void {
    if (this.first === undefined) this.first = wait;
    else this.#last!.next = wait;
    this.#last = wait;
  }

  /** Puts a call in front of all others. */
  unshift(wait: W): void {
    wait.next = this.first;
    this.first = wait;
    if (wait.next === undefined) this.#last = wait;
  }

  /** Takes the first call out. */
  shift(): W | undefined {
    const { first } = this;
    if (first === undefined) return undefined;
    this.first = first.next;
    first.next = undefined;
    if (this.first === undefined) this.#last = undefined;
    return first;
  }

  /** Takes a call out, wherever it stands; one that is not in the row stays out. */
  remove(wait: W): void {
    if (this.first === wait) {
      this.shift();
      return;
    }
    for (let before = this.first; before !== undefined; before = before.next) {
      if (before.next !== wait) continue;
      before.next = wait.next;
      wait.next = undefined;
      if (this.#last === wait) this.#last = before;
      return;
    }
  }

  /** Takes all of them out. */
  takeAll(): W[] {
    const waits: W[] = [];
    for (let wait = this.shift(); wait !== undefined; wait = this.shift()) waits.push(wait);
    return waits;
  }
}
