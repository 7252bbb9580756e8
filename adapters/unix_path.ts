/** The files of UNIX sockets. */

import type { Address } from "./adapter.ts";
import { nodeModule } from "./builtin/modules.ts";
import { isUnix } from "./endpoints.ts";

/**
 * Removes the file of a socket that this process has bound, where the runtime does not. One that is missing, or may not be
 * removed any more, is no error, as to the runtimes that remove it themselves.
 */
export function unlinkPath(local: Address): void {
  if (!isUnix(local) || local.length === 0 || local[0] === "\0" || local[0] === 0) return;
  try {
    nodeModule("node:fs").unlinkSync(local);
  } catch {
    // The socket is closed all the same; who binds the path next is told EADDRINUSE.
  }
}
