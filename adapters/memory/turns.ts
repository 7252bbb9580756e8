/** The turns of the event loop in which the network in memory works. */

import { setImmediate, setTimeout } from "../timers.ts";

/**
 * Runs a task after a delay in milliseconds, with 0 on the next turn of the event loop. Everything that crosses the
 * network comes through here, so that it arrives as from a real one: later, and never inside a call.
 */
export function after(delay: number, task: () => void): void {
  if (delay > 0) setTimeout(task, delay);
  else setImmediate(task);
}
