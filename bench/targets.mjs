/** What the costs are to be compared with, and the most that they should be. */

import { platforms } from "./plan.mjs";

/** @typedef {import("./plan.mjs").Platform} Platform */

/**
 * @typedef {object} Target
 * @property {string} case
 * @property {Platform} platform
 * @property {string} variant
 * @property {string} [against] What the cost is divided by, a variant of the same platform or
 *   "threads"; without it the cost itself is compared.
 * @property {number} [most] At most so much.
 * @property {number} [stretch]
 */

/** @type {Target[]} */
export const targets = [];

/**
 * @param {string} name
 * @param {Platform} platform
 * @param {string} variant
 * @param {string | undefined} against
 * @param {number} [most]
 * @param {number} [stretch]
 */
function target(name, platform, variant, against, most, stretch) {
  /** @type {Target} */
  const one = { case: name, platform, variant };
  if (against !== undefined) one.against = against;
  if (most !== undefined) one.most = most;
  if (stretch !== undefined) one.stretch = stretch;
  targets.push(one);
}

/** The targets for receiving, as [recv, stretch, recv_into, stretch]. */
const receiving = {
  "echo-64": { node: [1.15, 0.9, 1, 0.9], deno: [1.15, 1.05, 1.05, 1], bun: [1.2, 1.1, 1.2, 1.1] },
  "echo-1k": { node: [1.15, 0.9, 1, 0.9], deno: [1.15, 1.05, 1.05, 1], bun: [1.2, 1.1, 1.2, 1.1] },
  "echo-16k": { node: [1, 0.8, 0.85, 0.8], deno: [2, 1.3, 1.1, 1.05], bun: [1.2, 1.1, 1.2, 1.1] },
  sink: { node: [1, 0.45, 0.6, 0.45], deno: [2, 1.3, 1.1, 1.05], bun: [1.1, 1.1, 1.1, 1.1] },
};

for (const [name, numbers] of Object.entries(receiving)) {
  for (const platform of platforms) {
    const [recv, recvStretch, recvInto, intoStretch] = numbers[platform];
    target(name, platform, "recv", "raw", recv, recvStretch);
    target(name, platform, "recv_into", "raw", recvInto, intoStretch);
    if (platform !== "deno" || !name.startsWith("echo")) continue;
    target(name, platform, "recv, FFI", "raw", recv, recvStretch);
    target(name, platform, "recv_into, FFI", "raw", recvInto, intoStretch);
  }
}
for (const name of ["source", "connect"]) {
  for (const platform of platforms) target(name, platform, "recv", "raw", 1.15, 1.05);
}
target("udp", "node", "recvfrom", "raw", 1.25, 1.1);
target("udp", "node", "recvfrom_into", "raw", 1.25, 1.1);
target("udp", "deno", "recvfrom", "node:dgram", 1.25, 1.1);
target("udp", "deno", "recvfrom, FFI", "raw", 1.25, 1.1);
target("udp", "deno", "recvfrom_into, FFI", "raw", 1.25, 1.1);
target("udp", "bun", "recvfrom", "raw", 1.25, 1.1);
target("udp", "bun", "recvfrom_into", "raw", 1.25, 1.1);
for (const name of [...Object.keys(receiving), "source", "connect"]) {
  target(name, "deno", "recv", "node:net", 0.8);
  target(name, "bun", "recv", "node:net", 1);
}
for (const name of ["echo-64", "echo-1k", "echo-16k"]) {
  target(name, "deno", "recv, FFI", "node:net", 0.8);
}
for (const platform of platforms) target("echo-64", platform, "recv", "threads", 1);
for (const platform of platforms) target("lines", platform, "makefile", "node:readline");
for (const platform of platforms) {
  target("timeouts", platform, "settimeout(30)", "recv", 1.05);
}
for (const platform of platforms) {
  target("many", platform, "5,000", "50", 1.3);
  target("many", platform, "raw, 5,000", "raw, 50");
  target("many", platform, "5,000", "raw, 5,000");
}
target("idle", "node", "recv", undefined, 4.5);
target("idle", "deno", "recv", undefined, 9, 6);
target("idle", "bun", "recv", undefined, 2.5);
for (const platform of platforms) target("import", platform, "import", undefined, 15);
