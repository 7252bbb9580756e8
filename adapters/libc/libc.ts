/** System calls of Linux, through any foreign function interface. */

import { int32 } from "../../core/bytes.ts";
import { AF_UNIX, SO_REUSEADDR, SOCK_CLOEXEC, SOL_SOCKET } from "../../core/constants.ts";
import { errnoName } from "../../core/errors/errno.ts";
import type { Address } from "../adapter.ts";
import { nodeProcess } from "../builtin/modules.ts";
import type { OptionCalls } from "./options.ts";
import { decodeSockaddr, encodeSockaddr, SOCKADDR_SIZE } from "./sockaddr.ts";

/** The calls and their arguments; each returns an int. */
export const LIBC_CALLS = {
  socket: ["i32", "i32", "i32"],
  bind: ["i32", "buffer", "u32"],
  connect: ["i32", "buffer", "u32"],
  listen: ["i32", "i32"],
  getsockname: ["i32", "buffer", "buffer"],
  getpeername: ["i32", "buffer", "buffer"],
  getsockopt: ["i32", "i32", "i32", "buffer", "buffer"],
  setsockopt: ["i32", "i32", "i32", "buffer", "u32"],
  poll: ["buffer", "u32", "i32"],
  fcntl: ["i32", "i32", "i32"],
  close: ["i32"],
} as const;

/** The calls as functions. */
export type LibcCalls = Record<
  keyof typeof LIBC_CALLS,
  (...args: Array<number | Uint8Array>) => number
>;

/** glibc, then musl. */
const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

const SOCK_NONBLOCK = 0o4000;
const POLLRDHUP = 0x2000;
const F_GETFD = 1;
const F_SETFD = 2;
const F_DUPFD_CLOEXEC = 1030;
const FD_CLOEXEC = 1;

/** System calls that throw an error with a `code` when they fail. */
export class Libc implements OptionCalls {
  #calls: LibcCalls;
  #errno: () => number;
  /** The output buffers of the calls, read before the next call. */
  readonly #sockaddr = new Uint8Array(SOCKADDR_SIZE);
  readonly #int = new Uint8Array(4);
  readonly #intView = new DataView(this.#int.buffer);

  /** `errno` reads the thread's errno right after a call has failed. */
  constructor(calls: LibcCalls, errno: () => number) {
    this.#calls = calls;
    this.#errno = errno;
  }

  /** socket(2), non-blocking and closed on exec */
  socket(family: number, type: number): number {
    return this.#check(
      "socket",
      this.#calls.socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
    );
  }

  /** bind(2) */
  bind(fd: number, family: number, address: Address): void {
    const bytes = encodeSockaddr(family, address);
    this.#check("bind", this.#calls.bind(fd, bytes, bytes.length));
  }

  /** bind(2) of a stream socket; for TCP with SO_REUSEADDR, as all runtimes set it. */
  bindStream(fd: number, family: number, address: Address): void {
    if (family !== AF_UNIX) this.setOption(fd, SOL_SOCKET, SO_REUSEADDR, int32(1));
    this.bind(fd, family, address);
  }

  /** connect(2); EINPROGRESS is no error. */
  connect(fd: number, family: number, address: Address): void {
    const bytes = encodeSockaddr(family, address);
    if (this.#calls.connect(fd, bytes, bytes.length) === 0) return;
    const error = this.failure("connect");
    if (error.code !== "EINPROGRESS") throw error;
  }

  /** connect(2) to AF_UNSPEC: aborts a TCP connection with RST. */
  disconnect(fd: number): void {
    const bytes = new Uint8Array(16);
    this.#check("connect", this.#calls.connect(fd, bytes, bytes.length));
  }

  /** listen(2) */
  listen(fd: number, backlog: number): void {
    this.#check("listen", this.#calls.listen(fd, backlog));
  }

  /** getsockname(2) */
  getsockname(fd: number): Address {
    this.#check("getsockname", this.#name("getsockname", fd));
    return this.#address();
  }

  /** getsockname(2) of a number; `undefined` if it is not a socket. */
  findSocket(fd: number): Address | undefined {
    return this.#name("getsockname", fd) === 0 ? this.#address() : undefined;
  }

  /** getpeername(2); `undefined` while there is no peer. */
  getpeername(fd: number): Address | undefined {
    if (this.#name("getpeername", fd) === 0) return this.#address();
    const error = this.failure("getpeername");
    if (error.code === "ENOTCONN") return undefined;
    throw error;
  }

  /**
   * Whether a TCP socket without a peer was connected before, if it does not listen: then its reading side is shut. Not
   * by the error of connect(2), which throws away what is unread of a connection that was opened without blocking.
   */
  wasConnected(fd: number): boolean {
    const pollfd = new Uint8Array(8);
    const view = new DataView(pollfd.buffer);
    view.setInt32(0, fd, true);
    view.setUint16(4, POLLRDHUP, true);
    this.#check("poll", this.#calls.poll(pollfd, 1, 0));
    return (view.getUint16(6, true) & POLLRDHUP) !== 0;
  }

  /** setsockopt(2) */
  setOption(fd: number, level: number, number: number, value: Uint8Array): void {
    const { setsockopt } = this.#calls;
    this.#check("setsockopt", setsockopt(fd, level, number, value, value.length));
  }

  /** getsockopt(2) of an integer. */
  getOption(fd: number, level: number, number: number): number {
    const value = int32(0);
    const { getsockopt } = this.#calls;
    this.#check("getsockopt", getsockopt(fd, level, number, value, int32(4)));
    return new DataView(value.buffer).getInt32(0, true);
  }

  /** dup(2), closed on exec. */
  duplicate(fd: number): number {
    return this.#check("dup", this.#calls.fcntl(fd, F_DUPFD_CLOEXEC, 0));
  }

  /** Whether a descriptor stays open on exec. */
  isInheritable(fd: number): boolean {
    return (this.#check("fcntl", this.#calls.fcntl(fd, F_GETFD, 0)) & FD_CLOEXEC) === 0;
  }

  /** Sets whether a descriptor stays open on exec. */
  setInheritable(fd: number, inheritable: boolean): void {
    this.#check("fcntl", this.#calls.fcntl(fd, F_SETFD, inheritable ? 0 : FD_CLOEXEC));
  }

  /** close(2) */
  close(fd: number): void {
    this.#check("close", this.#calls.close(fd));
  }

  #name(call: "getsockname" | "getpeername", fd: number): number {
    this.#intView.setInt32(0, SOCKADDR_SIZE, true);
    return this.#calls[call](fd, this.#sockaddr, this.#int);
  }

  /** The address that the last `#name` has read. */
  #address(): Address {
    return decodeSockaddr(this.#sockaddr, this.#intView.getInt32(0, true));
  }

  #check(syscall: string, result: number): number {
    if (result < 0) throw this.failure(syscall);
    return result;
  }

  /** The error of the call that has just failed. */
  protected failure(syscall: string): Error & { code: string } {
    // errno must be read before anything else runs.
    const errno = this.#errno();
    const code: string = errnoName(errno) ?? "EIO";
    return Object.assign(new Error(`${syscall} ${code}`), { code, errno, syscall });
  }
}

/**
 * Opens the C library of Linux.
 *
 * @param open opens a library by its name, and throws if there is none
 * @returns `null` if there is none that fits
 */
export function openLibc<L extends Libc>(open: (library: string) => L): L | null {
  if (nodeProcess().platform !== "linux") return null;
  for (const library of LIBRARIES) {
    try {
      return open(library);
    } catch {
      // Try the next.
    }
  }
  return null;
}
