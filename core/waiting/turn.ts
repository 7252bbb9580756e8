/** Turns of the event loop: calls that succeed at once must still let timers and other I/O run. */

import type { Adapter } from "../../adapters/adapter.ts";
import { setImmediate } from "../../adapters/timers.ts";

/** How many calls in a row may succeed without a turn; measured against a 1 ms timer. */
const CALLS_A_TURN = 64;

/** How many are left until the next turn. */
let left = CALLS_A_TURN;

/** Resolves after the event loop has checked once for timers and I/O. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Resolves after I/O that is ready now has been pushed. One turn is not enough: a call made while the event loop
 * handles polled events gets its turn before the next poll.
 */
function pollTurn(): Promise<void> {
  return turn().then(turn);
}

/** The turns of adapters that have their own: one function each, since limits are compared by it. */
const turns = new WeakMap<Adapter, () => Promise<void>>();

/** What to wait for until I/O that is ready has been pushed. */
export function pollTurnOf(adapter: Adapter): () => Promise<void> {
  if (adapter.turn === undefined) return pollTurn;
  let own = turns.get(adapter);
  if (own === undefined) turns.set(adapter, own = () => adapter.turn!());
  return own;
}

/** How often the event loop has brought something. */
let brought = 0;

/** The event loop has turned: it has brought bytes or a connection. */
export function turned(): void {
  left = CALLS_A_TURN;
  brought++;
}

/** How often the event loop has brought something, to any socket. */
export function arrivals(): number {
  return brought;
}

/** The result of all calls without a value. */
const nothing: Promise<unknown> = Promise.resolve(undefined);

/** Counts a call that ended at once. Returns whether it must take a turn, after many in a row without one. */
export function isTurnDue(): boolean {
  if (--left > 0) return false;
  left = CALLS_A_TURN;
  return true;
}

/** A resolved promise for a call that succeeded at once. */
export function resolved<T>(value: T): Promise<T> {
  if (isTurnDue()) return turn().then(() => value);
  return value === undefined ? nothing as Promise<T> : Promise.resolve(value);
}
