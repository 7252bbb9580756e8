/** The files of UNIX sockets. */

import type { Address } from "./adapter.ts";
import { isUnix } from "./endpoints.ts";
import { nodeModule } from "./node/types.ts";

/** Removes the file of a socket that this process has bound, where the runtime does not; a missing one is no error. */
export function unlinkPath(local: Address): void {
  if (!isUnix(local) || local.length === 0 || local[0] === "\0" || local[0] === 0) return;
  try {
    nodeModule("node:fs").unlinkSync(local);
  } catch (error) {
    if ((error as { code?: string }).code !== "ENOENT") throw error;
  }
}
