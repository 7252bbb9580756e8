/** The command lines of the scripts: what is wrong with one is said in one line, with what they take. */

import process from "node:process";
import { parseArgs } from "node:util";

/**
 * Ends the program: nothing was done, as the command line is wrong.
 *
 * @param {string} why
 * @param {string} usage Such as `npm run soak -- [--seed=N]`.
 * @returns {never}
 */
export function refuse(why, usage) {
  console.error(`${why}; usage: ${usage}`);
  process.exit(2);
}

/**
 * The options and names on the command line.
 *
 * @template {import("node:util").ParseArgsConfig} T
 * @param {string} usage
 * @param {T} config
 * @returns {ReturnType<typeof parseArgs<T>>}
 */
export function readArguments(usage, config) {
  try {
    return parseArgs(config);
  } catch (error) {
    // The first sentence: another one of Node's is about names that start with a dash.
    const [why = ""] = (error instanceof Error ? error.message : String(error)).split(/\. |\n/);
    return refuse(why, usage);
  }
}

/** Refuses whatever is on the command line. @param {string} usage */
export function takesNothing(usage) {
  readArguments(usage, { options: {} });
}

/**
 * The names in a list with commas, each of which must be known.
 *
 * @param {string} list
 * @param {string[]} known
 * @param {string} usage
 */
export function choose(list, known, usage) {
  const chosen = list.split(",");
  const unknown = chosen.filter((name) => !known.includes(name));
  if (unknown.length > 0) refuse(`unknown: ${unknown.join(", ")}`, usage);
  return chosen;
}
