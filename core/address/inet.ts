/**
 * Internet addresses as text and as packed bytes.
 *
 * Nothing here throws: the result is null for text that is not an address. The rules are those of glibc's
 * `inet_pton`, `inet_ntop` and `inet_aton`, to the letter. Source: POSIX inet_pton, RFC 4291
 * section 2.2, RFC 5952.
 */

const ZERO = 48;
const NINE = 57;
const DOT = 46;
const COLON = 58;

/** The value of the hexadecimal digit with this character code, or -1. */
function hexDigit(char: number): number {
  if (char >= ZERO && char <= NINE) return char - ZERO;
  const lower = char | 32;
  return lower >= 97 && lower <= 102 ? lower - 87 : -1;
}

/** Parses a dotted quad that fills `text` from `start`, into `into` at `offset` if given; returns whether it is one. */
function readQuad(
  text: string,
  start: number,
  into: Uint8Array | undefined,
  offset: number,
): boolean {
  let value = 0;
  let digits = 0;
  let octets = 0;
  for (let i = start; i < text.length; i++) {
    const char = text.charCodeAt(i);
    if (char >= ZERO && char <= NINE) {
      // inet_pton refuses a leading zero, which means octal to inet_aton.
      if (digits > 0 && value === 0) return false;
      value = value * 10 + (char - ZERO);
      if (value > 255) return false;
      digits++;
    } else if (char === DOT && digits > 0 && octets < 3) {
      if (into !== undefined) into[offset + octets] = value;
      octets++;
      value = 0;
      digits = 0;
    } else {
      return false;
    }
  }
  if (digits === 0 || octets !== 3) return false;
  if (into !== undefined) into[offset + 3] = value;
  return true;
}

/**
 * Parses an IPv4 address as `inet_pton` does: four decimal numbers from 0 to 255 without leading
 * zeros, and nothing around them.
 *
 * @param text The address, such as "192.0.2.1".
 * @returns The 4 bytes in network order, or null if the text is not an address.
 *
 * @example
 * ```ts
 * import { parseIPv4 } from "./inet.ts";
 *
 * parseIPv4("127.0.0.1"); // Uint8Array [127, 0, 0, 1]
 * parseIPv4("127.1"); // null
 * ```
 */
export function parseIPv4(text: string): Uint8Array<ArrayBuffer> | null {
  // Host names come here first: the bounds spare most of them the loop.
  if (text.length < 7 || text.length > 15) return null;
  const bytes = new Uint8Array(4);
  return readQuad(text, 0, bytes, 0) ? bytes : null;
}

/**
 * Whether a text is an IPv4 address that {@linkcode parseIPv4} accepts: in the one form that {@linkcode formatIPv4}
 * writes.
 *
 * @param text The address, such as "192.0.2.1".
 * @returns Whether it is one.
 */
export function isIPv4(text: string): boolean {
  return text.length >= 7 && text.length <= 15 && readQuad(text, 0, undefined, 0);
}

/**
 * Parses an IPv6 address as `inet_pton` does: up to eight groups of up to four hexadecimal digits,
 * one `::` for at least one group of zeros, and an IPv4 address in place of the last two groups if
 * wanted. A scope (`%eth0`) is not part of it.
 *
 * @param text The address, such as "2001:db8::1".
 * @returns The 16 bytes in network order, or null if the text is not an address.
 *
 * @example
 * ```ts
 * import { parseIPv6 } from "./inet.ts";
 *
 * parseIPv6("::ffff:192.0.2.1")?.subarray(10); // Uint8Array [255, 255, 192, 0, 2, 1]
 * ```
 */
export function parseIPv6(text: string): Uint8Array<ArrayBuffer> | null {
  const end = text.length;
  if (end < 2 || end > 45) return null;
  let at = 0;
  // A colon at the start is valid only as the first half of "::".
  if (text.charCodeAt(0) === COLON) {
    if (text.charCodeAt(1) !== COLON) return null;
    at = 1;
  }
  const bytes = new Uint8Array(16);
  let filled = 0;
  let gap = -1;
  let groupStart = at;
  let value = 0;
  let digits = 0;
  while (at < end) {
    const char = text.charCodeAt(at++);
    const digit = hexDigit(char);
    if (digit >= 0) {
      if (digits === 4) return null;
      value = value << 4 | digit;
      digits++;
    } else if (char === COLON) {
      groupStart = at;
      if (digits === 0) {
        if (gap >= 0) return null;
        gap = filled;
        continue;
      }
      if (at === end || filled > 14) return null;
      bytes[filled++] = value >> 8;
      bytes[filled++] = value & 255;
      value = 0;
      digits = 0;
    } else if (char === DOT && filled <= 12 && readQuad(text, groupStart, bytes, filled)) {
      filled += 4;
      digits = 0;
      break;
    } else {
      return null;
    }
  }
  if (digits > 0) {
    if (filled > 14) return null;
    bytes[filled++] = value >> 8;
    bytes[filled++] = value & 255;
  }
  if (gap >= 0) {
    // "::" stands for at least one group.
    if (filled === 16) return null;
    const tail = filled - gap;
    bytes.copyWithin(16 - tail, gap, filled);
    bytes.fill(0, gap, 16 - tail);
    filled = 16;
  }
  return filled === 16 ? bytes : null;
}

