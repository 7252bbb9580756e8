/** How long is measured. */

import { cases } from "./plan.mjs";

/**
 * @typedef {object} Effort
 * @property {number} rounds
 * @property {number} seconds Of one measurement.
 * @property {number} warm Seconds before the first round, at least.
 * @property {number} memoryRounds
 * @property {number} importRounds
 * @property {string[]} cases The names of those measured unless others are asked for.
 */

/** @type {Record<"full" | "quick", Effort>} */
export const efforts = {
  full: {
    rounds: 7,
    seconds: 0.4,
    warm: 0.8,
    memoryRounds: 3,
    importRounds: 15,
    cases: cases.map(({ name }) => name),
  },
  quick: {
    rounds: 3,
    seconds: 0.1,
    warm: 0.2,
    memoryRounds: 1,
    importRounds: 5,
    cases: ["echo-64", "sink", "connect", "udp", "lines", "idle", "import"],
  },
};
