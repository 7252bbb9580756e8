/**
 * Timeouts of many waits by one timer.
 *
 * A timer for each call costs more than the call on some runtimes. Here a wait is put into a set with its
 * deadline, and a single timer runs for the earliest one; most waits are over before it fires.
 */

/** Something that ends when its time comes. */
export interface Expiring {
  /** When, on the monotonic clock of `performance.now()`, in milliseconds. */
  readonly deadline: number;
  /** Called once the time has come and the wait is no longer in the set. */
  expire(): void;
}

/** What `setTimeout` returns: an object on Node and Bun, a number elsewhere. */
type Timer = ReturnType<typeof setTimeout>;

/** The longest delay that timers take; a later deadline is reached in several steps. */
const MAX_DELAY = 0x7fffffff;

const waiting = new Set<Expiring>();
let timer: Timer | undefined;
let firesAt = Infinity;

/** Milliseconds on the monotonic clock: a changed wall clock moves no deadline. */
export function now(): number {
  return performance.now();
}

/** Puts a wait under its deadline. */
export function watch(wait: Expiring): void {
  waiting.add(wait);
  if (wait.deadline < firesAt) arm(wait.deadline);
  else if (waiting.size === 1) keepAlive(true);
}

/** Takes a wait out again. */
export function unwatch(wait: Expiring): void {
  // The timer stays armed for the next wait, but must not keep the process alive for none.
  if (waiting.delete(wait) && waiting.size === 0) keepAlive(false);
}

function arm(deadline: number): void {
  if (timer !== undefined) clearTimeout(timer);
  firesAt = deadline;
  timer = setTimeout(fire, Math.min(Math.max(0, Math.ceil(deadline - now())), MAX_DELAY));
}

function fire(): void {
  timer = undefined;
  firesAt = Infinity;
  const time = now();
  let next = Infinity;
  for (const wait of [...waiting]) {
    if (wait.deadline <= time) {
      waiting.delete(wait);
      wait.expire();
    } else {
      next = Math.min(next, wait.deadline);
    }
  }
  if (next < firesAt) arm(next);
}

function keepAlive(alive: boolean): void {
  if (timer === undefined) return;
  const handle = timer as { ref?: () => void; unref?: () => void };
  if (handle.unref === undefined) {
    // No way to let the process go with the timer armed: give it up.
    if (!alive) {
      clearTimeout(timer);
      timer = undefined;
      firesAt = Infinity;
    }
  } else if (alive) {
    handle.ref?.();
  } else {
    handle.unref();
  }
}
