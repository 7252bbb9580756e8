/** Which library is measured. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../scripts/child.mjs";
import { root } from "../../scripts/setup.mjs";

/** @returns {string} A hash of the sources: servers start one after the other, and read them anew. */
export function fingerprint() {
  const hash = createHash("sha256");
  for (const folder of ["core", "adapters"]) {
    for (const name of readdirSync(join(root, folder), { recursive: true }).map(String).sort()) {
      if (name.endsWith(".ts")) hash.update(readFileSync(join(root, folder, name)));
    }
  }
  return hash.digest("hex");
}

/** @returns {Promise<string>} The commit, and whether the sources differ from it. */
export async function revision() {
  const commit = await run("git", ["rev-parse", "--short", "HEAD"], { cwd: root });
  if (commit.code !== 0) return "unknown";
  const changed = await run(
    "git",
    ["diff", "--quiet", "HEAD", "--", "mod.ts", "core", "adapters"],
    {
      cwd: root,
    },
  );
  return commit.stdout.trim() + (changed.code === 0 ? "" : ", with changes");
}
