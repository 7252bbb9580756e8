/**
 * The timeouts of many waits, with one timer.
 *
 * On some runtimes a timer for each call costs more than the call. Here waits are kept in a set with their deadlines,
 * and a single timer runs for the earliest; most waits are over before it fires. The set is an array in which each wait
 * knows its place: a `Set` costs several times as much when members come and go.
 */

import { areFake, clearTimeout, now, setTimeout, type Timer } from "../../adapters/timers.ts";

/** A wait with a deadline. */
export interface Expiring {
  /** The deadline, from {@linkcode deadlineIn}. */
  readonly deadline: number;
  /** Its place in the set. */
  place: number;
  /**
   * Called once the deadline has passed and the wait has left the set. `late` is how many milliseconds ago the timer
   * was due: the same for all waits that end with it, so that they end in the same way, in the order of their deadlines.
   */
  expire(late: number): void;
}

/** The longest delay of a timer; a later deadline takes several timers. */
const MAX_DELAY = 0x7fffffff;

const waiting: Expiring[] = [];
let timer: Timer | undefined;
let firesAt = Infinity;
/** Whether the timer may be lost: a test's fakes do not report that they end. */
let mayBeLost = false;
/** Whether the timer is cleared with the last wait. */
let isLeaving = false;

/** The deadline of a wait without one. */
export const NEVER = 0;

/**
 * The deadline of a wait of so many milliseconds: a whole number of milliseconds on the monotonic clock, since V8 would
 * allocate an object for a fractional number.
 */
export function deadlineIn(milliseconds: number): number {
  return Math.ceil(now() + milliseconds);
}

/** The seconds left until a deadline; never 0, which would mean no wait at all. */
export function secondsUntil(deadline: number): number {
  return Math.max(1, deadline - now()) / 1000;
}

/** Adds a wait to the set. */
export function watch(wait: Expiring): void {
  wait.place = waiting.push(wait) - 1;
  if (wait.deadline < firesAt || mayBeLost) arm(Math.min(wait.deadline, firesAt));
  else if (waiting.length === 1) keepAlive(true);
}

/** Removes a wait from the set. */
export function unwatch(wait: Expiring): void {
  if (!remove(wait)) return;
  if (waiting.length > 0) return;
  // The timer stays armed for the next wait, but must not keep the process alive without one.
  if (isLeaving) disarm();
  else keepAlive(false);
}

/** Notes that a socket is closed: the timer may have been armed for it, and a closed socket leaves nothing behind. */
export function socketClosed(): void {
  if (timer === undefined) return;
  isLeaving = true;
  if (waiting.length === 0) disarm();
}

/** Removes a wait by moving the last one to its place; returns whether it was in the set. */
function remove(wait: Expiring): boolean {
  const { place } = wait;
  if (waiting[place] !== wait) return false;
  const last = waiting.pop()!;
  if (last !== wait) {
    waiting[place] = last;
    last.place = place;
  }
  return true;
}

function arm(deadline: number): void {
  if (timer !== undefined) clearTimeout(timer);
  firesAt = deadline;
  mayBeLost = areFake();
  timer = setTimeout(fire, Math.min(Math.max(0, Math.ceil(deadline - now())), MAX_DELAY));
}

function disarm(): void {
  clearTimeout(timer);
  timer = undefined;
  firesAt = Infinity;
  isLeaving = false;
}

function fire(): void {
  timer = undefined;
  firesAt = Infinity;
  isLeaving = false;
  const time = now();
  const due = waiting.filter((wait) => wait.deadline <= time)
    .sort((a, b) => a.deadline - b.deadline);
  for (const wait of due) {
    // Expiring one wait may have ended another.
    if (remove(wait)) wait.expire(time - due[0]!.deadline);
  }
  // Only now: those that have ended meanwhile need no timer.
  let next = Infinity;
  for (const { deadline } of waiting) next = Math.min(next, deadline);
  if (next < firesAt) arm(next);
}

function keepAlive(alive: boolean): void {
  if (timer === undefined) return;
  const handle = timer as { ref?: () => void; unref?: () => void };
  if (handle.unref === undefined) {
    // The process could not end with the timer armed: clear it.
    if (!alive) disarm();
  } else if (alive) {
    handle.ref?.();
  } else {
    handle.unref();
  }
}
