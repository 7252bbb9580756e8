/**
 * The bundlers and compilers that users of the npm package have, for `npm run test:package`. They are installed into a
 * folder of their own when it first runs: nobody else who works on the repository needs them.
 */

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./child.mjs";
import { npmCommand, root } from "./setup.mjs";

const versions = {
  "@rollup/plugin-node-resolve": "16.0.3",
  "@types/node": "26.6.6",
  "esbuild": "0.28.2",
  "rollup": "4.68.7",
  "typescript56": "npm:typescript@5.6.3",
  "typescript59": "npm:typescript@5.9.3",
  "typescript60": "npm:typescript@6.0.3",
  "vite": "8.3.8",
};

/** Where the tools are. */
export const toolsFolder = join(root, "node_modules", ".package-tools");

/** Installs them, unless they are there. */
export async function installTools() {
  const manifest = join(toolsFolder, "package.json");
  const text = JSON.stringify({ private: true, dependencies: versions }, null, 2);
  const lock = join(toolsFolder, "node_modules", ".package-lock.json");
  if (existsSync(lock) && existsSync(manifest) && readFileSync(manifest, "utf8") === text) return;
  mkdirSync(toolsFolder, { recursive: true });
  writeFileSync(manifest, text);
  const npm = npmCommand([
    "install",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    // esbuild's only looks whether its program starts.
    "--ignore-scripts",
  ]);
  const done = await run(npm.file, npm.args, {
    cwd: toolsFolder,
    shell: npm.shell,
    limit: 300_000,
  });
  if (done.code !== 0) throw new Error(`installing the tools failed:\n${done.output}`);
}
