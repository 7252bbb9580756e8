/** The files of the repository. */

import { existsSync, readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";
import process from "node:process";
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
 * @param {string[]} args Files and folders, as seen from where the command was given; all where there are none.
 * @returns {string[]}
 */
export function testFiles(args) {
  const filters = args.filter((arg) => !arg.startsWith("-"))
    .map((arg) => relative(root, join(process.cwd(), arg)).split(sep).join("/"));
  return filesBelow("tests").filter((file) =>
    file.endsWith(".test.ts")
      ? filters.length === 0 || filters.some((filter) => file.startsWith(filter))
      : filters.includes(file)
  );
}
