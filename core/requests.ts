/** What a receive or a send asks for, and what it gives. */

/** What a receive asks for. */
export interface ReceiveRequest {
  /** The call, for errors. */
  readonly syscall: string;
  /** At most so many bytes. */
  readonly max: number;
  /** Leave the bytes in the queue (MSG_PEEK). */
  readonly peek: boolean;
  /** Wait until there are `max` (MSG_WAITALL). */
  readonly all: boolean;
  /** Count a datagram's whole length, also of one that is cut (MSG_TRUNC). */
  readonly whole: boolean;
  /** Where to put them; a fresh array where absent. */
  readonly into: Uint8Array | undefined;
}

/** A receive gives the bytes, or with `into` their count. */
export type Received = Uint8Array<ArrayBuffer> | number;

/**
 * The memory of a receive can be transferred or shrunk while the call waits; Python would lock it. A receive that finds
 * it so fails, and what came is for the next one.
 */
export function isGone({ into, max }: ReceiveRequest): boolean {
  return into !== undefined && into.length < max;
}

/** The error of a receive whose memory is gone. */
export function gone(): TypeError {
  return new TypeError("buffer was detached or shrunk while the call waited");
}

/** What a send asks for. */
export interface SendRequest {
  /** The call, for errors. */
  readonly syscall: string;
  /** The bytes. */
  readonly data: Uint8Array;
  /** All of it (`sendall`), or what is taken at first (`send`). */
  readonly all: boolean;
}

/** `send` gives the count, `sendall` nothing; decided here, as one more promise would cost as much as the rest. */
export function outcome(all: boolean, sent: number): number {
  return all ? undefined as unknown as number : sent;
}
