/**
 * Measures what the library costs, beside the runtimes' own APIs:
 *
 *     npm run bench                                          # all of it, under 10 minutes
 *     npm run bench -- --quick                               # the main cases, under one minute
 *     npm run bench -- --runtime=node --case=echo-64,sink --rounds=9
 *     npm run bench -- --output=FOLDER                       # where the results go
 *     npm run bench -- --save                                # into bench/results
 *
 * bench/README.md says how to read the results.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { choose, readArguments, refuse } from "../scripts/arguments.mjs";
import { run } from "../scripts/child.mjs";
import { executable, versionOf } from "../scripts/runtimes.mjs";
import { table } from "../scripts/table.mjs";
import { efforts } from "./effort.mjs";
import { makeModules } from "./library.mjs";
import { makeGenerator } from "./load/generator.mjs";
import { measure } from "./measure/case.mjs";
import { fingerprint, revision } from "./measure/revision.mjs";
import { cases } from "./plan.mjs";
import { chart, overview } from "./report/chart.mjs";
import { markdown, names, show } from "./report/markdown.mjs";
import { costs, verdicts } from "./report/summary.mjs";
import { hasPython } from "./servers/python.mjs";
import { targets } from "./targets.mjs";

const usage = "npm run bench -- [--quick] [--runtime=node,deno,bun] " +
  `[--case=${cases.map(({ name }) => name).join(",")}] [--rounds=N] [--output=FOLDER] [--save]`;
const { values: options } = readArguments(usage, {
  options: {
    quick: { type: "boolean", default: false },
    save: { type: "boolean", default: false },
    runtime: { type: "string", default: "node,deno,bun" },
    case: { type: "string" },
    rounds: { type: "string" },
    output: { type: "string" },
  },
});
if (process.platform !== "linux") {
  console.error("CPU time of another process is read as Linux has it");
  process.exit(1);
}
const effort = { ...efforts[options.quick ? "quick" : "full"] };
if (options.rounds !== undefined) {
  const rounds = Number(options.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) {
    refuse(`not a number of rounds: ${options.rounds}`, usage);
  }
  effort.rounds = effort.memoryRounds = effort.importRounds = rounds;
}
const platforms = choose(options.runtime, ["node", "deno", "bun"], usage);
const wanted = choose(
  options.case ?? effort.cases.join(","),
  cases.map(({ name }) => name),
  usage,
);
if (hasPython) platforms.push("python");
const plan = cases.filter(({ name }) => wanted.includes(name)).map((one) => ({
  ...one,
  variants: one.variants.filter(({ platform }) => platforms.includes(platform)),
}));

const scratch = mkdtempSync(join(tmpdir(), "bsdsock-bench-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const generator = await makeGenerator(scratch);
mkdirSync(join(scratch, "library"));
const modules = await makeModules(join(scratch, "library"));

/** @type {import("./report/summary.mjs").Sample[]} */
const samples = [];
/** @type {string[]} */
const failures = [];

/** @param {import("./report/summary.mjs").Sample} sample */
const record = (sample) => void samples.push(sample);

/** @param {string} failure */
function failed(failure) {
  failures.push(failure);
  console.error(`FAILED ${failure}`);
}

const runtimeVersions = await Promise.all(
  /** @type {("node" | "deno" | "bun")[]} */ (platforms.filter((name) => name !== "python"))
    .map(async (name) => `${names[name]} ${await versionOf(executable(name))}`),
);
const library = { revision: await revision(), sources: fingerprint() };
const begun = performance.now();
for (const one of plan) {
  const start = performance.now();
  await measure(one, { generator, modules, effort, scratch, record, failed });
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(`\n${one.title}, ${one.unit} (${seconds} s)`);
  const rows = costs(samples).filter((cost) => cost.case === one.name);
  console.log(table([
    ["runtime", "variant", "median (quartiles)", "a second", "p99 µs"],
    ...rows.map((
      { platform, variant, cost, rate, p99 },
    ) => [names[platform] ?? "", variant, show(cost), rate?.toFixed(0) ?? "", `${p99 ?? ""}`]),
  ]));
}
if (fingerprint() !== library.sources) failed("the library was changed during the run");

const report = {
  about: {
    library: library.revision,
    runtimes: runtimeVersions.join(", "),
    system: `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model ?? "unknown"}`,
    "load generator": generator.name,
    rounds: `${effort.rounds} of ${effort.seconds} s`,
    took: `${((performance.now() - begun) / 1000).toFixed(0)} s`,
  },
  cases: plan,
  costs: costs(samples),
  verdicts: verdicts(samples, targets),
  failures,
};
console.log("\nTargets");
console.log(table([
  ["case", "runtime", "variant", "against", "median (quartiles)", "target", "met"],
  ...report.verdicts.map(({ case: name, platform, variant, against, value, most, met }) => [
    name,
    names[platform] ?? "",
    variant,
    against ?? "",
    show(value),
    `${most ?? ""}`,
    met === undefined ? "" : met ? "yes" : "no",
  ]),
]));

const output = options.output !== undefined
  ? resolve(options.output)
  : options.save
  ? fileURLToPath(new URL("results", import.meta.url))
  : mkdtempSync(join(tmpdir(), "bsdsock-results-"));
mkdirSync(output, { recursive: true });
/** @param {string} name @param {unknown} value */
const writeJson = (name, value) =>
  writeFileSync(join(output, name), `${JSON.stringify(value, null, 2)}\n`);
const { cases: _, ...results } = report;
writeJson("results.json", results);
// The single measurements are for whoever asks now; they would only swell a repository.
if (!options.save) writeJson("samples.json", samples);
writeFileSync(join(output, "results.md"), markdown(report));
for (const scheme of /** @type {const} */ (["light", "dark"])) {
  const { verdicts, cases } = report;
  writeFileSync(join(output, `results-${scheme}.svg`), chart(verdicts, cases, scheme));
  writeFileSync(join(output, `speed-${scheme}.svg`), overview(verdicts, cases, scheme));
}
// What is committed is checked for its format.
if (options.save) await run(executable("deno"), ["fmt", "--quiet", output]);
console.log(`\n${report.about.took}; results are in ${output}`);
for (const failure of failures) console.error(`FAILED ${failure}`);
process.exitCode = failures.length === 0 ? 0 : 1;
