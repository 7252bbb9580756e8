/** A waiting call: its promise, its timeout and its signal. */

import type { Address } from "../../adapters/adapter.ts";
import { systemError, timedOut } from "../errors/errors.ts";
import { type Abortable, offAbort, onAbort } from "./abort.ts";
import { deadlineIn, type Expiring, NEVER, unwatch, watch } from "./deadlines.ts";
import { endAfterTurns, isAnyOverdue } from "./overdue.ts";

/** How long a call may wait: `null` forever, 0 not at all, else seconds. */
export type Timeout = number | null;

/** The limits of a call: how long it may wait, and what cancels it. */
export interface Limits {
  readonly timeout: Timeout;
  /**
   * The code that the timeout fails with: ETIMEDOUT for the socket's own timeout; EAGAIN for SO_RCVTIMEO and
   * SO_SNDTIMEO; EINPROGRESS for SO_SNDTIMEO on a TCP connect, which continues without the call.
   */
  readonly expired: "ETIMEDOUT" | "EAGAIN" | "EINPROGRESS";
  /** Ends the wait when aborted. */
  readonly signal: AbortSignal | undefined;
  /** Resolves once I/O that is ready has been pushed; a non-blocking call waits for this. */
  readonly turn: () => Promise<void>;
}

/** No limits at all. */
export const UNLIMITED: Limits = {
  timeout: null,
  expired: "ETIMEDOUT",
  signal: undefined,
  turn: () => Promise.resolve(),
};

/** The limits of what waits even on a non-blocking socket, as in C: a look-up, or the FIN of a shutdown. */
export function blocking(limits: Limits): Limits {
  return limits.timeout === 0 ? { ...limits, timeout: null } : limits;
}

/** The owner of a wait. */
export interface WaitOwner {
  /** How often something has come in. While a turn brings something, the next may bring what the wait is for. */
  readonly arrivals?: number;
  /** The wait's timeout or signal is about to end it; the owner may settle it in another way. */
  gaveUp(wait: object, reason: unknown): void;
}

/** The owner of a wait that leaves nothing to undo. */
export const NOBODY: WaitOwner = { gaveUp: () => {} };

/** The timer of an idle program comes less late than this, in milliseconds. */
const LATE = 2;

/** The most turns of a non-blocking call; libuv accepts one connection or 32 datagrams a poll. */
const MOST_TURNS = 64;

/** The functions that settle the latest promise: one executor for all waits saves each a closure. */
let resolveLast!: (value: unknown) => void;
let rejectLast!: (reason: unknown) => void;

function keepSettlers(resolve: (value: never) => void, reject: (reason: unknown) => void): void {
  resolveLast = resolve as (value: unknown) => void;
  rejectLast = reject;
}

/** A waiting call. It ends once: by `done`, `fail`, its timeout or its signal. */
export class Wait<T> implements Abortable, Expiring {
  /** The name of the call, for errors. */
  readonly syscall: string;
  /** Settles when the wait ends. */
  readonly promise: Promise<T>;
  /** The wait behind it in a row. */
  next: this | undefined = undefined;
  /** The wait before it in a row. */
  previous: this | undefined = undefined;
  deadline: number = NEVER;
  place: number = -1;
  #resolve!: (value: T) => void;
  #reject!: (reason: unknown) => void;
  #settled = false;
  #owner: WaitOwner | undefined;
  /** What may end it, if something does. */
  #limits: Limits | undefined;

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
   * Sets the limits that may end the wait; a signal that is aborted ends it at once. A timeout of 0 gives it one turn
   * of the event loop, and another while they bring something, then fails it with EAGAIN.
   */
  limit(limits: Limits, owner: WaitOwner): this {
    if (this.#settled) return this;
    this.#owner = owner;
    this.#limits = limits;
    const { timeout, signal } = limits;
    if (timeout === 0) {
      this.#endAfterTurn(MOST_TURNS);
    } else if (timeout !== null) {
      this.deadline = deadlineIn(timeout * 1000);
      watch(this);
    }
    if (signal !== undefined) onAbort(signal, this);
    return this;
  }

  // Not within limit(): a closure there would make V8 context-allocate the parameters on every call, even if the
  // closure is never created.
  #endAfterTurn(most: number): void {
    const arrivals = this.#owner!.arrivals;
    this.#limits!.turn().then(() => {
      if (this.#settled) return;
      if (this.#owner!.arrivals !== arrivals && most > 1) this.#endAfterTurn(most - 1);
      else this.#timeOut();
    });
  }

  /** The wait succeeded. */
  done(value: T): void {
    if (this.#settle()) this.#resolve(value);
  }

  /** The wait is over; from now on its promise follows another one. */
  follow(promise: Promise<T>): void {
    if (this.#settle()) this.#resolve(promise as unknown as T);
  }

  /** The wait failed. */
  fail(error: unknown): void {
    if (!this.#settle()) return;
    // A program may no longer observe a call that its own close() or signal has ended, and must not die of it.
    this.promise.catch(() => {});
    this.#reject(error);
  }

  /**
   * The timeout passed. If that is noticed late, the program kept the event loop busy, and something may have come in
   * time: it still ends the wait, as in Python.
   */
  expire(late: number): void {
    // Not before others that are late: waits end in the order of their deadlines.
    if (late < LATE && !isAnyOverdue()) this.#timeOut();
    else endAfterTurns(late, this.#limits!.turn, () => this.#timeOut());
  }

  /** The signal was aborted. */
  abort(reason: unknown): void {
    this.giveUp(reason);
  }

  /** Ends the wait from outside, after notifying its owner. */
  giveUp(reason: unknown): void {
    if (this.#settled) return;
    this.#owner?.gaveUp(this, reason);
    this.fail(reason);
  }

  /** The address that the call concerns, for errors. */
  protected get address(): Address | undefined {
    return undefined;
  }

  #timeOut(): void {
    const { expired, timeout } = this.#limits!;
    const { syscall } = this;
    const code = timeout === 0 ? "EAGAIN" : expired;
    const about = { address: this.address };
    this.giveUp(
      code === "ETIMEDOUT" ? timedOut(syscall, about) : systemError(code, syscall, about),
    );
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    if (this.deadline !== NEVER) unwatch(this);
    const signal = this.#limits?.signal;
    if (signal !== undefined) offAbort(signal, this);
    return true;
  }
}

/** A wait with an address, which the error of its timeout reports. */
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

/** The same result, if it comes within the limits; whatever it belongs to goes on. */
export function limited<T>(syscall: string, result: Promise<T>, limits: Limits): Promise<T> {
  const wait = new Wait<T>(syscall);
  wait.limit(limits, NOBODY);
  result.then((value) => wait.done(value), (error) => wait.fail(error));
  return wait.promise;
}
