/** Which runtime is this. */

/** Its name as people write it. Bun and Deno come first: both also look like Node. */
export function runtimeName(): "Bun" | "Deno" | "Node" | "an unknown runtime" {
  const globals = globalThis as { Bun?: unknown; Deno?: unknown; process?: unknown };
  if (globals.Bun !== undefined) return "Bun";
  if (globals.Deno !== undefined) return "Deno";
  return globals.process === undefined ? "an unknown runtime" : "Node";
}
