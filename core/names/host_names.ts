/** The historic look-ups: gethostbyname, gethostbyaddr and getfqdn. */

import type { Adapter } from "../../adapters/adapter.ts";
import { getAdapter } from "../adapter_choice.ts";
import type { InetRequest } from "../address/address.ts";
import { signalOf, string, type WaitOptions } from "../arguments.ts";
import { describe } from "../bytes.ts";
import { AF_INET, AF_UNSPEC } from "../constants.ts";
import { GaiError, SocketError, systemError } from "../errors/errors.ts";
import type { HostCode } from "../errors/gai.ts";
import { orAborted } from "../waiting/abort.ts";
import { quietly } from "../waiting/quiet.ts";
import { lookUpName } from "./getnameinfo.ts";
import { gethostname } from "./hostname.ts";
import { asciiName, literalOf, lookUp, parseLiteral, resolveInet } from "./resolve.ts";

/** The result of `gethostbyname_ex` and `gethostbyaddr`. */
export type HostEntry = [hostname: string, aliases: string[], addresses: string[]];

/** Codes of `gethostbyaddr` by those of `getnameinfo`. */
const HOST_CODES: Readonly<Record<string, HostCode>> = {
  EAI_NONAME: "HOST_NOT_FOUND",
  EAI_NODATA: "NO_DATA",
  EAI_AGAIN: "TRY_AGAIN",
  EAI_FAIL: "NO_RECOVERY",
};

/**
 * The IPv4 address of a host. {@linkcode getaddrinfo} returns IPv6 addresses too.
 *
 * On Deno a name needs `--allow-net=NAME`.
 *
 * Source: POSIX.1-2001 gethostbyname(); Python `socket.gethostbyname`.
 *
 * @param host A name or a numeric address; `""` is the wildcard address, `"<broadcast>"` the
 * broadcast address.
 * @param options `signal` ends the wait.
 * @returns The address.
 * @throws {TypeError} when the host is not a string
 * @throws {GaiError} as of {@linkcode getaddrinfo}
 * @throws {SocketError} EACCES when a permission is missing
 *
 * @example
 * ```ts
 * import { gethostbyname } from "@bsdsock/bsdsock";
 *
 * await gethostbyname("localhost"); // "127.0.0.1"
 * ```
 */
export function gethostbyname(host: string, options?: WaitOptions): Promise<string> {
  return quietly(async () => {
    const [first] = await addressesOf(checkHost(host, "host"), signalOf(options));
    return first!;
  });
}

/**
 * The IPv4 addresses of a host.
 *
 * No runtime exposes the canonical name or the aliases: the name is the one asked for, and the list
 * of aliases is empty. On Deno a name needs `--allow-net=NAME`.
 *
 * Source: POSIX.1-2001 gethostbyname(); Python `socket.gethostbyname_ex`.
 *
 * @param host A name or a numeric address.
 * @param options `signal` ends the wait.
 * @returns The name, no aliases, and the addresses.
 * @throws {TypeError} when the host is not a string
 * @throws {GaiError} as of {@linkcode getaddrinfo}
 * @throws {HostError} NO_RECOVERY for an empty name, HOST_NOT_FOUND for an IPv4-mapped address or
 * `"<broadcast>"`
 * @throws {SocketError} EACCES when a permission is missing
 *
 * @example
 * ```ts
 * import { gethostbyname_ex } from "@bsdsock/bsdsock";
 *
 * await gethostbyname_ex("localhost"); // ["localhost", [], ["127.0.0.1"]]
 * ```
 */
export function gethostbyname_ex(host: string, options?: WaitOptions): Promise<HostEntry> {
  return quietly(async () => {
    const addresses = await addressesOf(checkHost(host, "host"), signalOf(options));
    if (host === "") throw systemError("NO_RECOVERY", "gethostbyname");
    if (host.includes(":") || host === "<broadcast>") {
      throw systemError("HOST_NOT_FOUND", "gethostbyname", { detail: host });
    }
    return [asciiName(host), [], addresses];
  });
}

