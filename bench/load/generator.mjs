/** Makes the load generator: the C program where there is a compiler, else the one over `node:net`. */

import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { run } from "../../scripts/child.mjs";

/**
 * @typedef {object} Generator
 * @property {string} name What made it, for the report.
 * @property {string[]} command
 */

/**
 * @param {string} folder Where the program may be put.
 * @returns {Promise<Generator>}
 */
export async function makeGenerator(folder) {
  const program = join(folder, "load");
  const source = fileURLToPath(new URL("load.c", import.meta.url));
  const compiler = process.env["CC"] ?? "cc";
  const built = await run(compiler, ["-O2", "-o", program, source]);
  if (built.code === 0) return { name: "C, epoll", command: [program] };
  const fallback = fileURLToPath(new URL("load_net.mjs", import.meta.url));
  return { name: "Node, node:net", command: [process.execPath, fallback] };
}

/**
 * @typedef {object} Measured What the kinds `stream`, `connect` and `datagram` print.
 * @property {number} messages
 * @property {number} lost Datagrams that were sent again.
 * @property {number} seconds
 * @property {number} cpu The server's, in nanoseconds a message.
 * @property {number} p50 In microseconds, as p99.
 * @property {number} p99
 */

/**
 * Runs the generator once.
 *
 * @template T
 * @param {Generator} generator
 * @param {string} kind
 * @param {Record<string, number>} options
 * @returns {Promise<T>}
 */
export async function load(generator, kind, options) {
  const [file = "", ...args] = generator.command;
  const pairs = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  const done = await run(file, [...args, kind, ...pairs], { limit: 130_000 });
  if (done.code !== 0) throw new Error(done.output.trim());
  return JSON.parse(done.stdout);
}