/** Matches one number of the classic forms at the place set by `lastIndex`. */
const classicNumber = /0[xX][\da-fA-F]+|\d+/y;

/** White space and any rest that a C string can hold. */
const ignored = /^[\t-\r ][^\0\p{Cs}]*$/u;

/**
 * Parses an IPv4 address in the classic forms of `inet_aton`: one to four numbers, each decimal,
 * octal (`0...`) or hexadecimal (`0x...`). The last number fills the remaining bytes.
 *
 * As in glibc, white space ends the address, and `inet_aton` ignores the rest. `getaddrinfo` accepts
 * nothing after the address: that is `exact`.
 *
 * @param text The address, such as "127.1", "0x7f000001" or "0177.0.0.1".
 * @param exact Whether the address must fill the text.
 * @returns The 4 bytes in network order, or null if the text is not an address.
 *
 * @example
 * ```ts
 * import { parseIPv4Classic } from "./inet.ts";
 *
 * parseIPv4Classic("127.1"); // Uint8Array [127, 0, 0, 1]
 * parseIPv4Classic("10.0.0.1 host"); // Uint8Array [10, 0, 0, 1]
 * parseIPv4Classic("10.0.0.1 host", true); // null
 * ```
 */
export function parseIPv4Classic(
  text: string,
  exact: boolean = false,
): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(4);
  let at = 0;
  for (let part = 0;; part++) {
    classicNumber.lastIndex = at;
    const digits = classicNumber.exec(text)?.[0];
    if (digits === undefined) return null;
    let value: number;
    if (digits.charCodeAt(0) === ZERO && digits.length > 1 && hexDigit(digits.charCodeAt(1)) >= 0) {
      if (/[89]/.test(digits)) return null;
      value = parseInt(digits, 8);
    } else {
      value = Number(digits);
    }
    at += digits.length;
    if (text.charCodeAt(at) === DOT) {
      if (part === 3 || value > 255) return null;
      bytes[part] = value;
      at++;
      continue;
    }
    if (at < text.length && (exact || !ignored.test(text.slice(at)))) return null;
    if (value >= 256 ** (4 - part)) return null;
    for (let i = 3; i >= part; i--) {
      bytes[i] = value & 255;
      value = Math.floor(value / 256);
    }
    return bytes;
  }
}

/**
 * The text of an IPv4 address.
 *
 * @param bytes The address: 4 bytes in network order.
 * @returns The dotted quad, such as "192.0.2.1".
 *
 * @example
 * ```ts
 * import { formatIPv4 } from "./inet.ts";
 *
 * formatIPv4(Uint8Array.of(127, 0, 0, 1)); // "127.0.0.1"
 * ```
 */
export function formatIPv4(bytes: Uint8Array): string {
  return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
}

/**
 * The text of an IPv6 address in the form of RFC 5952 and glibc's `inet_ntop`: lower case,
 * the first longest run of two or more zero groups as `::`, and the last four bytes as a dotted quad
 * in IPv4-mapped (`::ffff:192.0.2.1`) and IPv4-compatible (`::192.0.2.1`) addresses.
 *
 * @param bytes The address: 16 bytes in network order.
 * @returns The address, such as "2001:db8::1".
 *
 * @example
 * ```ts
 * import { formatIPv6 } from "./inet.ts";
 *
 * formatIPv6(new Uint8Array(16)); // "::"
 * ```
 */
export function formatIPv6(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(bytes[i]! << 8 | bytes[i + 1]!);

  let runStart = -1;
  let runLength = 1; // A single group of zeros is not shortened.
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (groups[i + length] === 0) length++;
    if (length > runLength) {
      runStart = i;
      runLength = length;
    }
    i += length;
  }

  const hasQuad = runStart === 0 && (runLength === 6 || (runLength === 5 && groups[5] === 0xffff));
  const hex = groups.map((group) => group.toString(16));
  if (hasQuad) hex.splice(6, 2, formatIPv4(bytes.subarray(12, 16)));
  if (runStart < 0) return hex.join(":");
  return `${hex.slice(0, runStart).join(":")}::${hex.slice(runStart + runLength).join(":")}`;
}

/** The prefix of an IPv4-mapped IPv6 address. */
export const MAPPED = "::ffff:";

/** Whether an address in its usual form is IPv4-mapped. */
export function isMapped(host: string): boolean {
  return host.startsWith(MAPPED) && host.includes(".");
}

/** Whether the 16 bytes of an IPv6 address are IPv4-mapped (`::ffff:a.b.c.d`). */
export function isMappedBytes(v6: Uint8Array): boolean {
  return v6.subarray(0, 10).every((byte) => byte === 0) && v6[10] === 255 && v6[11] === 255;
}

/** The IPv4 address of an IPv4-mapped one; any other unchanged. */
export function unmapped(host: string): string {
  return isMapped(host) ? host.slice(MAPPED.length) : host;
}

/** Whether an address in its usual form is a multicast address of either family. */
export function isMulticast(host: string): boolean {
  if (host.includes(":")) return /^ff..:/.test(host);
  const first = Number.parseInt(host);
  return first >= 224 && first <= 239;
}
