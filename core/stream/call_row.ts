/** Calls that cannot begin yet: each is made in its turn, in the order of the calls. */

import { NEVER, secondsUntil } from "../waiting/deadlines.ts";
import { quiet } from "../waiting/quiet.ts";
import { type Limits, Wait, type WaitOwner } from "../waiting/wait.ts";
import { WaitQueue } from "../waiting/wait_queue.ts";

/** A call; its parameter is what the wait has left of its limits. */
type Call<T> = (left: Limits) => Promise<T>;

/** A call that waits for its turn. */
class Waiting<T> extends Wait<T> {
  #limits: Limits;
  #call: Call<T>;

  constructor(syscall: string, limits: Limits, call: Call<T>) {
    super(syscall);
    this.#limits = limits;
    this.#call = call;
  }

  /** Makes the call; the wait follows it. */
  begin(): void {
    const { deadline } = this;
    const left = deadline === NEVER
      ? this.#limits
      : { ...this.#limits, timeout: secondsUntil(deadline) };
    this.follow(this.#call(left));
  }
}

/** A row of calls that wait for their turn. */
export class CallRow implements WaitOwner {
  #waits = new WaitQueue<Waiting<unknown>>();

  /** Whether a call waits. */
  get busy(): boolean {
    return this.#waits.first !== undefined;
  }

  /** Adds a call. Its limits may end the wait for its turn; the calls behind it are not affected. */
  add<T>(syscall: string, limits: Limits, call: Call<T>): Promise<T> {
    const wait = new Waiting(syscall, limits, call);
    this.#waits.push(wait as Waiting<unknown>);
    wait.limit(limits, this);
    return quiet(wait.promise);
  }

  /**
   * Makes the first call synchronously: its effects must not wait for a microtask, in which a later call could come
   * first.
   */
  begin(): void {
    this.#waits.shift()?.begin();
  }

  /** Makes all calls. */
  beginAll(): void {
    while (this.busy) this.begin();
  }

  /** Fails all calls. */
  failAll(makeError: (syscall: string) => unknown): void {
    this.#waits.failAll(makeError);
  }

  gaveUp(wait: object): void {
    this.#waits.remove(wait as Waiting<unknown>);
  }
}
