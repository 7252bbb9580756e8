/** Programs that may have many descriptors. */

import { spawnSync } from "node:child_process";
import process from "node:process";

/** Why a process here cannot have so many descriptors, or false. */
export function tooFewDescriptors(count: number): string | false {
  if (process.platform !== "linux") return "ulimit is tried on Linux";
  const done = spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8", timeout: 10_000 });
  const most = done.stdout.trim();
  if (most === "unlimited" || Number(most) >= count) return false;
  return `a process here may have ${most} descriptors at most, not ${count}`;
}

/** The same command, with room for so many descriptors. */
export function withDescriptors(
  count: number,
  command: readonly [string, ...string[]],
): [string, ...string[]] {
  // Not below what it has.
  const raise = 'test "$(ulimit -n)" -ge "$0" || ulimit -n "$0"; exec "$@"';
  return ["sh", "-c", raise, String(count), ...command];
}
