/** How long a runtime takes to import a module. */

import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { run } from "../../scripts/child.mjs";
import { executable, runtimes } from "../../scripts/runtimes.mjs";
import { root } from "../../scripts/setup.mjs";

/** @typedef {"node" | "deno" | "bun"} RuntimeName */

/**
 * The library as a runtime's users get it: JavaScript from npm, and on Deno the sources from JSR.
 *
 * @param {string} folder Where the built package may be put.
 * @returns {Promise<Record<RuntimeName, string>>}
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

/**
 * Milliseconds of one import, in a process of its own.
 *
 * @param {RuntimeName} runtime
 * @param {string} module
 * @param {string} folder Where the program may be put.
 * @returns {Promise<number>}
 */
export async function importTime(runtime, module, folder) {
  const program = join(folder, "import.mjs");
  writeFileSync(
    program,
    "const start = performance.now();\n" +
      `await import(${JSON.stringify(module)});\n` +
      "console.log(performance.now() - start);\n",
  );
  const done = await run(executable(runtime), runtimes[runtime].program(program), { cwd: folder });
  if (done.code !== 0) throw new Error(`${runtime} cannot import ${module}:\n${done.output}`);
  return Number(done.stdout);
}
