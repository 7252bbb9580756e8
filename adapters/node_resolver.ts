/** The system's resolver through `node:dns` and `node:os`, which all three runtimes have. */

import type { LookupAnswer, NetworkInterface } from "./adapter.ts";
import { nodeModule } from "./node_types.ts";

/** getaddrinfo: the hosts file, then DNS, in the resolver's order. */
export function lookup(name: string, family: 0 | 4 | 6): Promise<LookupAnswer[]> {
  return new Promise((resolve, reject) => {
    nodeModule("node:dns").lookup(
      name,
      { family, all: true, verbatim: true },
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

/** The machine's interfaces; the index comes from a link-local address, where there is one. */
export function interfaces(): NetworkInterface[] {
  return Object.entries(nodeModule("node:os").networkInterfaces()).map(([name, list = []]) => ({
    name,
    index: list.find((entry) => (entry.scopeid ?? 0) > 0)?.scopeid ?? 0,
    addresses: list.map((entry) => entry.address),
  }));
}

/** The index of an interface's name, 0 for none. */
export function scopeOf(name: string): number {
  return interfaces().find((entry) => entry.name === name)?.index ?? 0;
}

/** The name of an error of these calls; `undefined` for others. */
export function resolverErrorCode(cause: unknown): string | undefined {
  const code = (cause as { code?: unknown } | null)?.code;
  switch (code) {
    // c-ares and getaddrinfo name the same failures differently.
    case "ENOTFOUND":
    case "ENODATA":
      return "EAI_NONAME";
    case "ETIMEOUT":
    case "ESERVFAIL":
    case "EREFUSED":
      return "EAI_AGAIN";
    default:
      return typeof code === "string" && code.startsWith("EAI_") ? code : undefined;
  }
}
