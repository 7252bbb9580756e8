/** What the servers have in common: their arguments, the protocol, and how they say where they are. */

import process from "node:process";

/** Bytes of one answer of `source`, and of one request of `sink`. */
export const block = 1 << 20;

/** Bytes of one write of `source`, which begins anew with 0 after each 256 bytes. */
export const piece = Uint8Array.from({ length: 1 << 16 }, (_, i) => i);

/** The answer to a request of `sink` and of `lines`. */
export const done = new Uint8Array(1);

/** Lines of one request of `lines`, and bytes of a line without its end. */
export const lines = 100;
export const lineLength = 79;

/** The task of a server, its first argument. */
export const task = process.argv[2] ?? "echo";

/** @param {string} name @returns {string | undefined} The value of `--name=value`, "" of `--name`. */
export function flag(name) {
  const found = process.argv.slice(3).find((arg) => arg.split("=")[0] === `--${name}`);
  return found?.slice(name.length + 3);
}

/** TCP_NODELAY, the same for all servers of a task: on, but left as it is where each connection pays. */
export const noDelay = task !== "connect";

/** Collects garbage, in the three ways of three runtimes. @returns {void} */
export function collect() {
  const runtime =
    /** @type {{ gc?: () => void, Bun?: { gc(force: boolean): void } }} */ (globalThis);
  runtime.gc?.();
  runtime.Bun?.gc(true);
}

/** @param {number} port */
export function announce(port) {
  console.log(JSON.stringify({ port, pid: process.pid }));
}
