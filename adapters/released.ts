/**
 * Streams whose descriptor was given away by `detach()`, on Node and Bun: neither can let go of one, nor open it
 * twice. The stream stays as it is, but does not read, and is found again by its descriptor.
 */

import type { Stream } from "./adapter.ts";
import { familyOf } from "./endpoints.ts";

const released = new Map<number, Stream>();

/** Gives the descriptor of a stream away. */
export function release(stream: Stream): number {
  const { fd } = stream;
  released.set(fd, stream);
  return fd;
}

/** The stream of a descriptor that was given away here, which is now taken back, and its address family. */
export function takeReleased(fd: number): { family: number; stream: Stream } | undefined {
  const stream = released.get(fd);
  if (stream === undefined) return undefined;
  released.delete(fd);
  return { family: familyOf(stream.local), stream };
}
