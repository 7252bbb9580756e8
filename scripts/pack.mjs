/** Makes the file that `npm publish` would upload. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "./child.mjs";
import { npmCommand, root } from "./setup.mjs";

/**
 * Builds and packs the npm package.
 *
 * @param {string} folder An empty folder that receives the file.
 * @returns {Promise<string>} The path of the .tgz.
 */
export async function pack(folder) {
  const npm = npmCommand(["pack", "--silent", "--pack-destination", folder]);
  const done = await run(npm.file, npm.args, { cwd: root, shell: npm.shell, limit: 300_000 });
  const file = readdirSync(folder).find((name) => name.endsWith(".tgz"));
  if (done.code !== 0 || file === undefined) throw new Error(`npm pack failed:\n${done.output}`);
  return join(folder, file);
}
