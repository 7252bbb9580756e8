/**
 * Conversion of numbers and addresses between host and network form.
 *
 * Source: POSIX htonl, inet_addr and inet_ntop; BSD `inet_aton`; Python's `socket` module.
 */

import { int, integer } from "../arguments.ts";
import { describe, toBuffer } from "../bytes.ts";
import { AF_INET, AF_INET6 } from "../constants.ts";
import { systemError } from "../errors/errors.ts";
import { formatIPv4, formatIPv6, parseIPv4, parseIPv4Classic, parseIPv6 } from "./inet.ts";

/**
 * Turns a 16-bit number from host to network byte order, POSIX `htons`.
 *
 * Network order is big-endian, so the bytes are swapped on a little-endian machine and left alone on
 * a big-endian one.
 *
 * Source: POSIX htons(), Python `socket.htons`.
 *
 * @param x The number, 0 to 65535.
 * @returns The number in network byte order.
 * @throws {TypeError} when it is not an integer
 * @throws {RangeError} when it does not fit 16 bits
 *
 * @example
 * ```ts
 * import { htons } from "@bsdsock/bsdsock";
 *
 * htons(0x1234); // 0x3412 on a little-endian machine
 * ```
 */
export function htons(x: number): number {
  return swap16(x, "htons");
}

/**
 * Turns a 16-bit number from network to host byte order, POSIX `ntohs`.
 *
 * Source: POSIX ntohs(), Python `socket.ntohs`.
 *
 * @param x The number, 0 to 65535.
 * @returns The number in host byte order.
 * @throws {TypeError} when it is not an integer
 * @throws {RangeError} when it does not fit 16 bits
 *
 * @example
 * ```ts
 * import { htons, ntohs } from "@bsdsock/bsdsock";
 *
 * ntohs(htons(80)); // 80
 * ```
 */
export function ntohs(x: number): number {
  return swap16(x, "ntohs");
}

/**
 * Turns a 32-bit number from host to network byte order, POSIX `htonl`.
 *
 * Source: POSIX htonl(), Python `socket.htonl`.
 *
 * @param x The number, 0 to 4294967295.
 * @returns The number in network byte order, never negative.
 * @throws {TypeError} when it is not an integer
 * @throws {RangeError} when it does not fit 32 bits
 *
 * @example
 * ```ts
 * import { htonl, INADDR_LOOPBACK } from "@bsdsock/bsdsock";
 *
 * htonl(INADDR_LOOPBACK); // 0x0100007f on a little-endian machine
 * ```
 */
export function htonl(x: number): number {
  return swap32(x, "htonl");
}

/**
 * Turns a 32-bit number from network to host byte order, POSIX `ntohl`.
 *
 * Source: POSIX ntohl(), Python `socket.ntohl`.
 *
 * @param x The number, 0 to 4294967295.
 * @returns The number in host byte order, never negative.
 * @throws {TypeError} when it is not an integer
 * @throws {RangeError} when it does not fit 32 bits
 *
 * @example
 * ```ts
 * import { htonl, ntohl } from "@bsdsock/bsdsock";
 *
 * ntohl(htonl(0x7f000001)); // 0x7f000001
 * ```
 */
export function ntohl(x: number): number {
  return swap32(x, "ntohl");
}

// Stored in the machine's own order and read as big-endian: right on every machine, both ways.
function swap16(x: number, name: string): number {
  const stored = Uint16Array.of(integer(x, `the argument of ${name}`, 0, 0xffff));
  return new DataView(stored.buffer).getUint16(0);
}

function swap32(x: number, name: string): number {
  const stored = Uint32Array.of(integer(x, `the argument of ${name}`, 0, 0xffffffff));
  return new DataView(stored.buffer).getUint32(0);
}

/**
 * Packs an IPv4 address given as text, BSD `inet_aton`.
 *
 * All classic forms are accepted: one to four numbers with dots, each decimal, octal (`0...`) or
 * hexadecimal (`0x...`). The last number fills the remaining bytes. As in glibc, white space ends
 * the address, and the rest is ignored. {@linkcode inet_pton} is strict.
 *
 * Source: BSD inet_aton(3), Python `socket.inet_aton`.
 *
 * @param ip_string The address, such as "127.0.0.1", "127.1" or "0x7f000001".
 * @returns The 4 bytes in network order.
 * @throws {TypeError} when the argument is not a string
 * @throws {SocketError} EINVAL when the text is not an address
 *
 * @example
 * ```ts
 * import { inet_aton } from "@bsdsock/bsdsock";
 *
 * inet_aton("127.1"); // Uint8Array [127, 0, 0, 1]
 * ```
 */
export function inet_aton(ip_string: string): Uint8Array<ArrayBuffer> {
  return parseIPv4Classic(checkText(ip_string)) ?? refuseText("inet_aton", ip_string);
}

