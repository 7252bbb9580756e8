/**
 * Builds the npm package in dist: one module, since a hundred take Node 50 ms to import, and a .d.ts for each source
 * file.
 */

import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { commandOf, executable } from "./runtimes.mjs";
import { root } from "./setup.mjs";

/** @param {string} file @param {string[]} args */
function build(file, args) {
  const { status } = spawnSync(file, args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

// What is no longer in the sources must not be published from an older build.
rmSync(join(root, "dist"), { recursive: true, force: true });
build(process.execPath, [commandOf("typescript", "tsc"), "-p", "tsconfig.json"]);
build(executable("bun"), [
  "build",
  "mod.ts",
  "--target=node",
  "--format=esm",
  "--sourcemap=linked",
  "--outdir=dist",
]);
