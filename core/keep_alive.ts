/**
 * Keeps the process alive while calls wait. As in C and Python, an open socket alone does not: the handles of the
 * adapters are kept out of the event loop's count, and one timer is in it while a call waits anywhere.
 */

/** The longest delay that timers take: one that fires has nothing to do. */
const LONGEST = 0x7fffffff;

type Timer = ReturnType<typeof setInterval>;

/** How many rows of calls wait. */
let rows = 0;
let timer: Timer | undefined;

/** A row of calls begins to wait. */
export function beginWaiting(): void {
  if (rows++ > 0) return;
  if (timer === undefined) timer = setInterval(() => {}, LONGEST);
  else setKeeping(timer, true);
}

/** A row has nothing that waits any more. */
export function endWaiting(): void {
  if (--rows > 0 || timer === undefined) return;
  if (setKeeping(timer, false)) return;
  clearInterval(timer);
  timer = undefined;
}

/**
 * Sets whether a timer keeps the process alive.
 *
 * @returns whether it could: what `setTimeout` returns is an object on Node, Deno and Bun, a bare number elsewhere
 */
export function setKeeping(timer: Timer | ReturnType<typeof setTimeout>, keeps: boolean): boolean {
  const handle = timer as { ref?: () => void; unref?: () => void };
  if (handle.ref === undefined || handle.unref === undefined) return false;
  if (keeps) handle.ref();
  else handle.unref();
  return true;
}
