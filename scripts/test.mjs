/**
 * Runs the same test files under Node, Deno and Bun, then, compiled, against the packed and
 * installed npm package under the machine's own Node.
 *
 *     npm test
 *     npm test -- --runtime=deno,bun tests/tcp.test.ts
 *
 * The last line is `N passed, N failed, N skipped`. The exit code is 0 only if nothing failed and
 * every runtime ran. `--write` puts what was tried, and how often, into docs/reliability.md. Each file
 * runs in a process of its own, one after another: the tests watch time, memory and descriptors, and
 * share none of them. Only those of tests/interop, which mostly wait for programs, run two at a time.
 */

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { choose, readArguments } from "./arguments.mjs";
import { machineNode, npmCommand, root } from "./setup.mjs";
import { run } from "./child.mjs";
import { filesBelow, testFiles } from "./files.mjs";
import { readReport } from "./junit.mjs";
import { pack } from "./pack.mjs";
import { Tally } from "./reliability.mjs";
import { commandOf, executable, versionOf } from "./runtimes.mjs";
import { table } from "./table.mjs";
import { testPermissions } from "../tests/support/permissions.mjs";

/** Milliseconds for one test, where the runner can tell, and for one file. */
const slower = process.env["BSDSOCK_SOAK"] === "1" ? 10 : 1;
const testLimit = 120_000 * slower;
const fileLimit = 400_000 * slower;

/** @returns {Promise<Record<string, string>>} What tells the tests which Python to start. */
async function pythonEnvironment() {
  if (process.env["PYTHON"] !== undefined) return {};
  // Behind a script of pyenv, Python takes several times as long to start, and hundreds of peers are started.
  const found = await run("python3", ["-c", "import sys; print(sys.executable)"]);
  return found.code === 0 ? { PYTHON: found.stdout.trim() } : {};
}

/** The files that run two at a time. */
const together = "tests/interop/";

/**
 * @typedef {object} Target
 * @property {string} label
 * @property {() => string} executable
 * @property {(file: string, report: string) => string[]} args
 * @property {boolean} [packaged] Runs the compiled tests against the npm package.
 * @property {NodeJS.ProcessEnv} [env] For the tests.
 * @property {RegExp} [only] Which files it runs where the command line names none.
 */

/** @param {string} file @param {string} report */
const nodeArgs = (file, report) => [
  "--test",
  // Node 22 counts a file as a test too.
  `--test-timeout=${fileLimit - testLimit}`,
  "--test-reporter=spec",
  "--test-reporter-destination=stdout",
  "--test-reporter=junit",
  `--test-reporter-destination=${report}`,
  file,
];

/** @param {string} file @param {string} report */
const denoArgs = (file, report) => [
  "test",
  // Types are checked by `npm run check`, once for all.
  "--no-check",
  // Not --quiet, which would hide the mark of deno_preload.mjs.
  "--no-prompt",
  ...testPermissions,
  "--preload=scripts/deno_preload.mjs",
  `--junit-path=${report}`,
  file,
];

/** @type {Record<string, Target>} */
const targets = {
  node: { label: "Node", executable: () => executable("node"), args: nodeArgs },
  deno: { label: "Deno", executable: () => executable("deno"), args: denoArgs },
  denoffi: {
    label: "Deno, --allow-ffi",
    executable: () => executable("deno"),
    args: (file, report) => denoArgs(file, report).toSpliced(1, 0, "--allow-ffi"),
    env: { BSDSOCK_FFI: "1" },
    // What system calls of the library's own serve.
    only:
      /^tests\/(backpressure|bulk|close_sends|crowd|differences|fairness|faults|hostile|leaks|lost_|model|no_loss|process_end|streams|tcp|udp|unhandled|unix)/,
  },
  bun: {
    label: "Bun",
    executable: () => executable("bun"),
    args: (file, report) => [
      "test",
      `--timeout=${testLimit}`,
      "--reporter=junit",
      `--reporter-outfile=${report}`,
      `./${file}`,
    ],
  },
  package: {
    label: "npm package, Node",
    executable: () => machineNode,
    args: nodeArgs,
    packaged: true,
  },
  node22: { label: "Node", executable: () => executable("node22"), args: nodeArgs },
  node24: { label: "Node", executable: () => executable("node24"), args: nodeArgs },
  package22: {
    label: "npm package, Node",
    executable: () => executable("node22"),
    args: nodeArgs,
    packaged: true,
  },
  package24: {
    label: "npm package, Node",
    executable: () => executable("node24"),
    args: nodeArgs,
    packaged: true,
  },
};
const usual = ["node", "deno", "denoffi", "bun", "package"];

