/** Ratios as pictures: a bar for each. */

import { names } from "./markdown.mjs";

/** @typedef {import("./summary.mjs").Verdict} Verdict */
/** @typedef {Pick<import("../plan.mjs").Case, "name" | "title">} Title */
/** @typedef {keyof typeof schemes} Scheme */

/**
 * @typedef {object} Bar
 * @property {string} group Bars of one group stand together, below its words.
 * @property {string} label
 * @property {"met" | "missed" | "plain"} kind
 * @property {Verdict["value"]} value
 * @property {number | undefined} target
 */

const [left, width, right, row, top] = [210, 520, 60, 20, 56];

// A picture of its own for each scheme: a page knows which one its reader has chosen, the picture alone does not.
const schemes = {
  light: {
    text: "#24292f",
    quiet: "#57606a",
    grid: "#d0d7de",
    met: "#2f81b7",
    missed: "#c4622d",
    plain: "#57879c",
    mark: "#24292f",
  },
  dark: {
    text: "#e6edf3",
    quiet: "#9198a1",
    grid: "#3d444d",
    met: "#2f81b7",
    missed: "#c4622d",
    plain: "#57879c",
    mark: "#f0f6fc",
  },
};

/** @type {Record<string, Bar["kind"]>} */
const kinds = { true: "met", false: "missed" };

/** @param {string} text */
const escape = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** @param {Title[]} cases @param {string} name */
const titleOf = (cases, name) => cases.find((one) => one.name === name)?.title ?? name;

/**
 * Every ratio, with its target.
 *
 * @param {Verdict[]} verdicts
 * @param {Title[]} cases
 * @param {Scheme} scheme
 * @returns {string} An SVG.
 */
export function chart(verdicts, cases, scheme) {
  const bars = verdicts.filter(({ against }) => against !== undefined).map((verdict) => ({
    group: `${verdict.case}: ${titleOf(cases, verdict.case)}`,
    label: `${names[verdict.platform]} ${verdict.variant} / ${verdict.against}`,
    kind: kinds[`${verdict.met}`] ?? "plain",
    value: verdict.value,
    target: verdict.most,
  }));
  return draw(
    bars,
    "CPU time of bsdsock divided by that of what it replaces",
    "Less is better. Upright mark: target, orange where it is missed; thin line: quartiles.",
    scheme,
  );
}

/** What the servers over the raw API use. @type {Record<string, Record<string, string>>} */
const raw = {
  streams: { node: "node:net", deno: "Deno.listen", bun: "Bun.listen" },
  udp: { node: "node:dgram", deno: "Deno.listenDatagram", bun: "Bun.udpSocket" },
};

/**
 * Plain receiving beside the runtime's own API, for who wants to know at a glance.
 *
 * @param {Verdict[]} verdicts
 * @param {Title[]} cases
 * @param {Scheme} scheme
 * @returns {string} An SVG.
 */
export function overview(verdicts, cases, scheme) {
  const bars = verdicts
    .filter(({ case: name, variant, against }) =>
      (variant === "recv" && against === "raw") || (name === "udp" && variant === "recvfrom")
    )
    .map(({ case: name, platform, against = "", value }) => {
      const api = against === "raw" ? raw[name === "udp" ? name : "streams"]?.[platform] : against;
      return {
        group: titleOf(cases, name),
        label: `${names[platform]} / ${api}`,
        kind: /** @type {const} */ ("plain"),
        value,
        target: undefined,
      };
    });
  return draw(
    bars,
    "CPU time of bsdsock divided by that of the runtime’s own API",
    "1 is the same, less is better. Thin line: quartiles of the rounds.",
    scheme,
  );
}

/**
 * @param {Bar[]} bars
 * @param {string} title
 * @param {string} subtitle
 * @param {Scheme} scheme
 */
function draw(bars, title, subtitle, scheme) {
  const groups = new Set(bars.map(({ group }) => group));
  const most = Math.min(4, Math.max(1.5, ...bars.map(({ value }) => value.high)));
  /** @param {number} ratio */
  const x = (ratio) => Math.round(left + Math.min(ratio, most) / most * width);
  const ratios = Array.from({ length: Math.floor(most * 2) + 1 }, (_, i) => i / 2);
  /** @type {string[]} */
  const parts = [];
  let y = top;
  for (const group of groups) {
    y += 28;
    parts.push(`<text class="group" x="8" y="${y - 6}">${escape(group)}</text>`);
    const members = bars.filter((bar) => bar.group === group);
    parts.push(
      ...ratios.map((ratio) =>
        `<path class="${ratio === 1 ? "one" : "grid"}" d="M${x(ratio)} ${y}v${
          members.length * row
        }"/>`
      ),
    );
    for (const { label, kind, value, target } of members) {
      const middle = y + row / 2;
      parts.push(
        `<text x="${left - 8}" y="${y + 14}" text-anchor="end">${escape(label)}</text>` +
          `<rect class="${kind}" x="${left}" y="${y + 4}" width="${x(value.median) - left}"` +
          ` height="${row - 8}" rx="2"/>` +
          `<path class="range" d="M${x(value.low)} ${middle}H${x(value.high)}"/>` +
          (target === undefined
            ? ""
            : `<path class="target" d="M${x(target)} ${y + 2}v${row - 4}"/>`) +
          `<text x="${left + width + 12}" y="${y + 14}">${value.median.toFixed(2)}</text>`,
      );
      y += row;
    }
  }
  const numbers = ratios.map((ratio) =>
    `<text class="quiet" x="${x(ratio)}" y="${top}" text-anchor="middle">${ratio}</text>`
  );
  const colours = schemes[scheme];
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escape(title)}" ` +
    `viewBox="0 0 ${left + width + right} ${y + 12}">
<style>
text { font: 12px system-ui, sans-serif; fill: ${colours.text} }
.title { font-size: 16px; font-weight: 600 }
.group { font-weight: 600 }
.quiet { fill: ${colours.quiet} }
.grid { stroke: ${colours.grid} }
.one { stroke: ${colours.quiet} }
.met { fill: ${colours.met} }
.missed { fill: ${colours.missed} }
.plain { fill: ${colours.plain} }
.target { stroke: ${colours.mark}; stroke-width: 2 }
.range { stroke: ${colours.mark}; stroke-opacity: 0.55 }
</style>
${numbers.join("\n")}
<text class="title" x="8" y="20">${escape(title)}</text>
<text class="quiet" x="8" y="37">${escape(subtitle)}</text>
${parts.join("\n")}
</svg>
`;
}
