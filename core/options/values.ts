/** The values of socket options: as the user passes them, as stored, and as the bytes of C's value. */

import { formatIPv4, formatIPv6 } from "../address/inet.ts";
import { integer } from "../arguments.ts";
import { describe, int32, isArrayBuffer, toBytes } from "../bytes.ts";
import { IPPROTO_IPV6 } from "../constants.ts";
import { systemError } from "../errors/errors.ts";
import type { OptionSpec } from "./table.ts";

/**
 * A value for `setsockopt`: a number, a boolean, the bytes of C's value (little-endian, as on Linux x86-64), or
 * `[onoff, seconds]` for SO_LINGER.
 */
export type OptionValue =
  | number
  | boolean
  | Uint8Array
  | ArrayBufferView
  | ArrayBuffer
  | readonly [onoff: number | boolean, seconds: number];

/** The setting of SO_LINGER when it is off; otherwise the setting is its seconds. */
export const LINGER_OFF = -1;

/** A multicast group and the interface to use. */
export interface Membership {
  /** The group's address. */
  readonly group: string;
  /** An interface's IPv4 address or index, for IPv6 its index; empty lets the system choose. */
  readonly device: string;
}

/** The interface for outgoing multicast. */
export interface Interface {
  /** As in {@linkcode Membership.device}. */
  readonly device: string;
  /** The result of `getsockopt`: an IPv4 address as C's int, 0 if only an index was given; for IPv6 the index. */
  readonly setting: number;
}

/** Checks the type of a value, whatever the option. */
export function checkOptionValue(value: unknown): void {
  if (typeof value === "number") {
    integer(value, "value", -0x80000000, 0x7fffffff);
  } else if (typeof value !== "boolean" && !Array.isArray(value) && !isBytes(value)) {
    const kinds = "a number, a boolean, bytes or, for SO_LINGER, [onoff, seconds]";
    throw new TypeError(`value must be ${kinds}, not ${describe(value)}`);
  }
}

function isBytes(value: unknown): value is ArrayBufferView | ArrayBuffer {
  return ArrayBuffer.isView(value) || isArrayBuffer(value);
}

/** Checks a value and returns the number to store. SO_RCVTIMEO and SO_SNDTIMEO are stored in seconds. */
export function settingOf(spec: OptionSpec, value: OptionValue): number {
  switch (spec.kind) {
    case "linger":
      return lingerSetting(value);
    case "timeval":
      return timevalSetting(spec, value);
    case "flag":
      return Number(numberOf(spec, value) !== 0);
    case "byte":
      return numberOf(spec, value) & 0xff;
    case "size": {
      // Linux reads a negative size as a large unsigned one.
      const size = numberOf(spec, value) >>> 0;
      return Math.min(Math.max(size, spec.min), spec.max);
    }
    default:
      return inRange(spec, numberOf(spec, value));
  }
}

/** Reads the value of IP_ADD_MEMBERSHIP and the like: `struct ip_mreq`, `ip_mreqn` or `ipv6_mreq`. */
export function membershipOf(spec: OptionSpec, value: OptionValue): Membership {
  const bytes = bytesOf(spec, value, spec.level === IPPROTO_IPV6 ? 20 : 8);
  if (spec.level === IPPROTO_IPV6) {
    const index = view(bytes).getUint32(16, true);
    return { group: formatIPv6(bytes.slice(0, 16)), device: index === 0 ? "" : String(index) };
  }
  return { group: formatIPv4(bytes.slice(0, 4)), device: ipv4Device(bytes.subarray(4)) };
}

/** Reads the value of IP_MULTICAST_IF (`struct in_addr`, `ip_mreq` or `ip_mreqn`) or IPV6_MULTICAST_IF (an index). */
export function interfaceOf(spec: OptionSpec, value: OptionValue): Interface {
  if (spec.level === IPPROTO_IPV6) {
    const index = numberOf(spec, value);
    if (index < 0) {
      throw systemError("ENODEV", "setsockopt", { detail: `${spec.name} ${index}` });
    }
    return { device: index === 0 ? "" : String(index), setting: index };
  }
  const bytes = typeof value === "number" || typeof value === "boolean"
    ? int32(Number(value))
    : bytesOf(spec, value, 4);
  const device = bytes.length >= 8 ? bytes.subarray(4) : bytes;
  return { device: ipv4Device(device), setting: view(device).getInt32(0, true) };
}

