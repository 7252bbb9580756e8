/** The release script: what it refuses before it changes anything. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { start } from "./support/process.ts";
import { isCompiled, launch } from "./support/runtime.ts";
import { bounded, type Scope } from "./support/scope.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const changed = ["package.json", "package-lock.json", "deno.json", "README.md"];

const skip = isCompiled
  ? "the script is not in the npm package"
  : spawnSync("git", ["--version"]).status !== 0 && "there is no git";

/** A repository with nothing but what the script looks at before it sets a version. */
function repository(scope: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), "bsdsock-release-"));
  scope.add({ close: () => rmSync(folder, { recursive: true, force: true }) });
  for (const name of ["scripts", "CHANGELOG.md", ...changed]) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  writeFileSync(join(folder, ".gitignore"), "node_modules\n");
  git(folder, "init", "--quiet");
  git(folder, "add", ".");
  git(folder, "-c", "user.name=a", "-c", "user.email=a@b.test", "commit", "--quiet", "-m", "a");
  return folder;
}

function git(folder: string, ...args: string[]): void {
  const { status, stderr } = spawnSync("git", args, { cwd: folder, encoding: "utf8" });
  assert.equal(status, 0, stderr);
}

/** Runs the script, which must refuse with this exit code, and gives what it says. */
async function refused(
  scope: Scope,
  folder: string,
  args: readonly string[] = ["99.0.0"],
  status = 1,
): Promise<string> {
  const script = pathToFileURL(join(folder, "scripts", "release.mjs"));
  const command = launch(script, args, { permissions: ["--allow-all"] });
  const { code, stderr } = await scope.add(start(command, { cwd: folder })).exit();
  assert.equal(code, status, stderr);
  for (const name of changed) {
    assert.equal(readFileSync(join(folder, name), "utf8"), readFileSync(join(root, name), "utf8"));
  }
  return stderr;
}

describe("the release script refuses", () => {
  it(
    "what is no version",
    { skip },
    bounded(async (scope) => {
      const folder = repository(scope);
      assert.match(await refused(scope, folder, [], 2), /^not one version: none given; usage: /);
      assert.match(await refused(scope, folder, ["v1"], 2), /^not one version: v1; usage: /);
    }),
  );

  it(
    "what is not committed",
    { skip },
    bounded(async (scope) => {
      const folder = repository(scope);
      appendFileSync(join(folder, "scripts", "table.mjs"), "\n");
      assert.match(await refused(scope, folder), /commit or stash .*\n.*table\.mjs/);
    }),
  );

  it(
    "a version that has a tag",
    { skip },
    bounded(async (scope) => {
      const folder = repository(scope);
      git(folder, "tag", "v99.0.0");
      assert.match(await refused(scope, folder), /there is a tag v99\.0\.0/);
    }),
  );

  it(
    "a version without a dated section in the changelog",
    { skip },
    bounded(async (scope) => {
      const folder = repository(scope);
      assert.match(await refused(scope, folder), /needs a section "## \[99\.0\.0\]/);
      appendFileSync(join(folder, "CHANGELOG.md"), "\n## [99.0.0] - soon\n\n- A thing.\n");
      assert.match(await refused(scope, folder), /needs a section/);
    }),
  );

  it(
    "what fails a check, with all files as they were",
    { skip },
    bounded(async (scope) => {
      const folder = repository(scope);
      appendFileSync(join(folder, "CHANGELOG.md"), "\n## [99.0.0] - 2026-01-02\n\n- A thing.\n");
      // There are no sources to check.
      assert.match(await refused(scope, folder), /^FAILED npm run check\n/);
    }, 120_000),
  );
});