/**
 * The name of an address.
 *
 * No runtime exposes aliases: the list is empty. On Deno it needs `--allow-net` for the numeric
 * address, and for a name given instead.
 *
 * Source: POSIX.1-2001 gethostbyaddr(); Python `socket.gethostbyaddr`.
 *
 * @param ip_address A numeric address, or a name, whose first address is used.
 * @param options `signal` ends the wait.
 * @returns The name, no aliases, and the address.
 * @throws {TypeError} when the address is not a string
 * @throws {GaiError} as of {@linkcode getaddrinfo}, when a name has no address
 * @throws {HostError} HOST_NOT_FOUND when the address has no name, TRY_AGAIN when the resolver is
 * down
 * @throws {SocketError} EACCES when a permission is missing; EINVAL for an empty string
 *
 * @example
 * ```ts
 * import { gethostbyaddr } from "@bsdsock/bsdsock";
 *
 * await gethostbyaddr("127.0.0.1"); // ["localhost", [], ["127.0.0.1"]]
 * ```
 */
export function gethostbyaddr(
  ip_address: string,
  options?: WaitOptions,
): Promise<HostEntry> {
  return quietly(async () => {
    const text = checkHost(ip_address, "ip_address");
    const signal = signalOf(options);
    const adapter = getAdapter();
    if (text === "") {
      const detail = "the wildcard resolved to multiple addresses";
      throw systemError("EINVAL", "gethostbyaddr", { detail });
    }
    const address = await orAborted(numericOf(adapter, text), signal);
    const syscall = "gethostbyaddr";
    try {
      return [await lookUpName(adapter, address, 0, signal, syscall), [], [address]];
    } catch (cause) {
      const code = cause instanceof GaiError ? HOST_CODES[cause.code] : undefined;
      if (code === undefined) throw cause;
      throw systemError(code, syscall, { detail: address, cause });
    }
  });
}

/**
 * The name of a host with its domain, if the resolver knows it; else the name as given.
 *
 * On Deno it needs `--allow-net` for the name and its address; for this machine's name
 * `--allow-sys=hostname` too.
 *
 * Source: Python `socket.getfqdn`.
 *
 * @param name A name or a numeric address; this machine if left out or empty.
 * @param options `signal` ends the wait.
 * @returns The name.
 * @throws {TypeError} when the name is not a string
 * @throws {SocketError} EACCES when a permission is missing
 *
 * @example
 * ```ts
 * import { getfqdn } from "@bsdsock/bsdsock";
 *
 * console.log(await getfqdn());
 * ```
 */
export function getfqdn(name: string = "", options?: WaitOptions): Promise<string> {
  return quietly(async () => {
    const trimmed = checkHost(name, "name").trim();
    const isOwn = ["", "0.0.0.0", "::"].includes(trimmed);
    const host = isOwn ? gethostname() : trimmed;
    try {
      const [hostname] = await gethostbyaddr(host, options);
      return hostname;
    } catch (error) {
      if (!(error instanceof SocketError) || error.code === "EACCES") throw error;
      if (error === options?.signal?.reason) throw error;
      return host;
    }
  });
}

function checkHost(value: unknown, name: string): string {
  const host = string(value, name);
  if (host.includes("\0")) {
    throw new TypeError(`${name} must not contain a null character: ${describe(host)}`);
  }
  return host;
}

async function addressesOf(host: string, signal: AbortSignal | undefined): Promise<string[]> {
  const request: InetRequest = { host, port: 0, flowinfo: 0, scope_id: 0 };
  const found = resolveInet(getAdapter(), AF_INET, request);
  return (await orAborted(Promise.resolve(found), signal)).map(([address]) => address);
}

/** The first address of a host, in any family. */
async function numericOf(adapter: Adapter, host: string): Promise<string> {
  if (host === "<broadcast>") return "255.255.255.255";
  const literal = parseLiteral(adapter, AF_UNSPEC, host);
  if (literal !== undefined) return literal.host;
  const [first] = await lookUp(adapter, host, 0, 0);
  return literalOf(adapter, first!).host;
}
