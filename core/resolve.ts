/** From the host that a user gave to literal addresses, for `bind`, `connect` and `sendto`. */

import type { Adapter, Address, InetAddress, LookupAnswer } from "../adapters/adapter.ts";
import { type Destination, inetAddress, type InetRequest } from "./address.ts";
import { AF_INET, AF_INET6 } from "./constants.ts";
import { SocketError, systemError, translate } from "./errors.ts";
import { formatIPv4, formatIPv6, parseIPv4, parseIPv4Classic, parseIPv6 } from "./inet.ts";

const SYSCALL = "getaddrinfo";

/** A host as text without its scope, and the scope. */
export interface ScopedHost {
  /** The numeric address in its usual form. */
  readonly host: string;
  /** The interface's index, 0 for none. */
  readonly scope_id: number;
}

/**
 * The addresses of a host in one family: at once for a literal, a wildcard or the broadcast address, through the
 * system's resolver for a name.
 *
 * @throws {GaiError} EAI_ADDRFAMILY for a literal of another family, EAI_NONAME and EAI_AGAIN from the resolver
 */
export function resolveInet(
  adapter: Adapter,
  family: number,
  request: InetRequest,
): InetAddress[] | Promise<InetAddress[]> {
  const literal = literalHost(adapter, family, request.host);
  if (literal !== undefined) return [addressOf(family, request, literal)];
  return lookUp(adapter, request.host, family === AF_INET6 ? 6 : 4).then((answers) =>
    answers.map((answer) => addressOf(family, request, splitScope(adapter, answer.address)))
  );
}

/** Asks the system's resolver for a name; its errors become the library's. */
export async function lookUp(
  adapter: Adapter,
  name: string,
  family: 0 | 4 | 6,
): Promise<LookupAnswer[]> {
  const ascii = asciiName(name);
  let answers: LookupAnswer[];
  try {
    answers = await adapter.lookup(ascii, family);
  } catch (cause) {
    throw lookupError(adapter, name, cause);
  }
  if (answers.length === 0) throw systemError("EAI_NONAME", SYSCALL, { detail: name });
  return answers;
}

/** The host where it needs no look-up; `undefined` for a name. */
export function literalHost(
  adapter: Adapter,
  family: number,
  host: string,
): ScopedHost | undefined {
  if (host === "") return { host: family === AF_INET6 ? "::" : "0.0.0.0", scope_id: 0 };
  if (host === "<broadcast>" && family === AF_INET) return { host: "255.255.255.255", scope_id: 0 };
  const v4 = parseIPv4(host) ?? parseIPv4Classic(host, true);
  if (v4 !== null) {
    return checkedFamily(family, AF_INET, host, { host: formatIPv4(v4), scope_id: 0 });
  }
  if (!host.includes(":")) return undefined;
  const { address, scope } = cutScope(host);
  const v6 = parseIPv6(address);
  if (v6 === null) throw systemError("EAI_NONAME", SYSCALL, { detail: host });
  const scope_id = scope === undefined ? 0 : interfaceIndex(adapter, scope, host);
  return checkedFamily(family, AF_INET6, host, { host: formatIPv6(v6), scope_id });
}

/** The ASCII form of an international name, as UTS 46 has it. */
export function asciiName(name: string): string {
  // deno-lint-ignore no-control-regex
  if (/^[\x00-\x7f]*$/.test(name)) return name;
  try {
    return new URL(`http://${name}/`).hostname;
  } catch (cause) {
    throw systemError("EAI_NONAME", SYSCALL, { detail: name, cause });
  }
}

/** An address with its scope cut off: `fe80::1%lo` is `fe80::1` and `lo`. */
export function cutScope(host: string): { address: string; scope: string | undefined } {
  const percent = host.indexOf("%");
  if (percent < 0) return { address: host, scope: undefined };
  return { address: host.slice(0, percent), scope: host.slice(percent + 1) };
}

function splitScope(adapter: Adapter, host: string): ScopedHost {
  const { address, scope } = cutScope(host);
  return {
    host: address,
    scope_id: scope === undefined ? 0 : interfaceIndex(adapter, scope, host),
  };
}

/** The index of an interface given by its number or name. */
function interfaceIndex(adapter: Adapter, scope: string, host: string): number {
  if (/^\d+$/.test(scope) && Number(scope) <= 0xffffffff) return Number(scope);
  const found = adapter.interfaces?.().find((entry) => entry.name === scope && entry.index > 0);
  if (found === undefined) throw systemError("EAI_NONAME", SYSCALL, { detail: host });
  return found.index;
}

function checkedFamily(
  wanted: number,
  family: number,
  host: string,
  result: ScopedHost,
): ScopedHost {
  if (wanted === family) return result;
  throw systemError("EAI_ADDRFAMILY", SYSCALL, { detail: host });
}

function addressOf(family: number, request: InetRequest, literal: ScopedHost): InetAddress {
  const { port, flowinfo } = request;
  return inetAddress(family, literal.host, port, flowinfo, literal.scope_id || request.scope_id);
}

function lookupError(adapter: Adapter, name: string, cause: unknown): SocketError {
  return translate(adapter, cause, SYSCALL, {
    detail: cause instanceof SocketError ? undefined : name,
  });
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

/** The address that `bind` claims: for AF_UNIX `""` is an abstract name of five hex digits, as Linux chooses it. */
export async function resolveLocal(
  adapter: Adapter,
  family: number,
  destination: Destination,
): Promise<Address> {
  if (destination !== "") return await resolveFirst(adapter, family, destination);
  return `\0${Math.floor(Math.random() * 0x100000).toString(16).padStart(5, "0")}`;
}

/** The one address that `bind` and `sendto` use: the resolver's first. */
export async function resolveFirst(
  adapter: Adapter,
  family: number,
  destination: Destination,
): Promise<Address> {
  const [first] = await resolveAll(adapter, family, destination);
  if (first === undefined) throw systemError("EAI_NONAME", SYSCALL);
  return first;
}
