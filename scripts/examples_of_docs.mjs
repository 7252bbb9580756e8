/** The examples of the doc comments as programs, for Node and Bun, which cannot run them where they stand. */

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./setup.mjs";

/**
 * Writes each example that a user could copy into a file of its own, and a program that runs them in turn.
 *
 * @param {string} folder
 * @returns {string} The program.
 */
export function writeExamples(folder) {
  const library = pathToFileURL(join(root, "mod.ts")).href;
  const program = [`import { setAdapter, setdefaulttimeout } from "${library}";\n`];
  for (const source of ["mod.ts", ...sourcesOf("core"), ...sourcesOf("adapters")]) {
    const text = readFileSync(join(root, source), "utf8").replaceAll(/^ *\* ?/gm, "");
    for (const [, block = ""] of text.matchAll(/^```ts\n(.*?)^```$/gms)) {
      if (!block.includes(' from "@bsdsock/bsdsock"')) continue;
      const file = `${source.replaceAll("/", "_")}_${program.length}.mts`;
      const code = block.replaceAll(' from "@bsdsock/bsdsock"', ` from "${library}"`);
      writeFileSync(join(folder, file), code);
      // Each begins as in a process of its own; where one fails its name is the last that was printed.
      const begin = "setAdapter(undefined);\nsetdefaulttimeout(null);\n";
      program.push(`${begin}console.log("${file}");\nawait import("./${file}");\n`);
    }
  }
  const file = join(folder, "examples.mts");
  writeFileSync(file, program.join(""));
  return file;
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function sourcesOf(folder) {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => `${folder}/${name}`);
}

/**
 * @typedef {object} Documented
 * @property {string} name
 * @property {string} [kind]
 * @property {{ tags?: { kind: string }[] }} [jsDoc]
 * @property {{ methods?: Documented[] }} [def]
 */

/**
 * The public functions, classes, methods and getters without an example. Of what has several signatures one is enough.
 *
 * @param {string} json What `deno doc --json` says of the library.
 * @returns {string[]}
 */
export function withoutExample(json) {
  /** @type {{ nodes: Record<string, { symbols: { name: string, declarations: Documented[] }[] }> }} */
  const { nodes } = JSON.parse(json);
  /** @type {Map<string, boolean>} */
  const found = new Map();
  /** @param {string} name @param {Documented} of */
  const look = (name, { jsDoc }) => {
    const has = jsDoc?.tags?.some(({ kind }) => kind === "example") ?? false;
    found.set(name, has || found.get(name) === true);
  };
  for (const { name, declarations } of Object.values(nodes).flatMap(({ symbols }) => symbols)) {
    for (const one of declarations) {
      if (one.kind !== "function" && one.kind !== "class") continue;
      look(name, one);
      for (const method of one.def?.methods ?? []) look(`${name}.${method.name}`, method);
    }
  }
  if (found.size < 50) throw new Error(`deno doc shows ${found.size} functions`);
  return [...found].filter(([, has]) => !has).map(([name]) => name);
}
