/** The machine's own name. */

import { getAdapter } from "../adapter_choice.ts";
import { systemError, translate } from "../errors/errors.ts";

/**
 * The name of this machine. Others may not know the machine by it: see {@linkcode getfqdn}.
 *
 * On Deno it needs `--allow-sys=hostname`.
 *
 * Source: POSIX gethostname().
 *
 * @returns The name.
 * @throws {SocketError} EACCES when the permission is missing; ENOTSUP when the adapter has none
 *
 * @example
 * ```ts
 * import { gethostname } from "@bsdsock/bsdsock";
 *
 * console.log(gethostname());
 * ```
 */
export function gethostname(): string {
  const adapter = getAdapter();
  if (adapter.hostname === undefined) {
    const detail = `${adapter.capabilities().adapter} knows no name of this machine`;
    throw systemError("ENOTSUP", "gethostname", { detail });
  }
  try {
    return adapter.hostname();
  } catch (cause) {
    throw translate(adapter, cause, "gethostname");
  }
}
