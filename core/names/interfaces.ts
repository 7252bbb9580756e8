/** Network interfaces by name and by number. */

import type { NetworkInterface } from "../../adapters/adapter.ts";
import { getAdapter } from "../adapter_choice.ts";
import { integer, string } from "../arguments.ts";
import { systemError } from "../errors/errors.ts";
import { interfacesOf } from "./resolve.ts";

/**
 * The network interfaces of this machine, in the order of their indexes.
 *
 * On Linux, Node and Bun list all of them. On other systems, and on Deno, the runtime exposes only
 * interfaces that are up, and the index only of those with a link-local IPv6 address; the others are
 * left out. Deno needs `--allow-sys=networkInterfaces`; with `--allow-all` it lists all of them.
 *
 * Source: POSIX if_nameindex(), RFC 3493 section 4.
 *
 * @returns Index and name of each.
 * @throws {SocketError} EACCES when the permission is missing
 *
 * @example
 * ```ts
 * import { if_nameindex } from "@bsdsock/bsdsock";
 *
 * if_nameindex(); // [[1, "lo"], [2, "eth0"]]
 * ```
 */
export function if_nameindex(): Array<[index: number, name: string]> {
  return interfaces("if_nameindex")
    .filter(({ index }) => index > 0)
    .map(({ index, name }): [number, string] => [index, name])
    .sort(([a], [b]) => a - b);
}

/**
 * The index of a network interface. {@linkcode if_nameindex} says what each runtime exposes, and the
 * permission that Deno needs.
 *
 * Source: POSIX if_nametoindex(), RFC 3493 section 4.
 *
 * @param if_name The name, such as "lo".
 * @returns The index, from 1.
 * @throws {TypeError} when the name is not a string
 * @throws {SocketError} ENODEV when there is no such interface; ENOTSUP when there is, but the
 * runtime does not expose its index; EACCES when the permission is missing
 *
 * @example
 * ```ts
 * import { if_nametoindex } from "@bsdsock/bsdsock";
 *
 * if_nametoindex("lo"); // 1 on Linux
 * ```
 */
export function if_nametoindex(if_name: string): number {
  string(if_name, "if_name");
  const found = interfaces("if_nametoindex").find(({ name }) => name === if_name);
  if (found === undefined) {
    const detail = `no interface with this name: ${if_name}`;
    throw systemError("ENODEV", "if_nametoindex", { detail });
  }
  if (found.index > 0) return found.index;
  const { adapter } = getAdapter().capabilities();
  const detail =
    `${adapter} does not tell the index of ${if_name}, which has no link-local address`;
  throw systemError("ENOTSUP", "if_nametoindex", { detail });
}

/**
 * The name of a network interface. {@linkcode if_nameindex} says what each runtime exposes, and the
 * permission that Deno needs.
 *
 * Source: POSIX if_indextoname(), RFC 3493 section 4.
 *
 * @param if_index The index, from 1.
 * @returns The name, such as "lo".
 * @throws {TypeError} when the index is not an integer
 * @throws {RangeError} when it is negative or above 4294967295
 * @throws {SocketError} ENXIO when no interface has this index; EACCES when the permission is
 * missing
 *
 * @example
 * ```ts
 * import { if_indextoname } from "@bsdsock/bsdsock";
 *
 * if_indextoname(1); // "lo" on Linux
 * ```
 */
export function if_indextoname(if_index: number): string {
  integer(if_index, "if_index", 0, 0xffffffff);
  const all = interfaces("if_indextoname");
  const found = all.find(({ index }) => index === if_index && index > 0);
  if (found !== undefined) return found.name;
  const unknown = if_index === 0 ? [] : all.filter(({ index }) => index === 0);
  const detail = unknown.length === 0
    ? `index ${if_index}`
    : `index ${if_index}; that of ${unknown.map(({ name }) => name).join(", ")} is not known here`;
  throw systemError("ENXIO", "if_indextoname", { detail });
}

function interfaces(syscall: string): NetworkInterface[] {
  const adapter = getAdapter();
  if (adapter.interfaces === undefined) {
    const detail = `${adapter.capabilities().adapter} knows no interfaces`;
    throw systemError("ENOTSUP", syscall, { detail });
  }
  return interfacesOf(adapter, syscall);
}
