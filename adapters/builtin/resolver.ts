/** The system's resolver through `node:dns` and `node:os`, which all three runtimes have. */

import type { InetAddress, LookupAnswer, NetworkInterface } from "../adapter.ts";
import { hostOf } from "../endpoints.ts";
import { now } from "../timers.ts";
import { nodeModule, nodeProcess } from "./modules.ts";

/** What libuv, and Deno like it, call EAI_NODATA: a name that has no address of the family. */
export const UV_EAI_NODATA = -3007;

const INTERFACES = "/sys/class/net";

/** getaddrinfo: the hosts file, then DNS, in the resolver's order. */
export async function lookup(name: string, family: 0 | 4 | 6): Promise<LookupAnswer[]> {
  try {
    return await lookupWith(name, { family });
  } catch (cause) {
    checkDescriptors();
    throw cause;
  }
}

/** glibc finds no name when it can open no descriptor: throws the error of opening one. */
function checkDescriptors(): void {
  const fs = nodeModule("node:fs");
  try {
    fs.closeSync(fs.openSync(nodeModule("node:os").devNull, "r"));
  } catch (cause) {
    // Another error says nothing about the resolver.
    const { code } = cause as { code?: string };
    if (code === "EMFILE" || code === "ENFILE") throw cause;
  }
}

/** getaddrinfo with what a runtime wants to know besides. */
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

/** getnameinfo of a numeric address and a TCP port. */
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
 * The machine's interfaces. A runtime tells the index only of those that have a link-local address;
 * the others come from Linux.
 *
 * @param mayRead Whether Linux's own list can be read, which has those that are down too.
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
  // The kernel gives the loopback interface of every network namespace this one.
  const indexes = new Map([["lo", 1]]);
  if (!mayRead) return indexes;
  const fs = nodeModule("node:fs");
  try {
    for (const name of fs.readdirSync(INTERFACES)) {
      if (name === "bonding_masters") continue;
      indexes.set(name, Number(fs.readFileSync(`${INTERFACES}/${name}/ifindex`, "utf8")));
    }
  } catch {
    // Not there, or not permitted (node --permission): what the runtime tells has to do.
  }
  return indexes;
}

/** The host of an address as libuv takes it: the scope by the interface's name, since it takes a number for none. */
export function zonedHostOf(address: InetAddress): string {
  const scope_id = address[3];
  if (!scope_id) return address[0];
  const found = interfaces().find(({ index }) => index === scope_id);
  return found === undefined ? hostOf(address) : `${address[0]}%${found.name}`;
}

/**
 * The error with which Linux refuses a link-local address that names no interface, or one that is not there;
 * `undefined` where it names one.
 */
export function scopeErrorOf([host, , , scope_id]: InetAddress): string | undefined {
  if (!/^fe[89ab]/.test(host)) return undefined;
  if (!scope_id) return "EINVAL";
  return interfaces().some(({ index }) => index === scope_id) ? undefined : "ENETUNREACH";
}

/** Refuses to bind a link-local address of an interface that is not there, of which libuv would say EINVAL. */
export function checkLink(address: InetAddress): void {
  if (!address[3] || scopeErrorOf(address) === undefined) return;
  throw Object.assign(new Error(`no interface ${address[3]}`), { code: "ENODEV" });
}

/** The interface whose index was asked for last. */
let lastScope: { readonly name: string; readonly index: number; readonly at: number } | undefined;

/** How long its index is taken to be the same, in milliseconds. */
const SCOPE_LASTS = 1000;

/** The index of an interface's name, 0 for none. */
export function scopeOf(name: string): number {
  // Not from files anew for each datagram of a link.
  const time = now();
  if (lastScope?.name !== name || time - lastScope.at > SCOPE_LASTS) {
    const index = interfaces().find((entry) => entry.name === name)?.index ?? 0;
    lastScope = { name, index, at: time };
  }
  return lastScope.index;
}

/** The name of an error of these calls; `undefined` for others. */
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
      // Node 22: an ASCII form that no name has, such as "xn--a".
      return syscall === "getaddrinfo" ? "EAI_NONAME" : undefined;
    default:
      return typeof code === "string" && code.startsWith("EAI_") ? code : undefined;
  }
}
