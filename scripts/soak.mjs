/**
 * Runs the long versions of tests that generate what they do.
 *
 *     npm run soak
 *     npm run soak -- --seed=7 --sequences=100000 --minutes=30 --runtime=deno,bun
 *
 * The seed is printed, and the same seed does the same. Without one it is chosen by the clock.
 */

import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { testPermissions } from "../tests/support/permissions.mjs";
import { run } from "./child.mjs";
import { executable } from "./runtimes.mjs";
import { root } from "./setup.mjs";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.floor(Date.now() / 1000) % 1_000_000_000) },
    sequences: { type: "string", default: "20000" },
    minutes: { type: "string", default: "5" },
    runtime: { type: "string", default: "node,deno,bun" },
  },
});
const { seed, sequences, minutes } = values;
for (const [name, value] of Object.entries({ seed, sequences, minutes })) {
  if (!(Number(value) > 0)) {
    console.error(`--${name} must be a number above 0, not ${value}`);
    process.exit(2);
  }
}

/** @typedef {"node" | "deno" | "bun"} Runtime */
/** @type {Record<Runtime, string[]>} */
const flags = {
  node: ["--no-warnings"],
  deno: ["run", "--no-check", "--no-prompt", ...testPermissions],
  bun: ["run"],
};
const program = join(root, "tests/model/soak.ts");
let failures = 0;
for (const name of values.runtime.split(",")) {
  const runtime = /** @type {Runtime} */ (name);
  const runtimeFlags = flags[runtime];
  if (runtimeFlags === undefined) {
    console.error(`no such runtime: ${runtime}`);
    process.exit(2);
  }
  for (const place of ["native", "memory"]) {
    console.log(
      `\n${runtime}, ${place}: at most ${sequences} sequences from seed ${seed}, ${minutes} min`,
    );
    const { code, output } = await run(
      executable(runtime),
      [...runtimeFlags, program, seed, sequences, minutes, place],
      { cwd: root, limit: (Number(minutes) + 3) * 60_000 },
    );
    console.log(output.trimEnd());
    if (code !== 0) failures++;
  }
}
console.log(failures === 0 ? "\nnothing differs" : `\n${failures} runs failed, seed ${seed}`);
process.exitCode = failures === 0 ? 0 : 1;
