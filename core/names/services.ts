/**
 * Service and protocol names and their numbers, from tables inside the library: the same answers on
 * every runtime and platform, without waiting or a permission.
 *
 * A look-up returns what glibc finds in the same tables in `/etc`: names are case-sensitive, a search
 * by name includes aliases, and the first matching line wins. Source: POSIX endservent and
 * endprotoent; Python's `socket` module.
 */

import { integer, string } from "../arguments.ts";
import { describe } from "../bytes.ts";
import { SocketError } from "../errors/errors.ts";
import { packedProtocols, packedServices } from "./services_data.ts";

/** Tables for one transport protocol, or for any. */
interface Services {
  ports: Map<string, number>;
  names: Map<number, string>;
}

// Filled by the first look-up, so that importing the library costs nothing.
let services: Map<string | undefined, Services> | undefined;
let protocols: Map<string, number> | undefined;

/** The services of one protocol; `undefined` stands for any. */
function servicesOf(protocol: string | undefined): Services | undefined {
  services ??= unpackServices();
  return services.get(protocol);
}

function unpackServices(): Map<string | undefined, Services> {
  const any: Services = { ports: new Map(), names: new Map() };
  const tables = new Map<string | undefined, Services>([[undefined, any]]);
  for (const line of packedServices.split("\n")) {
    const [names = "", where = ""] = line.split(" ");
    const [port, transports = "tcp"] = where.split("/");
    for (const transport of transports.split(",")) {
      let own = tables.get(transport);
      if (own === undefined) tables.set(transport, own = { ports: new Map(), names: new Map() });
      for (const table of [any, own]) addService(table, names.split(","), Number(port));
    }
  }
  return tables;
}

function addService(table: Services, names: string[], port: number): void {
  for (const name of names) {
    if (!table.ports.has(name)) table.ports.set(name, port);
  }
  if (!table.names.has(port)) table.names.set(port, names[0]!);
}

function unpackProtocols(): Map<string, number> {
  const table = new Map<string, number>();
  for (const line of packedProtocols.split("\n")) {
    const [names = "", number] = line.split(" ");
    const lower = names.toLowerCase();
    // One word with capitals is an alias; services_data.ts describes the format.
    const all = lower === names || names.includes(",") ? names.split(",") : [lower, names];
    for (const name of all) {
      if (!table.has(name)) table.set(name, Number(number));
    }
  }
  return table;
}

/**
 * The port of a service, `undefined` for an unknown one.
 *
 * @param name The service or an alias of it, such as "http".
 * @param protocol The transport protocol, such as "tcp"; any if left out.
 * @returns The port, or undefined.
 *
 * @example
 * ```ts
 * import { findService } from "./services.ts";
 *
 * findService("http", "tcp"); // 80
 * ```
 */
export function findService(name: string, protocol?: string): number | undefined {
  return servicesOf(protocol)?.ports.get(name);
}

/**
 * The name of the service at a port, `undefined` for an unknown one.
 *
 * @param port The port, 0 to 65535.
 * @param protocol The transport protocol, such as "tcp"; any if left out.
 * @returns The official name, or undefined.
 *
 * @example
 * ```ts
 * import { findServiceName } from "./services.ts";
 *
 * findServiceName(80, "tcp"); // "http"
 * ```
 */
export function findServiceName(port: number, protocol?: string): string | undefined {
  return servicesOf(protocol)?.names.get(port);
}

/**
 * The port of a service, POSIX `getservbyname`. Needs no permission.
 *
 * Source: POSIX getservbyname(), Python `socket.getservbyname`.
 *
 * @param servicename The service or an alias of it, such as "http" or "www".
 * @param protocolname The transport protocol, "tcp" or "udp"; if left out, the first that has the service.
 * @returns The port, 0 to 65535, in host byte order.
 * @throws {TypeError} when an argument is not a string
 * @throws {SocketError} ENOENT when there is no such service
 *
 * @example
 * ```ts
 * import { getservbyname } from "@bsdsock/bsdsock";
 *
 * getservbyname("domain", "udp"); // 53
 * ```
 */
export function getservbyname(servicename: string, protocolname?: string): number {
  string(servicename, "servicename");
  if (protocolname !== undefined) string(protocolname, "protocolname");
  return findService(servicename, protocolname) ??
    fail("getservbyname", "service/proto", servicename, protocolname);
}

/**
 * The name of the service at a port, POSIX `getservbyport`. Needs no permission.
 *
 * Source: POSIX getservbyport(), Python `socket.getservbyport`.
 *
 * @param port The port in host byte order, 0 to 65535.
 * @param protocolname The transport protocol, "tcp" or "udp"; if left out, the first that has the port.
 * @returns The official name of the service.
 * @throws {TypeError} when the port is not an integer or the protocol not a string
 * @throws {RangeError} when the port is out of range
 * @throws {SocketError} ENOENT when there is no such service
 *
 * @example
 * ```ts
 * import { getservbyport } from "@bsdsock/bsdsock";
 *
 * getservbyport(80); // "http"
 * ```
 */
export function getservbyport(port: number, protocolname?: string): string {
  integer(port, "port", 0, 65535);
  if (protocolname !== undefined) string(protocolname, "protocolname");
  return findServiceName(port, protocolname) ??
    fail("getservbyport", "port/proto", port, protocolname);
}

/**
 * The number of a protocol of the Internet layer, POSIX `getprotobyname`. Needs no permission.
 *
 * Source: POSIX getprotobyname(), Python `socket.getprotobyname`.
 *
 * @param protocolname The protocol or an alias of it, such as "icmp" or "ICMP".
 * @returns The number, for the third argument of `socket`.
 * @throws {TypeError} when the argument is not a string
 * @throws {SocketError} ENOENT when there is no such protocol
 *
 * @example
 * ```ts
 * import { getprotobyname } from "@bsdsock/bsdsock";
 *
 * getprotobyname("tcp"); // 6
 * ```
 */
export function getprotobyname(protocolname: string): number {
  string(protocolname, "protocolname");
  protocols ??= unpackProtocols();
  return protocols.get(protocolname) ?? fail("getprotobyname", "protocol", protocolname);
}

function fail(syscall: string, what: string, key: string | number, protocol?: string): never {
  const asked = protocol === undefined ? describe(key) : `${describe(key)}, ${describe(protocol)}`;
  // systemError() would pull the texts of all errors into a bundle of these tables alone.
  const message = `${syscall} ENOENT: No such file or directory (${what} not found: ${asked})`;
  throw new SocketError(message, { code: "ENOENT", syscall });
}
