/** Addresses to names: getnameinfo, as in glibc. */

import type { Adapter, InetAddress } from "../../adapters/adapter.ts";
import { getAdapter } from "../adapter_choice.ts";
import { parseIPv6 } from "../address/inet.ts";
import { int, integer, signalOf, type WaitOptions } from "../arguments.ts";
import { describe } from "../bytes.ts";
import * as c from "../constants.ts";
import { GaiError, systemError, translate } from "../errors/errors.ts";
import { orAborted } from "../waiting/abort.ts";
import { quietly } from "../waiting/quiet.ts";
import { getaddrinfo } from "./getaddrinfo.ts";
import { gethostname } from "./hostname.ts";
import { isLinkLocal } from "./resolve.ts";
import { findServiceName } from "./services.ts";

const SYSCALL = "getnameinfo";

/** glibc's NI_IDN flags, accepted and ignored: names stay in their ASCII form. */
const NI_IDN_FLAGS = 0xe0;
const KNOWN_FLAGS = c.NI_NUMERICHOST | c.NI_NUMERICSERV | c.NI_NOFQDN | c.NI_NAMEREQD |
  c.NI_DGRAM | NI_IDN_FLAGS;

/**
 * The names of an address and its port.
 *
 * The system's resolver looks the address up without blocking the event loop: the hosts file first,
 * then DNS. An address without a name is returned as text, a link-local one with the name of its
 * interface (`fe80::1%eth0`), and a port without a service as its number.
 *
 * On Deno the look-up needs `--allow-net=HOST:PORT` for this very address; NI_NUMERICHOST needs no
 * permission. The name of an interface needs `--allow-sys=networkInterfaces`; without it the scope is
 * a number.
 *
 * Source: POSIX getnameinfo(), RFC 3493, glibc 2.36.
 *
 * @param sockaddr `[host, port]` or `[host, port, flowinfo, scope_id]`, the host a numeric address.
 * @param flags A sum of NI_NUMERICHOST, NI_NUMERICSERV, NI_NAMEREQD (no name is an error), NI_DGRAM
 * (services of UDP) and NI_NOFQDN (a host of the local domain without that domain).
 * @param options `signal` ends the wait.
 * @returns The host and the service.
 * @throws {TypeError} when an argument is of the wrong kind
 * @throws {RangeError} when flowinfo or scope_id is out of range
 * @throws {GaiError} EAI_NONAME when the host is not a numeric address, or has no name and one is
 * required; EAI_AGAIN when the resolver is down; EAI_SERVICE for a port out of range; EAI_BADFLAGS
 * @throws {SocketError} EACCES when a permission is missing; EINVAL for an IPv4 address with more
 * than two members
 *
 * @example
 * ```ts
 * import { getnameinfo, NI_NUMERICHOST } from "@bsdsock/bsdsock";
 *
 * await getnameinfo(["127.0.0.1", 80], 0); // ["localhost", "http"]
 * await getnameinfo(["::1", 22], NI_NUMERICHOST); // ["::1", "ssh"]
 * ```
 */
export function getnameinfo(
  sockaddr: readonly [host: string, port: number, flowinfo?: number, scope_id?: number],
  flags: number,
  options?: WaitOptions,
): Promise<[host: string, service: string]> {
  return quietly(async () => {
    const { host, port, scope_id } = checkSockaddr(sockaddr);
    int(flags, "flags");
    const signal = signalOf(options);
    if (signal?.aborted) throw signal.reason;

    const adapter = getAdapter();
    const answers = await getaddrinfo(host, port, c.AF_UNSPEC, c.SOCK_DGRAM, 0, c.AI_NUMERICHOST);
    if (answers.length > 1) {
      const detail = "sockaddr resolved to multiple addresses";
      throw systemError("EINVAL", SYSCALL, { detail });
    }
    const [family, , , , address] = answers[0]!;
    if (family === c.AF_INET && sockaddr.length > 2) {
      throw systemError("EINVAL", SYSCALL, { detail: "an IPv4 sockaddr has two members" });
    }
    if ((flags & ~KNOWN_FLAGS) !== 0) {
      throw systemError("EAI_BADFLAGS", SYSCALL, { detail: `flags ${flags}` });
    }
    return [
      await hostOf(adapter, address, scope_id, flags, signal),
      serviceOf(address[1], flags),
    ];
  });
}

