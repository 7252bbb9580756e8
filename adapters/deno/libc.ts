/** The system calls of Linux on Deno, with those of streams: `Deno.Conn` does not tell what the system has taken. */

import { Libc, type LibcCalls } from "../libc/libc.ts";

/** The calls that only Deno's adapter makes; each gives an int. */
export const STREAM_CALLS = {
  recv: ["i32", "buffer", "usize", "i32"],
  send: ["i32", "buffer", "usize", "i32"],
  sendmsg: ["i32", "buffer", "i32"],
  shutdown: ["i32", "i32"],
} as const;

/** The calls as functions. */
export interface StreamCalls {
  recv(fd: number, into: Uint8Array, size: number, flags: number): number;
  send(fd: number, bytes: Uint8Array, size: number, flags: number): number;
  sendmsg(fd: number, message: Uint8Array, flags: number): number;
  shutdown(fd: number, how: number): number;
}

const MSG_PEEK = 0x2;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const AT_ONCE = MSG_DONTWAIT | MSG_NOSIGNAL;
const SHUT_WR = 1;

/** The calls. */
export class DenoLibc extends Libc {
  #calls: StreamCalls;
  #short: ShortMessage;
  readonly #byte = new Uint8Array(1);

  /** `addressOf` gives the address of an array's memory. */
  constructor(
    { recv, send, sendmsg, shutdown, ...calls }: LibcCalls & StreamCalls,
    errno: () => number,
    addressOf: (bytes: Uint8Array<ArrayBuffer>) => bigint,
  ) {
    super(calls, errno);
    this.#calls = { recv, send, sendmsg, shutdown };
    this.#short = new ShortMessage(addressOf);
  }

  /** send(2) of what there is room for: the count of bytes taken. */
  send(fd: number, bytes: Uint8Array): number {
    const { send, sendmsg } = this.#calls;
    // Not `length`, which compiled code of Deno 2.9 takes for a negative number from 2 GiB on.
    const { byteLength } = bytes;
    const count = byteLength <= SHORT
      ? sendmsg(fd, this.#short.of(bytes), AT_ONCE)
      : send(fd, bytes, byteLength, AT_ONCE);
    if (count >= 0) return count;
    const error = this.failure("send");
    if (error.code === "EAGAIN") return 0;
    throw error;
  }

  /** Whether bytes have come that nobody has received. */
  hasUnread(fd: number): boolean {
    return this.#calls.recv(fd, this.#byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
  }

  /** shutdown(2) of sending, where the connection still stands. */
  shutdownWrite(fd: number): void {
    this.#calls.shutdown(fd, SHUT_WR);
  }
}

/** Bytes of a message for whose copy sendmsg(2) costs less than send(2). */
const SHORT = 4 * 1024;

/** Where the parts of the memory begin: struct msghdr, its one struct iovec, the bytes. */
const IOVEC = 56;
const BYTES = IOVEC + 16;

/**
 * A message for sendmsg(2), which takes no argument of 64 bits, as the size of send(2) is one: for those Deno 2.9 takes
 * the slow way, 0.1 µs more, and as much again for the memory of an array that is new.
 */
class ShortMessage {
  #memory = new Uint8Array(BYTES + SHORT);
  #bytes = this.#memory.subarray(BYTES);
  #size = new Uint32Array(this.#memory.buffer, IOVEC + 8, 1);

  constructor(addressOf: (bytes: Uint8Array<ArrayBuffer>) => bigint) {
    const start = addressOf(this.#memory);
    const view = new DataView(this.#memory.buffer);
    view.setBigUint64(16, start + BigInt(IOVEC), true);
    view.setBigUint64(24, 1n, true);
    view.setBigUint64(IOVEC, start + BigInt(BYTES), true);
  }

  /** The message of these bytes, until it is asked for the next. */
  of(bytes: Uint8Array): Uint8Array {
    this.#bytes.set(bytes);
    this.#size[0] = bytes.length;
    return this.#memory;
  }
}
