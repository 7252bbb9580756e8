/**
 * Prepares a release: sets its version in the manifests, takes out of README.md that nothing is published, and tries
 * everything short of publishing it.
 *
 *     npm run release -- 0.2.0
 *
 * Writes to this folder only; the commands that publish are printed. Where something fails, all files are as they
 * were.
 */

import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { readArguments, refuse } from "./arguments.mjs";
import { executable } from "./runtimes.mjs";
import { npmCommand, root } from "./setup.mjs";

/** What the files were. @type {Map<string, string>} */
const before = new Map();

/** @param {string} message @returns {never} */
function fail(message) {
  for (const [file, text] of before) writeFileSync(file, text);
  console.error(message);
  process.exit(1);
}

/**
 * Runs a command and gives what it printed.
 *
 * @param {string} name
 * @param {{ file: string, args: string[], shell?: boolean }} command
 */
function step(name, { file, args, shell = false }) {
  const done = spawnSync(file, args, { cwd: root, encoding: "utf8", shell });
  if (done.status !== 0) fail(`FAILED ${name}\n${done.error ?? `${done.stdout}${done.stderr}`}`);
  console.log(`ok     ${name}`);
  return done.stdout;
}

/** Sets a manifest's version and leaves all else as it is. @param {string} name @param {string} version */
function setVersion(name, version) {
  const file = join(root, name);
  const text = readFileSync(file, "utf8");
  const { version: old } = JSON.parse(text);
  before.set(file, text);
  // A lock file has it twice, at its top; that of a dependency comes later.
  const times = name === "package-lock.json" ? 2 : 1;
  let changed = text;
  let from = 0;
  for (let time = 0; time < times; time++) {
    const at = changed.indexOf(`"version": "${old}"`, from);
    changed = changed.slice(0, at) + changed.slice(at).replace(old, version);
    from = at + 1;
  }
  writeFileSync(file, changed);
}

const usage = "npm run release -- 0.2.0";
const { positionals } = readArguments(usage, { allowPositionals: true, options: {} });
const [version = "", ...rest] = positionals;
if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version) || rest.length > 0) {
  refuse(`not one version: ${positionals.join(" ") || "none given"}`, usage);
}

// The changelog may wait for the commit that the new version comes with.
const others = ["status", "--porcelain", "--", ".", ":!CHANGELOG.md"];
const status = step("git status", { file: "git", args: others });
if (status !== "") fail(`commit or stash these first:\n${status}`);
const tags = step("git tag", { file: "git", args: ["tag", "--list", `v${version}`] });
if (tags !== "") fail(`there is a tag v${version} already`);

const changelog = readFileSync(join(root, "CHANGELOG.md"), "utf8");
const [, section] = changelog.split(`\n## [${version}] - `);
const [heading = "", ...entries] = section?.split(/\n## /)[0]?.split("\n") ?? [];
if (!/^\d{4}-\d\d-\d\d$/.test(heading) || !entries.some((line) => line.startsWith("- "))) {
  fail(`CHANGELOG.md needs a section "## [${version}] - YYYY-MM-DD" with entries`);
}
console.log("ok     CHANGELOG.md");

for (const name of ["package.json", "package-lock.json", "deno.json"]) setVersion(name, version);
const readme = readFileSync(join(root, "README.md"), "utf8");
before.set("README.md", readme);
writeFileSync(join(root, "README.md"), readme.replace(/^Not published yet: .*\n\n/m, ""));
const node = process.execPath;
step("npm run check", { file: node, args: ["scripts/check.mjs"] });
step("npm run test:package", { file: node, args: ["scripts/test_package.mjs"] });
step("npm publish --dry-run", npmCommand(["publish", "--dry-run", "--access", "public"]));
step("deno publish --dry-run", {
  file: executable("deno"),
  args: ["publish", "--dry-run", "--allow-dirty"],
});

console.log(`
${version} can be published. What is left, once continuous integration is green:

    git commit -am "Release ${version}" && git tag v${version} && git push --follow-tags
    npm publish --access public
    npx deno publish
`);
