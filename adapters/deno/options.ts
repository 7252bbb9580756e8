/** Options of Deno's sockets that Deno has no call for, through setsockopt(2) on their descriptors. */

import type { Settings } from "../adapter.ts";
import type { Libc } from "../libc/libc.ts";
import {
  DATAGRAM_OPTIONS,
  getDescriptorOption,
  setDescriptorOption,
  STREAM_OPTIONS,
} from "../libc/options.ts";
import { DGRAM_OPTIONS } from "../option_support.ts";
import { findDescriptor, type SocketNames } from "./descriptor.ts";
import { hasLibc, libc } from "./ffi.ts";

/** Options that Deno sets itself, and those that only work before bind(2) or connect(2). */
const BY_DENO = new Set([
  "SO_KEEPALIVE",
  "TCP_NODELAY",
  "SO_LINGER",
  "SO_REUSEADDR",
  "SO_REUSEPORT",
  "IPV6_V6ONLY",
  "TCP_SYNCNT",
]);

/**
 * Options that `node:dgram` cannot set. Deno 2.9: on a udp6 socket, setTTL() sets IP_TTL, and setMulticastTTL()
 * nothing; setSendBufferSize() only keeps the number.
 */
const NOT_BY_NODE_DGRAM = ["IPV6_UNICAST_HOPS", "IPV6_MULTICAST_HOPS", "SO_SNDBUF"];

/** The options that can currently be set on streams. */
export function streamOptions(): readonly string[] {
  const byLibc = hasLibc() ? STREAM_OPTIONS.filter((name) => !BY_DENO.has(name)) : [];
  return ["SO_KEEPALIVE", "SO_LINGER", "TCP_NODELAY", ...byLibc];
}

/** The options that can currently be set on datagram sockets. */
export function datagramOptions(): readonly string[] {
  const byLibc = hasLibc() ? DATAGRAM_OPTIONS.filter((name) => !BY_DENO.has(name)) : [];
  const byNode = Object.keys(DGRAM_OPTIONS).filter((name) => !NOT_BY_NODE_DGRAM.includes(name));
  return [...byNode, ...byLibc];
}

/** The options of one socket. */
export class DenoOptions {
  #names: SocketNames;
  #fd: number;

  /** `fd` is the descriptor, if known. */
  constructor(names: SocketNames, fd: number = -1) {
    this.#names = names;
    this.#fd = fd;
  }

  /** Sets an option; returns `false` if the descriptor is not available. */
  set(name: string, value: number): boolean {
    return !BY_DENO.has(name) &&
      this.withDescriptor((c, fd) => setDescriptorOption(c, fd, name, value)) === true;
  }

  /** Sets the options that were set before the socket existed. */
  setAll(settings: Settings): void {
    for (const [name, value] of settings) this.set(name, value);
  }

  /** Reads an option; `undefined` if the descriptor is not available, or Deno alone sets it. */
  get(name: string): number | undefined {
    return BY_DENO.has(name) ? undefined : this.read(name);
  }

  /** Reads an option from the system, also one that Deno sets. */
  read(name: string): number | undefined {
    return this.withDescriptor((c, fd) => getDescriptorOption(c, fd, name));
  }

  /** Calls with the library and the descriptor, if both are available. */
  withDescriptor<T>(call: (c: Libc, fd: number) => T): T | undefined {
    const c = libc();
    if (c === undefined) return undefined;
    // Cached: the number is the socket's as long as the socket is open.
    if (this.#fd < 0) this.#fd = findDescriptor(c, this.#names);
    return this.#fd < 0 ? undefined : call(c, this.#fd);
  }
}
