/** Options of Deno's sockets for which Deno has no call, through setsockopt(2) on their descriptors. */

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

/** What Deno sets itself, and what only works before bind(2) or connect(2). */
const BY_DENO = new Set([
  "SO_KEEPALIVE",
  "TCP_NODELAY",
  "SO_LINGER",
  "SO_REUSEADDR",
  "SO_REUSEPORT",
  "IPV6_V6ONLY",
  "TCP_SYNCNT",
]);

/** Deno 2.9: of a udp6 socket of `node:dgram`, setTTL() sets IP_TTL, and setMulticastTTL() nothing. */
const NOT_BY_NODE_DGRAM = ["IPV6_UNICAST_HOPS", "IPV6_MULTICAST_HOPS"];

/** The options of streams that can be set at the moment. */
export function streamOptions(): readonly string[] {
  const byLibc = hasLibc() ? STREAM_OPTIONS.filter((name) => !BY_DENO.has(name)) : [];
  return ["SO_KEEPALIVE", "SO_LINGER", "TCP_NODELAY", ...byLibc];
}

/** The options of datagram sockets that can be set at the moment. */
export function datagramOptions(): readonly string[] {
  const byLibc = hasLibc() ? DATAGRAM_OPTIONS.filter((name) => !BY_DENO.has(name)) : [];
  const byNode = Object.keys(DGRAM_OPTIONS).filter((name) => !NOT_BY_NODE_DGRAM.includes(name));
  return [...byNode, ...byLibc];
}

/** The options of one socket. */
export class DenoOptions {
  #names: SocketNames;
  #fd: number;

  /** `fd` is the descriptor, where it is known. */
  constructor(names: SocketNames, fd: number = -1) {
    this.#names = names;
    this.#fd = fd;
  }

  /** Sets an option; answers `false` where the descriptor cannot be had. */
  set(name: string, value: number): boolean {
    return !BY_DENO.has(name) &&
      this.withDescriptor((c, fd) => setDescriptorOption(c, fd, name, value)) === true;
  }

  /** Sets what was set before the socket was there. */
  setAll(settings: Settings): void {
    for (const [name, value] of settings) this.set(name, value);
  }

  /** Reads an option; `undefined` where the descriptor cannot be had, or Deno alone has set it. */
  get(name: string): number | undefined {
    if (BY_DENO.has(name)) return undefined;
    return this.withDescriptor((c, fd) => getDescriptorOption(c, fd, name));
  }

  /** Calls with the library and the descriptor, where both can be had. */
  withDescriptor<T>(call: (c: Libc, fd: number) => T): T | undefined {
    const c = libc();
    if (c === undefined) return undefined;
    // Kept: the number is the socket's as long as the socket is open.
    if (this.#fd < 0) this.#fd = findDescriptor(c, this.#names);
    return this.#fd < 0 ? undefined : call(c, this.#fd);
  }
}
