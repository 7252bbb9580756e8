/** Everything that can be checked without the tests. One line a check. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { root } from "./setup.mjs";
import { takesNothing } from "./arguments.mjs";
import { run } from "./child.mjs";
import { withoutExample, writeExamples } from "./examples_of_docs.mjs";
import { pack } from "./pack.mjs";
import { commandOf, executable } from "./runtimes.mjs";
import { testPermissions } from "../tests/support/permissions.mjs";

takesNothing("npm run check");

const scratch = mkdtempSync(join(tmpdir(), "bsdsock-check-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));

const deno = executable("deno");
const node = process.execPath;
const tsc = commandOf("typescript", "tsc");
let failures = 0;

/**
 * @param {string} name
 * @param {string} file
 * @param {string[]} args
 */
async function check(name, file, args) {
  const done = await run(file, args, { cwd: root, limit: 300_000 });
  report(name, done.code === 0 ? "" : done.output || `exit code ${done.code}`);
}

/** @param {string} name @param {string} complaint Nothing where all is well. */
function report(name, complaint) {
  console.log(`${complaint === "" ? "ok    " : "FAILED"} ${name}`);
  if (complaint === "") return;
  failures++;
  console.log(complaint.trimEnd().replaceAll(/^/gm, "    | "));
}

/** deno.json as examples need it: Deno imports into each all that its file exports. @returns {string} */
function docConfig() {
  const { name, compilerOptions } = JSON.parse(readFileSync(join(root, "deno.json"), "utf8"));
  const file = join(scratch, "deno.json");
  writeFileSync(
    file,
    JSON.stringify({
      compilerOptions: { ...compilerOptions, noUnusedLocals: false },
      imports: { [name]: pathToFileURL(join(root, "mod.ts")).href },
      lock: false,
    }),
  );
  return file;
}

await check("deno fmt --check", deno, ["fmt", "--check"]);
await check("deno lint", deno, ["lint"]);
await check("deno doc --lint mod.ts", deno, ["doc", "--lint", "mod.ts"]);
const { stdout: shown } = await run(deno, ["doc", "--json", "mod.ts"], { cwd: root });
report("every function, method and getter has an example", withoutExample(shown).join("\n"));
await check("deno check mod.ts", deno, ["check", "mod.ts"]);
await check("deno check of the pages' programs", deno, [
  "check",
  "--doc-only",
  "README.md",
  "SECURITY.md",
  ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`),
]);
if (process.platform === "win32") {
  // Many start with socketpair(), and there Deno has no UNIX sockets.
  console.log("skipped examples of the doc comments");
} else {
  await check("examples of the doc comments on Deno", deno, [
    "test",
    "--doc",
    `--config=${docConfig()}`,
    ...testPermissions,
    "mod.ts",
    "core",
    "adapters",
  ]);
  const examples = writeExamples(scratch);
  await check("examples of the doc comments on Node", executable("node"), [examples]);
  await check("examples of the doc comments on Bun", executable("bun"), [examples]);
}
await check("deno publish --dry-run", deno, ["publish", "--dry-run", "--allow-dirty"]);
await check("tables of features and options", node, ["scripts/feature_table.mjs", "--check"]);
await check("tsc", node, [tsc, "-p", "tsconfig.json", "--noEmit"]);
await check("tsc for tests, examples, scripts", node, [tsc, "-p", "tsconfig.tests.json"]);
try {
  const tgz = await pack(scratch);
  console.log("ok     npm pack");
  await check("publint", node, [commandOf("publint", "publint"), "run", tgz, "--strict"]);
  await check("attw", node, [
    commandOf("@arethetypeswrong/cli", "attw"),
    tgz,
    // There is no CommonJS build: require() of a module works from Node 20.19 on.
    "--profile",
    "esm-only",
    "--no-emoji",
  ]);
} catch (error) {
  failures++;
  console.log(`FAILED npm pack\n${error instanceof Error ? error.message : error}`);
}

console.log(failures === 0 ? "all checks passed" : `${failures} checks failed`);
process.exitCode = failures === 0 ? 0 : 1;
