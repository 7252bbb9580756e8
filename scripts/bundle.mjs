/**
 * Makes the few modules of the npm package out of the sources: Node imports them in less than half the time.
 *
 *     node scripts/bundle.mjs FOLDER_OF_DECLARATIONS
 *
 * They import their runtime's adapter as `#runtime`, which package.json maps to one of the other modules. So
 * a bundle made for Node holds Node's adapter only.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import process from "node:process";
import { decode, encode } from "@jridgewell/sourcemap-codec";
import { rollup } from "rollup";
import { minify } from "terser";
import * as constants from "../core/constants.ts";
import { compactDeclarations } from "./declarations.mjs";
import { root } from "./setup.mjs";

const dist = join(root, "dist");

/** Adapters that the package has a module of its own for, by the name of its condition. */
const adapters = {
  node: { name: "Node", file: "adapters/node.ts", creator: "createNodeAdapter" },
  deno: { name: "Deno", file: "adapters/deno.ts", creator: "createDenoAdapter" },
  bun: { name: "Bun", file: "adapters/bun.ts", creator: "createBunAdapter" },
};

/** The module of one adapter, in the place of adapters/detect.ts. */
const oneAdapter = Object.entries(adapters).map((
  [key, { name, file, creator }],
) => /** @type {const} */ ([
  `${key}:`,
  `
import { ${creator} } from ${JSON.stringify(join(root, file))};
import { runtimeName } from ${JSON.stringify(join(root, "adapters/runtime_name.ts"))};

export function detectAdapter() {
  const name = runtimeName();
  if (name === "${name}") return ${creator}();
  throw new Error(
    "this bundle has bsdsock for ${name} only and runs on " + name +
      "; bundle without the condition \\"${key}\\", or set an adapter with setAdapter()",
  );
}
`,
]));
/** @type {Map<string, string>} */
const virtual = new Map(oneAdapter);

/** @param {string} path */
const below = (path) => relative(root, path).split(sep).join("/");

/** @type {Map<string, unknown>} */
const values = new Map(Object.entries(constants));

/**
 * The constants' values in the place of their import: a module that imported them would name each twice more, in what
 * one module exports and the other imports.
 *
 * @param {string} code
 */
function withValues(code) {
  const imported = /^import (?:\* as (\w+)|\{([^}]*)\}) from "[\w./]+\/constants\.ts";/m.exec(code);
  if (imported === null) return code;
  const [statement, namespace, names = ""] = imported;
  /** @param {string} name */
  const valueOf = (name) => {
    if (!values.has(name)) throw new Error(`${name} is no constant`);
    return `(${values.get(name)})`;
  };
  if (namespace !== undefined) {
    const member = new RegExp(`\\b${namespace}\\.(\\w+)`, "g");
    return code.replace(statement, "").replaceAll(member, (_, name) => valueOf(name));
  }
  const declared = names.replaceAll(/\w+/g, (name) => `${name} = ${valueOf(name)}`);
  return code.replace(statement, `const ${declared.replace(/,\s*$/, "")};`);
}

/** @type {import("rollup").Plugin} */
const sources = {
  name: "sources",
  resolveId(id, from) {
    if (virtual.has(id)) return id;
    if (id === "./core/constants.ts") return { id: "./constants.js", external: true };
    if (id === "../adapters/detect.ts") return { id: "#runtime", external: true };
    return id.startsWith(".") && from !== undefined ? resolve(dirname(from), id) : undefined;
  },
  // Blanks take the place of the types: the positions stay as they are.
  load(id) {
    const code = virtual.get(id);
    if (code !== undefined) return { code, map: { mappings: "" } };
    return withValues(stripTypeScriptTypes(readFileSync(id, "utf8")));
  },
};

/** Fails on what rollup would only mention. @param {{ message: string }} warning */
function onwarn({ message }) {
  throw new Error(message);
}

