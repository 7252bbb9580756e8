/**
 * Runs the long versions of the tests: generated programs, faults, crowds, hostile peers, leaks.
 *
 *     npm run soak
 *     npm run soak -- --seed=7 --sequences=100000 --minutes=30 --runtime=deno,bun
 *     npm run soak -- --minutes=0 tests/hostile.test.ts
 *
 * The seed is printed, and the same seed does the same. Without one it is chosen by the clock. `--write` puts what was
 * tried, and how often, into docs/reliability.md.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { testPermissions } from "../tests/support/permissions.mjs";
import { choose, readArguments, refuse } from "./arguments.mjs";
import { run } from "./child.mjs";
import { testFiles } from "./files.mjs";
import { Tally } from "./reliability.mjs";
import { executable } from "./runtimes.mjs";
import { root } from "./setup.mjs";

/** The tests that have a long version. */
const LONG = ["faults", "crowd", "hostile", "leaks", "fuzz", "no_loss"].map((name) =>
  join(root, "tests", name)
);

const usage =
  "npm run soak -- [--seed=N] [--sequences=N] [--minutes=N] [--runtime=node,deno,bun] " +
  "[--write] [FILE ...]";
const { values, positionals } = readArguments(usage, {
  allowPositionals: true,
  options: {
    write: { type: "boolean", default: false },
    seed: { type: "string", default: String(Math.floor(Date.now() / 1000) % 1_000_000_000) },
    sequences: { type: "string", default: "20000" },
    minutes: { type: "string", default: "5" },
    runtime: { type: "string", default: "node,deno,bun" },
  },
});
const { seed, sequences, minutes } = values;
for (const [name, value] of Object.entries({ seed, sequences, minutes })) {
  if (value === "" || !(Number(value) >= 0)) {
    refuse(`--${name} must be a number, not ${value}`, usage);
  }
}

/** @typedef {"node" | "deno" | "bun"} Runtime */
/** @type {Record<Runtime, string[]>} */
const flags = {
  node: ["--no-warnings"],
  deno: ["run", "--no-check", "--no-prompt", ...testPermissions],
  bun: ["run"],
};
const chosen = choose(values.runtime, Object.keys(flags), usage);
// Names that are no tests are refused before anything runs.
const files = testFiles(positionals.length > 0 ? positionals : LONG, usage);
const program = join(root, "tests/model/soak.ts");
const scratch = mkdtempSync(join(tmpdir(), "bsdsock-soak-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const tally = new Tally();
let failures = 0;
for (const runtime of /** @type {Runtime[]} */ (chosen)) {
  for (const place of Number(minutes) > 0 ? ["native", "memory"] : []) {
    console.log(
      `\n${runtime}, ${place}: at most ${sequences} sequences from seed ${seed}, ${minutes} min`,
    );
    const { code, output } = await run(
      executable(runtime),
      [...flags[runtime], program, seed, sequences, minutes, place],
      {
        cwd: root,
        env: { BSDSOCK_TALLY: join(scratch, `${runtime}-${place}`) },
        limit: (Number(minutes) + 3) * 60_000,
      },
    );
    console.log(output.trimEnd());
    if (code !== 0) failures++;
    else tally.read(join(scratch, `${runtime}-${place}`), "tests/model/model.test.ts", runtime);
  }
}
if (values.write) await tally.write("soak");
console.log(`\nthe long versions of the tests, seed ${seed}`);
const tests = await run(
  process.execPath,
  [
    join(root, "scripts/test.mjs"),
    `--runtime=${values.runtime}`,
    ...(values.write ? ["--write"] : []),
    ...files,
  ],
  {
    cwd: root,
    env: { BSDSOCK_SOAK: "1", BSDSOCK_SEED: seed },
    limit: 24 * 3_600_000,
    onLine: (line) => console.log(line),
  },
);
if (tests.code !== 0) failures++;
console.log(failures === 0 ? "\nnothing was lost" : `\n${failures} runs failed, seed ${seed}`);
process.exitCode = failures === 0 ? 0 : 1;
