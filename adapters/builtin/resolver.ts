/** The system's resolver through `node:dns` and `node:os`, available on all three runtimes. */

import type { InetAddress, LookupAnswer, NetworkInterface } from "../adapter.ts";
import { codedError } from "../coded_error.ts";
import { hostOf } from "../endpoints.ts";
import { now } from "../timers.ts";
import { nodeModule, nodeProcess } from "./modules.ts";

/** EAI_NODATA in libuv and Deno: the name has no address of the family. */
export const UV_EAI_NODATA = -3007;

const INTERFACES = "/sys/class/net";

/** getaddrinfo(3): the hosts file, then DNS, in the resolver's order. */
export async function lookup(name: string, family: 0 | 4 | 6): Promise<LookupAnswer[]> {
  try {
    return await lookupWith(name, { family });
  } catch (cause) {
    checkDescriptors();
    throw cause;
  }
}

/** Throws EMFILE or ENFILE if no descriptor can be opened: glibc then reports that there is no such name. */
function checkDescriptors(): void {
  const fs = nodeModule("node:fs");
  try {
    fs.closeSync(fs.openSync(nodeModule("node:os").devNull, "r"));
  } catch (cause) {
    // Any other error says nothing about the resolver.
    const { code } = cause as { code?: string };
    if (code === "EMFILE" || code === "ENFILE") throw cause;
  }
}

/** getaddrinfo(3) with further options of a runtime. */
export function lookupWith(
  name: string,
  options: { family: 0 | 4 | 6; port?: number },
): Promise<LookupAnswer[]> {
  return new Promise((resolve, reject) => {
    nodeModule("node:dns").lookup(
      name,
      { ...options, all: true, verbatim: true },
      (error, answers) => error === null ? resolve(answers) : reject(error),
    );
  });
}

/** getnameinfo(3) of a numeric address and a TCP port. */
export function lookupService(
  address: string,
  port: number,
): Promise<{ hostname: string; service: string }> {
  return new Promise((resolve, reject) => {
    nodeModule("node:dns").lookupService(
      address,
      port,
      (error, hostname, service) => error === null ? resolve({ hostname, service }) : reject(error),
    );
  });
}

/** The machine's name. */
export function hostname(): string {
  return nodeModule("node:os").hostname();
}

/**
 * The machine's interfaces. A runtime reports the index only of those with a link-local address; the others come from
 * Linux.
 *
 * @param mayRead Whether Linux's own list can be read, which includes interfaces that are down.
 */
export function interfaces(mayRead: boolean = true): NetworkInterface[] {
  const listed = nodeModule("node:os").networkInterfaces();
  const indexes = nodeProcess().platform === "linux" ? linuxIndexes(mayRead) : new Map();
  return [...new Set([...indexes.keys(), ...Object.keys(listed)])].map((name) => {
    const entries = listed[name] ?? [];
    const scope = entries.find(({ scopeid }) => (scopeid ?? 0) > 0)?.scopeid;
    return {
      name,
      index: scope ?? indexes.get(name) ?? 0,
      addresses: entries.map(({ address }) => address),
    };
  });
}

function linuxIndexes(mayRead: boolean): Map<string, number> {
  // The loopback interface has this index in every network namespace.
  const indexes = new Map([["lo", 1]]);
  if (!mayRead) return indexes;
  const fs = nodeModule("node:fs");
  try {
    for (const name of fs.readdirSync(INTERFACES)) {
      if (name === "bonding_masters") continue;
      indexes.set(name, Number(fs.readFileSync(`${INTERFACES}/${name}/ifindex`, "utf8")));
    }
  } catch {
    // Missing, or not permitted (node --permission): use what the runtime reports.
  }
  return indexes;
}

/** The host of an address as libuv takes it, with the interface's name as the scope: libuv ignores a number. */
export function zonedHostOf(address: InetAddress): string {
  const scope_id = address[3];
  if (!scope_id) return address[0];
  const found = interfaces().find(({ index }) => index === scope_id);
  return found === undefined ? hostOf(address) : `${address[0]}%${found.name}`;
}

/**
 * The code with which Linux refuses a link-local address without a scope, or with that of a missing interface;
 * `undefined` if the address is valid.
 */
export function scopeErrorOf([host, , , scope_id]: InetAddress): string | undefined {
  if (!/^fe[89ab]/.test(host)) return undefined;
  if (!scope_id) return "EINVAL";
  return interfaces().some(({ index }) => index === scope_id) ? undefined : "ENETUNREACH";
}

/** Refuses a bind to a link-local address of a missing interface with ENODEV; libuv would report EINVAL. */
export function checkLink(address: InetAddress): void {
  if (!address[3] || scopeErrorOf(address) === undefined) return;
  throw codedError("ENODEV", `no interface ${address[3]}`);
}

/** The interface that was looked up last. */
let lastScope: { readonly name: string; readonly index: number; readonly at: number } | undefined;

/** How long its index is cached, in milliseconds. */
const SCOPE_LASTS = 1000;

/** The index of an interface by name; 0 if there is none. */
export function scopeOf(name: string): number {
  // Cached: reading the files again for each datagram of a link would be slow.
  const time = now();
  if (lastScope?.name !== name || time - lastScope.at > SCOPE_LASTS) {
    const index = interfaces().find((entry) => entry.name === name)?.index ?? 0;
    lastScope = { name, index, at: time };
  }
  return lastScope.index;
}

/** The EAI code of an error of these calls; `undefined` for others. */
export function resolverErrorCode(cause: unknown): string | undefined {
  const { code, errno, syscall } = (cause ?? {}) as Record<string, unknown>;
  switch (code) {
    // c-ares and getaddrinfo name the same failures differently.
    case "ENOTFOUND":
      return errno === UV_EAI_NODATA ? "EAI_NODATA" : "EAI_NONAME";
    case "ENODATA":
      return "EAI_NODATA";
    case "ETIMEOUT":
    case "ESERVFAIL":
    case "EREFUSED":
      return "EAI_AGAIN";
    case "EINVAL":
      // Node 22: the ASCII form of an impossible name, such as "xn--a".
      return syscall === "getaddrinfo" ? "EAI_NONAME" : undefined;
    default:
      return typeof code === "string" && code.startsWith("EAI_") ? code : undefined;
  }
}
