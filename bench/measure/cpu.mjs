/** CPU time of another process, from Linux. */

import { readdirSync, readFileSync } from "node:fs";

/**
 * The CPU time of a process in nanoseconds: its threads' from their schedstat, which unlike `stat`
 * does not count in ticks of 10 ms. Threads that have ended are missing; load.c, which asks the
 * process's own clock, has them too.
 *
 * @param {number} pid
 * @returns {number}
 */
export function cpuOf(pid) {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
    } catch {
      // The thread has just ended.
    }
  }
  return sum;
}
