/** The library as a runtime's users get it. */

import { cpSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { run } from "../scripts/child.mjs";
import { root } from "../scripts/setup.mjs";

/** @typedef {Record<"node" | "deno" | "bun", string>} Modules The path of its module. */

/**
 * JavaScript from npm, and on Deno the sources from JSR.
 *
 * @param {string} folder Where the built package may be put.
 * @returns {Promise<Modules>}
 */
export async function makeModules(folder) {
  const done = await run(process.execPath, [join(root, "scripts", "build.mjs")]);
  if (done.code !== 0) throw new Error(`building the package failed:\n${done.output}`);
  for (const part of ["package.json", "dist"]) {
    cpSync(join(root, part), join(folder, part), { recursive: true });
  }
  const compiled = join(folder, "dist", "mod.js");
  return { node: compiled, bun: compiled, deno: join(root, "mod.ts") };
}
