/** The ratios as a picture: a bar for each, and a mark where its target is. */

import { names } from "./markdown.mjs";

/** @typedef {import("./summary.mjs").Verdict} Verdict */

const [left, width, right, row, top] = [300, 480, 60, 18, 64];

// The colours are those of no runtime: they tell met from missed, with the same contrast in both.
const style = `
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 16px; font-weight: 600; }
  .quiet, .quiet text { fill: #57606a; }
  .grid { stroke: #d0d7de; }
  .one { stroke: #57606a; }
  .met { fill: #2f81b7; }
  .missed { fill: #c4622d; }
  .open { fill: #8c959f; }
  .target { stroke: #24292f; stroke-width: 2; }
  .range { stroke: #24292f; stroke-opacity: 0.55; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .quiet, .quiet text { fill: #9198a1; }
    .grid { stroke: #3d444d; }
    .one { stroke: #9198a1; }
    .target { stroke: #f0f6fc; }
    .range { stroke: #f0f6fc; }
  }`;

/** @param {string} text */
const escape = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** @param {Verdict[]} verdicts @returns {string} An SVG that follows the reader's colour scheme. */
export function chart(verdicts) {
  const ratios = verdicts.filter(({ against }) => against !== undefined);
  const most = Math.min(4, Math.max(1.5, ...ratios.map(({ value }) => value.high)));
  /** @param {number} ratio */
  const x = (ratio) => (left + Math.min(ratio, most) / most * width).toFixed(1);
  /** @type {string[]} */
  const parts = [];
  let y = top;
  let last = "";
  for (const { case: name, platform, variant, against, value, met, most: limit } of ratios) {
    if (name !== last) {
      y += 8;
      parts.push(`<text class="quiet" x="8" y="${y + 13}">${escape(name)}</text>`);
      last = name;
    }
    const label = `${names[platform]} ${variant} / ${against}`;
    const kind = met === undefined ? "open" : met ? "met" : "missed";
    const end = x(value.median);
    const middle = y + row / 2;
    parts.push(
      `<g><title>${escape(`${name}, ${label}: ${value.median.toFixed(2)}`)}</title>` +
        `<text x="${left - 8}" y="${y + 13}" text-anchor="end">${escape(label)}</text>` +
        `<rect class="${kind}" x="${left}" y="${y + 3}" width="${
          (Number(end) - left).toFixed(1)
        }"` +
        ` height="${row - 6}" rx="2"/>` +
        `<path class="range" d="M${x(value.low)} ${middle}H${x(value.high)}"/>` +
        (limit === undefined ? "" : `<path class="target" d="M${x(limit)} ${y + 1}v${row - 2}"/>`) +
        `<text x="${left + width + 8}" y="${y + 13}">${value.median.toFixed(2)}</text></g>`,
    );
    y += row;
  }
  const lines = Array.from({ length: Math.floor(most * 2) + 1 }, (_, i) => i / 2).map((ratio) =>
    `<path class="${ratio === 1 ? "one" : "grid"}" d="M${x(ratio)} ${top}V${y}"/>` +
    `<text class="quiet" x="${x(ratio)}" y="${top - 6}" text-anchor="middle">${ratio}</text>`
  );
  const height = y + 16;
  const title = "CPU time of bsdsock divided by that of what it replaces";
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${title}" ` +
    `viewBox="0 0 ${left + width + right} ${height}">
<style>${style}
</style>
<text class="title" x="8" y="22">${title}</text>
<text class="quiet" x="8" y="40">Less is better. Upright mark: target; thin line: quartiles.</text>
${lines.join("\n")}
${parts.join("\n")}
</svg>
`;
}
