/**
 * Waits whose timeout was noticed late: the program kept the event loop busy, and what they wait for may have come in
 * time.
 */

import { arrivals, MOST_TURNS } from "./turn.ts";

/** How the waits end that are overdue, in the order of their deadlines. */
let overdue: Array<() => void> = [];

/** Whether any wait is overdue. */
export function isAnyOverdue(): boolean {
  return overdue.length > 0;
}

/**
 * Ends a wait after a turn of the event loop, and further ones while each brings something, to whichever socket. Until
 * then it can still succeed.
 */
export function endAfterTurns(turn: () => Promise<void>, end: () => void): void {
  overdue.push(end);
  if (overdue.length === 1) endOverdue(turn, MOST_TURNS);
}

function endOverdue(turn: () => Promise<void>, most: number): void {
  const [brought, { length }] = [arrivals(), overdue];
  turn().then(() => {
    // One that came during the turn has not had one of its own.
    const goesOn = arrivals() !== brought || overdue.length !== length;
    if (goesOn && most > 1) return endOverdue(turn, most - 1);
    const ending = overdue;
    overdue = [];
    for (const end of ending) end();
  });
}
