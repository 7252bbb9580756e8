/** Starts a server and learns where it listens. */

import { fileURLToPath } from "node:url";
import { start } from "../../scripts/child.mjs";
import { executable, runtimes } from "../../scripts/runtimes.mjs";
import { root } from "../../scripts/setup.mjs";
import { pythonFile } from "./python.mjs";

/**
 * @typedef {object} Server
 * @property {number} port
 * @property {number} pid
 * @property {() => Promise<void>} stop
 */

/**
 * @param {import("../plan.mjs").Variant} variant
 * @param {string} task
 * @param {import("../library.mjs").Modules} modules
 * @returns {Promise<Server>}
 */
export async function startServer({ platform, name, file, args, flags }, task, modules) {
  const path = fileURLToPath(new URL(file, import.meta.url));
  // Flags come before the program, whatever else the runtime is given.
  const command = platform === "python"
    ? [pythonFile, path]
    : [executable(platform), ...runtimes[platform].program(path).toSpliced(-1, 0, ...flags)];
  // Deno asks nobody for permission to import what the program itself names.
  const library = platform === "node" || platform === "bun"
    ? [`--library=${modules[platform]}`]
    : [];
  /** @type {(line: string) => void} */
  let announce = () => {};
  /** @type {Promise<string>} */
  const announced = new Promise((resolve) => announce = resolve);
  const child = start(String(command[0]), [...command.slice(1), task, ...args, ...library], {
    cwd: root,
    // Deno would look for a newer version of itself meanwhile.
    env: { DENO_NO_UPDATE_CHECK: "1" },
    limit: 600_000,
    onLine: (line) => announce(line),
  });
  const line = await Promise.race([announced, child.done.then(({ output }) => output)]);
  try {
    const { port, pid } = JSON.parse(String(line));
    return {
      port,
      pid,
      async stop() {
        child.kill();
        await child.done;
      },
    };
  } catch {
    child.kill();
    const { output } = await child.done;
    throw new Error(`${platform} ${name} did not start: ${output.trim()}`);
  }
}
