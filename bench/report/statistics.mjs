/** The little statistics that the report needs. */

/**
 * @typedef {object} Spread
 * @property {number} median
 * @property {number} low The first quartile.
 * @property {number} high The third quartile.
 */

/**
 * The value below which a part of the values lies, between two of them where need be.
 *
 * @param {readonly number[]} sorted
 * @param {number} part
 */
function quantile(sorted, part) {
  const position = (sorted.length - 1) * part;
  const below = sorted[Math.floor(position)] ?? NaN;
  const above = sorted[Math.ceil(position)] ?? NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** @param {readonly number[]} values @returns {Spread} */
export function spread(values) {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    low: quantile(sorted, 0.25),
    high: quantile(sorted, 0.75),
  };
}
