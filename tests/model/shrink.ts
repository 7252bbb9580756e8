/** Makes a program that shows a difference as short as it can be, and prints it. */

import type { Difference } from "./check.ts";
import { predict, type Predicted } from "./generate.ts";
import { printProgram, type Step } from "./program.ts";

/** How many shorter programs are tried. */
const TRIES = 150;

/** The shortest program found that differs, as TypeScript. */
export async function shrink(
  found: Difference,
  check: (program: Predicted) => Promise<Difference | undefined>,
): Promise<string> {
  let best = found;
  let tries = 0;
  for (let length = Math.max(1, best.program.steps.length >> 1); length > 0; length >>= 1) {
    for (let start = best.program.steps.length - length; start >= 0; start--) {
      if (tries >= TRIES) break;
      const { steps, seed } = best.program;
      const rest = [...steps.slice(0, start), ...steps.slice(start + length)];
      const shorter = predict({ seed, steps: withoutOrphans(rest) });
      if (shorter === undefined) continue;
      tries++;
      const still = await check(shorter);
      if (still?.who === found.who) best = still;
      start = Math.min(start, best.program.steps.length - length + 1);
    }
  }
  return describe(best);
}

/** Without the calls on sockets that are not made any more. */
function withoutOrphans(steps: readonly Step[]): Step[] {
  const made = new Set<number | undefined>();
  const waiting = new Set<number | undefined>();
  return steps.filter((step) => {
    const { op, s, as, to, waits } = step;
    if (op === "join") return waiting.has(waits);
    if (op !== "socket" && !made.has(s)) return false;
    if (typeof to === "number" && !made.has(to)) return false;
    if (as !== undefined) made.add(as);
    if (waits !== undefined) waiting.add(waits);
    return true;
  });
}

function describe({ program, at, who, expected, actual }: Difference): string {
  const notes = program.results.map((result, i) => {
    if (i !== at) return result;
    return who === "model"
      ? `Python gives ${actual}, the model ${expected}`
      : `gives ${actual}, expected ${expected}`;
  });
  const steps = program.steps.slice(0, at + 1);
  return `seed ${program.seed}\n${printProgram({ ...program, steps }, notes)}`;
}
