/** Measures one case: all its variants side by side, round after round. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "../load/generator.mjs";
import { startServer } from "../servers/start.mjs";
import { importTime } from "./import.mjs";

/** @typedef {import("../plan.mjs").Case} Case */
/** @typedef {import("../plan.mjs").Variant} Variant */
/** @typedef {import("../servers/start.mjs").Server} Server */

/**
 * @typedef {object} Setting
 * @property {import("../load/generator.mjs").Generator} generator
 * @property {import("../library.mjs").Modules} modules
 * @property {import("../effort.mjs").Effort} effort
 * @property {string} scratch A folder for temporary files.
 * @property {(sample: import("../report/summary.mjs").Sample) => void} record
 * @property {(failure: string) => void} failed Of one variant; the others go on.
 */

/** @param {Case} one @param {Variant} variant @param {unknown} error */
function describe({ name }, { platform, name: variant }, error) {
  return `${name}, ${platform} ${variant}: ${error instanceof Error ? error.message : error}`;
}

/**
 * Each item once, beginning with another one each time: nobody is always measured first.
 *
 * @template T
 * @param {T[]} items
 * @param {number} round
 */
function rotated(items, round) {
  const first = round % Math.max(1, items.length);
  return [...items.slice(first), ...items.slice(0, first)];
}

/** @param {Case} one @param {Setting} setting */
async function measureLoad(one, { generator, modules, effort, record, failed }) {
  /** @type {{ variant: Variant, server: Server }[]} */
  const running = [];
  await Promise.all(one.variants.map(async (variant) => {
    try {
      running.push({ variant, server: await startServer(variant, one.task, modules) });
    } catch (error) {
      failed(describe(one, variant, error));
    }
  }));
  // In the order of the plan, however fast they started.
  running.sort((a, b) => one.variants.indexOf(a.variant) - one.variants.indexOf(b.variant));
  try {
    // Round -1 is the warm-up.
    for (let round = -1; round < effort.rounds; round++) {
      for (const entry of rotated([...running], Math.max(0, round))) {
        const { variant, server: { port, pid } } = entry;
        const length = round < 0
          ? { seconds: effort.warm, messages: one.warm }
          : { seconds: effort.seconds };
        try {
          /** @type {import("../load/generator.mjs").Measured} */
          const measured = await load(generator, one.kind, {
            port,
            pid,
            ...length,
            ...one.load,
            ...variant.load,
          });
          if (round < 0) continue;
          const { platform, name } = variant;
          const cost = measured.cpu / one.scale;
          record({ case: one.name, platform, variant: name, round, cost, load: measured });
        } catch (error) {
          failed(describe(one, variant, error));
          running.splice(running.indexOf(entry), 1);
          await entry.server.stop();
        }
      }
    }
  } finally {
    await Promise.all(running.map(({ server }) => server.stop()));
  }
}

/** @param {Case} one @param {Setting} setting */
async function measureMemory(one, { generator, modules, effort, record, failed }) {
  for (let round = 0; round < effort.memoryRounds; round++) {
    for (const variant of rotated(one.variants, round)) {
      /** @type {Server | undefined} */
      let server;
      try {
        // A process of its own for each round: memory that was once used is not given back.
        server = await startServer(variant, one.task, modules);
        const { port, pid } = server;
        /** @type {{ bytes: number }} */
        const { bytes } = await load(generator, one.kind, { port, pid, ...one.load });
        const { platform, name } = variant;
        record({ case: one.name, platform, variant: name, round, cost: bytes / one.scale });
      } catch (error) {
        failed(describe(one, variant, error));
      } finally {
        await server?.stop();
      }
    }
  }
}

/** @param {Case} one @param {Setting} setting */
async function measureImport(one, { modules, effort, scratch, record, failed }) {
  const empty = join(scratch, "empty.mjs");
  writeFileSync(empty, "export {};\n");
  // Round -1 fills the runtimes' caches.
  for (let round = -1; round < effort.importRounds; round++) {
    for (const variant of rotated(one.variants, Math.max(0, round))) {
      const platform = /** @type {"node" | "deno" | "bun"} */ (variant.platform);
      try {
        const base = await importTime(platform, empty, scratch);
        const cost = await importTime(platform, modules[platform], scratch) - base;
        if (round < 0) continue;
        record({ case: one.name, platform, variant: variant.name, round, cost });
      } catch (error) {
        if (round < 0) failed(describe(one, variant, error));
      }
    }
  }
}

/** @type {Record<Case["how"], (one: Case, setting: Setting) => Promise<void>>} */
const ways = { load: measureLoad, memory: measureMemory, import: measureImport };

/** @param {Case} one @param {Setting} setting */
export async function measure(one, setting) {
  await ways[one.how](one, setting);
}
