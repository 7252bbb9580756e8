/** Which runtime runs this test, and how to start another program on the same one. */

import process from "node:process";
import { fileURLToPath } from "node:url";
import { programPermissions, testPermissions } from "./permissions.mjs";

/** The runtime this test runs on. */
export const runtimeName: "node" | "deno" | "bun" = "Deno" in globalThis
  ? "deno"
  : "Bun" in globalThis
  ? "bun"
  : "node";

/** Whether Deno may make system calls of the library's own. */
export const hasFfi: boolean = testPermissions.includes("--allow-ffi");

/** Whether the tests were compiled to JavaScript, to run against the npm package. */
export const isCompiled: boolean = new URL(import.meta.url).pathname.endsWith(".js");

/** What a program started by {@linkcode launch} may do. */
export interface LaunchOptions {
  /** Deno's permission flags; `["--allow-net"]` unless given. The other runtimes have none. */
  permissions?: readonly string[];
  /** More flags for the runtime itself, such as `--expose-gc` on Node. */
  flags?: readonly string[];
}

/**
 * The command line that runs a program on the runtime of the current test.
 *
 * @param program The program's source, as `new URL("./peers/echo.ts", import.meta.url)`. Where the
 * tests were compiled, the .js file beside it is meant.
 * @param args The program's own arguments.
 * @param options What it is allowed to do.
 * @returns The executable and its arguments.
 */
export function launch(
  program: URL,
  args: readonly string[] = [],
  options: LaunchOptions = {},
): [file: string, ...args: string[]] {
  const source = fileURLToPath(program);
  const path = isCompiled ? source.replace(/\.ts$/, ".js") : source;
  const flags = options.flags ?? [];
  switch (runtimeName) {
    case "deno": {
      const given = options.permissions ?? programPermissions;
      // Deno 2.9: a Deno started by node:child_process with no flag about permissions has them all.
      const permissions = given.length > 0 ? given : ["--deny-run"];
      return [
        process.execPath,
        "run",
        "--quiet",
        "--no-prompt",
        "--no-check",
        ...permissions,
        ...flags,
        path,
        ...args,
      ];
    }
    case "bun":
      return [process.execPath, "run", ...flags, path, ...args];
    case "node":
      return [process.execPath, ...flags, path, ...args];
  }
}
