/**
 * The README's table of features by runtime, made from `capabilities()` on each.
 *
 *     node scripts/feature_table.mjs           prints it
 *     node scripts/feature_table.mjs --write   puts it into README.md
 *     node scripts/feature_table.mjs --check   fails when README.md has another one
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { run } from "./child.mjs";
import { executable } from "./runtimes.mjs";
import { root } from "./setup.mjs";

const BEGIN = "<!-- features: made by scripts/feature_table.mjs -->";
const END = "<!-- end of features -->";
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
  ["`fromfd()`, `{ fileno }`", (c) => c.adopt],
  ["`listen(n)` sets the kernel's backlog", (c) => c.backlog],
  [
    "SO_LINGER `[1, 0]` resets",
    (c) => c.reset === "before-open" ? "before connect" : c.reset === "always",
  ],
  ["ECONNREFUSED on a connected UDP socket", (c) => c.datagramRefused],
  ["MSG_OOB", (c) => c.oob],
  ["ancillary data", (c) => c.ancillary],
];

/** @type {Capabilities[]} */
const all = await Promise.all(RUNTIMES.map(async ({ file, args }) => {
  const script = join(root, "scripts", "capabilities.ts");
  const done = await run(file, [...args, script], { cwd: root, limit: 60_000 });
  if (done.code !== 0) throw new Error(done.output);
  return JSON.parse(done.output);
}));

/** @type {Array<Array<boolean | string>>} */
const rows = [];
for (const family of ["AF_INET", "AF_INET6", "AF_UNIX"]) {
  for (const type of ["SOCK_STREAM", "SOCK_DGRAM"]) {
    rows.push([`${family} ${type}`, ...all.map((c) => c.types[family]?.includes(type) ?? false)]);
  }
}
rows.push(["SOCK_RAW, SOCK_SEQPACKET", ...all.map(() => false)]);
rows.push(["MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT, MSG_TRUNC", ...all.map(() => true)]);
for (const [name, fact] of FACTS) rows.push([name, ...all.map(fact)]);
for (const [type, label] of Object.entries({ SOCK_STREAM: "stream", SOCK_DGRAM: "datagram" })) {
  const names = new Set(all.flatMap((c) => Object.keys(c.options[type] ?? {})));
  /** @type {Map<string, string[]>} By family and support. */
  const groups = new Map();
  for (const name of [...names].sort(byFamily)) {
    const cells = all.map((c) => SUPPORT[c.options[type]?.[name] ?? ""] ?? "no");
    const key = [familyOf(name), ...cells].join("|");
    groups.set(key, [...groups.get(key) ?? [], name]);
  }
  for (const [key, list] of groups) {
    for (const line of lines(list)) rows.push([`${label}: ${line}`, ...key.split("|").slice(1)]);
  }
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
const table = [
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

const readme = join(root, "README.md");
const text = readFileSync(readme, "utf8");
const [before, rest = ""] = text.split(BEGIN);
const after = rest.split(END)[1] ?? "";
const fresh = `${before}${BEGIN}\n\n${table}\n\n${END}${after}`;
if (process.argv.includes("--write")) {
  writeFileSync(readme, fresh);
} else if (process.argv.includes("--check")) {
  if (squeezed(fresh) !== squeezed(text)) {
    console.error("README.md has another table: run node scripts/feature_table.mjs --write");
    process.exitCode = 1;
  }
} else {
  console.log(table);
}
