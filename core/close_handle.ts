/** Closes what an adapter has opened. */

import type { Adapter } from "../adapters/adapter.ts";
import { translate } from "./errors/errors.ts";

/** Something that an adapter has opened; only streams can be reset. */
interface Closeable {
  close(): Promise<void>;
  reset?(): Promise<void>;
}

/** Closes a handle, or resets it if asked and possible. A failure becomes the library's error of `close`. */
export async function closeHandle(
  adapter: Adapter,
  handle: Closeable,
  reset: boolean = false,
): Promise<void> {
  try {
    await (reset && handle.reset !== undefined ? handle.reset() : handle.close());
  } catch (cause) {
    throw translate(adapter, cause, "close");
  }
}
