/** Requests and results of receives and sends. */

import { totalOf } from "./bytes.ts";
import { MSG_PEEK, MSG_TRUNC, MSG_WAITALL } from "./constants.ts";
import { scatter } from "./message_buffers.ts";

/** The request of a receive. */
export interface ReceiveRequest {
  /** The call, for errors. */
  readonly syscall: string;
  /** The most bytes to receive. */
  readonly max: number;
  /** Leave the bytes in the queue (MSG_PEEK). */
  readonly peek: boolean;
  /** Wait for all `max` bytes (MSG_WAITALL). */
  readonly all: boolean;
  /** Count the whole length of a datagram, even if it is cut off (MSG_TRUNC). */
  readonly whole: boolean;
  /** The buffer to fill; a fresh array if absent. */
  readonly into: Uint8Array | undefined;
  /**
   * The caller's buffers that the bytes are scattered to, if there are several: for a stream by {@linkcode delivered},
   * for a datagram by what makes the result.
   */
  readonly parts?: readonly Uint8Array[];
}

/** The last plain request. Most receives ask for the same and share it. */
let usualRequest: ReceiveRequest | undefined;

/** The request of a receive with checked flags. */
export function receiveRequest(
  syscall: string,
  max: number,
  flags: number,
  into: Uint8Array | undefined,
): ReceiveRequest {
  const isPlain = flags === 0 && into === undefined;
  if (isPlain && usualRequest?.max === max && usualRequest.syscall === syscall) return usualRequest;
  const request = {
    syscall,
    max,
    peek: (flags & MSG_PEEK) !== 0,
    all: (flags & MSG_WAITALL) !== 0,
    whole: (flags & MSG_TRUNC) !== 0,
    into,
  };
  if (isPlain) usualRequest = request;
  return request;
}

/** The result of a receive: the bytes, or with `into` their count. */
export type Received = Uint8Array<ArrayBuffer> | number;

/** What a receive without `into` gets: the bytes, or their count once they are scattered. */
export function delivered(bytes: Uint8Array<ArrayBuffer>, { parts }: ReceiveRequest): Received {
  if (parts === undefined) return bytes;
  scatter(bytes, parts);
  return bytes.length;
}

/**
 * Whether the buffer of a receive was transferred or shrunk while the call waited; Python would lock it. The receive
 * then fails and leaves the bytes to the next one.
 */
export function isGone({ into, max, parts }: ReceiveRequest): boolean {
  return into !== undefined && into.length < max || parts !== undefined && totalOf(parts) < max;
}

/** The error of a receive whose buffer is gone. */
export function gone(): TypeError {
  return new TypeError("buffer was detached or shrunk while the call waited");
}

/** The request of a send. */
export interface SendRequest {
  /** The call, for errors. */
  readonly syscall: string;
  readonly data: Uint8Array;
  /** Send all of it (`sendall`), or what the system takes at once (`send`). */
  readonly all: boolean;
  /**
   * Gives what follows the data, piece by piece, then an empty one: of a `send` whose data the system takes at once, it
   * may take more.
   */
  readonly more?: () => Uint8Array;
}

/** The size in bytes up to which a send that waits for its turn is copied; a larger one is read in its turn. */
const COPY_WAITING = 64 * 1024;

/** The request of a send that waits for its turn, without `more`: the caller may already reuse the buffer. */
export function inTurn({ syscall, data, all }: SendRequest): SendRequest {
  return { syscall, data: data.byteLength > COPY_WAITING ? data : data.slice(), all };
}

/** The count for `send`, nothing for `sendall`. Decided here: one more promise would cost as much as the rest. */
export function outcome(all: boolean, sent: number): number {
  return all ? undefined as unknown as number : sent;
}
