/**
 * Waits whose timeout was noticed late: the program kept the event loop busy, and what they wait for may have come in
 * time.
 */

import { now } from "../../adapters/timers.ts";
import { arrivals } from "./turn.ts";

/** How the waits end that are overdue, in the order of their deadlines. */
let overdue: Array<() => void> = [];

/** The time until which they may have further turns. */
let until = 0;

/** Whether any wait is overdue. */
export function isAnyOverdue(): boolean {
  return overdue.length > 0;
}

/**
 * Ends a wait after a turn of the event loop, and further ones while each brings something, to whichever socket, but no
 * longer than the program was late. Until then the wait can still succeed.
 *
 * @param late how late the timeout was noticed, in milliseconds
 */
export function endAfterTurns(late: number, turn: () => Promise<void>, end: () => void): void {
  overdue.push(end);
  until = Math.max(until, now() + late);
  if (overdue.length === 1) endOverdue(turn);
}

function endOverdue(turn: () => Promise<void>): void {
  const [brought, { length }] = [arrivals(), overdue];
  turn().then(() => {
    // One that came during the turn has not had one of its own.
    const goesOn = arrivals() !== brought || overdue.length !== length;
    if (goesOn && now() < until) return endOverdue(turn);
    const ending = overdue;
    overdue = [];
    for (const end of ending) end();
  });
}
