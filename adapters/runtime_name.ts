/** The name of this runtime. */

interface Globals {
  readonly Deno?: { readonly internal?: unknown };
  readonly process?: { readonly versions?: Readonly<Record<string, unknown>> };
}

/**
 * The name of this runtime as people write it. The globals `Bun` and `Deno` alone do not decide: a program may define
 * them on another runtime, to test code written for these.
 */
export function runtimeName(): "Bun" | "Deno" | "Node" | "an unknown runtime" {
  const globals = globalThis as Globals;
  // Before `process`: Deno 2.9 takes 10 ms for the first access to it.
  if (typeof globals.Deno?.internal === "symbol") return "Deno";
  const versions = globals.process?.versions ?? {};
  // Bun and Deno also have a `node` version.
  if ("bun" in versions) return "Bun";
  if ("deno" in versions) return "Deno";
  return "node" in versions ? "Node" : "an unknown runtime";
}
