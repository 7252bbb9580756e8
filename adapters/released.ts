/**
 * Streams whose descriptor was given up by `detach()`, on Node and Bun: neither runtime can let go of a descriptor, nor
 * open it twice. The stream stays as it is, without reading, and is found again by its descriptor.
 */

import { SOCK_DGRAM } from "../core/constants.ts";
import type { Stream } from "./adapter.ts";
import { familyOf } from "./endpoints.ts";

const released = new Map<number, Stream>();

/** Gives up the descriptor of a stream and returns it. */
export function release(stream: Stream): number {
  const { fd } = stream;
  released.set(fd, stream);
  return fd;
}

/**
 * Takes back the stream of a descriptor that was given up here, with its address family.
 *
 * @param type the type of socket that it must be; `undefined` for any
 */
export function takeReleased(
  fd: number,
  type: number | undefined,
): { family: number; stream: Stream } | undefined {
  const stream = released.get(fd);
  if (stream === undefined || type === SOCK_DGRAM) return undefined;
  released.delete(fd);
  return { family: familyOf(stream.local), stream };
}
