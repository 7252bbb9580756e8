/** Waiting for something that may never come. */

import { clearTimeout, setTimeout, type Timer } from "../../adapters/timers.ts";

/** Waits for a promise, however it ends, but no longer than so many milliseconds. */
export async function settledWithin(
  promise: Promise<unknown>,
  milliseconds: number,
): Promise<void> {
  let timer: Timer | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, milliseconds));
  await Promise.race([promise.catch(() => {/* It has ended. */}), late]);
  clearTimeout(timer);
}
