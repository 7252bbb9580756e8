/**
 * Shows which lines of core/ and adapters/ no test reaches, by runtime:
 *
 *     npm run coverage
 *     npm run coverage -- --runtime=bun tests/udp.test.ts
 *
 * A line counts as reached by a runtime if it is not reported as missed in at least one test file. Programs that the
 * tests start are counted on Node only.
 */

import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import process from "node:process";
import { testPermissions } from "../tests/support/permissions.mjs";
import { choose, readArguments } from "./arguments.mjs";
import { run } from "./child.mjs";
import { testFiles } from "./files.mjs";
import { executable } from "./runtimes.mjs";
import { root } from "./setup.mjs";
import { table } from "./table.mjs";

const limit = 900_000;

/** @typedef {Map<number, number>} Hits How often each line was reached. */
/** @typedef {Map<string, Hits>} Coverage By file. */

const scratch = mkdtempSync(join(tmpdir(), "bsdsock-coverage-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

/** How each runtime runs a test file so that a report in the LCOV format comes of it. */
const ways = {
  /** @param {string} file @param {string} report */
  async node(file, report) {
    const filter = ["core", "adapters"].map((f) => `--test-coverage-include=${f}/**/*.ts`);
    const reporter = ["--test-reporter=lcov", `--test-reporter-destination=${report}`];
    const args = ["--test", "--experimental-test-coverage", ...filter, ...reporter, file];
    return (await run(executable("node"), args, { cwd: root, limit })).code;
  },

  /** @param {string} file @param {string} report */
  async deno(file, report) {
    const folder = `${report}.profile`;
    const args = ["test", "--no-check", "--no-prompt", ...testPermissions, `--coverage=${folder}`];
    const { code } = await run(executable("deno"), [...args, file], { cwd: root, limit });
    const filter = "--include=/(core|adapters)/";
    const convert = ["coverage", "--lcov", `--output=${report}`, filter, folder];
    await run(executable("deno"), convert, { cwd: root, limit });
    return code;
  },

  /** @param {string} file @param {string} report */
  async bun(file, report) {
    const folder = `${report}.folder`;
    const output = ["--coverage", "--coverage-reporter=lcov", `--coverage-dir=${folder}`];
    const args = ["test", "--timeout=120000", ...output, `./${file}`];
    const { code } = await run(executable("bun"), args, { cwd: root, limit });
    const made = join(folder, "lcov.info");
    if (existsSync(made)) add(/** @type {Coverage} */ (covered.get("bun")), made);
    return code;
  },
};

/** @type {Map<string, Coverage>} */
const covered = new Map();

/** @param {Coverage} coverage @param {string} report */
function add(coverage, report) {
  /** @type {Hits} */
  let hits = new Map();
  for (const line of readFileSync(report, "utf8").split("\n")) {
    const [kind, value = ""] = [line.slice(0, 3), line.slice(3)];
    if (kind === "SF:") {
      const file = relative(root, resolve(root, value));
      hits = coverage.get(file) ?? new Map();
      if (/^(core|adapters)\//.test(file)) coverage.set(file, hits);
    } else if (kind === "DA:") {
      const [number = 0, count = 0] = value.split(",").map(Number);
      hits.set(number, (hits.get(number) ?? 0) + count);
    }
  }
}

/** @param {Hits} hits @returns {number[]} */
function missed(hits) {
  return [...hits].filter(([, count]) => count === 0).map(([line]) => line)
    .sort((a, b) => a - b);
}

/** @param {Map<unknown, number> | undefined} hits */
function share(hits) {
  if (hits === undefined || hits.size === 0) return "";
  const reached = [...hits.values()].filter((count) => count > 0).length;
  return (100 * reached / hits.size).toFixed(1);
}

/** @param {number[]} lines @returns {string} Such as `3, 7-9`. */
function ranges(lines) {
  /** @type {[number, number][]} */
  const found = [];
  for (const line of lines) {
    const last = found.at(-1);
    if (last !== undefined && last[1] === line - 1) last[1] = line;
    else found.push([line, line]);
  }
  return found.map(([from, to]) => from === to ? from : `${from}-${to}`).join(", ");
}

const usage = "npm run coverage -- [--runtime=node,deno,bun] [FILE ...]";
const { values, positionals } = readArguments(usage, {
  allowPositionals: true,
  options: { runtime: { type: "string", default: Object.keys(ways).join(",") } },
});
const chosen = /** @type {(keyof typeof ways)[]} */ (
  choose(values.runtime, Object.keys(ways), usage)
);
const tests = testFiles(positionals, usage);

for (const name of chosen) {
  /** @type {Coverage} */
  const coverage = new Map();
  covered.set(name, coverage);
  for (const file of tests) {
    const report = join(scratch, `${name}-${file.replaceAll("/", "_")}.lcov`);
    const code = await ways[name](file, report);
    if (code !== 0) console.log(`${name} ${file}: exit code ${code}`);
    if (existsSync(report)) add(coverage, report);
  }
}

/** @param {string} name */
const all = (name) =>
  new Map(
    [...covered.get(name) ?? []].flatMap(([file, hits]) =>
      [...hits].map(([line, count]) => /** @type {const} */ ([`${file}:${line}`, count]))
    ),
  );

/** @param {string} file @returns {number[]} The lines that were reached by no runtime that has loaded the file. */
function unreached(file) {
  const lines = chosen.flatMap((name) => {
    const hits = covered.get(name)?.get(file);
    return hits === undefined ? [] : [new Set(missed(hits))];
  });
  return [...lines[0] ?? []].filter((line) => lines.every((one) => one.has(line)));
}

const files = [...new Set([...covered.values()].flatMap((coverage) => [...coverage.keys()]))]
  .sort();
console.log(table([
  ["lines reached, %", ...chosen],
  ...files.map((file) => [file, ...chosen.map((name) => share(covered.get(name)?.get(file)))]),
  ["all", ...chosen.map((name) => share(all(name)))],
]));
console.log("\nreached by no runtime:");
for (const file of files) {
  const lines = unreached(file);
  if (lines.length > 0) console.log(`${file}: ${ranges(lines)}`);
}
