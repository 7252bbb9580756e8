/** Taking over descriptors on Node. */

import { SOCK_DGRAM } from "../../core/constants.ts";
import type { Address, Adopted } from "../adapter.ts";
import { type NetSocket, nodeModule, type TcpHandle } from "../builtin/modules.ts";
import { refusal } from "../coded_error.ts";
import type { StreamSocket, UdpSocket } from "../descriptor.ts";
import { isUnnamed } from "../endpoints.ts";
import { identify } from "../libc/identify.ts";
import type { Libc } from "../libc/libc.ts";
import { keepingReuse } from "../libc/reuse_address.ts";
import { takeReleased } from "../released.ts";
import { NodeBound, NodeUnbound } from "./bound.ts";
import { datagramOver } from "./datagram.ts";
import { streamsOnly } from "./errors.ts";
import { libc } from "./ffi.ts";
import { identifyOpened, inodeOf } from "./identify.ts";
import { ResetStream } from "./reset_stream.ts";
import { streamOver } from "./stream.ts";

/** Takes over a descriptor: one that `release()` gave up, or an inherited one. */
export function adopt(fd: number, type: number | undefined, peer?: Address): Adopted {
  const known = takeReleased(fd, type);
  if (known !== undefined) return known;
  const c = libc();
  if (c !== undefined) {
    const found = identify(c, fd, type, peer);
    return "listening" in found ? adopted(open(fd), found) : adoptUdp(c, fd, found);
  }
  const inode = inodeOf(fd);
  if (type === SOCK_DGRAM) throw refusal("ENOTSUP", streamsOnly());
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
    const Taken = listening || !isUnnamed(local) ? NodeBound : NodeUnbound;
    return { family, bound: new Taken(family, handle, local), listening };
  }
  const stream = taken === undefined
    ? streamOver(socket, local, remote)
    : new ResetStream(socket, local, remote, taken);
  return { family, stream };
}

/** Only with libc, which takes back the SO_REUSEADDR that Node sets. */
function adoptUdp(c: Libc, fd: number, { family, local, remote }: UdpSocket): Adopted {
  // Node 26 opens a new socket instead.
  if (fd === 0) throw refusal("ENOTSUP", "Node cannot take over descriptor 0 as a datagram socket");
  const datagram = keepingReuse(c, fd, () => datagramOver(fd, family, local, remote));
  return { family, datagram, remote };
}
