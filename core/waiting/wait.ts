/** One waiting call: its promise, its timeout and its signal. */

import type { Address } from "../../adapters/adapter.ts";
import { systemError, timedOut } from "../errors/errors.ts";
import { type Abortable, offAbort, onAbort } from "./abort.ts";
import { deadlineIn, type Expiring, NEVER, unwatch, watch } from "./deadlines.ts";

/** How long a call may wait: `null` for ever, 0 not at all, else seconds. */
export type Timeout = number | null;

/** How long a call may wait, and what cancels it. */
export interface Limits {
  readonly timeout: Timeout;
  /**
   * The code that the timeout ends with: ETIMEDOUT for the socket's own, EAGAIN for SO_RCVTIMEO and SO_SNDTIMEO,
   * EINPROGRESS for a TCP connect, which SO_SNDTIMEO only ends the waiting for.
   */
  readonly expired: "ETIMEDOUT" | "EAGAIN" | "EINPROGRESS";
  /** Ends the wait. */
  readonly signal: AbortSignal | undefined;
  /** Resolves once I/O that is ready has been pushed: what a non-blocking call waits for. */
  readonly turn: () => Promise<void>;
}

/** No limits at all. */
export const UNLIMITED: Limits = {
  timeout: null,
  expired: "ETIMEDOUT",
  signal: undefined,
  turn: () => Promise.resolve(),
};

/** Who has a call waiting. */
export interface WaitOwner {
  /** The wait's timeout or signal is about to end it; the owner may settle it in its own way. */
  gaveUp(wait: object, reason: unknown): void;
}

/** The owner of a wait of which nothing is to be undone. */
export const NOBODY: WaitOwner = { gaveUp: () => {} };

/** What settles the promise that was made last: one function for all saves each wait one of its own. */
let resolveLast!: (value: unknown) => void;
let rejectLast!: (reason: unknown) => void;

function keepSettlers(resolve: (value: never) => void, reject: (reason: unknown) => void): void {
  resolveLast = resolve as (value: unknown) => void;
  rejectLast = reject;
}

/** A call that waits for something; it ends once, by `done`, `fail`, its timeout or its signal. */
export class Wait<T> implements Abortable, Expiring {
  /** The call that waits. */
  readonly syscall: string;
  /** Settles with the end of the wait. */
  readonly promise: Promise<T>;
  /** The one behind it in a row. */
  next: this | undefined = undefined;
  deadline: number = NEVER;
  place: number = -1;
  #resolve!: (value: T) => void;
  #reject!: (reason: unknown) => void;
  #settled = false;
  #owner: WaitOwner | undefined;
  #expired: Limits["expired"] = "ETIMEDOUT";
  #signal: AbortSignal | undefined;

  constructor(syscall: string) {
    this.syscall = syscall;
    this.promise = new Promise(keepSettlers);
    this.#resolve = resolveLast;
    this.#reject = rejectLast;
  }

  /** Whether it has ended. */
  get settled(): boolean {
    return this.#settled;
  }

  /**
   * Sets what may end the wait from outside. A timeout of 0 gives it one turn of the event loop, then ends it
   * with EAGAIN.
   */
  limit({ timeout, expired, signal, turn }: Limits, owner: WaitOwner): this {
    if (this.#settled) return this;
    this.#owner = owner;
    this.#expired = expired;
    if (timeout === 0) {
      this.#endAfter(turn);
    } else if (timeout !== null) {
      this.deadline = deadlineIn(timeout * 1000);
      watch(this);
    }
    if (signal !== undefined) {
      this.#signal = signal;
      onAbort(signal, this);
    }
    return this;
  }

  // Not within limit(), for which each call would have to keep what a function in it uses.
  #endAfter(turn: Limits["turn"]): void {
    turn().then(() => this.giveUp(systemError("EAGAIN", this.syscall)));
  }

  /** The wait succeeded. */
  done(value: T): void {
    if (this.#settle()) this.#resolve(value);
  }

  /** The wait is over, and what it was for ends as another promise does. */
  follow(promise: Promise<T>): void {
    if (this.#settle()) this.#resolve(promise as unknown as T);
  }

  /** The wait failed. */
  fail(error: unknown): void {
    if (!this.#settle()) return;
    // A program that no longer looks at a call which its own close() or signal has ended must not die of it.
    this.promise.catch(() => {});
    this.#reject(error);
  }

  /** The timeout passed. */
  expire(): void {
    const own = this.#expired === "ETIMEDOUT";
    const about = { address: this.address };
    this.giveUp(
      own ? timedOut(this.syscall, about) : systemError(this.#expired, this.syscall, about),
    );
  }

  /** The signal was aborted. */
  abort(reason: unknown): void {
    this.giveUp(reason);
  }

  /** Ends the wait from outside: its owner hears of it first. */
  giveUp(reason: unknown): void {
    if (this.#settled) return;
    this.#owner?.gaveUp(this, reason);
    this.fail(reason);
  }

  /** The address that the call is about. */
  protected get address(): Address | undefined {
    return undefined;
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    if (this.deadline !== NEVER) unwatch(this);
    if (this.#signal !== undefined) offAbort(this.#signal, this);
    return true;
  }
}

/** A wait for something at an address, which the error of its timeout tells. */
export class AddressedWait<T> extends Wait<T> {
  #addressOf: () => Address | undefined;

  constructor(syscall: string, addressOf: () => Address | undefined) {
    super(syscall);
    this.#addressOf = addressOf;
  }

  protected override get address(): Address | undefined {
    return this.#addressOf();
  }
}
