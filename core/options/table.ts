/**
 * The table of socket options: level, name, kind, range and default.
 *
 * The adapter's capabilities list which of them a runtime can set. The manual pages socket(7), tcp(7), ip(7) and
 * ipv6(7) explain the values.
 */

import * as c from "../constants.ts";

/** How an option's value is read. */
export type OptionKind =
  | "flag"
  | "int"
  | "size"
  | "byte"
  | "linger"
  | "timeval"
  | "membership"
  | "interface"
  | "answer"
  | "none";

/** One option. */
export interface OptionSpec {
  /** Its name: `"SO_KEEPALIVE"`. */
  readonly name: string;
  /** SOL_SOCKET, IPPROTO_TCP, ... */
  readonly level: number;
  /** Its number at that level. */
  readonly number: number;
  /**
   * How the value is read. A `size` is that of a buffer, which Linux clamps to its range. A `byte` is the low byte of
   * the value. An `answer` cannot be set and comes from the socket's state. No adapter has a `none`: its value is no
   * integer, or no runtime supports its purpose.
   */
  readonly kind: OptionKind;
  /** The smallest value that Linux accepts. */
  readonly min: number;
  /** The largest value that Linux accepts. */
  readonly max: number;
  /** The value that asks for the default. */
  readonly unset: number | undefined;
  /** The fewest bytes that `setsockopt` accepts: fewer than four are a `u_char`, none is 0. */
  readonly bytes: number;
  /** The result of `getsockopt` before it was set, if the system does not report one. */
  readonly initial: number;
  /** The types of socket that have it; `undefined` for all. */
  readonly types: readonly number[] | undefined;
  /** The types of socket for which the library keeps it without the runtime. */
  readonly kept: readonly number[];
  /** Whether an accepted socket inherits it in Linux. */
  readonly inherited: boolean;
  /** Whether it is set on a socket that was just opened; otherwise at bind, or by a call of its own. */
  readonly forOpen: boolean;
}

const INT_MIN = -0x80000000;
const INT_MAX = 0x7fffffff;
const STREAM = [c.SOCK_STREAM];
const DATAGRAM = [c.SOCK_DGRAM];
const ALL = [c.SOCK_STREAM, c.SOCK_DGRAM];
const SOL = c.SOL_SOCKET;
const TCP = c.IPPROTO_TCP;
const IP = c.IPPROTO_IP;
const IPV6 = c.IPPROTO_IPV6;

type Row = Partial<Omit<OptionSpec, "name" | "level" | "number" | "kind">>;

function row(
  name: string,
  level: number,
  number: number,
  kind: OptionKind,
  more: Row = {},
): OptionSpec {
  return {
    name,
    level,
    number,
    kind,
    min: more.min ?? 0,
    max: more.max ?? INT_MAX,
    unset: more.unset,
    bytes: more.bytes ?? (level === IP ? 1 : 4),
    initial: more.initial ?? 0,
    types: more.types,
    kept: more.kept ?? [],
    inherited: more.inherited ?? true,
    forOpen: more.forOpen ?? kind !== "interface",
  };
}

