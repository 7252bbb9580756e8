/** The files of the repository. */

import { existsSync, readdirSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import process from "node:process";
import { refuse } from "./arguments.mjs";
import { root } from "./setup.mjs";

/**
 * All files of a folder, in the order of their names.
 *
 * @param {string} folder Below the root.
 * @returns {string[]} Paths below the root, with forward slashes.
 */
export function filesBelow(folder) {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesBelow(path) : [path];
    })
    .sort();
}

/**
 * The test files that a command line names. A file that is none by its name has to be named in full.
 *
 * @param {string[]} names Files and folders, as seen from where the command was given; all where there are none.
 * @param {string} usage What to say where a name is that of no test.
 * @returns {string[]}
 */
export function testFiles(names, usage) {
  const all = filesBelow("tests");
  const tests = all.filter((file) => file.endsWith(".test.ts"));
  if (names.length === 0) return tests;
  // npm runs scripts in the root, and tells where it was called.
  const here = process.env["INIT_CWD"] ?? process.cwd();
  const chosen = names.flatMap((name) => {
    const path = relative(root, resolve(here, name)).split(sep).join("/");
    const found = all.includes(path) ? [path] : tests.filter((file) => file.startsWith(path));
    return found.length > 0 ? found : refuse(`no such test: ${name}`, usage);
  });
  return [...new Set(chosen)].sort();
}