/**
 * Formats a packed IPv4 address as text, POSIX `inet_ntoa`.
 *
 * Source: POSIX inet_ntoa(), Python `socket.inet_ntoa`.
 *
 * @param packed_ip The 4 bytes in network order.
 * @returns The dotted quad, such as "127.0.0.1".
 * @throws {TypeError} when the argument is not bytes
 * @throws {SocketError} EINVAL when it is not 4 bytes long
 *
 * @example
 * ```ts
 * import { inet_ntoa } from "@bsdsock/bsdsock";
 *
 * inet_ntoa(Uint8Array.of(127, 0, 0, 1)); // "127.0.0.1"
 * ```
 */
export function inet_ntoa(packed_ip: ArrayBufferView | ArrayBuffer): string {
  const bytes = checkPacked(packed_ip);
  if (bytes.length !== 4) {
    const detail = `packed IP wrong length: ${bytes.length} bytes`;
    throw systemError("EINVAL", "inet_ntoa", { detail });
  }
  return formatIPv4(bytes);
}

/**
 * Packs an IPv4 or IPv6 address given as text, POSIX `inet_pton`.
 *
 * The syntax is strict, as in POSIX: an IPv4 address is four decimal numbers without leading zeros,
 * an IPv6 address has no scope (`%eth0`) and no brackets, and nothing may surround either.
 *
 * Source: POSIX inet_pton(), RFC 4291 section 2.2, Python `socket.inet_pton`.
 *
 * @param address_family AF_INET or AF_INET6.
 * @param ip_string The address, such as "192.0.2.1" or "2001:db8::1".
 * @returns The 4 or 16 bytes in network order.
 * @throws {TypeError} when the family is not an integer or the address not a string
 * @throws {SocketError} EAFNOSUPPORT for any other family, EINVAL when the text is not an address
 *
 * @example
 * ```ts
 * import { AF_INET6, inet_pton } from "@bsdsock/bsdsock";
 *
 * inet_pton(AF_INET6, "::1"); // 16 bytes, the last of which is 1
 * ```
 */
export function inet_pton(address_family: number, ip_string: string): Uint8Array<ArrayBuffer> {
  const ipv6 = isIPv6(address_family, "inet_pton");
  const text = checkText(ip_string);
  return (ipv6 ? parseIPv6(text) : parseIPv4(text)) ?? refuseText("inet_pton", text);
}

/**
 * Formats a packed IPv4 or IPv6 address as text, POSIX `inet_ntop`.
 *
 * An IPv6 address is shortened by RFC 5952, and ends in a dotted quad if it holds an IPv4 address
 * (`::ffff:192.0.2.1`).
 *
 * Source: POSIX inet_ntop(), RFC 5952, Python `socket.inet_ntop`.
 *
 * @param address_family AF_INET or AF_INET6.
 * @param packed_ip The 4 or 16 bytes in network order.
 * @returns The address, such as "192.0.2.1" or "2001:db8::1".
 * @throws {TypeError} when the family is not an integer or the address not bytes
 * @throws {RangeError} when the length is not that of the family
 * @throws {SocketError} EAFNOSUPPORT for any other family
 *
 * @example
 * ```ts
 * import { AF_INET6, inet_ntop } from "@bsdsock/bsdsock";
 *
 * inet_ntop(AF_INET6, new Uint8Array(16)); // "::"
 * ```
 */
export function inet_ntop(
  address_family: number,
  packed_ip: ArrayBufferView | ArrayBuffer,
): string {
  const ipv6 = isIPv6(address_family, "inet_ntop");
  const bytes = checkPacked(packed_ip);
  const length = ipv6 ? 16 : 4;
  if (bytes.length !== length) {
    throw new RangeError(
      `invalid length of packed IP address string: packed_ip must be ${length} bytes, not ${bytes.length}`,
    );
  }
  return ipv6 ? formatIPv6(bytes) : formatIPv4(bytes);
}

function isIPv6(family: number, syscall: string): boolean {
  if (int(family, "address_family") === AF_INET) return false;
  if (family === AF_INET6) return true;
  throw systemError("EAFNOSUPPORT", syscall, { detail: `address_family ${family}` });
}

function checkText(text: unknown): string {
  if (typeof text === "string") return text;
  throw new TypeError(`ip_string must be a string, not ${describe(text)}`);
}

function checkPacked(packed: ArrayBufferView | ArrayBuffer): Uint8Array {
  // A string would be an address as text, not bytes to encode.
  return toBuffer(packed, "packed_ip");
}

function refuseText(syscall: string, text: string): never {
  const detail = `illegal IP address string passed to ${syscall}: ${describe(text)}`;
  throw systemError("EINVAL", syscall, { detail });
}