/** Every option that the library knows. */
export const OPTIONS: readonly OptionSpec[] = [
  row("SO_TYPE", SOL, c.SO_TYPE, "answer"),
  row("SO_DOMAIN", SOL, c.SO_DOMAIN, "answer"),
  row("SO_PROTOCOL", SOL, c.SO_PROTOCOL, "answer"),
  row("SO_ERROR", SOL, c.SO_ERROR, "answer"),
  row("SO_ACCEPTCONN", SOL, c.SO_ACCEPTCONN, "answer"),
  // The runtimes wait for the first byte, whatever the kernel's low-water mark.
  row("SO_RCVLOWAT", SOL, c.SO_RCVLOWAT, "answer"),
  row("SO_SNDLOWAT", SOL, c.SO_SNDLOWAT, "answer"),
  // The runtimes set it on every socket.
  row("SO_REUSEADDR", SOL, c.SO_REUSEADDR, "flag", { kept: ALL }),
  row("SO_REUSEPORT", SOL, c.SO_REUSEPORT, "flag"),
  // Like SO_OOBINLINE and SO_LINGER, it has no effect on datagrams.
  row("SO_KEEPALIVE", SOL, c.SO_KEEPALIVE, "flag", { kept: DATAGRAM }),
  row("SO_BROADCAST", SOL, c.SO_BROADCAST, "flag"),
  row("SO_OOBINLINE", SOL, c.SO_OOBINLINE, "flag", { kept: DATAGRAM }),
  row("SO_LINGER", SOL, c.SO_LINGER, "linger", { kept: DATAGRAM }),
  // Half of SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF and INT_MAX: Linux doubles the value.
  row("SO_SNDBUF", SOL, c.SO_SNDBUF, "size", { min: 2304, max: INT_MAX >> 1 }),
  row("SO_RCVBUF", SOL, c.SO_RCVBUF, "size", { min: 1152, max: INT_MAX >> 1 }),
  // No runtime has them.
  row("SO_RCVTIMEO", SOL, c.SO_RCVTIMEO, "timeval", { kept: ALL }),
  row("SO_SNDTIMEO", SOL, c.SO_SNDTIMEO, "timeval", { kept: ALL }),
  row("SO_DEBUG", SOL, c.SO_DEBUG, "flag"),
  row("SO_DONTROUTE", SOL, c.SO_DONTROUTE, "flag"),
  row("SO_PRIORITY", SOL, c.SO_PRIORITY, "int", { min: INT_MIN, inherited: false }),
  row("SO_MARK", SOL, c.SO_MARK, "int", { min: INT_MIN }),
  row("SO_INCOMING_CPU", SOL, c.SO_INCOMING_CPU, "int", { min: INT_MIN, initial: -1 }),
  row("SO_BINDTODEVICE", SOL, c.SO_BINDTODEVICE, "none"),
  row("SO_PASSCRED", SOL, c.SO_PASSCRED, "none"),
  row("SO_PEERCRED", SOL, c.SO_PEERCRED, "none"),
  row("TCP_NODELAY", TCP, c.TCP_NODELAY, "flag", { types: STREAM }),
  row("TCP_KEEPIDLE", TCP, c.TCP_KEEPIDLE, "int", {
    min: 1,
    max: 32767,
    initial: 7200,
    types: STREAM,
  }),
  row("TCP_KEEPINTVL", TCP, c.TCP_KEEPINTVL, "int", {
    min: 1,
    max: 32767,
    initial: 75,
    types: STREAM,
  }),
  row("TCP_KEEPCNT", TCP, c.TCP_KEEPCNT, "int", { min: 1, max: 127, initial: 9, types: STREAM }),
  row("TCP_USER_TIMEOUT", TCP, c.TCP_USER_TIMEOUT, "int", { types: STREAM }),
  row("TCP_MAXSEG", TCP, c.TCP_MAXSEG, "int", {
    min: 88,
    max: 32767,
    unset: 0,
    initial: 536,
    types: STREAM,
  }),
  row("TCP_CORK", TCP, c.TCP_CORK, "flag", { types: STREAM }),
  row("TCP_SYNCNT", TCP, c.TCP_SYNCNT, "int", { min: 1, max: 127, initial: 6, types: STREAM }),
  row("TCP_LINGER2", TCP, c.TCP_LINGER2, "int", {
    min: INT_MIN,
    unset: 0,
    initial: 60,
    types: STREAM,
  }),
  row("TCP_DEFER_ACCEPT", TCP, c.TCP_DEFER_ACCEPT, "int", {
    min: INT_MIN,
    types: STREAM,
    inherited: false,
  }),
  // 0 only on a socket that is not open yet.
  row("TCP_WINDOW_CLAMP", TCP, c.TCP_WINDOW_CLAMP, "int", {
    min: INT_MIN,
    unset: 0,
    types: STREAM,
    inherited: false,
  }),
  row("TCP_QUICKACK", TCP, c.TCP_QUICKACK, "flag", { initial: 1, types: STREAM, inherited: false }),
  // Only a listener uses it.
  row("TCP_FASTOPEN", TCP, c.TCP_FASTOPEN, "int", { types: STREAM, forOpen: false }),
  row("TCP_NOTSENT_LOWAT", TCP, c.TCP_NOTSENT_LOWAT, "int", { min: INT_MIN, types: STREAM }),
  row("TCP_INFO", TCP, c.TCP_INFO, "none", { types: STREAM }),
  row("TCP_CONGESTION", TCP, c.TCP_CONGESTION, "none", { types: STREAM }),
  row("IP_TTL", IP, c.IP_TTL, "int", { min: 1, max: 255, unset: -1, initial: 64 }),
  row("IP_TOS", IP, c.IP_TOS, "byte", { bytes: 0 }),
  row("IP_MULTICAST_TTL", IP, c.IP_MULTICAST_TTL, "int", {
    max: 255,
    unset: -1,
    initial: 1,
    types: DATAGRAM,
  }),
  row("IP_MULTICAST_LOOP", IP, c.IP_MULTICAST_LOOP, "flag", { initial: 1, types: DATAGRAM }),
  row("IP_MULTICAST_IF", IP, c.IP_MULTICAST_IF, "interface", { types: DATAGRAM }),
  row("IP_ADD_MEMBERSHIP", IP, c.IP_ADD_MEMBERSHIP, "membership", { types: DATAGRAM }),
  row("IP_DROP_MEMBERSHIP", IP, c.IP_DROP_MEMBERSHIP, "membership", { types: DATAGRAM }),
  row("IP_TRANSPARENT", IP, c.IP_TRANSPARENT, "flag"),
  row("IP_BIND_ADDRESS_NO_PORT", IP, c.IP_BIND_ADDRESS_NO_PORT, "flag", { bytes: 0 }),
  row("IP_HDRINCL", IP, c.IP_HDRINCL, "none"),
  row("IP_OPTIONS", IP, c.IP_OPTIONS, "none"),
  row("IP_ADD_SOURCE_MEMBERSHIP", IP, c.IP_ADD_SOURCE_MEMBERSHIP, "none"),
  row("IP_DROP_SOURCE_MEMBERSHIP", IP, c.IP_DROP_SOURCE_MEMBERSHIP, "none"),
  row("IPV6_V6ONLY", IPV6, c.IPV6_V6ONLY, "flag"),
  row("IPV6_UNICAST_HOPS", IPV6, c.IPV6_UNICAST_HOPS, "int", { max: 255, unset: -1, initial: 64 }),
  row("IPV6_TCLASS", IPV6, c.IPV6_TCLASS, "int", { max: 255, unset: -1 }),
  row("IPV6_MULTICAST_HOPS", IPV6, c.IPV6_MULTICAST_HOPS, "int", {
    max: 255,
    unset: -1,
    initial: 1,
    types: DATAGRAM,
  }),
  // Unlike for flags, other values are errors.
  row("IPV6_MULTICAST_LOOP", IPV6, c.IPV6_MULTICAST_LOOP, "int", {
    max: 1,
    initial: 1,
    types: DATAGRAM,
  }),
  row("IPV6_MULTICAST_IF", IPV6, c.IPV6_MULTICAST_IF, "interface", { types: DATAGRAM }),
  row("IPV6_JOIN_GROUP", IPV6, c.IPV6_JOIN_GROUP, "membership", { types: DATAGRAM }),
  row("IPV6_LEAVE_GROUP", IPV6, c.IPV6_LEAVE_GROUP, "membership", { types: DATAGRAM }),
];

/** More than any number of a level. */
const NUMBERS = 0x10000;

const byNumber = new Map(OPTIONS.map((spec) => [key(spec.level, spec.number), spec]));

const byName = new Map(OPTIONS.map((spec) => [spec.name, spec]));

/** The option with this name in {@linkcode OPTIONS}. */
export function optionNamed(name: string): OptionSpec {
  return byName.get(name)!;
}

/** The option with this level and number; `undefined` if the library has none. */
export function findOption(level: number, number: number): OptionSpec | undefined {
  return number >= 0 && number < NUMBERS ? byNumber.get(key(level, number)) : undefined;
}

/** A level and a number as one key. A number costs less than a string: options are set on each connection. */
function key(level: number, number: number): number {
  return level * NUMBERS + number;
}
