/** Which runtime is this: chooses its adapter. */

import type { Adapter } from "./adapter.ts";
import { createBunAdapter } from "./bun.ts";
import { createDenoAdapter } from "./deno.ts";
import { createNodeAdapter } from "./node.ts";

/** The adapter of the runtime that this runs on. Asks Bun and Deno first: both also look like Node. */
export function detectAdapter(): Adapter {
  const globals = globalThis as { Bun?: unknown; Deno?: unknown; process?: unknown };
  if (globals.Bun !== undefined) return createBunAdapter();
  if (globals.Deno !== undefined) return createDenoAdapter();
  if (globals.process !== undefined) return createNodeAdapter();
  throw new Error(
    "bsdsock has no adapter for this runtime: it knows Node, Deno and Bun; set one with setAdapter()",
  );
}
