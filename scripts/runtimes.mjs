/** The pinned runtimes: where they are, which version they are, how each starts a program. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { run } from "./child.mjs";
import { root } from "./setup.mjs";

const exe = process.platform === "win32" ? ".exe" : "";

/**
 * @typedef {object} Runtime
 * @property {string} name As people write it.
 * @property {string[]} candidates Where the executable may be, below node_modules, best first.
 * @property {(file: string) => string[]} program The arguments that run a TypeScript program which
 *   needs nothing but the network.
 */

/** @type {Record<"node" | "deno" | "bun" | "node22" | "node24", Runtime>} */
export const runtimes = {
  node: {
    name: "Node",
    candidates: [`node/bin/node${exe}`],
    program: (file) => [file],
  },
  deno: {
    name: "Deno",
    // The second is where it stays when install scripts were not allowed to run.
    candidates: [`deno/deno${exe}`, `@deno/${denoPlatform()}/deno${exe}`],
    program: (file) => ["run", "--quiet", "--no-prompt", "--no-check", "--allow-net", file],
  },
  bun: {
    name: "Bun",
    // The package calls it bun.exe on every system.
    candidates: ["bun/bin/bun.exe", "bun/bin/bun"],
    program: (file) => ["run", file],
  },
  node22: {
    name: "Node 22",
    candidates: [`node22/bin/node${exe}`],
    program: (file) => [file],
  },
  node24: {
    name: "Node 24",
    candidates: [`node24/bin/node${exe}`],
    program: (file) => [file],
  },
};

/** @returns {string} */
function denoPlatform() {
  const libc = process.platform === "linux" ? "-glibc" : "";
  return `${process.platform}-${process.arch}${libc}`;
}

/**
 * The executable of a pinned runtime.
 *
 * @param {keyof typeof runtimes} key
 * @returns {string}
 */
export function executable(key) {
  const { candidates, name } = runtimes[key];
  const found = candidates.map((path) => join(root, "node_modules", path)).find(existsSync);
  if (found === undefined) {
    throw new Error(`${name} is not installed: node_modules has no ${candidates.join(" or ")}`);
  }
  return found;
}

/**
 * The version an executable reports, such as "26.10.0".
 *
 * @param {string} file
 * @returns {Promise<string>}
 */
export async function versionOf(file) {
  const { code, output } = await run(file, ["--version"], { limit: 30_000 });
  const version = /\d+\.\d+\.\d+\S*/.exec(output)?.[0];
  if (code !== 0 || version === undefined) {
    throw new Error(`${file} --version failed: ${output.trim() || `exit code ${code}`}`);
  }
  return version;
}

/**
 * The script behind a command of an installed package, to be run by any Node: the shims in
 * node_modules/.bin cannot be started without a shell on Windows.
 *
 * @param {string} packageName
 * @param {string} command
 * @returns {string}
 */
export function commandOf(packageName, command) {
  const folder = join(root, "node_modules", packageName);
  const { bin } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return join(folder, typeof bin === "string" ? bin : bin[command]);
}
