/**
 * Timeouts of many waits by one timer.
 *
 * A timer for each call costs more than the call on some runtimes. Here a wait is put into a set with its
 * deadline, and a single timer runs for the earliest one; most waits are over before it fires. The set is an array in
 * which each wait knows its place: a `Set` costs several times as much for members that come and go.
 */

import { areFake, clearTimeout, now, setTimeout, type Timer } from "../../adapters/timers.ts";

/** Something that ends when its time comes. */
export interface Expiring {
  /** From {@linkcode deadlineIn}. */
  readonly deadline: number;
  /** Its place among the waiting. */
  place: number;
  /** Called once the time has come and the wait is no longer in the set. */
  expire(): void;
}

/** The longest delay that timers take; a later deadline is reached in several steps. */
const MAX_DELAY = 0x7fffffff;

const waiting: Expiring[] = [];
let timer: Timer | undefined;
let firesAt = Infinity;
/** Nobody tells whether the timer still runs. */
let mayBeLost = false;
/** The timer goes with the last wait. */
let isLeaving = false;

/** The deadline of what has none. */
export const NEVER = 0;

/**
 * The deadline of something that may take so many milliseconds: a whole number of milliseconds on the monotonic clock,
 * since V8 would put one with a fraction into an object of its own.
 */
export function deadlineIn(milliseconds: number): number {
  return Math.ceil(now() + milliseconds);
}

/** The seconds that are left until a deadline, and never none, which would be no wait at all. */
export function secondsUntil(deadline: number): number {
  return Math.max(1, deadline - now()) / 1000;
}

/** Puts a wait under its deadline. */
export function watch(wait: Expiring): void {
  wait.place = waiting.push(wait) - 1;
  if (wait.deadline < firesAt || mayBeLost) arm(Math.min(wait.deadline, firesAt));
  else if (waiting.length === 1) keepAlive(true);
}

/** Takes a wait out again. */
export function unwatch(wait: Expiring): void {
  if (!remove(wait)) return;
  if (waiting.length > 0) return;
  // The timer stays armed for the next wait, but must not keep the process alive for none.
  if (isLeaving) disarm();
  else keepAlive(false);
}

/** A socket is closed: the timer may have been armed for it, and a socket that is closed leaves nothing behind. */
export function socketClosed(): void {
  if (timer === undefined) return;
  isLeaving = true;
  if (waiting.length === 0) disarm();
}

/** The last one takes its place. */
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
  const time = now();
  let next = Infinity;
  const due: Expiring[] = [];
  for (const wait of waiting) {
    if (wait.deadline <= time) due.push(wait);
    else next = Math.min(next, wait.deadline);
  }
  for (const wait of due.sort((a, b) => a.deadline - b.deadline)) {
    // One that expires may have ended another.
    if (remove(wait)) wait.expire();
  }
  if (next < firesAt) arm(next);
}

function keepAlive(alive: boolean): void {
  if (timer === undefined) return;
  const handle = timer as { ref?: () => void; unref?: () => void };
  if (handle.unref === undefined) {
    // No way to let the process go with the timer armed: give it up.
    if (!alive) disarm();
  } else if (alive) {
    handle.ref?.();
  } else {
    handle.unref();
  }
}
