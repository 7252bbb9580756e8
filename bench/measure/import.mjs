/** How long a runtime takes to import a module. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../scripts/child.mjs";
import { executable, runtimes } from "../../scripts/runtimes.mjs";

/**
 * Milliseconds of one import, in a process of its own.
 *
 * @param {"node" | "deno" | "bun"} runtime
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
