/** The files of UNIX sockets on Node. */

import type { Address } from "../adapter.ts";
import { nodeModule } from "../builtin/modules.ts";
import { unlinkPath } from "../unix_path.ts";

/** Removes the file of a socket if Node does not: versions without `net.BoundSocket` leave it. */
export function removePath(path: Address): void {
  if (nodeModule("node:net").BoundSocket === undefined) unlinkPath(path);
}
