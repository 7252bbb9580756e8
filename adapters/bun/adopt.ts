/** Taking over descriptors on Bun. */

import type { Adopted } from "../adapter.ts";
import { identify } from "../libc/identify.ts";
import { BunBound } from "./bound.ts";
import { streamOver } from "./connect.ts";
import type { BunLibc } from "./libc.ts";
import { type BunStream, streamHandlers } from "./stream.ts";
import { bun } from "./types.ts";

/** Takes over a descriptor: a connected socket, or a bound one that may be listening. */
export function adopt(c: BunLibc, fd: number): Adopted {
  const { family, local, remote, listening } = identify(c, fd);
  if (remote === undefined) return { family, bound: new BunBound(c, fd, family, true), listening };
  let stream: BunStream | undefined;
  // Bun calls `open` before `connect` returns, unless it has the descriptor already: each has one reader.
  bun().connect<BunStream>({
    fd,
    allowHalfOpen: true,
    pauseOnConnect: true,
    socket: {
      ...streamHandlers,
      open: (socket) => {
        stream = socket.data = streamOver(c, socket, local, remote);
      },
    },
  }).catch(() => {/* `open` was not called: checked below. */});
  if (stream === undefined) {
    const detail = "Bun itself reads from this descriptor";
    throw Object.assign(new Error(detail), { code: "EBUSY", detail });
  }
  return { family, stream };
}
