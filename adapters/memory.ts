/**
 * Sockets inside one process, without a network: for testing programs that use sockets, with faults on demand, and the
 * template for a port to a new runtime.
 *
 * The parts are in `memory/`: `names.ts` is bind(2), `connect.ts` and `listener.ts` the handshake, `stream.ts` and
 * `wire.ts` the flow of bytes, `datagram.ts` messages, `faults.ts` the faults.
 */

import { checkOptions, integer } from "../core/arguments.ts";
import { describe } from "../core/bytes.ts";
import { SOCK_DGRAM, SOCK_STREAM } from "../core/constants.ts";
import { OPTIONS } from "../core/options/table.ts";
import type { Adapter, Capabilities, OptionSupport } from "./adapter.ts";
import { canonicalHost } from "./memory/address.ts";
import { MemoryConnect } from "./memory/connect.ts";
import { MemoryDatagram } from "./memory/datagram.ts";
import type { MemoryConnection, MemoryFaults } from "./memory/faults.ts";
import { MemoryBound } from "./memory/listener.ts";
import { Network } from "./memory/network.ts";
import { type Hosts, Resolver } from "./memory/resolver.ts";
import { CORE_DATAGRAM_OPTIONS, CORE_OPTIONS, frozen } from "./option_support.ts";

export type { Fault, FaultScope, MemoryConnection, MemoryFaults, Side } from "./memory/faults.ts";

/** Options of a network in memory. */
export interface MemoryOptions {
  /**
   * Names and their numeric addresses, for `connect` and the look-up functions: `{ "db.test": ["127.0.0.1", "::1"] }`.
   * `localhost` is predefined.
   */
  readonly hosts?: Readonly<Record<string, readonly string[]>> | undefined;
  /** Local addresses besides 127.0.0.0/8 and ::1, as numeric literals. Nothing else can be reached. */
  readonly addresses?: readonly string[] | undefined;
  /** The result of `gethostname`; `localhost` by default. */
  readonly hostname?: string | undefined;
  /**
   * How many bytes may be unread or in transit in one direction of a stream; beyond that, sending waits. 65536 by
   * default. SO_SNDBUF and SO_RCVBUF each change one half.
   */
  readonly window?: number | undefined;
  /** The seed of the random choices that some faults make; the same seed makes the same choices. 1 by default. */
  readonly seed?: number | undefined;
}

/** An adapter whose sockets live in this process only. Each adapter is a network of its own. */
export interface MemoryAdapter extends Adapter {
  /** The faults of this network. */
  readonly faults: MemoryFaults;
  /** The live connections, oldest first: those with at least one end neither closed nor broken. */
  readonly connections: readonly MemoryConnection[];
}

/** Options that mean nothing without a network or a kernel. */
const MISSING = ["SO_OOBINLINE", "TCP_MAXSEG", "IP_TRANSPARENT", "IP_BIND_ADDRESS_NO_PORT"];
/** Kinds of options that are just a number to remember; the others are calls, or come from the socket's state. */
const REMEMBERED = ["flag", "int", "size", "byte", "linger"];

/** How the options of one type of socket can be used. */
function optionsOf(type: number): Record<string, OptionSupport> {
  const found = OPTIONS.filter(({ name, kind, types }) =>
    REMEMBERED.includes(kind) && !MISSING.includes(name) && (types?.includes(type) ?? true)
  );
  const own = Object.fromEntries(
    found.map(({ name }) => [name, name === "IPV6_V6ONLY" ? "before-open" : "set"]),
  );
  const kept = type === SOCK_DGRAM ? CORE_DATAGRAM_OPTIONS : {};
  return { ...CORE_OPTIONS, ...kept, ...own } as Record<string, OptionSupport>;
}

const CAPABILITIES = {
  adapter: "memory",
  version: "",
  families: ["AF_INET", "AF_INET6", "AF_UNIX"],
  types: {
    AF_INET: ["SOCK_STREAM", "SOCK_DGRAM"],
    AF_INET6: ["SOCK_STREAM", "SOCK_DGRAM"],
    AF_UNIX: ["SOCK_STREAM", "SOCK_DGRAM"],
  },
  options: { SOCK_STREAM: optionsOf(SOCK_STREAM), SOCK_DGRAM: optionsOf(SOCK_DGRAM) },
  optionsReason: "it has no meaning inside one process",
  fileno: false,
  adopt: false,
  adoptTypes: {},
  backlog: true,
  reset: "always",
  datagramRefused: true,
  oob: false,
  ancillary: false,
} satisfies Capabilities;

