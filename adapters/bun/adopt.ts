/** Taking over descriptors on Bun. */

import type { Address, Adopted } from "../adapter.ts";
import { refusal } from "../coded_error.ts";
import type { UdpSocket } from "../descriptor.ts";
import { isUnnamed } from "../endpoints.ts";
import { identify } from "../libc/identify.ts";
import { getDescriptorOption } from "../libc/options.ts";
import { BunBound, BunUnbound } from "./bound.ts";
import { streamOver } from "./connect.ts";
import { datagramOver } from "./datagram.ts";
import type { BunLibc } from "./libc.ts";
import { type BunStream, streamHandlers } from "./stream.ts";
import { bun } from "./types.ts";

/** Takes over a descriptor: a stream socket, or a UDP socket that is bound. */
export function adopt(
  c: BunLibc,
  fd: number,
  type: number | undefined,
  peer: Address | undefined,
): Adopted {
  const found = identify(c, fd, type, peer);
  if (!("listening" in found)) return takeUdp(c, fd, found);
  const { family, local, remote, listening } = found;
  if (remote === undefined) {
    const Taken = listening || !isUnnamed(local) ? BunBound : BunUnbound;
    return { family, bound: new Taken(c, fd, family, true), listening };
  }
  // For all who have the connection: Bun sets it on every socket, and the stream takes it back.
  const noDelay = Array.isArray(local) && getDescriptorOption(c, fd, "TCP_NODELAY") !== 0;
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
  if (stream === undefined) throw busy();
  if (noDelay) stream.setOption("TCP_NODELAY", 1);
  return { family, stream };
}

function takeUdp(c: BunLibc, fd: number, { family, remote }: UdpSocket): Adopted {
  try {
    return { family, datagram: datagramOver(c, fd, family, remote), remote };
  } catch (error) {
    throw (error as { code?: string }).code === "EEXIST" ? busy() : error;
  }
}

function busy(): Error {
  return refusal("EBUSY", "Bun itself reads from this descriptor");
}
