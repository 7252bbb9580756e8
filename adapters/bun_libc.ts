/**
 * System calls of Linux through `bun:ffi`, which needs no permission: what Bun's own API cannot do (bind without a
 * role, true errors of connect, options). The library is opened at the first use.
 */

import type { Address } from "./adapter.ts";
import { bunFfi, type FfiModule } from "./bun_types.ts";
import { int32, type OptionCalls } from "./libc_options.ts";
import { nodeProcess } from "./node_types.ts";
import { errnoName } from "../core/errno.ts";
import { decodeSockaddr, encodeSockaddr, SOCKADDR_SIZE } from "./sockaddr.ts";

const SIGNATURES = {
  socket: { args: ["i32", "i32", "i32"], returns: "i32" },
  bind: { args: ["i32", "ptr", "u32"], returns: "i32" },
  connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
  listen: { args: ["i32", "i32"], returns: "i32" },
  getsockname: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  getpeername: { args: ["i32", "ptr", "ptr"], returns: "i32" },
  getsockopt: { args: ["i32", "i32", "i32", "ptr", "ptr"], returns: "i32" },
  setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  __errno_location: { args: [], returns: "ptr" },
} as const;

/** glibc, then musl. */
const LIBRARIES = ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"];

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;

type Calls = Record<keyof typeof SIGNATURES, (...args: unknown[]) => number>;

/** The calls, each throwing an error with a `code` when it fails. */
export class Libc implements OptionCalls {
  #calls: Calls;
  #ffi: FfiModule;

  constructor(calls: Calls, ffi: FfiModule) {
    this.#calls = calls;
    this.#ffi = ffi;
  }

  /** socket(2), non-blocking and closed on exec, for TCP with SO_REUSEADDR as all runtimes set it. */
  socket(family: number, type: number): number {
    const fd = this.#check(
      "socket",
      this.#calls.socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0),
    );
    if (family !== AF_UNIX && type === SOCK_STREAM) {
      this.setOption(fd, SOL_SOCKET, SO_REUSEADDR, int32(1));
    }
    return fd;
  }

  /** bind(2) */
  bind(fd: number, family: number, address: Address): void {
    const bytes = encodeSockaddr(family, address);
    this.#check("bind", this.#calls.bind(fd, this.#ffi.ptr(bytes), bytes.length));
  }

  /** connect(2); a connection under way is no error. */
  connect(fd: number, family: number, address: Address): void {
    const bytes = encodeSockaddr(family, address);
    if (this.#calls.connect(fd, this.#ffi.ptr(bytes), bytes.length) === 0) return;
    const error = this.#error("connect");
    if (error.code !== "EINPROGRESS") throw error;
  }

  /** Takes the fixed peer of a datagram socket away: connect(2) to AF_UNSPEC. */
  disconnect(fd: number): void {
    const bytes = new Uint8Array(16);
    this.#check("connect", this.#calls.connect(fd, this.#ffi.ptr(bytes), bytes.length));
  }

  /** listen(2) */
  listen(fd: number, backlog: number): void {
    this.#check("listen", this.#calls.listen(fd, backlog));
  }

  /** getsockname(2) */
  getsockname(fd: number): Address {
    return this.#name("getsockname", fd);
  }

  /** getpeername(2); `undefined` while there is no peer. */
  getpeername(fd: number): Address | undefined {
    try {
      return this.#name("getpeername", fd);
    } catch (error) {
      if ((error as { code?: string }).code === "ENOTCONN") return undefined;
      throw error;
    }
  }

  /** setsockopt(2) */
  setOption(fd: number, level: number, number: number, value: Uint8Array): void {
    const { setsockopt } = this.#calls;
    this.#check("setsockopt", setsockopt(fd, level, number, this.#ffi.ptr(value), value.length));
  }

  /** getsockopt(2) of an integer. */
  getOption(fd: number, level: number, number: number): number {
    const value = int32(0);
    const length = int32(4);
    const { getsockopt } = this.#calls;
    this.#check(
      "getsockopt",
      getsockopt(fd, level, number, this.#ffi.ptr(value), this.#ffi.ptr(length)),
    );
    return new DataView(value.buffer).getInt32(0, true);
  }

  /** close(2) */
  close(fd: number): void {
    this.#check("close", this.#calls.close(fd));
  }

  #name(call: "getsockname" | "getpeername", fd: number): Address {
    const bytes = new Uint8Array(SOCKADDR_SIZE);
    const length = int32(SOCKADDR_SIZE);
    this.#check(call, this.#calls[call](fd, this.#ffi.ptr(bytes), this.#ffi.ptr(length)));
    return decodeSockaddr(bytes, new DataView(length.buffer).getInt32(0, true));
  }

  #check(syscall: string, result: number): number {
    if (result < 0) throw this.#error(syscall);
    return result;
  }

  #error(syscall: string): Error & { code: string } {
    // errno has to be read before anything else runs.
    const errno = this.#ffi.read.i32(this.#calls.__errno_location(), 0);
    const code: string = errnoName(errno) ?? "EIO";
    return Object.assign(new Error(`${syscall} ${code}`), { code, errno, syscall });
  }
}

let opened: Libc | null | undefined;

/** The C library of Linux, `null` where there is none that fits. */
export function libc(): Libc | null {
  return opened === undefined ? opened = open() : opened;
}

function open(): Libc | null {
  if (nodeProcess().platform !== "linux") return null;
  const ffi = bunFfi();
  for (const library of LIBRARIES) {
    try {
      const { symbols } = ffi.dlopen(library, SIGNATURES);
      return new Libc(symbols as Calls, ffi);
    } catch {
      // Not this one: the next.
    }
  }
  return null;
}
