/** Compiles the npm package into dist: one .js and one .d.ts for each source file. */

import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { commandOf } from "./runtimes.mjs";
import { root } from "./setup.mjs";

// What is no longer in the sources must not be published from an older build.
rmSync(join(root, "dist"), { recursive: true, force: true });
const tsc = commandOf("typescript", "tsc");
const { status } = spawnSync(process.execPath, [tsc, "-p", "tsconfig.json"], {
  cwd: root,
  stdio: "inherit",
});
process.exit(status ?? 1);
