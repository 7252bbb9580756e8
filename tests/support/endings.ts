/** How programs end that have nothing more to do. */

import assert from "node:assert/strict";
import type { Program } from "./process.ts";

/** Checks that a program says "done", then ends by itself at once and without an error. */
export async function endsByItself(program: Program): Promise<void> {
  assert.equal(await program.line(), "done", program.stderr);
  const begun = performance.now();
  const { code, stderr } = await program.exit(10_000);
  assert.equal(code, 0, stderr);
  const took = performance.now() - begun;
  assert.ok(took < 2_000, `it took ${took} ms more`);
}
