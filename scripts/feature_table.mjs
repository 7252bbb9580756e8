/**
 * The tables of features and of socket options by runtime, made from `capabilities()` on each.
 *
 *     node scripts/feature_table.mjs           prints them
 *     node scripts/feature_table.mjs --write   puts them into README.md and docs/compatibility.md
 *     node scripts/feature_table.mjs --check   fails when a page has another one
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { run } from "./child.mjs";
import { executable } from "./runtimes.mjs";
import { root } from "./setup.mjs";

/** How many characters of option names a row has at most. */
const WIDTH = 48;

const RUNTIMES = [
  { name: "Node 26", file: executable("node"), args: ["--no-warnings"] },
  { name: "Deno 2.9", file: executable("deno"), args: ["run", "--allow-net"] },
  {
    name: "Deno with flags",
    file: executable("deno"),
    args: ["run", "--allow-net", "--unstable-net", "--allow-ffi"],
  },
  { name: "Bun 1.4", file: executable("bun"), args: [] },
];

/**
 * Words of a support.
 *
 * @type {Record<string, string>}
 */
const SUPPORT = { set: "yes", get: "read", "before-open": "before open" };

/** @typedef {import("../adapters/adapter.ts").Capabilities} Capabilities */

/** @type {Array<[name: string, fact: (c: Capabilities) => boolean | string]>} */
const FACTS = [
  ["`fileno()`; `detach()` of a connection", (c) => c.fileno],
  ["`fromfd()`, `{ fileno }` of a TCP socket", (c) => adopts(c, "AF_INET", "SOCK_STREAM")],
  ["`fromfd()`, `{ fileno }` of a UNIX stream", (c) => adopts(c, "AF_UNIX", "SOCK_STREAM")],
  ["`fromfd()`, `{ fileno }` of a UDP socket", (c) => adopts(c, "AF_INET", "SOCK_DGRAM")],
  ["`listen(n)` sets the kernel's backlog", (c) => c.backlog],
  [
    "SO_LINGER `[1, 0]` resets",
    (c) => c.reset === "before-open" ? "before connect" : c.reset === "always",
  ],
  ["ECONNREFUSED on a connected UDP socket", (c) => c.datagramRefused],
  ["MSG_OOB", (c) => c.oob],
  ["ancillary data", (c) => c.ancillary],
];

/**
 * @param {Capabilities} capabilities
 * @param {string} family
 * @param {string} type
 */
function adopts({ adoptTypes }, family, type) {
  return adoptTypes[family]?.includes(type) === true;
}

/** @type {Capabilities[]} */
const all = await Promise.all(RUNTIMES.map(async ({ file, args }) => {
  const script = join(root, "scripts", "capabilities.ts");
  const done = await run(file, [...args, script], { cwd: root, limit: 60_000 });
  if (done.code !== 0) throw new Error(done.output);
  return JSON.parse(done.output);
}));

/** @typedef {Array<Array<boolean | string>>} Rows The cells of each row. */

/** @type {Rows} */
const features = [];
/** @type {Rows} */
const options = [];
for (const family of ["AF_INET", "AF_INET6", "AF_UNIX"]) {
  for (const type of ["SOCK_STREAM", "SOCK_DGRAM"]) {
    features.push([
      `${family} ${type}`,
      ...all.map((c) => c.types[family]?.includes(type) ?? false),
    ]);
  }
}
features.push(["SOCK_RAW, SOCK_SEQPACKET", ...all.map(() => false)]);
features.push(["MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT, MSG_TRUNC", ...all.map(() => true)]);
for (const [name, fact] of FACTS) features.push([name, ...all.map(fact)]);
for (const [type, label] of Object.entries({ SOCK_STREAM: "stream", SOCK_DGRAM: "datagram" })) {
  const names = new Set(all.flatMap((c) => Object.keys(c.options[type] ?? {})));
  const settable = all.map((c) => [...names].filter((name) => isSettable(c, type, name)));
  const known = new Set(settable.flat()).size;
  features.push([
    `${label} options that can be set, of ${known}`,
    ...settable.map(({ length }) => `${length}`),
  ]);
  /** @type {Map<string, string[]>} By family and support. */
  const groups = new Map();
  for (const name of [...names].sort(byFamily)) {
    const cells = all.map((c) => SUPPORT[c.options[type]?.[name] ?? ""] ?? "no");
    const key = [familyOf(name), ...cells].join("|");
    groups.set(key, [...groups.get(key) ?? [], name]);
  }
  for (const [key, list] of groups) {
    for (const line of lines(list)) options.push([`${label}: ${line}`, ...key.split("|").slice(1)]);
  }
}

/**
 * Whether an option can be set at all.
 *
 * @param {Capabilities} c
 * @param {string} type
 * @param {string} name
 */
function isSettable(c, type, name) {
  return ["set", "before-open"].includes(c.options[type]?.[name] ?? "");
}

/**
 * `TCP_NODELAY` is of the family `TCP`.
 *
 * @param {string} name
 */
function familyOf(name) {
  return name.slice(0, name.indexOf("_"));
}

/**
 * SO first, as in the manuals, then the protocols; by name in each.
 *
 * @param {string} a
 * @param {string} b
 */
function byFamily(a, b) {
  const order = ["SO", "TCP", "IP", "IPV6"];
  return order.indexOf(familyOf(a)) - order.indexOf(familyOf(b)) || (a < b ? -1 : 1);
}

/**
 * The names in lines that are no wider than the other rows of the table.
 *
 * @param {string[]} names
 */
function lines(names) {
  /** @type {string[]} */
  const found = [];
  for (const name of names) {
    const longer = `${found.at(-1)}, ${name}`;
    if (found.length > 0 && longer.length <= WIDTH) found[found.length - 1] = longer;
    else found.push(name);
  }
  return found;
}

/** @param {boolean | string} value */
const cell = (value) => value === true ? "yes" : value === false ? "no" : value;

/** @param {Rows} rows */
const table = (rows) =>
  [
    ["", ...RUNTIMES.map(({ name }) => name)],
    ["---", ...RUNTIMES.map(() => "---")],
    ...rows,
  ].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n");

/**
 * Without the padding that the formatter adds.
 *
 * @param {string} markdown
 */
const squeezed = (markdown) => markdown.replace(/[ -]+/g, " ").replace(/\n+/g, "\n");

/** @type {Array<[page: string, name: string, rows: Rows]>} */
const tables = [
  ["README.md", "features", features],
  ["docs/compatibility.md", "options", options],
];
for (const [page, name, rows] of tables) {
  const begin = `<!-- ${name}: made by scripts/feature_table.mjs -->`;
  const end = `<!-- end of ${name} -->`;
  const file = join(root, page);
  const text = readFileSync(file, "utf8");
  const [before, rest = ""] = text.split(begin);
  const after = rest.split(end)[1] ?? "";
  const fresh = `${before}${begin}\n\n${table(rows)}\n\n${end}${after}`;
  if (process.argv.includes("--write")) {
    writeFileSync(file, fresh);
  } else if (process.argv.includes("--check")) {
    if (squeezed(fresh) !== squeezed(text)) {
      console.error(`${page} has another table: run node scripts/feature_table.mjs --write`);
      process.exitCode = 1;
    }
  } else {
    console.log(`${table(rows)}\n`);
  }
}