const scratch = mkdtempSync(join(tmpdir(), "bsdsock-test-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

/**
 * A folder in which the tests meet the npm package as its users do: installed below node_modules.
 * The tests and examples are compiled, and `mod.js` beside them stands for the package.
 *
 * @returns {Promise<string>}
 */
async function preparePackage() {
  const project = join(scratch, "project");
  mkdirSync(join(project, "packed"), { recursive: true });
  const tgz = await pack(join(project, "packed"));
  writeFileSync(join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  const npm = npmCommand(["install", "--offline", "--no-audit", "--no-fund", "--no-save", tgz]);
  const installed = await run(npm.file, npm.args, {
    cwd: project,
    shell: npm.shell,
    limit: 120_000,
  });
  if (installed.code !== 0) {
    throw new Error(`npm install of the package failed:\n${installed.output}`);
  }

  // A few tests are of inner parts, which the package has inside its one module: those are compiled beside it.
  const sources = ["tests", "examples", "core", "adapters"].flatMap(filesBelow);
  for (const file of sources) {
    if (!file.endsWith(".ts")) cpSync(join(root, file), join(project, file), { recursive: true });
  }
  const config = join(scratch, "tsconfig.json");
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        rootDir: root,
        outDir: project,
        // Each file by itself: the library comes from the package, types are checked elsewhere.
        noResolve: true,
        noCheck: true,
        declaration: false,
        emitDeclarationOnly: false,
        isolatedDeclarations: false,
        types: [],
      },
      include: [],
      files: sources.filter((file) => file.endsWith(".ts")).map((file) => join(root, file)),
    }),
  );
  const tsc = await run(process.execPath, [commandOf("typescript", "tsc"), "-p", config]);
  if (tsc.code !== 0) throw new Error(`compiling the tests failed:\n${tsc.output}`);

  writeFileSync(join(project, "mod.js"), 'export * from "bsdsock";\n');
  return project;
}

/**
 * @typedef {object} Row
 * @property {string} label
 * @property {string} version
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {Map<string, number>} counts Tests by file, of the files without a failure.
 */

/** @type {Promise<string> | undefined} */
let project;

