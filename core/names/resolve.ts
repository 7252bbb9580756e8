/** Resolution of hosts to literal addresses, shared by `bind`, `connect`, `sendto` and the look-ups. */

import type {
  Adapter,
  Address,
  InetAddress,
  LookupAnswer,
  NetworkInterface,
} from "../../adapters/adapter.ts";
import { type Destination, inetAddress, type InetRequest } from "../address/address.ts";
import {
  formatIPv4,
  formatIPv6,
  isIPv4,
  isMappedBytes,
  parseIPv4,
  parseIPv4Classic,
  parseIPv6,
} from "../address/inet.ts";
import { AF_INET, AF_INET6, AF_UNSPEC } from "../constants.ts";
import { SocketError, systemError, translate } from "../errors/errors.ts";

const SYSCALL = "getaddrinfo";

/** A numeric host. */
export interface Literal {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  /** The numeric address in its usual form, without its scope. */
  readonly host: string;
  /** The interface's index, 0 for none. */
  readonly scope_id: number;
}

/**
 * The addresses of a host in one family: at once for a literal, a wildcard or the broadcast
 * address, through the system's resolver for a name.
 *
 * @throws {GaiError} EAI_ADDRFAMILY for a literal of another family, EAI_NONAME and EAI_AGAIN from
 * the resolver
 */
export function resolveInet(
  adapter: Adapter,
  family: number,
  request: InetRequest,
): InetAddress[] | Promise<InetAddress[]> {
  const literal = literalHost(adapter, family, request.host);
  if (literal !== undefined) return [addressOf(family, request, literal)];
  const { host, port } = request;
  return lookUp(adapter, host, family === AF_INET6 ? 6 : 4, port).then((answers) =>
    answers.map((answer) => addressOf(family, request, literalOf(adapter, answer)))
  );
}

/**
 * Asks the system's resolver for a name; its errors become the library's.
 *
 * @param port The port to use with the addresses, 0 if unknown: Deno can permit a name for one port
 * only.
 */
export async function lookUp(
  adapter: Adapter,
  name: string,
  family: 0 | 4 | 6,
  port: number,
): Promise<LookupAnswer[]> {
  // glibc treats "*" as no host at all; Bun 1.4 returns the loopback address for it.
  if (name === "*") throw systemError("EAI_NONAME", SYSCALL, { detail: name });
  const ascii = asciiName(name);
  let answers: LookupAnswer[];
  try {
    answers = await adapter.lookup(ascii, family, port);
  } catch (cause) {
    throw lookupError(adapter, name, cause);
  }
  if (answers.length === 0) throw systemError("EAI_NONAME", SYSCALL, { detail: name });
  return answers;
}

/** The host of a socket's address if it needs no look-up; `undefined` for a name. */
function literalHost(adapter: Adapter, family: number, host: string): Literal | undefined {
  if (host === "") return { family, host: family === AF_INET6 ? "::" : "0.0.0.0", scope_id: 0 };
  if (host === "<broadcast>" && family === AF_INET) {
    return { family, host: "255.255.255.255", scope_id: 0 };
  }
  return parseLiteral(adapter, family, host);
}

/**
 * A numeric host as glibc's getaddrinfo reads it; `undefined` for a name.
 *
 * @param family The wanted family, AF_UNSPEC for either.
 * @param mapped Whether an IPv4 address may stand for the IPv6 address that maps it (AI_V4MAPPED).
 * @throws {GaiError} EAI_ADDRFAMILY for a literal of the other family, EAI_NONAME for an unknown
 * scope
 */
export function parseLiteral(
  adapter: Adapter,
  family: number,
  host: string,
  mapped: boolean = false,
): Literal | undefined {
  // Fast path for the usual form.
  if (family === AF_INET && isIPv4(host)) return { family, host, scope_id: 0 };
  const v4 = parseIPv4(host) ?? parseIPv4Classic(host, true);
  if (v4 !== null) {
    if (family === AF_INET6 && mapped) return mappedLiteral(formatIPv4(v4));
    if (family === AF_INET6) throw systemError("EAI_ADDRFAMILY", SYSCALL, { detail: host });
    return { family: AF_INET, host: formatIPv4(v4), scope_id: 0 };
  }
  if (!host.includes(":")) return undefined;
  const { address, scope } = cutScope(host);
  const v6 = parseIPv6(address);
  if (v6 === null) throw systemError("EAI_NONAME", SYSCALL, { detail: host });
  if (family === AF_INET) {
    // Only an IPv4-mapped address is an IPv4 address too.
    if (!isMappedBytes(v6)) throw systemError("EAI_ADDRFAMILY", SYSCALL, { detail: host });
    // Its scope is not used, but must be valid.
    if (scope !== undefined) scopeIndex(adapter, v6, scope, host);
    return { family: AF_INET, host: formatIPv4(v6.subarray(12)), scope_id: 0 };
  }
  const scope_id = scope === undefined ? 0 : scopeIndex(adapter, v6, scope, host);
  return { family: AF_INET6, host: formatIPv6(v6), scope_id };
}

/** The IPv4-mapped IPv6 address of an IPv4 one. */
export function mappedLiteral(v4: string): Literal {
  return { family: AF_INET6, host: `::ffff:${v4}`, scope_id: 0 };
}

