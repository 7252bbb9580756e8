/** The report for people. */

/** @typedef {import("./summary.mjs").Verdict} Verdict */
/** @typedef {import("./statistics.mjs").Spread} Spread */

/**
 * @typedef {object} Report
 * @property {Record<string, string>} about Versions, system, effort.
 * @property {import("../plan.mjs").Case[]} cases
 * @property {import("./summary.mjs").Cost[]} costs
 * @property {Verdict[]} verdicts
 * @property {string[]} failures
 */

/** @type {Record<string, string>} */
export const names = { node: "Node", deno: "Deno", bun: "Bun", python: "Python" };

/** @param {number} value */
const digits = (value) =>
  value < 10 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : value.toFixed(0);

/** @param {Spread} spread */
export const show = ({ median, low, high }) =>
  `${digits(median)} (${digits(low)} to ${digits(high)})`;

/** @param {string[]} heading @param {string[][]} rows @param {number} text Columns of text, at the left. */
function table(heading, rows, text) {
  const rule = heading.map((_, i) => i < text ? "---" : "--:");
  return [heading, rule, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

/** @param {Verdict} verdict */
const answer = ({ met }) => met === undefined ? "" : met ? "yes" : "no";

/** @param {Report} report @returns {string} */
export function markdown({ about, cases, costs, verdicts, failures }) {
  const decided = verdicts.filter(({ met }) => met !== undefined);
  const targets = table(
    ["case", "runtime", "variant", "against", "median (quartiles)", "target", "met", "stretch"],
    verdicts.map((one) => [
      one.case,
      names[one.platform] ?? "",
      one.variant,
      one.against ?? cases.find(({ name }) => name === one.case)?.unit ?? "",
      show(one.value),
      one.most === undefined ? "" : `${one.most}`,
      answer(one),
      one.stretch === undefined ? "" : `${one.stretch}`,
    ]),
    4,
  );
  const sections = cases.map(({ name, title, unit, how }) => {
    const rows = costs.filter((one) => one.case === name);
    const heading = ["runtime", "variant", unit, ...(how === "load" ? ["a second", "p99 µs"] : [])];
    const cells = rows.map(({ platform, variant, cost, rate, p99 }) => [
      names[platform] ?? "",
      variant,
      show(cost),
      ...(rate === undefined ? [] : [rate.toFixed(0)]),
      ...(p99 === undefined ? [] : [p99.toFixed(0)]),
    ]);
    return `## ${name}: ${title}\n\n${table(heading, cells, 2)}`;
  });
  return [
    "# Results",
    "How to read them is in [bench/README.md](../README.md). Ratios can be compared; the costs below " +
    "them only with one another.",
    Object.entries(about).map(([key, value]) => `- ${key}: ${value}`).join("\n"),
    "## Targets",
    `${
      decided.filter(({ met }) => met).length
    } of ${decided.length} are met. Against a variant: CPU ` +
    "time of the server divided by that of the other, in the same round.",
    targets,
    ...(failures.length === 0 ? [] : [
      "## Failed",
      failures.map((failure) => `- ${failure.replaceAll("\n", " ")}`).join("\n"),
    ]),
    ...sections,
  ].join("\n\n") + "\n";
}
