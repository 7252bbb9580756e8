/** Memory of another process, from Linux. */

import { readFileSync } from "node:fs";

/**
 * The resident memory of a process in bytes. `VmRSS` would lag behind by what each thread has not
 * yet added to it.
 *
 * @param {number} pid
 * @returns {number}
 */
export function residentOf(pid) {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Rss:\s+(\d+) kB$/m.exec(rollup)?.[1]) * 1024;
}
