/** Builds the npm package in dist. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { takesNothing } from "./arguments.mjs";
import { commandOf, executable } from "./runtimes.mjs";
import { root } from "./setup.mjs";

takesNothing("npm run build");

/** @param {string} file @param {string[]} args */
function build(file, args) {
  const { status } = spawnSync(file, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

const types = mkdtempSync(join(tmpdir(), "bsdsock-types-"));
process.on("exit", () => rmSync(types, { recursive: true, force: true }));
// What is no longer in the sources must not be published from an older build.
rmSync(join(root, "dist"), { recursive: true, force: true });
build(process.execPath, [
  commandOf("typescript", "tsc"),
  "-p",
  "tsconfig.json",
  "--outDir",
  types,
]);
// The pinned Node, which can take the types off.
build(executable("node"), ["--no-warnings", "scripts/bundle.mjs", types]);