/** The bytes of C's value of a setting: an int, two for SO_LINGER, a `struct timeval` for the timeouts. */
export function encodeSetting(spec: OptionSpec, value: number): Uint8Array<ArrayBuffer> {
  switch (spec.kind) {
    case "linger": {
      const bytes = new Uint8Array(8);
      view(bytes).setInt32(0, Number(value !== LINGER_OFF), true);
      view(bytes).setInt32(4, Math.max(0, value), true);
      return bytes;
    }
    case "timeval":
      return timeval(value);
    default:
      return int32(value);
  }
}

function inRange(spec: OptionSpec, number: number): number {
  if (number === spec.unset || number >= spec.min && number <= spec.max) return number;
  const detail = `${spec.name} must be ${spec.min} to ${spec.max}, not ${number}`;
  throw systemError("EINVAL", "setsockopt", { detail });
}

function numberOf(spec: OptionSpec, value: OptionValue): number {
  if (typeof value === "boolean") return Number(value);
  if (typeof value === "number") return value;
  const bytes = bytesOf(spec, value, spec.bytes);
  return bytes.length < 4 ? bytes[0] ?? 0 : view(bytes).getInt32(0, true);
}

function bytesOf(spec: OptionSpec, value: OptionValue, least: number): Uint8Array {
  if (typeof value === "number" || typeof value === "boolean") throw wrongSize(spec, least);
  if (!isBytes(value)) {
    throw new TypeError(
      `value of ${spec.name} must be a number, a boolean or bytes, not ${describe(value)}`,
    );
  }
  const bytes = toBytes(value as Uint8Array, "value");
  if (bytes.length < least) throw wrongSize(spec, least);
  return bytes;
}

function wrongSize(spec: OptionSpec, least: number): Error {
  return systemError("EINVAL", "setsockopt", {
    detail: `${spec.name} takes ${least} ${least === 1 ? "byte" : "bytes"} or more`,
  });
}

function lingerSetting(value: OptionValue): number {
  if (Array.isArray(value) && value.length === 2) {
    const [first, second] = value;
    const flag = typeof first === "boolean" ? Number(first) : first;
    const onoff = integer(flag, "value: onoff", -0x80000000, 0x7fffffff);
    const seconds = integer(second, "value: seconds", -0x80000000, 0x7fffffff);
    // Linux reads negative seconds as large unsigned ones.
    return onoff === 0 ? LINGER_OFF : seconds >>> 0;
  }
  if (isBytes(value)) {
    const bytes = toBytes(value as Uint8Array, "value");
    if (bytes.length >= 8) {
      const data = view(bytes);
      return data.getInt32(0, true) === 0 ? LINGER_OFF : data.getUint32(4, true);
    }
  } else if (typeof value !== "number" && typeof value !== "boolean") {
    throw new TypeError(
      `value of SO_LINGER must be [onoff, seconds] or 8 bytes, not ${describe(value)}`,
    );
  }
  const detail = "SO_LINGER takes [onoff, seconds] or 8 bytes";
  throw systemError("EINVAL", "setsockopt", { detail });
}

function timevalSetting(spec: OptionSpec, value: OptionValue): number {
  const data = view(bytesOf(spec, value, 16));
  const microseconds = Number(data.getBigInt64(8, true));
  if (microseconds < 0 || microseconds >= 1e6) {
    throw systemError("EDOM", "setsockopt", { detail: `${microseconds} microseconds` });
  }
  return Math.max(0, Number(data.getBigInt64(0, true))) + microseconds / 1e6;
}

function timeval(seconds: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(16);
  view(bytes).setBigInt64(0, BigInt(Math.floor(seconds)), true);
  view(bytes).setBigInt64(8, BigInt(Math.round((seconds % 1) * 1e6)), true);
  return bytes;
}

/** The interface in `struct ip_mreqn` after its group: the index if there is one, else the address. */
function ipv4Device(bytes: Uint8Array): string {
  const index = bytes.length >= 8 ? view(bytes).getUint32(4, true) : 0;
  if (index !== 0) return String(index);
  const address = formatIPv4(bytes.slice(0, 4));
  return address === "0.0.0.0" ? "" : address;
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