let known: Capabilities | undefined;

/**
 * Creates an adapter whose sockets live in this process: no network, no permissions, the same on every runtime.
 *
 * It behaves as Linux does over loopback: ports, wildcards and dual-stack listening sockets, the backlog, windows that
 * fill, half-close, resets. Everything sent arrives on a later turn of the event loop. A waiting call does not keep the
 * process alive, since nothing outside it could ever respond.
 *
 * @param options names, addresses and sizes; all are optional
 * @throws {TypeError} if an address is not numeric or a number is not an integer
 * @throws {RangeError} if a number is out of range
 *
 * @example
 * ```ts
 * import { AF_INET, createMemoryAdapter, SOCK_STREAM, socket, SocketError } from "@bsdsock/bsdsock";
 *
 * const adapter = createMemoryAdapter({ hosts: { "db.test": ["127.0.0.1"] } });
 * await using server = socket(AF_INET, SOCK_STREAM, 0, { adapter });
 * await server.bind(["127.0.0.1", 5432]);
 * await server.listen();
 *
 * await using client = socket(AF_INET, SOCK_STREAM, 0, { adapter });
 * await client.connect(["db.test", 5432]);
 * const [conn] = await server.accept();
 * await conn.sendall("hello");
 * await client.recv(5); // the bytes of "hello"
 * adapter.faults.reset(adapter.connections[0]!);
 * await client.recv(5).catch((error) => console.log((error as SocketError).code)); // "ECONNRESET"
 * ```
 */
export function createMemoryAdapter(options: MemoryOptions = {}): MemoryAdapter {
  checkOptions(options, "{ hosts: {} }");
  const { hosts = {}, addresses = [], hostname = "localhost", window = 65536, seed = 1 } = options;
  const added = stringsOf(addresses, "options.addresses")
    .map((literal) => checkAddress(literal, "options.addresses"));
  if (typeof hostname !== "string") {
    throw new TypeError(`options.hostname must be a string, not ${describe(hostname)}`);
  }
  const network = new Network({
    window: integer(window, "options.window", 1, Number.MAX_SAFE_INTEGER),
    seed: integer(seed, "options.seed", -0x80000000, 0xffffffff),
    addresses: added,
  });
  const resolver = new Resolver(network, checkHosts(hosts));
  const lo = { name: "lo", index: 1, addresses: ["127.0.0.1", "::1", ...added] };
  return {
    faults: network.faults,
    get connections(): readonly MemoryConnection[] {
      return network.connections;
    },
    capabilities: () => known ??= frozen(CAPABILITIES),
    bind: (request) => new MemoryBound(network, request),
    connect: (target) => new MemoryConnect(network, target, undefined),
    datagram: (request) => new MemoryDatagram(network, request),
    lookup: (name, family) => resolver.lookup(name, family),
    lookupService: async (address, port) => ({
      hostname: await resolver.nameOf(address),
      service: String(port),
    }),
    hostname: () => hostname,
    interfaces: () => [{ ...lo, addresses: [...lo.addresses] }],
    errorCode,
  };
}

function checkHosts(hosts: unknown): Hosts {
  if (typeof hosts !== "object" || hosts === null) {
    throw new TypeError(`options.hosts must be an object, not ${describe(hosts)}`);
  }
  for (const [name, list] of Object.entries(hosts)) {
    const what = `options.hosts[${describe(name)}]`;
    for (const literal of stringsOf(list, what)) checkAddress(literal, what);
  }
  return hosts as Hosts;
}

function stringsOf(list: unknown, name: string): readonly string[] {
  if (!Array.isArray(list) || list.some((item) => typeof item !== "string")) {
    throw new TypeError(`${name} must be an array of strings, not ${describe(list)}`);
  }
  return list;
}

function checkAddress(literal: string, name: string): string {
  const host = canonicalHost(literal);
  if (host === undefined) {
    throw new TypeError(`${name} must be numeric, not ${describe(literal)}`);
  }
  return host;
}

/** The code of an error of this adapter; `undefined` for any other error. */
function errorCode(cause: unknown): string | undefined {
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}
