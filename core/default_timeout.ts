/** The timeout that new sockets start with. */

import { seconds } from "./arguments.ts";

let current: number | null = null;

/**
 * The timeout of new sockets in seconds; `null`, the default, waits for ever.
 *
 * Source: Python's `socket.getdefaulttimeout`.
 *
 * @example
 * ```ts
 * import { getdefaulttimeout } from "@bsdsock/bsdsock";
 *
 * getdefaulttimeout(); // null
 * ```
 */
export function getdefaulttimeout(): number | null {
  return current;
}

/**
 * Sets the timeout of sockets created or accepted from now on.
 *
 * Source: Python's `socket.setdefaulttimeout`.
 *
 * @param timeout seconds, 0 for non-blocking sockets, `null` to wait for ever
 * @throws {TypeError} when it is neither a number nor null
 * @throws {RangeError} when it is negative, not finite or above 9223372036
 *
 * @example
 * ```ts
 * import { setdefaulttimeout, socket } from "@bsdsock/bsdsock";
 *
 * setdefaulttimeout(10);
 * await using s = socket();
 * console.log(s.gettimeout()); // 10
 * ```
 */
export function setdefaulttimeout(timeout: number | null): void {
  current = seconds(timeout, "timeout");
}
