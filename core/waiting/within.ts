/** Waiting for something that may never happen. */

import { clearTimeout, setTimeout, type Timer } from "../../adapters/timers.ts";

/** Waits until a promise settles either way, but no longer than so many milliseconds. */
export async function settledWithin(
  promise: Promise<unknown>,
  milliseconds: number,
): Promise<void> {
  let timer: Timer | undefined;
  const late = new Promise<void>((resolve) => timer = setTimeout(resolve, milliseconds));
  await Promise.race([promise.catch(() => {/* Settled either way. */}), late]);
  clearTimeout(timer);
}
