/** Why an option could not be set. */

import type { Adapter } from "../../adapters/adapter.ts";
import { translate } from "../errors/errors.ts";

/** What the system says of an option, with its name and value, where the adapter does not know more. */
export function setFailed(adapter: Adapter, cause: unknown, what: string): Error {
  return translate(adapter, cause, "setsockopt", { detail: adapter.errorDetail?.(cause) ?? what });
}
