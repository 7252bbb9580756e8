/** The choice of the adapter for the current runtime. */

import type { Adapter } from "./adapter.ts";
import { createBunAdapter } from "./bun.ts";
import { createDenoAdapter } from "./deno.ts";
import { createNodeAdapter } from "./node.ts";
import { runtimeName } from "./runtime_name.ts";

/** The adapter for the current runtime. */
export function detectAdapter(): Adapter {
  switch (runtimeName()) {
    case "Bun":
      return createBunAdapter();
    case "Deno":
      return createDenoAdapter();
    case "Node":
      return createNodeAdapter();
    default:
      throw new Error(
        "bsdsock has no adapter for this runtime: it knows Node, Deno and Bun; set one with setAdapter()",
      );
  }
}