/** The name of an address, from the system's resolver; the signal ends the wait. */
export async function lookUpName(
  adapter: Adapter,
  host: string,
  port: number,
  signal: AbortSignal | undefined,
  syscall: string = SYSCALL,
): Promise<string> {
  return await orAborted(askForName(adapter, host, port, syscall), signal);
}

async function askForName(
  adapter: Adapter,
  host: string,
  port: number,
  syscall: string,
): Promise<string> {
  if (adapter.lookupService === undefined) {
    throw systemError("EAI_NONAME", syscall, { detail: host });
  }
  try {
    return (await adapter.lookupService(host, port)).hostname;
  } catch (cause) {
    throw translate(adapter, cause, syscall, { address: [host, port] });
  }
}

function checkSockaddr(sockaddr: unknown): { host: string; port: number; scope_id: number } {
  if (!Array.isArray(sockaddr) || sockaddr.length < 2 || sockaddr.length > 4) {
    const form = "[host, port, flowinfo?, scope_id?]";
    throw new TypeError(`sockaddr must be ${form}, not ${describe(sockaddr)}`);
  }
  const [host, port, flowinfo, scope_id] = sockaddr as unknown[];
  if (typeof host !== "string") {
    throw new TypeError(`sockaddr: host must be a string, not ${describe(host)}`);
  }
  if (!Number.isInteger(port)) {
    throw new TypeError(`sockaddr: port must be an integer, not ${describe(port)}`);
  }
  integer(flowinfo ?? 0, "sockaddr: flowinfo", 0, 0xfffff);
  return {
    host,
    port: port as number,
    scope_id: integer(scope_id ?? 0, "sockaddr: scope_id", 0, 0xffffffff),
  };
}

async function hostOf(
  adapter: Adapter,
  [host, port]: InetAddress,
  scope_id: number,
  flags: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  if ((flags & c.NI_NUMERICHOST) === 0) {
    try {
      const name = await lookUpName(adapter, host, port, signal);
      return (flags & c.NI_NOFQDN) === 0 ? name : await withoutDomain(adapter, name, signal);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  if ((flags & c.NI_NAMEREQD) !== 0) throw systemError("EAI_NONAME", SYSCALL, { detail: host });
  const scope = scope_id === 0 || !host.includes(":")
    ? ""
    : `%${scopeName(adapter, host, scope_id)}`;
  return `${host}${scope}`;
}

/** Whether an error means that there is no name, not that the resolver is down. */
function isMissing(error: unknown): boolean {
  const missing = ["EAI_NONAME", "EAI_NODATA", "EAI_FAIL"];
  return error instanceof GaiError && missing.includes(error.code);
}

/** Strips the local domain from a name, for NI_NOFQDN. */
async function withoutDomain(
  adapter: Adapter,
  name: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const dot = name.includes(".") ? await ownDomain(adapter, signal) : "";
  const end = `.${dot}`;
  return dot !== "" && name.length > end.length && name.endsWith(end)
    ? name.slice(0, -end.length)
    : name;
}

/**
 * The machine's domain: the part after the first dot of its name, else of the name of its loopback
 * address.
 */
async function ownDomain(adapter: Adapter, signal: AbortSignal | undefined): Promise<string> {
  const own = domainOf(gethostname());
  if (own !== "") return own;
  try {
    return domainOf(await lookUpName(adapter, "127.0.0.1", 0, signal));
  } catch (error) {
    if (isMissing(error)) return "";
    throw error;
  }
}

function domainOf(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1);
}

/** The interface's name for a link-local address; its index for others, or if the name is unknown. */
function scopeName(adapter: Adapter, host: string, scope_id: number): string {
  const bytes = parseIPv6(host);
  if (bytes === null || !isLinkLocal(bytes)) return String(scope_id);
  try {
    const found = adapter.interfaces?.().find(({ index }) => index === scope_id);
    return found?.name ?? String(scope_id);
  } catch {
    // Deno without --allow-sys: the index says the same.
    return String(scope_id);
  }
}

function serviceOf(port: number, flags: number): string {
  if ((flags & c.NI_NUMERICSERV) !== 0) return String(port);
  const protocol = (flags & c.NI_DGRAM) === 0 ? "tcp" : "udp";
  return findServiceName(port, protocol) ?? String(port);
}
