/** Options of a descriptor, through any binding of Linux's setsockopt(2) and getsockopt(2). */

import { int32 } from "../../core/bytes.ts";

/** A binding of the two calls. */
export interface OptionCalls {
  /** setsockopt(2); throws an error with a `code`. */
  setOption(fd: number, level: number, number: number, value: Uint8Array): void;
  /** getsockopt(2) of an int; throws an error with a `code`. */
  getOption(fd: number, level: number, number: number): number;
}

const SOL_SOCKET = 1;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;

/** Level and number of SO_LINGER. */
const LINGER = [SOL_SOCKET, 13] as const;

/** Level and number of the options with an int value. */
const INTEGERS: Readonly<Record<string, readonly [level: number, number: number]>> = {
  SO_REUSEADDR: [SOL_SOCKET, 2],
  SO_REUSEPORT: [SOL_SOCKET, 15],
  SO_KEEPALIVE: [SOL_SOCKET, 9],
  SO_BROADCAST: [SOL_SOCKET, 6],
  SO_OOBINLINE: [SOL_SOCKET, 10],
  SO_DEBUG: [SOL_SOCKET, 1],
  SO_DONTROUTE: [SOL_SOCKET, 5],
  SO_PRIORITY: [SOL_SOCKET, 12],
  SO_MARK: [SOL_SOCKET, 36],
  SO_INCOMING_CPU: [SOL_SOCKET, 49],
  SO_SNDBUF: [SOL_SOCKET, 7],
  SO_RCVBUF: [SOL_SOCKET, 8],
  TCP_NODELAY: [IPPROTO_TCP, 1],
  TCP_MAXSEG: [IPPROTO_TCP, 2],
  TCP_CORK: [IPPROTO_TCP, 3],
  TCP_KEEPIDLE: [IPPROTO_TCP, 4],
  TCP_KEEPINTVL: [IPPROTO_TCP, 5],
  TCP_KEEPCNT: [IPPROTO_TCP, 6],
  TCP_SYNCNT: [IPPROTO_TCP, 7],
  TCP_LINGER2: [IPPROTO_TCP, 8],
  TCP_DEFER_ACCEPT: [IPPROTO_TCP, 9],
  TCP_WINDOW_CLAMP: [IPPROTO_TCP, 10],
  TCP_QUICKACK: [IPPROTO_TCP, 12],
  TCP_USER_TIMEOUT: [IPPROTO_TCP, 18],
  TCP_FASTOPEN: [IPPROTO_TCP, 23],
  TCP_NOTSENT_LOWAT: [IPPROTO_TCP, 25],
  IP_TOS: [IPPROTO_IP, 1],
  IP_TTL: [IPPROTO_IP, 2],
  IP_TRANSPARENT: [IPPROTO_IP, 19],
  IP_BIND_ADDRESS_NO_PORT: [IPPROTO_IP, 24],
  IP_MULTICAST_TTL: [IPPROTO_IP, 33],
  IP_MULTICAST_LOOP: [IPPROTO_IP, 34],
  IPV6_UNICAST_HOPS: [IPPROTO_IPV6, 16],
  IPV6_MULTICAST_HOPS: [IPPROTO_IPV6, 18],
  IPV6_MULTICAST_LOOP: [IPPROTO_IPV6, 19],
  IPV6_V6ONLY: [IPPROTO_IPV6, 26],
  IPV6_TCLASS: [IPPROTO_IPV6, 67],
};

/**
 * The names of the options that affect bind(2): only an adapter that sets them on the descriptor before it can have
 * them.
 */
export const BIND_OPTIONS: readonly string[] = ["IP_TRANSPARENT", "IP_BIND_ADDRESS_NO_PORT"];

/** The names of the options that can be set this way on a stream. */
export const STREAM_OPTIONS: readonly string[] = [...Object.keys(INTEGERS), "SO_LINGER"]
  .filter((name) => !name.includes("MULTICAST") && !BIND_OPTIONS.includes(name));

/** The names of the options that can be set this way on a datagram socket. */
export const DATAGRAM_OPTIONS: readonly string[] = Object.keys(INTEGERS)
  .filter((name) => !/^TCP_|SO_KEEPALIVE|SO_OOBINLINE/.test(name) && !BIND_OPTIONS.includes(name));

/** Sets an option; returns `false` if it is unknown here. An error names it as `option`. */
export function setDescriptorOption(
  calls: OptionCalls,
  fd: number,
  name: string,
  value: number,
): boolean {
  const option = name === "SO_LINGER" ? LINGER : INTEGERS[name];
  if (option === undefined) return false;
  const bytes = option === LINGER ? linger(value) : int32(value);
  try {
    calls.setOption(fd, option[0], option[1], bytes);
  } catch (error) {
    throw Object.assign(error as Error, { option: name });
  }
  return true;
}

/** Reads an option; `undefined` if it is unknown here. */
export function getDescriptorOption(
  calls: OptionCalls,
  fd: number,
  name: string,
): number | undefined {
  const option = INTEGERS[name];
  return option === undefined ? undefined : calls.getOption(fd, option[0], option[1]);
}

/** The bytes of `struct linger`. */
function linger(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  // Only for a reset: with seconds, close(2) would block the whole process.
  bytes.set(int32(value === 0 ? 1 : 0));
  return bytes;
}