/** The literal of a resolver's answer, with its scope as a number. */
export function literalOf(adapter: Adapter, answer: LookupAnswer): Literal {
  if (answer.family === 4) return { family: AF_INET, host: answer.address, scope_id: 0 };
  return parseLiteral(adapter, AF_UNSPEC, answer.address) ??
    { family: AF_INET6, host: answer.address, scope_id: 0 };
}

// Characters that end the host of a URL or cannot be part of it.
// deno-lint-ignore no-control-regex
const NOT_IN_NAMES = /[\x00-\x20"#%/:<>?@[\\\]^`{|}\x7f]/;

/** The ASCII form of a name by UTS 46; also checks the limits of DNS. */
export function asciiName(name: string): string {
  // deno-lint-ignore no-control-regex
  const ascii = /^[\x00-\x7f]*$/.test(name) ? name : internationalName(name);
  const labels = ascii.replace(/\.$/, "").split(".");
  if (labels.some((label) => label === "" || label.length > 63)) {
    throw systemError("EAI_NONAME", SYSCALL, { detail: name });
  }
  return ascii;
}

function internationalName(name: string): string {
  try {
    if (!NOT_IN_NAMES.test(name)) return new URL(`http://${name}/`).hostname;
  } catch {
    // An invalid name: fails below.
  }
  throw systemError("EAI_NONAME", SYSCALL, { detail: name });
}

/** Splits an address from its scope: `fe80::1%lo` is `fe80::1` and `lo`. */
function cutScope(host: string): { address: string; scope: string | undefined } {
  const percent = host.indexOf("%");
  if (percent < 0) return { address: host, scope: undefined };
  return { address: host.slice(0, percent), scope: host.slice(percent + 1) };
}

/** Whether an address is valid on one link only, so that its scope may be an interface's name. */
export function isLinkLocal(v6: Uint8Array): boolean {
  const [first, second = 0] = v6;
  if (first === 0xfe) return (second & 0xc0) === 0x80;
  return first === 0xff && ((second & 0x0f) === 1 || (second & 0x0f) === 2);
}

/** The index of an interface given by its number or, for a link-local address, its name. */
function scopeIndex(adapter: Adapter, v6: Uint8Array, scope: string, host: string): number {
  if (/^\d+$/.test(scope) && Number(scope) <= 0xffffffff) return Number(scope);
  if (!isLinkLocal(v6)) throw systemError("EAI_NONAME", SYSCALL, { detail: host });
  const found = interfacesOf(adapter, SYSCALL).find(({ name }) => name === scope);
  if (found !== undefined && found.index > 0) return found.index;
  const detail = found === undefined ? host : `${host}: the index of ${scope} is not known here`;
  throw systemError("EAI_NONAME", SYSCALL, { detail });
}

/** The machine's interfaces; a denied permission becomes the library's error. */
export function interfacesOf(adapter: Adapter, syscall: string): NetworkInterface[] {
  try {
    return adapter.interfaces?.() ?? [];
  } catch (cause) {
    throw translate(adapter, cause, syscall);
  }
}

function addressOf(family: number, request: InetRequest, literal: Literal): InetAddress {
  const { port, flowinfo } = request;
  return inetAddress(family, literal.host, port, flowinfo, literal.scope_id || request.scope_id);
}

function lookupError(adapter: Adapter, name: string, cause: unknown): SocketError {
  if (cause instanceof SocketError) return cause;
  return translate(adapter, cause, SYSCALL, { detail: adapter.errorDetail?.(cause) ?? name });
}

/** The literal addresses of a destination of any family. */
export function resolveAll(
  adapter: Adapter,
  family: number,
  destination: Destination,
): Address[] | Promise<Address[]> {
  return typeof destination === "string" || destination instanceof Uint8Array
    ? [destination]
    : resolveInet(adapter, family, destination);
}

/**
 * The address that `bind` claims. For AF_UNIX, `""` becomes an abstract name of five hex digits, as on
 * Linux.
 */
export async function resolveLocal(
  adapter: Adapter,
  family: number,
  destination: Destination,
): Promise<Address> {
  if (destination !== "") return await resolveFirst(adapter, family, destination);
  return `\0${Math.floor(Math.random() * 0x100000).toString(16).padStart(5, "0")}`;
}

/** The number of further names that `bind("")` tries before it gives up. */
const MOST_NAMES = 100;

/** Binds to a local destination. If the name for `""` is taken, tries another one, as Linux does. */
export async function bindLocal<T>(destination: Destination, bind: () => Promise<T>): Promise<T> {
  for (let left = MOST_NAMES;; left--) {
    try {
      return await bind();
    } catch (error) {
      const isTaken = error instanceof SocketError && error.code === "EADDRINUSE";
      if (destination !== "" || !isTaken || left === 0) throw error;
    }
  }
}

/** The one address that `bind` and `sendto` use: the resolver's first. */
async function resolveFirst(
  adapter: Adapter,
  family: number,
  destination: Destination,
): Promise<Address> {
  return firstOf(await resolveAll(adapter, family, destination));
}

/** The first of the resolver's addresses; EAI_NONAME if there is none. */
export function firstOf([first]: readonly Address[]): Address {
  if (first === undefined) throw systemError("EAI_NONAME", SYSCALL);
  return first;
}