/** @param {string} key @param {string[]} files @returns {Promise<Row>} */
async function runTarget(key, files) {
  const target = targets[key];
  if (target === undefined) throw new Error(`no such runtime: ${key}`);
  /** @type {Row} */
  const row = {
    label: target.label,
    version: "?",
    passed: 0,
    failed: 0,
    skipped: 0,
    counts: new Map(),
  };
  try {
    const program = target.executable();
    row.version = await versionOf(program);
    console.log(`\n${row.label} ${row.version}`);
    const cwd = target.packaged ? await (project ??= preparePackage()) : root;
    /** @param {string} source */
    const runFile = async (source) => {
      const file = target.packaged ? source.replace(/\.ts$/, ".js") : source;
      const report = join(scratch, `${key}-${file.replaceAll("/", "_")}.xml`);
      const started = performance.now();
      const tallied = `${report}.tally`;
      const env = { ...target.env, ...pythonPath, BSDSOCK_TALLY: tallied };
      const done = await run(program, target.args(file, report), { cwd, env, limit: fileLimit });
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      const tests = existsSync(report) ? readReport(readFileSync(report, "utf8"), file) : [];
      /** @param {import("./junit.mjs").Result} result */
      const count = (result) => tests.filter((test) => test.result === result).length;
      const [passed, skipped] = [count("passed"), count("skipped")];
      let failed = count("failed");
      /** @type {string[]} */
      const notes = tests.filter((test) => test.result === "failed").map((test) => test.name);
      // What went wrong outside any test counts as one failure more.
      if (done.timedOut) notes.push(`did not end in ${fileLimit / 1000} s`);
      else if (tests.length === 0) notes.push("ran no tests");
      else if (done.code !== 0 && failed === 0) notes.push(`ended with exit code ${done.code}`);
      // The mark of deno_preload.mjs.
      notes.push(...done.output.match(/^uncaught outside any test: .*$/gm) ?? []);
      failed = notes.length;
      row.passed += passed;
      row.failed += failed;
      row.skipped += skipped;
      const counts = `${passed} passed, ${failed} failed, ${skipped} skipped`;
      console.log(`  ${failed === 0 ? "ok    " : "FAILED"} ${source}: ${counts} (${seconds} s)`);
      if (failed === 0) {
        row.counts.set(source, tests.length);
        tally.read(tallied, source, key);
      } else {
        for (const note of notes) console.log(`         - ${note}`);
        console.log(done.output.trimEnd().replaceAll(/^/gm, "    | "));
      }
    };
    const chosen = files.filter((file) => areNamed || target.only?.test(file) !== false);
    for (const file of chosen.filter((file) => !file.startsWith(together))) await runFile(file);
    const others = chosen.filter((file) => file.startsWith(together));
    await Promise.all([1, 2].map(async () => {
      for (let file; (file = others.shift()) !== undefined;) await runFile(file);
    }));
    if (row.passed === 0 && row.failed === 0) throw new Error("no test ran");
  } catch (error) {
    row.failed++;
    console.log(`  FAILED ${error instanceof Error ? error.message : error}`);
  }
  return row;
}

/**
 * The runtimes must agree on how many tests a file has. A runner that swallows an error (Deno 2.9
 * does, where a file throws at its top level after its first test) shows here and nowhere else.
 *
 * @param {Row[]} rows
 * @param {string[]} files
 */
function compareCounts(rows, files) {
  for (const file of files) {
    const most = Math.max(...rows.map((row) => row.counts.get(file) ?? 0));
    for (const row of rows) {
      const count = row.counts.get(file);
      if (count === undefined || count === most) continue;
      row.failed++;
      console.log(`\nFAILED ${file}: ${count} tests on ${row.label}, ${most} elsewhere`);
    }
  }
}

const usage = `npm test -- [--runtime=${Object.keys(targets).join(",")}] [--write] [FILE ...]`;
const { values, positionals } = readArguments(usage, {
  allowPositionals: true,
  options: {
    runtime: { type: "string", default: usual.join(",") },
    write: { type: "boolean", default: false },
  },
});
const chosen = choose(values.runtime, Object.keys(targets), usage);
const files = testFiles(positionals, usage);
const areNamed = positionals.length > 0;
const tally = new Tally();
const pythonPath = await pythonEnvironment();

/** @type {Row[]} */
const rows = [];
for (const key of chosen) rows.push(await runTarget(key, files));
compareCounts(rows, files);
const column = slower > 1 ? "soak" : "usual";
if (values.write) await tally.write(column);
// The soak's numbers are those of the last one that was written.
const stale = column === "usual" ? tally.differences(column) : [];
for (const difference of stale) console.log(`\nFAILED ${difference}`);
if (stale.length > 0) console.log("\n`npm test -- --write FILE` brings the page up to date");

console.log(`\n${
  table([
    ["runtime", "version", "passed", "failed", "skipped"],
    ...rows.map((row) => [row.label, row.version, row.passed, row.failed, row.skipped]),
  ])
}\n`);
/** @param {"passed" | "failed" | "skipped"} key */
const sum = (key) =>
  rows.reduce((total, row) => total + row[key], key === "failed" ? stale.length : 0);
console.log(`${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
process.exitCode = sum("failed") === 0 ? 0 : 1;
