/** Streams whose descriptor was given away by `detach()`: Bun cannot let go of one, nor open it twice. */

import type { BunStream } from "./bun_stream.ts";

/** A stream and its address family. */
interface Released {
  readonly family: number;
  readonly stream: BunStream;
}

const released = new Map<number, Released>();

/** Gives the descriptor of a stream away. */
export function release(stream: BunStream, family: number): number {
  const { fd } = stream;
  released.set(fd, { family, stream });
  return fd;
}

/** The stream of a descriptor that was given away here, which is now taken back. */
export function takeReleased(fd: number): Released | undefined {
  const known = released.get(fd);
  released.delete(fd);
  return known;
}
