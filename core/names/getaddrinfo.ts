/** Names to addresses: getaddrinfo, as in glibc. */

import type { Adapter, InetAddress } from "../../adapters/adapter.ts";
import { getAdapter } from "../adapter_choice.ts";
import { inetAddress } from "../address/address.ts";
import { int, signalOf, type WaitOptions } from "../arguments.ts";
import { describe } from "../bytes.ts";
import * as c from "../constants.ts";
import { systemError } from "../errors/errors.ts";
import { orAborted } from "../waiting/abort.ts";
import { quietly } from "../waiting/quiet.ts";
import {
  asciiName,
  interfacesOf,
  type Literal,
  literalOf,
  lookUp,
  mappedLiteral,
  parseLiteral,
} from "./resolve.ts";
import { findService } from "./services.ts";

/**
 * One way to reach a host: the arguments of `socket()`, the canonical name, and the address to
 * connect to.
 */
export type AddrInfo = [
  family: typeof c.AF_INET | typeof c.AF_INET6,
  type: number,
  proto: number,
  canonname: string,
  sockaddr: InetAddress,
];

const SYSCALL = "getaddrinfo";

/** glibc's AI_IDN flags, accepted and ignored: international names work without them. */
const AI_IDN_FLAGS = 0x3c0;
const KNOWN_FLAGS = c.AI_PASSIVE | c.AI_CANONNAME | c.AI_NUMERICHOST | c.AI_V4MAPPED | c.AI_ALL |
  c.AI_ADDRCONFIG | c.AI_NUMERICSERV | AI_IDN_FLAGS;

/** A kind of socket that getaddrinfo knows. */
interface Kind {
  readonly type: number;
  readonly proto: number;
  /** The protocol that its services are listed under; a raw socket has none. */
  readonly services: string | undefined;
  /** Whether it is an answer when neither type nor protocol is given. */
  readonly usual: boolean;
}

/** All kinds in glibc's order, which is the order of the answers. A raw socket takes any protocol. */
const KINDS: readonly Kind[] = [
  { type: c.SOCK_STREAM, proto: c.IPPROTO_TCP, services: "tcp", usual: true },
  { type: c.SOCK_DGRAM, proto: c.IPPROTO_UDP, services: "udp", usual: true },
  { type: 6, proto: 33, services: "dccp", usual: false },
  { type: c.SOCK_DGRAM, proto: 136, services: "udplite", usual: false },
  { type: c.SOCK_STREAM, proto: 132, services: "sctp", usual: false },
  { type: c.SOCK_SEQPACKET, proto: 132, services: "sctp", usual: false },
  { type: c.SOCK_RAW, proto: 0, services: undefined, usual: true },
];

/** A kind of socket and the port that the service has with it. */
interface Service {
  readonly type: number;
  readonly proto: number;
  readonly port: number;
}

/** The checked arguments. */
interface Query {
  readonly adapter: Adapter;
  readonly host: string | null;
  readonly family: number;
  readonly flags: number;
  readonly services: readonly Service[];
}

/**
 * The addresses of a host and service, in the order in which to try them.
 *
 * The system's resolver looks the host up without blocking the event loop: the hosts file first, then
 * DNS. A numeric host is never looked up. International names are converted to ASCII by UTS 46.
 * Services are those of {@linkcode getservbyname}. Without type and protocol, the answers are for each
 * kind of socket that has the service: SOCK_STREAM, SOCK_DGRAM, SOCK_RAW.
 *
 * No runtime exposes the canonical name of a host: with AI_CANONNAME it is the name asked for, as in
 * glibc when it finds no other. An aborted look-up goes on in the runtime until the resolver gives up.
 *
 * On Deno a name needs `--allow-net=NAME` or, with a port, `--allow-net=NAME:PORT`; AI_ADDRCONFIG
 * and the name of an interface in the host need `--allow-sys=networkInterfaces`; nothing else needs a
 * permission.
 *
 * Source: POSIX getaddrinfo(), RFC 3493, RFC 6724, glibc 2.36.
 *
 * @param host A name, a numeric address, perhaps with a scope (`fe80::1%eth0`), or null: the loopback
 * addresses or, with AI_PASSIVE, the wildcard addresses.
 * @param port A number, its text, the name of a service, or null for 0.
 * @param family AF_INET, AF_INET6 or AF_UNSPEC for both.
 * @param type SOCK_STREAM, SOCK_DGRAM, ... or 0 for all.
 * @param proto IPPROTO_TCP, IPPROTO_UDP, ... or 0 for all.
 * @param flags A sum of AI_PASSIVE, AI_CANONNAME, AI_NUMERICHOST, AI_NUMERICSERV, AI_V4MAPPED,
 * AI_ALL and AI_ADDRCONFIG.
 * @param options `signal` ends the wait.
 * @returns At least one answer.
 * @throws {TypeError} when an argument is of the wrong kind
 * @throws {GaiError} EAI_NONAME for an unknown host, EAI_NODATA for one without an address of the
 * family, EAI_AGAIN when the resolver is down; EAI_ADDRFAMILY for a numeric address of another
 * family; EAI_SERVICE for a service that is unknown or not for the kind of socket, or a port out of
 * range; EAI_FAMILY, EAI_SOCKTYPE, EAI_BADFLAGS
 * @throws {SocketError} EACCES when a permission is missing
 *
 * @example
 * ```ts
 * import { AF_INET, create_server, getaddrinfo, SOCK_STREAM, socket } from "@bsdsock/bsdsock";
 *
 * await using server = await create_server(["127.0.0.1", 0]);
 * const [, port] = server.getsockname();
 * const [first] = await getaddrinfo("localhost", port, AF_INET, SOCK_STREAM);
 * const [family, type, proto, , sockaddr] = first!;
 * await using s = socket(family, type, proto);
 * await s.connect(sockaddr);
 * ```
 */
