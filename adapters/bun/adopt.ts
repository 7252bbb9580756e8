/** Taking over descriptors on Bun. */

import type { Adopted } from "../adapter.ts";
import { notAStream } from "../descriptor.ts";
import { BunBound } from "./bound.ts";
import { streamOver } from "./connect.ts";
import type { BunLibc } from "./libc.ts";
import { type BunStream, streamHandlers } from "./stream.ts";
import { bun } from "./types.ts";

const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_ACCEPTCONN = 30;
const SO_DOMAIN = 39;

/** Takes over a descriptor: a connected socket, or a bound one that may be listening. */
export function adopt(c: BunLibc, fd: number): Adopted {
  const family = c.getOption(fd, SOL_SOCKET, SO_DOMAIN);
  if (c.getOption(fd, SOL_SOCKET, SO_TYPE) !== SOCK_STREAM) {
    throw notAStream();
  }
  const remote = c.getpeername(fd);
  if (remote === undefined) {
    const listening = c.getOption(fd, SOL_SOCKET, SO_ACCEPTCONN) !== 0;
    return { family, bound: new BunBound(c, fd, family, true), listening };
  }
  let stream: BunStream | undefined;
  const local = c.getsockname(fd);
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