/** What a line must hold for an error to come from it, or a call to stand on it in a stack trace. */
const traceable = /[.([`]|=>|[\]}]=|\b(?:await|throw|new|yield|in|of|instanceof)\b/;

/**
 * A map that knows the line of what can stand in a stack trace: in a fifth of the bytes.
 *
 * @param {string} code
 * @param {import("@jridgewell/sourcemap-codec").SourceMapMappings} mappings
 */
function linesOnly(code, mappings) {
  const texts = code.split("\n");
  return mappings.map((segments, index) => {
    const text = texts[index] ?? "";
    /** @type {[column: number, source: number, line: number][]} */
    const runs = [];
    for (const [column, source, line] of segments) {
      if (source === undefined || line === undefined) continue;
      const last = runs.at(-1);
      if (last?.[1] !== source || last[2] !== line) runs.push([column, source, line]);
    }
    /** @type {[column: number, source: number, line: number, from: number][]} */
    const kept = [];
    for (const [at, [column, source, line]] of runs.entries()) {
      const last = kept.at(-1);
      if (last?.[1] === source && last[2] === line) continue;
      // The name after a dot is where reading it from nothing fails.
      const own = text.slice(Math.max(0, column - 1), runs[at + 1]?.[0]);
      if (last === undefined || traceable.test(own)) kept.push([column, source, line, 0]);
    }
    return kept;
  });
}

/** What `mod.js` passes on of the constants, and what stands there instead. */
const passed = /^export \* from '\.\/constants\.js';\n/m;
const declared = `export const ${[...values].map(([name, value]) => `${name}=${value}`).join()}`;

/** @param {import("rollup").OutputChunk} chunk */
async function write({ fileName, code, map }) {
  const ending = passed.test(code) ? `\n${declared}` : "";
  const small = await minify({ [fileName]: code.replace(passed, "\n") }, {
    module: true,
    ecma: 2020,
    compress: { passes: 2, inline: 0, reduce_funcs: false },
    // Stack traces show the names of functions, `console.log` those of classes.
    keep_classnames: true,
    keep_fnames: true,
    // Lines keep traces readable where nobody reads the map.
    format: { semicolons: false, preserve_annotations: true },
    sourceMap: { content: JSON.stringify(map), filename: fileName, url: `${fileName}.map` },
  });
  /** @type {import("rollup").ExistingRawSourceMap} */
  const { mappings = "", sources } = JSON.parse(String(small.map));
  const [text = "", comment = ""] = String(small.code).split(/\n+(?=\/\/# sourceMappingURL)/);
  writeFileSync(join(dist, fileName), `${text}${ending}\n${comment}\n`);
  writeFileSync(
    join(dist, `${fileName}.map`),
    JSON.stringify({
      version: 3,
      file: fileName,
      sources,
      names: [],
      mappings: encode(linesOnly(String(small.code), decode(mappings))),
    }),
  );
}

await mkdir(dist, { recursive: true });
const modules = await rollup({
  input: {
    mod: join(root, "mod.ts"),
    any: join(root, "adapters", "detect.ts"),
    ...Object.fromEntries(oneAdapter.map(([id]) => [id.slice(0, -1), id])),
  },
  plugins: [sources],
  preserveEntrySignatures: "allow-extension",
  treeshake: { moduleSideEffects: false },
  onwarn,
});

/**
 * Modules of their own beside the runtimes', for bundlers: `mod.js` only passes on what they export, so whoever uses
 * nothing of one has nothing of it.
 *
 * @type {[sources: RegExp, name: string][]}
 */
const parts = [
  [/^adapters\/memory/, "memory"],
  [/^core\/names\/services\./, "services"],
  [/^core\/socket\./, "socket"],
];

/** @type {Map<string, string | undefined>} */
const chosen = new Map();
/**
 * Which module a source goes into: its runtime's, that of the one part which needs it, or, if several do, the one that
 * they share. What none needs stays in `mod.js`. Deno's and Bun's adapters use much of Node's.
 *
 * @param {string} id
 * @param {(id: string) => readonly string[]} importersOf
 * @returns {string | undefined}
 */
function moduleOf(id, importersOf) {
  if (virtual.has(id)) return id.slice(0, -1);
  const file = below(id);
  const [, adapter] = /^adapters\/(deno|bun|node(?=\.))/.exec(file) ?? [];
  if (adapter !== undefined) return adapter;
  if (file === "adapters/detect.ts") return undefined;
  const part = parts.find(([sources]) => sources.test(file));
  if (part !== undefined) return part[1];
  if (file.startsWith("adapters/")) return "shared";
  if (!chosen.has(id)) {
    chosen.set(id, undefined);
    const users = new Set(importersOf(id).map((by) => moduleOf(by, importersOf)));
    users.delete(undefined);
    const [user] = users;
    const one = users.size === 1 && parts.some(([, name]) => name === user);
    chosen.set(id, users.size === 0 ? undefined : one ? user : "shared");
  }
  return chosen.get(id);
}

const { output } = await modules.generate({
  dir: dist,
  format: "es",
  generatedCode: "es2015",
  entryFileNames: "[name].js",
  chunkFileNames: "[name].js",
  manualChunks: (id, { getModuleInfo }) =>
    moduleOf(id, (each) => getModuleInfo(each)?.importers ?? []),
  sourcemap: true,
});
for (const chunk of output) if (chunk.type === "chunk") await write(chunk);

const [, , types = ""] = process.argv;
// Not seen by the compiler: its own declarations are for TypeScript 6.
const { dts } = await import(/** @type {string} */ ("rollup-plugin-dts"));
const declarations = await rollup({
  input: join(types, "mod.d.ts"),
  plugins: [dts()],
  onwarn,
});
const { output: [{ code }] } = await declarations.generate({ format: "es" });
writeFileSync(join(dist, "mod.d.ts"), compactDeclarations(code));
