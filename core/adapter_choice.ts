/** The adapter of new sockets. */

import type { Adapter, Capabilities } from "../adapters/adapter.ts";
import { detectAdapter } from "../adapters/detect.ts";
import { describe } from "./bytes.ts";

let current: Adapter | undefined;

/**
 * The adapter that new sockets use; the first call detects the runtime.
 *
 * @throws {Error} when the library does not know the runtime and no adapter was set
 *
 * @example
 * ```ts
 * import { getAdapter } from "@bsdsock/bsdsock";
 *
 * console.log(getAdapter().capabilities().adapter); // "node", "deno" or "bun"
 * ```
 */
export function getAdapter(): Adapter {
  return current ??= detectAdapter();
}

/**
 * Sets the adapter of sockets created from now on; `undefined` restores the runtime's own.
 *
 * @throws {TypeError} when it is not an adapter
 *
 * @example
 * ```ts
 * import { createMemoryAdapter, setAdapter } from "@bsdsock/bsdsock";
 *
 * setAdapter(createMemoryAdapter()); // from here on, no network
 * setAdapter(undefined);
 * ```
 */
export function setAdapter(adapter: Adapter | undefined): void {
  if (adapter !== undefined) checkAdapter(adapter, "adapter");
  current = adapter;
}

/**
 * The capabilities of the current adapter as plain data: families, types, options and the rest.
 *
 * @example
 * ```ts
 * import { capabilities } from "@bsdsock/bsdsock";
 *
 * if (!capabilities().fileno) console.log("this runtime hides its descriptors");
 * ```
 */
export function capabilities(): Capabilities {
  return getAdapter().capabilities();
}

/** The methods that every adapter has. */
const REQUIRED = ["capabilities", "bind", "connect", "lookup", "errorCode"] as const;

/** Checks that a value looks like an adapter. */
export function checkAdapter(adapter: unknown, name: string): Adapter {
  const candidate = (adapter ?? {}) as Partial<Adapter>;
  for (const method of REQUIRED) {
    if (typeof candidate[method] !== "function") {
      const reason = `it has no method ${method}`;
      throw new TypeError(`${name} must be an Adapter, not ${describe(adapter)}: ${reason}`);
    }
  }
  return candidate as Adapter;
}
