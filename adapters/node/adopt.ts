/** Taking over descriptors on Node. */

import type { Adopted } from "../adapter.ts";
import { type NetSocket, nodeModule, type TcpHandle } from "../builtin/modules.ts";
import type { StreamSocket } from "../descriptor.ts";
import { identify } from "../libc/identify.ts";
import { takeReleased } from "../released.ts";
import { NodeBound } from "./bound.ts";
import { libc } from "./ffi.ts";
import { identifyOpened, inodeOf } from "./identify.ts";
import { ResetStream } from "./reset_stream.ts";
import { streamOver } from "./stream.ts";

/** Takes over a descriptor: one that `release()` gave up, or an inherited one. */
export function adopt(fd: number): Adopted {
  const known = takeReleased(fd);
  if (known !== undefined) return known;
  const c = libc();
  if (c !== undefined) {
    const found = identify(c, fd);
    return adopted(open(fd), found);
  }
  const inode = inodeOf(fd);
  const socket = open(fd);
  const { taken, ...found } = identifyOpened(socket, fd, inode);
  return adopted(socket, found, taken);
}

/** Opens the descriptor of a TCP or UNIX stream socket without reading from it. */
function open(fd: number): NetSocket {
  // Throws ERR_INVALID_FD_TYPE if it is not a stream.
  return new (nodeModule("node:net").Socket)({ fd, allowHalfOpen: true, pauseOnCreate: true });
}

function adopted(
  socket: NetSocket,
  { family, local, remote, listening }: StreamSocket,
  taken?: Uint8Array<ArrayBuffer> | Error,
): Adopted {
  if (remote === undefined) {
    const handle = socket._handle as unknown as TcpHandle;
    return { family, bound: new NodeBound(family, handle, local, true), listening };
  }
  const stream = taken === undefined
    ? streamOver(socket, local, remote)
    : new ResetStream(socket, local, remote, taken);
  return { family, stream };
}
