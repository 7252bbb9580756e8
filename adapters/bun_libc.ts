/**
 * System calls of Linux through `bun:ffi`, which needs no permission: what Bun's own API cannot do (bind without a
 * role, true errors of connect, options). The library is opened at the first use.
 */

import { bunFfi } from "./bun_types.ts";
import { Libc, LIBC_CALLS, type LibcCalls, openLibc } from "./libc.ts";

export type { Libc } from "./libc.ts";

let opened: Libc | null | undefined;

/** The C library of Linux, `null` where there is none that fits. */
export function libc(): Libc | null {
  return opened === undefined ? opened = openLibc(open) : opened;
}

function open(library: string): Libc {
  const ffi = bunFfi();
  const { symbols } = ffi.dlopen(library, signatures());
  const { __errno_location, ...calls } = symbols as
    & LibcCalls
    & Record<"__errno_location", () => number>;
  return new Libc(calls, () => ffi.read.i32(__errno_location(), 0));
}

/** Bun takes the bytes of an array where a pointer is due. */
function signatures(): Record<string, { args: string[]; returns: string }> {
  const calls = Object.entries(LIBC_CALLS).map(([name, parameters]) => {
    const args = parameters.map((type) => type === "buffer" ? "ptr" : type);
    return [name, { args, returns: "i32" }] as const;
  });
  return { ...Object.fromEntries(calls), __errno_location: { args: [], returns: "ptr" } };
}
