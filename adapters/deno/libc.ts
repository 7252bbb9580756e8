/**
 * The system calls of Linux on Deno, including those of streams: `Deno.Conn` does not report what the system has taken.
 */

import { MSG_DONTWAIT, MSG_NOSIGNAL, MSG_PEEK, SHUT_WR } from "../../core/constants.ts";
import { Libc, type LibcCalls } from "../libc/libc.ts";

/** The calls that only Deno's adapter makes; each returns an int. */
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

const AT_ONCE = MSG_DONTWAIT | MSG_NOSIGNAL;

/** The system calls. */
export class DenoLibc extends Libc {
  #calls: StreamCalls;
  #short: ShortMessage;
  readonly #byte = new Uint8Array(1);

  /** `addressOf` returns the address of an array's memory. */
  constructor(
    { recv, send, sendmsg, shutdown, ...calls }: LibcCalls & StreamCalls,
    errno: () => number,
    addressOf: (bytes: Uint8Array<ArrayBuffer>) => bigint,
  ) {
    super(calls, errno);
    this.#calls = { recv, send, sendmsg, shutdown };
    this.#short = new ShortMessage(addressOf);
  }

  /** send(2) of what there is room for. Returns the count of bytes taken. */
  send(fd: number, bytes: Uint8Array): number {
    const { send, sendmsg } = this.#calls;
    // Not `length`: compiled code of Deno 2.9 reads it as a negative number from 2 GiB on.
    const { byteLength } = bytes;
    const count = byteLength <= SHORT
      ? sendmsg(fd, this.#short.of(bytes), AT_ONCE)
      : send(fd, bytes, byteLength, AT_ONCE);
    if (count >= 0) return count;
    const error = this.failure("send");
    if (error.code === "EAGAIN") return 0;
    throw error;
  }

  /** Whether there are unread bytes. */
  hasUnread(fd: number): boolean {
    return this.#calls.recv(fd, this.#byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
  }

  /** shutdown(2) of sending, if the connection still stands. */
  shutdownWrite(fd: number): void {
    this.#calls.shutdown(fd, SHUT_WR);
  }
}

/** The largest message in bytes for which a copy and sendmsg(2) cost less than send(2). */
const SHORT = 4 * 1024;

/** Offsets of the parts of the memory: struct msghdr, its only struct iovec, the bytes. */
const IOVEC = 56;
const BYTES = IOVEC + 16;

/**
 * A message for sendmsg(2), whose arguments are all below 64 bits, unlike the size of send(2). A 64-bit argument puts
 * Deno 2.9 on its slow path, which costs 0.1 µs more, and as much again for the memory of a new array.
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

  /** The message of these bytes, valid until the next call. */
  of(bytes: Uint8Array): Uint8Array {
    this.#bytes.set(bytes);
    this.#size[0] = bytes.length;
    return this.#memory;
  }
}
