/** How programs end that have nothing more to do. */

import assert from "node:assert/strict";
import type { Program } from "./process.ts";

/** Checks that a program says "done", then ends by itself, before any timeout in it, and without an error. */
export async function endsByItself(program: Program): Promise<void> {
  assert.equal(await program.line(), "done", program.stderr);
  const { code, stderr } = await program.exit();
  assert.equal(code, 0, stderr);
}
