/**
 * The table of docs/reliability.md: what the tests have tried, how often, and what was lost. Its rows are the test's own
 * (tests/support/tally.ts); one column is filled by `npm test -- --write`, the other by `npm run soak -- --write`.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./child.mjs";
import { executable } from "./runtimes.mjs";
import { root } from "./setup.mjs";

const BEGIN = "<!-- tried: made by the tests, scripts/reliability.mjs -->";
const END = "<!-- end of tried -->";
const page = join(root, "docs", "reliability.md");
const HEAD = ["tried", "in `npm test`", "in `npm run soak`", "lost", "test"];

/** @typedef {"usual" | "soak"} Column */

/**
 * @typedef {object} Tried
 * @property {string} test The file, as the page names it.
 * @property {string} unit
 * @property {number} lost
 * @property {Map<string, number>} counts How often, by runtime.
 */

/** What a run of the tests has tried. */
export class Tally {
  /** @type {Map<string, Tried>} */
  #rows = new Map();
  /** @type {Set<string>} */
  #tests = new Set();

  /**
   * Adds what one test file has told on one runtime.
   *
   * @param {string} report
   * @param {string} source Such as `tests/faults/reset.test.ts`.
   * @param {string} runtime
   */
  read(report, source, runtime) {
    const test = source.replace(/^tests\//, "").replace(/(\.test)?\.ts$/, "");
    this.#tests.add(test);
    if (!existsSync(report)) return;
    for (const line of readFileSync(report, "utf8").split("\n").filter((line) => line !== "")) {
      const { what, tried, unit, lost } = JSON.parse(line);
      const row = this.#rows.get(what) ?? { test, unit, lost: 0, counts: new Map() };
      row.counts.set(runtime, (row.counts.get(runtime) ?? 0) + tried);
      row.lost += lost;
      this.#rows.set(what, row);
    }
  }

  /**
   * What the page says otherwise than the tests.
   *
   * @param {Column} column
   * @returns {string[]}
   */
  differences(column) {
    const known = readTable();
    return [...this.#rows].filter(([what, row]) => known.get(what)?.[column] !== cell(row))
      .map(([what, row]) =>
        `docs/reliability.md has ${known.get(what)?.[column] || "nothing"}, not ${
          cell(row)
        }: ${what}`
      );
  }

  /**
   * Puts it into the page.
   *
   * @param {Column} column
   */
  async write(column) {
    const known = readTable();
    for (const [what, row] of this.#rows) {
      const old = known.get(what) ?? { usual: "", soak: "", lost: "", test: row.test };
      const lost = row.lost === 0 ? "nothing" : `${row.lost} ${row.unit}`;
      known.set(what, { ...old, test: row.test, lost, [column]: cell(row) });
    }
    const rows = [...known]
      .filter(([what, { test }]) => this.#rows.has(what) || !this.#tests.has(test))
      .sort(([a, left], [b, right]) =>
        left.test < right.test || left.test === right.test && a < b ? -1 : 1
      )
      .map(([what, { usual, soak, lost, test }]) => [what, usual, soak, lost, `\`${test}\``]);
    const table = [HEAD, HEAD.map(() => "---"), ...rows].map((row) => `| ${row.join(" | ")} |`);
    const text = readFileSync(page, "utf8");
    const [before, rest = ""] = text.split(BEGIN);
    const after = rest.split(END)[1] ?? "";
    writeFileSync(page, `${before}${BEGIN}\n\n${table.join("\n")}\n\n${END}${after}`);
    await run(executable("deno"), ["fmt", page], { cwd: root });
  }
}

/** @param {Tried} row */
function cell({ unit, counts }) {
  const numbers = [...counts.values()];
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)]
    .map((n) => n.toLocaleString("en-US"));
  return `${least === most ? least : `${least} to ${most}`} ${unit}`;
}

/**
 * The page's rows, by what was tried.
 *
 * @returns {Map<string, { usual: string, soak: string, lost: string, test: string }>}
 */
function readTable() {
  const table = readFileSync(page, "utf8").split(BEGIN)[1]?.split(END)[0] ?? "";
  const rows = table.split("\n").filter((line) => /^\| (?!-|tried )/.test(line));
  return new Map(rows.map((line) => {
    const [, what = "", usual = "", soak = "", lost = "", test = ""] = line.split("|")
      .map((one) => one.trim());
    return [what, { usual, soak, lost, test: test.replaceAll("`", "") }];
  }));
}
