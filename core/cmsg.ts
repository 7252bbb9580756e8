/** The sizes of ancillary data. */

import { INT_MAX, integer } from "./arguments.ts";

/** The size and alignment of `struct cmsghdr` on 64-bit Linux. */
const CMSG_HEADER = 16;
const CMSG_ALIGNMENT = 8;

/**
 * The length of an item of ancillary data with `length` bytes, without trailing padding, on 64-bit Linux.
 *
 * Source: RFC 3542, Python `socket.CMSG_LEN`.
 *
 * @param length 0 or more bytes
 * @throws {RangeError} when it does not fit C's int
 *
 * @example
 * ```ts
 * import { CMSG_LEN } from "@bsdsock/bsdsock";
 *
 * CMSG_LEN(4); // 20
 * ```
 */
export function CMSG_LEN(length: number): number {
  return CMSG_HEADER + integer(length, "length", 0, INT_MAX - CMSG_HEADER);
}

/**
 * The space that an item of ancillary data with `length` bytes takes, including padding, on 64-bit Linux.
 *
 * Source: RFC 3542, Python `socket.CMSG_SPACE`.
 *
 * @param length 0 or more bytes
 * @throws {RangeError} when it does not fit C's int
 *
 * @example
 * ```ts
 * import { CMSG_SPACE } from "@bsdsock/bsdsock";
 *
 * CMSG_SPACE(4); // 24
 * ```
 */
export function CMSG_SPACE(length: number): number {
  const most = INT_MAX - CMSG_HEADER - CMSG_ALIGNMENT;
  const checked = integer(length, "length", 0, most);
  return CMSG_HEADER + Math.ceil(checked / CMSG_ALIGNMENT) * CMSG_ALIGNMENT;
}