export function getaddrinfo(
  host: string | null,
  port: number | string | null,
  family: number = c.AF_UNSPEC,
  type: number = 0,
  proto: number = 0,
  flags: number = 0,
  options?: WaitOptions,
): Promise<AddrInfo[]> {
  return quietly(async () => {
    checkHost(host);
    checkPort(port);
    int(family, "family");
    int(type, "type");
    int(proto, "proto");
    int(flags, "flags");
    const signal = signalOf(options);
    if (signal?.aborted) throw signal.reason;

    const adapter = getAdapter();
    const node = host === "*" ? null : host;
    const service = port === "*" ? null : port;
    if (node === null && service === null) throw systemError("EAI_NONAME", SYSCALL);
    if ((flags & ~KNOWN_FLAGS) !== 0 || ((flags & c.AI_CANONNAME) !== 0 && node === null)) {
      throw systemError("EAI_BADFLAGS", SYSCALL, { detail: `flags ${flags}` });
    }
    const query = {
      adapter,
      host: node,
      family: configuredFamily(adapter, checkFamily(family), flags),
      flags,
      services: servicesOf(service, type, proto, flags),
    };
    return listed(query, hostsNow(query) ?? await orAborted(hostsLater(query), signal));
  });
}

function checkHost(host: unknown): void {
  if (host !== null && typeof host !== "string") {
    throw new TypeError(`host must be a string or null, not ${describe(host)}`);
  }
  if (host?.includes("\0")) {
    throw new TypeError(`host must not contain a null character: ${describe(host)}`);
  }
}

function checkPort(port: unknown): void {
  if (port === null || typeof port === "string" || Number.isInteger(port)) return;
  throw new TypeError(`port must be an integer, a string or null, not ${describe(port)}`);
}

function checkFamily(family: number): number {
  if (family === c.AF_UNSPEC || family === c.AF_INET || family === c.AF_INET6) return family;
  throw systemError("EAI_FAMILY", SYSCALL, { detail: String(family) });
}

/**
 * The family to look up. AI_ADDRCONFIG limits it to families of which the machine has an address
 * besides loopback.
 */
function configuredFamily(adapter: Adapter, family: number, flags: number): number {
  if ((flags & c.AI_ADDRCONFIG) === 0 || adapter.interfaces === undefined) return family;
  const own = interfacesOf(adapter, SYSCALL).flatMap(({ addresses }) => addresses);
  const has4 = own.some((address) => !address.includes(":") && address !== "127.0.0.1");
  const has6 = own.some((address) => address.includes(":") && address !== "::1");
  if ((family === c.AF_INET && !has4) || (family === c.AF_INET6 && !has6)) {
    throw systemError("EAI_NONAME", SYSCALL, { detail: "no such address on this machine" });
  }
  if (family !== c.AF_UNSPEC || has4 === has6) return family;
  return has4 ? c.AF_INET : c.AF_INET6;
}

