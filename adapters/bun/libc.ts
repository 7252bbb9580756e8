/**
 * System calls of Linux through `bun:ffi`, which needs no permission, for what Bun's own API lacks: bind without a
 * role, exact errors of connect, options. The library is opened on first use.
 */

import { MSG_DONTWAIT } from "../../core/constants.ts";
import { Libc, LIBC_CALLS, type LibcCalls, openLibc } from "../libc/libc.ts";
import { bunFfi } from "./types.ts";

export type { Libc } from "../libc/libc.ts";

type Receive = (fd: number, into: Uint8Array, size: number, flags: number) => number;

/** The calls, with recv(2) for reads that are expensive through Bun. */
export class BunLibc extends Libc {
  #recv: Receive;

  constructor(calls: LibcCalls, errno: () => number, recv: Receive) {
    super(calls, errno);
    this.#recv = recv;
  }

  /** recv(2) of what has arrived: the count of bytes, 0 at the end of the stream, `undefined` if nothing is there. */
  receive(fd: number, into: Uint8Array): number | undefined {
    const count = this.#recv(fd, into, into.length, MSG_DONTWAIT);
    if (count >= 0) return count;
    const error = this.failure("recv");
    if (error.code === "EAGAIN") return undefined;
    throw error;
  }
}

let opened: BunLibc | null | undefined;

/** The C library of Linux; `null` if none fits. */
export function libc(): BunLibc | null {
  return opened === undefined ? opened = openLibc(open) : opened;
}

function open(library: string): BunLibc {
  const ffi = bunFfi();
  const { symbols } = ffi.dlopen(library, signatures());
  const { __errno_location, recv, ...calls } = symbols as
    & LibcCalls
    & Record<"__errno_location", () => number>
    & Record<"recv", Receive>;
  return new BunLibc(calls, () => ffi.read.i32(__errno_location(), 0), recv);
}

/** The signatures of the calls; for a pointer Bun takes the bytes of an array. */
function signatures(): Record<string, { args: string[]; returns: string }> {
  const calls = Object.entries(LIBC_CALLS).map(([name, parameters]) => {
    const args = parameters.map((type) => type === "buffer" ? "ptr" : type);
    return [name, { args, returns: "i32" }] as const;
  });
  return {
    ...Object.fromEntries(calls),
    recv: { args: ["i32", "ptr", "usize", "i32"], returns: "i32" },
    __errno_location: { args: [], returns: "ptr" },
  };
}
