/** The files of UNIX sockets. */

import type { Address } from "./adapter.ts";
import { nodeModule } from "./builtin/modules.ts";
import { isUnix } from "./endpoints.ts";

/**
 * Removes the file of a socket that this process has bound, if the runtime does not. A file that is missing or can no
 * longer be removed is no error, as in the runtimes that remove it themselves.
 */
export function unlinkPath(local: Address): void {
  if (!isUnix(local) || local.length === 0 || local[0] === "\0" || local[0] === 0) return;
  try {
    nodeModule("node:fs").unlinkSync(local);
  } catch {
    // The socket is closed all the same; the next bind to the path fails with EADDRINUSE.
  }
}
