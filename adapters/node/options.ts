/** Options of a descriptor on Node that `node:net` and `node:dgram` have no call for. */

import {
  DATAGRAM_OPTIONS,
  getDescriptorOption,
  setDescriptorOption,
  STREAM_OPTIONS,
} from "../libc/options.ts";
import { hasLibc, libc } from "./ffi.ts";

/** Options that Node's modules set themselves, and those that only work before bind(2). */
const BY_NODE = new Set([
  "SO_KEEPALIVE",
  "TCP_NODELAY",
  "SO_LINGER",
  "SO_REUSEADDR",
  "SO_REUSEPORT",
  "IPV6_V6ONLY",
]);

/** The options of streams that can be set on a descriptor here. */
export function streamOptions(): readonly string[] {
  return hasLibc() ? STREAM_OPTIONS.filter((name) => !BY_NODE.has(name)) : [];
}

/** Whether an option is set on a stream before connect(2): some bear on how the connection is made. */
export function isEarly(name: string): boolean {
  if (name === "SO_REUSEPORT" || name === "IPV6_V6ONLY") return true;
  return STREAM_OPTIONS.includes(name) && !BY_NODE.has(name);
}

/** The options of datagram sockets that can be set on a descriptor here. */
export function datagramOptions(): readonly string[] {
  return hasLibc() ? DATAGRAM_OPTIONS.filter((name) => !BY_NODE.has(name)) : [];
}

/** Sets an option; also returns `true` for those that matter only to connections. */
export function setNodeOption(fd: number, name: string, value: number): boolean {
  return BY_NODE.has(name) || setByLibc(fd, name, value);
}

/** Sets an option through libc; returns `false` if that is not available. */
export function setByLibc(fd: number, name: string, value: number): boolean {
  const c = libc();
  return c !== undefined && fd >= 0 && setDescriptorOption(c, fd, name, value);
}

/** Reads an option; `undefined` if Node has no way to. */
export function getNodeOption(fd: number, name: string): number | undefined {
  const c = fd < 0 ? undefined : libc();
  return c === undefined ? undefined : getDescriptorOption(c, fd, name);
}

/** Reads an option of a socket without a connection, on which Node's modules have set nothing yet. */
export function getEarlyOption(fd: number, name: string): number | undefined {
  return BY_NODE.has(name) ? undefined : getNodeOption(fd, name);
}
