/** The bytes of `struct sockaddr` on Linux. */

import { unixAddress } from "../../core/address/address.ts";
import { formatIPv4, formatIPv6, parseIPv4, parseIPv6 } from "../../core/address/inet.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../../core/constants.ts";
import type { Address } from "../adapter.ts";

/** The size of the largest address: sockaddr_un. */
export const SOCKADDR_SIZE = 110;

/** Encodes a literal address. */
export function encodeSockaddr(family: number, address: Address): Uint8Array {
  if (!Array.isArray(address)) return encodeUnix(address as string | Uint8Array);
  const [host, port, flowinfo = 0, scope_id = 0] = address;
  const bytes = new Uint8Array(family === AF_INET6 ? 28 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family, true);
  view.setUint16(2, port);
  if (family === AF_INET6) {
    view.setUint32(4, flowinfo);
    bytes.set(parseIPv6(host) ?? [], 8);
    view.setUint32(24, scope_id, true);
  } else {
    bytes.set(parseIPv4(host) ?? [], 4);
  }
  return bytes;
}

/** Decodes an address of `length` bytes, as the kernel filled it in. */
export function decodeSockaddr(bytes: Uint8Array, length: number): Address {
  // Without a DataView for IPv4: every connection would create one.
  const port = bytes[2]! << 8 | bytes[3]!;
  switch (length < 2 ? AF_UNIX : bytes[0]! | bytes[1]! << 8) {
    case AF_INET:
      return [formatIPv4(bytes.slice(4, 8)), port];
    case AF_INET6: {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const [flowinfo, scope_id] = [view.getUint32(4) & 0xfffff, view.getUint32(24, true)];
      return [formatIPv6(bytes.slice(8, 24)), port, flowinfo, scope_id];
    }
    default:
      return decodeUnix(bytes.subarray(2, length));
  }
}

function encodeUnix(path: string | Uint8Array): Uint8Array {
  const name = typeof path === "string" ? new TextEncoder().encode(path) : path;
  // A path ends with a null byte; an abstract name ends by its length.
  const bytes = new Uint8Array(2 + name.length + (name.length > 0 && name[0] !== 0 ? 1 : 0));
  new DataView(bytes.buffer).setUint16(0, AF_UNIX, true);
  bytes.set(name, 2);
  return bytes;
}

function decodeUnix(path: Uint8Array): string | Uint8Array<ArrayBuffer> {
  const end = path[0] === 0 ? path.length : path.indexOf(0);
  return unixAddress(path.subarray(0, end < 0 ? path.length : end));
}
