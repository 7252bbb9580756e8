/** The error of an option that could not be set. */

import type { Adapter } from "../../adapters/adapter.ts";
import { translate } from "../errors/errors.ts";

/** The system's error for an option, with its name and value unless the adapter has a detail. */
export function setFailed(adapter: Adapter, cause: unknown, what: string): Error {
  return translate(adapter, cause, "setsockopt", { detail: adapter.errorDetail?.(cause) ?? what });
}
