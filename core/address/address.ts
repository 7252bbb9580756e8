/** Socket addresses: checks of the caller's, and the forms that the library returns. */

import type { Address, Inet6Address, InetAddress } from "../../adapters/adapter.ts";
import { integer } from "../arguments.ts";
import { describe, isUint8Array, toBytes } from "../bytes.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../constants.ts";
import { systemError } from "../errors/errors.ts";

/** An address as calls accept it: `[host, port]`, for IPv6 up to 4 members, or a path for AF_UNIX. */
export type AddressLike =
  | readonly [host: string, port: number, flowinfo?: number, scope_id?: number]
  | string
  | Uint8Array;

/** An address as calls of a `Socket<A>` accept it: `[host, port]` or a path, like its own. */
export type AddressLikeOf<A extends Address> =
  | A
  | (A extends InetAddress
    ? readonly [host: string, port: number, flowinfo?: number, scope_id?: number]
    : string | Uint8Array);

/**
 * The address type of a family: what `getsockname()` of `socket(family)` returns. A UNIX path that is not UTF-8 is a
 * `Uint8Array` although the type says `string`: a server that strangers may connect to should check
 * `typeof address === "string"`.
 */
export type AddressOf<Family extends number> = number extends Family ? Address
  : Family extends typeof AF_UNIX ? string
  : Family extends typeof AF_INET6 ? Inet6Address
  : InetAddress;

/** A checked internet address as the caller gave it; the host may be a name. */
export interface InetRequest {
  /** A name, a literal, `""` or `"<broadcast>"`. */
  readonly host: string;
  /** 0 to 65535. */
  readonly port: number;
  /** 0 to 0xfffff. */
  readonly flowinfo: number;
  /** The interface's index, 0 for none. */
  readonly scope_id: number;
  /** The name that the library has resolved the literal host from, if any. */
  readonly name?: string;
}

/** A checked address of any family; the host may be a name. */
export type Destination = InetRequest | string | Uint8Array<ArrayBuffer>;

const MAX_FLOWINFO = 0xfffff;
const MAX_SCOPE_ID = 0xffffffff;
/** The size of sun_path on Linux. */
const UNIX_PATH_MAX = 108;

/** Checks an address of a socket's family, before any I/O. */
export function checkAddress(
  family: number,
  address: unknown,
  name: string,
  syscall: string,
): Destination {
  return family === AF_UNIX
    ? checkUnixAddress(address, name, syscall)
    : checkInetAddress(family, address, name);
}

/** Whether a value is of the kind of a family's addresses, right or wrong; options of a call never are. */
export function isAddressKind(family: number, value: unknown): boolean {
  return family === AF_UNIX
    ? typeof value === "string" || isUint8Array(value)
    : Array.isArray(value);
}

/** Checks an address of AF_INET or AF_INET6. */
export function checkInetAddress(family: number, address: unknown, name: string): InetRequest {
  const most = family === AF_INET6 ? 4 : 2;
  if (!Array.isArray(address) || address.length < 2 || address.length > most) {
    const form = family === AF_INET6 ? "[host, port, flowinfo?, scope_id?]" : "[host, port]";
    throw new TypeError(`${name} must be ${form}, not ${describe(address)}`);
  }
  // Not destructured: that would create an iterator for each call.
  const host: unknown = address[0];
  if (typeof host !== "string") {
    throw new TypeError(`${name}: host must be a string, not ${describe(host)}`);
  }
  if (host.includes("\0")) {
    throw new TypeError(`${name}: host must not contain a null character: ${describe(host)}`);
  }
  return {
    host,
    port: integer(address[1], `${name}: port`, 0, 65535),
    flowinfo: address[2] === undefined
      ? 0
      : integer(address[2], `${name}: flowinfo`, 0, MAX_FLOWINFO),
    scope_id: address[3] === undefined
      ? 0
      : integer(address[3], `${name}: scope_id`, 0, MAX_SCOPE_ID),
  };
}

/** Checks a path or abstract name of AF_UNIX; bytes that are UTF-8 become a string. */
function checkUnixAddress(
  address: unknown,
  name: string,
  syscall: string,
): string | Uint8Array<ArrayBuffer> {
  if (typeof address !== "string" && !isUint8Array(address)) {
    throw new TypeError(`${name} must be a path: a string or bytes, not ${describe(address)}`);
  }
  // A lone surrogate has no UTF-8 form.
  if (typeof address === "string" && /\p{Surrogate}/u.test(address)) {
    throw new RangeError(`${name} must be well-formed text, not ${describe(address)}`);
  }
  const bytes = toBytes(address, name);
  const most = bytes.length === 0 || bytes[0] === 0 ? UNIX_PATH_MAX : UNIX_PATH_MAX - 1;
  if (bytes.length > most) {
    throw systemError("ENAMETOOLONG", syscall, { detail: "AF_UNIX path too long" });
  }
  if (bytes.length > 0 && bytes[0] !== 0 && bytes.includes(0)) {
    throw systemError("EINVAL", syscall, { detail: `${name} contains a null character` });
  }
  return typeof address === "string" ? address : unixAddress(address);
}

/** A UNIX address as calls return it: a string if it is UTF-8, else the bytes. */
export function unixAddress(bytes: Uint8Array): string | Uint8Array<ArrayBuffer> {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // Not UTF-8: the bytes are the address.
    return bytes.slice();
  }
}

/** The internet address of a literal host, in the form of its family. */
export function inetAddress(
  family: number,
  host: string,
  port: number,
  flowinfo: number,
  scope_id: number,
): InetAddress {
  return family === AF_INET6 ? [host, port, flowinfo, scope_id] : [host, port];
}

/** The wildcard address of a family, port 0; for AF_UNIX the unnamed address. */
export function wildcard(family: number): Address {
  if (family === AF_UNIX) return "";
  return inetAddress(family, family === AF_INET6 ? "::" : "0.0.0.0", 0, 0, 0);
}

/** A copy that the caller may change. */
export function copyAddress(address: Address): Address {
  return typeof address === "string" ? address : address.slice() as Address;
}

/** Whether two addresses are the same endpoint. */
export function sameAddress(a: Address, b: Address): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a[0] === b[0] && a[1] === b[1] && (a[3] ?? 0) === (b[3] ?? 0);
  }
  return String(a) === String(b);
}

/** The name of a family, for messages. */
export function familyName(family: number): string {
  switch (family) {
    case AF_UNIX:
      return "AF_UNIX";
    case AF_INET:
      return "AF_INET";
    case AF_INET6:
      return "AF_INET6";
    default:
      return String(family);
  }
}
