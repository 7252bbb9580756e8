/**
 * Everything a fresh clone needs before anything else can run: the pinned development dependencies,
 * which bring the three runtimes along. Importing this module does the work; when there is nothing
 * to do that takes a few milliseconds. It runs on a plain Node 20, before anything is installed.
 */

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/**
 * The machine's own Node. Inside npm scripts `node` means the pinned one once it is installed, and
 * only npm still knows which Node it was itself started with.
 */
export const machineNode = process.env["npm_node_execpath"] ?? process.execPath;

/**
 * The command line of npm itself: run by the machine's Node where npm says where it lives, since a
 * bare `npm` cannot be started without a shell on Windows.
 *
 * @param {string[]} args
 * @returns {{ file: string, args: string[], shell: boolean }}
 */
export function npmCommand(args) {
  const cli = process.env["npm_execpath"];
  if (cli !== undefined && /npm-cli\.c?js$/.test(cli)) {
    return { file: machineNode, args: [cli, ...args], shell: false };
  }
  return { file: "npm", args, shell: process.platform === "win32" };
}

/** @returns {boolean} */
function isInstalled() {
  const marker = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(marker)) return false;
  const wanted = join(root, "package-lock.json");
  if (statSync(marker).mtimeMs >= statSync(wanted).mtimeMs) return true;
  // A checkout touches files without changing them: compare what the two lists say.
  /** @param {string} path @returns {Record<string, Record<string, unknown>>} */
  const packages = (path) => JSON.parse(readFileSync(path, "utf8")).packages;
  const installed = packages(marker);
  return Object.entries(packages(wanted)).every(([path, entry]) =>
    path === "" || entry["optional"] === true || installed[path]?.["version"] === entry["version"]
  );
}

if (!isInstalled()) {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 16)) {
    console.error(`bsdsock needs Node 20.16 or newer; this is ${process.versions.node}.`);
    process.exit(1);
  }
  console.error("Installing the pinned runtimes and tools (npm ci), once ...");
  const npm = npmCommand(["ci", "--no-audit", "--no-fund"]);
  const done = spawnSync(npm.file, npm.args, {
    cwd: root,
    encoding: "utf8",
    shell: npm.shell,
    timeout: 15 * 60 * 1000,
  });
  if (done.status !== 0) {
    console.error(done.stdout ?? "", done.stderr ?? "");
    console.error(`npm ci failed${done.error ? `: ${done.error.message}` : ""}`);
    process.exit(1);
  }
}
