/** From single measurements to costs and ratios. */

import { spread } from "./statistics.mjs";

/**
 * @typedef {object} Sample One measurement.
 * @property {string} case
 * @property {import("../plan.mjs").Platform} platform
 * @property {string} variant
 * @property {number} round
 * @property {number} cost In the unit of the case.
 * @property {import("../load/generator.mjs").Measured} [load]
 */

/** @typedef {import("./statistics.mjs").Spread} Spread */

/**
 * @typedef {object} Cost
 * @property {string} case
 * @property {string} platform
 * @property {string} variant
 * @property {Spread} cost
 * @property {number} [rate] Messages a second, the median.
 * @property {number} [p99] Microseconds, the median.
 */

/** @typedef {import("../targets.mjs").Target & { value: Spread, met?: boolean }} Verdict */

/** @param {Sample[]} samples @returns {Cost[]} */
export function costs(samples) {
  /** @type {Map<string, Sample[]>} */
  const groups = new Map();
  for (const one of samples) {
    const key = `${one.case}/${one.platform}/${one.variant}`;
    groups.set(key, [...groups.get(key) ?? [], one]);
  }
  return [...groups.values()].map((group) => {
    const [{ case: name, platform, variant }] = /** @type {[Sample]} */ (group);
    const loads = group.flatMap(({ load }) => load ?? []);
    /** @type {Cost} */
    const result = { case: name, platform, variant, cost: spread(group.map(({ cost }) => cost)) };
    if (loads.length > 0) {
      result.rate = spread(loads.map(({ messages, seconds }) => messages / seconds)).median;
      result.p99 = spread(loads.map(({ p99 }) => p99)).median;
    }
    return result;
  });
}

/**
 * Compares with the targets. Each ratio is of one round, whose measurements lie side by side; what
 * disturbs the machine for longer disturbs both.
 *
 * @param {Sample[]} samples
 * @param {import("../targets.mjs").Target[]} targets
 * @returns {Verdict[]}
 */
export function verdicts(samples, targets) {
  return targets.flatMap((target) => {
    /** @param {string} platform @param {string} variant */
    const of = (platform, variant) =>
      samples.filter((one) =>
        one.case === target.case && one.platform === platform && one.variant === variant
      );
    const { against, most } = target;
    const bases = against === undefined
      ? undefined
      : of(against === "threads" ? "python" : target.platform, against);
    const values = of(target.platform, target.variant).flatMap(({ round, cost }) => {
      if (bases === undefined) return cost;
      const base = bases.find((one) => one.round === round);
      return base === undefined ? [] : cost / base.cost;
    });
    if (values.length === 0) return [];
    const value = spread(values);
    // As it is printed: two digits.
    const met = most === undefined
      ? {}
      : { met: Math.round(value.median * 100) <= Math.round(most * 100) };
    return { ...target, ...met, value };
  });
}
