/** Calls that cannot begin yet: each is made when its turn comes, in the order in which they were called. */

import { quiet } from "../waiting/quiet.ts";
import { type Limits, Wait, type WaitOwner } from "../waiting/wait.ts";
import { WaitQueue } from "../waiting/wait_queue.ts";

/** A call that waits for its turn. */
class Waiting<T> extends Wait<T> {
  readonly syscall: string;
  #call: () => Promise<T>;

  constructor(syscall: string, call: () => Promise<T>) {
    super(syscall);
    this.syscall = syscall;
    this.#call = call;
  }

  /** Makes the call; its end is that of the wait. */
  begin(): void {
    this.follow(this.#call());
  }
}

/** A row of such calls. */
export class CallRow implements WaitOwner {
  #waits = new WaitQueue<Waiting<unknown>>();

  /** Whether a call waits. */
  get busy(): boolean {
    return this.#waits.first !== undefined;
  }

  /** Adds a call. The limits, if any, end the waiting for its turn; those behind it do not notice. */
  add<T>(syscall: string, limits: Limits | undefined, call: () => Promise<T>): Promise<T> {
    const wait = new Waiting(syscall, call);
    this.#waits.push(wait as Waiting<unknown>);
    if (limits !== undefined) wait.limit(limits, this);
    return quiet(wait.promise);
  }

  /**
   * Makes the first call, now: what follows from it must not wait for a turn of promises, in which a later call could
   * come first.
   */
  begin(): void {
    this.#waits.shift()?.begin();
  }

  /** Makes all calls. */
  beginAll(): void {
    while (this.busy) this.begin();
  }

  /** Ends all calls with an error. */
  failAll(makeError: (syscall: string) => unknown): void {
    for (const wait of this.#waits.takeAll()) wait.fail(makeError(wait.syscall));
  }

  gaveUp(wait: object): void {
    this.#waits.remove(wait as Waiting<unknown>);
  }
}