/** The kinds of socket that have the service, each with its port. */
function servicesOf(
  service: number | string | null,
  type: number,
  proto: number,
  flags: number,
): Service[] {
  const name = service === null || service === "" ? undefined : String(service);
  const port = name === undefined ? 0 : portNumber(name);
  if (port === undefined && (flags & c.AI_NUMERICSERV) !== 0) {
    throw systemError("EAI_NONAME", SYSCALL, { detail: name });
  }
  const any = type === 0 && proto === 0;
  const kinds = any ? KINDS : KINDS.filter((kind) => fits(kind, type, proto)).slice(0, 1);
  const [first] = kinds;
  if (first === undefined) {
    const code = type === 0 ? "EAI_SERVICE" : "EAI_SOCKTYPE";
    throw systemError(code, SYSCALL, { detail: `type ${type}, proto ${proto}` });
  }
  if (name !== undefined && first.services === undefined) {
    throw systemError("EAI_SERVICE", SYSCALL, { detail: "a raw socket has no port" });
  }
  const found = port === undefined
    ? kinds.flatMap((kind) => named(kind, name!))
    : kinds.filter((kind) => !any || kind.usual).map((kind) => ({ ...kind, port }));
  if (found.length === 0) throw systemError("EAI_SERVICE", SYSCALL, { detail: name });
  return found.map((entry) => ({
    ...entry,
    proto: entry.type === c.SOCK_RAW ? proto : entry.proto,
  }));
}

function fits(kind: Kind, type: number, proto: number): boolean {
  return (type === 0 || type === kind.type) &&
    (proto === 0 || kind.services === undefined || proto === kind.proto);
}

/** The number in a text as strtoul reads it; `undefined` for a name. */
function portNumber(text: string): number | undefined {
  if (!/^[\t-\r ]*[+-]?\d+$/.test(text)) return undefined;
  const port = Number(text);
  // glibc takes the lower 16 bits, and so a port that nobody asked for.
  if (port >= 0 && port <= 65535) return port;
  throw systemError("EAI_SERVICE", SYSCALL, { detail: `port ${text.trim()}` });
}

function named(kind: Kind, name: string): Array<Kind & { port: number }> {
  const port = kind.services === undefined ? undefined : findService(name, kind.services);
  return port === undefined ? [] : [{ ...kind, port }];
}

/** The hosts that need no look-up; `undefined` for a name. */
function hostsNow({ adapter, host, family, flags }: Query): Literal[] | undefined {
  if (host === null) return localHosts(family, (flags & c.AI_PASSIVE) !== 0);
  if (host === "") throw systemError("EAI_NONAME", SYSCALL, { detail: `host ""` });
  const literal = parseLiteral(adapter, family, toAscii(host), (flags & c.AI_V4MAPPED) !== 0);
  if (literal !== undefined) return [literal];
  if ((flags & c.AI_NUMERICHOST) !== 0) throw systemError("EAI_NONAME", SYSCALL, { detail: host });
  return undefined;
}

/** The loopback or wildcard addresses, in the order of RFC 6724. */
function localHosts(family: number, passive: boolean): Literal[] {
  const v4 = { family: c.AF_INET, host: passive ? "0.0.0.0" : "127.0.0.1", scope_id: 0 };
  const v6 = { family: c.AF_INET6, host: passive ? "::" : "::1", scope_id: 0 };
  return (passive ? [v4, v6] : [v6, v4])
    .filter((host) => family === c.AF_UNSPEC || family === host.family);
}

/** The hosts of a name, from the system's resolver. */
async function hostsLater({ adapter, host, family, flags, services }: Query): Promise<Literal[]> {
  const port = services[0]?.port ?? 0;
  if (family !== c.AF_INET6 || (flags & c.AI_V4MAPPED) === 0) {
    const version = family === c.AF_UNSPEC ? 0 : family === c.AF_INET ? 4 : 6;
    return (await lookUp(adapter, host!, version, port)).map((answer) =>
      literalOf(adapter, answer)
    );
  }
  const both = await lookUp(adapter, host!, 0, port);
  const all = (flags & c.AI_ALL) !== 0 || !both.some((answer) => answer.family === 6);
  return both.filter((answer) => all || answer.family === 6)
    .map((answer) =>
      answer.family === 4 ? mappedLiteral(answer.address) : literalOf(adapter, answer)
    );
}

/** Each host with each service; the first answer has the canonical name. */
function listed({ host, flags, services }: Query, hosts: readonly Literal[]): AddrInfo[] {
  const answers = hosts.flatMap((literal) =>
    services.map(({ type, proto, port }): AddrInfo => {
      const address = inetAddress(literal.family, literal.host, port, 0, literal.scope_id);
      const family = literal.family === c.AF_INET6 ? c.AF_INET6 : c.AF_INET;
      return [family, type, proto, "", address];
    })
  );
  if ((flags & c.AI_CANONNAME) !== 0) answers[0]![3] = toAscii(host!);
  return answers;
}

/** The ASCII form of an international name; any other host unchanged. */
function toAscii(host: string): string {
  // deno-lint-ignore no-control-regex
  return /^[\x00-\x7f]*$/.test(host) ? host : asciiName(host);
}
