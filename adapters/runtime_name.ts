/** Which runtime is this. */

interface Globals {
  readonly Deno?: { readonly internal?: unknown };
  readonly process?: { readonly versions?: Readonly<Record<string, unknown>> };
}

/**
 * Its name as people write it. Not by the globals `Bun` and `Deno` alone: a program on another runtime may define them, to test code
 * for these.
 */
export function runtimeName(): "Bun" | "Deno" | "Node" | "an unknown runtime" {
  const globals = globalThis as Globals;
  // Deno 2.9 takes 10 ms for the first look at `process`.
  if (typeof globals.Deno?.internal === "symbol") return "Deno";
  const versions = globals.process?.versions ?? {};
  // Both also have Node's.
  if ("bun" in versions) return "Bun";
  if ("deno" in versions) return "Deno";
  return "node" in versions ? "Node" : "an unknown runtime";
}
