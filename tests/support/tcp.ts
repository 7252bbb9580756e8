/** TCP in the tests: the settings they run in, and both ends of a conversation. */

import { networkInterfaces } from "node:os";
import {
  type Adapter,
  AF_INET,
  AF_INET6,
  capabilities,
  createMemoryAdapter,
  getAdapter,
  type InetAddress,
  SOCK_STREAM,
  Socket,
} from "../../mod.ts";
import { hasPython, python } from "./process.ts";
import type { Scope } from "./scope.ts";

/** Why IPv6 tests cannot run here, or false. */
export const noIPv6: string | false = hasLoopback6()
  ? false
  : "this machine has no IPv6 loopback address";

/** Why tests of AF_UNIX cannot run here, or false. */
export const noUnix: string | false = capabilities().types["AF_UNIX"] === undefined
  ? "this platform has no AF_UNIX"
  : false;

function hasLoopback6(): boolean {
  return Object.values(networkInterfaces())
    .some((list) => list?.some((entry) => entry.address === "::1"));
}

/** Where the tests of TCP run: an adapter and a family. */
export class Setting {
  /** For the names of tests. */
  readonly name: string;
  /** AF_INET or AF_INET6. */
  readonly family: typeof AF_INET | typeof AF_INET6;
  /** The loopback address. */
  readonly host: string;
  /** The wildcard address. */
  readonly wildcard: string;
  /** Why its tests cannot run, or false. */
  readonly skip: string | false;
  /** Whether it is the operating system's network. */
  readonly native: boolean;
  readonly #makeAdapter: () => Adapter;
  #adapter: Adapter | undefined;

  constructor(name: string, family: Setting["family"], adapter?: () => Adapter) {
    this.name = name;
    this.family = family;
    this.native = adapter === undefined;
    this.#makeAdapter = adapter ?? getAdapter;
    this.host = family === AF_INET ? "127.0.0.1" : "::1";
    this.wildcard = family === AF_INET ? "0.0.0.0" : "::";
    this.skip = this.native && family === AF_INET6 && noIPv6;
  }

  /** The adapter. */
  get adapter(): Adapter {
    return this.#adapter ??= this.#makeAdapter();
  }

  /** An address as this family's `getsockname` returns it. */
  address(host: string, port: number): InetAddress {
    return this.family === AF_INET ? [host, port] : [host, port, 0, 0];
  }

  /** A socket that is closed with the scope. */
  socket(scope: Scope): Socket<InetAddress> {
    const { adapter } = this;
    return scope.add(new Socket<InetAddress>(this.family, SOCK_STREAM, 0, { adapter }));
  }

  /** A socket bound to a port of the loopback address. */
  async bound(scope: Scope): Promise<Socket<InetAddress>> {
    const s = this.socket(scope);
    await s.bind([this.host, 0]);
    return s;
  }

  /** A listening socket. */
  async server(scope: Scope, backlog?: number): Promise<Socket<InetAddress>> {
    const server = await this.bound(scope);
    await server.listen(backlog);
    return server;
  }

  /** A connected pair: the one that connected and the one that was accepted. */
  async pair(
    scope: Scope,
  ): Promise<[client: Socket<InetAddress>, conn: Socket<InetAddress>]> {
    const server = await this.server(scope);
    const client = this.socket(scope);
    const [[conn]] = await Promise.all([
      server.accept(),
      client.connect(server.getsockname()),
    ]);
    scope.add(conn);
    await server.close();
    return [client, conn];
  }

  /**
   * The address of a listener whose queue is full, so that connecting to it waits for long. On the
   * network it is Python's: not every runtime lets its queue fill.
   */
  async stalled(scope: Scope): Promise<[host: string, port: number]> {
    if (this.native) {
      const peer = scope.add(python(
        `
        import socket, sys
        family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
        listener = socket.socket(family)
        listener.bind((sys.argv[1], 0))
        listener.listen(0)
        clients = []
        for i in range(4):
            clients.append(socket.socket(family))
            clients[-1].settimeout(0.04)
            clients[-1].connect_ex(listener.getsockname())
        print(listener.getsockname()[1])
        sys.stdin.read()`,
        [this.host],
      ));
      return [this.host, await peer.json<number>()];
    }
    const server = await this.server(scope, 0);
    for (;;) {
      const client = this.socket(scope);
      client.settimeout(0.05);
      const number = await client.connect_ex(server.getsockname());
      if (number !== 0) return server.getsockname().slice(0, 2) as [string, number];
    }
  }

  /** Why {@linkcode stalled} cannot be used, or false. */
  get noStalled(): string | false {
    if (this.skip !== false) return this.skip;
    return this.native && !hasPython ? "Python 3 is not here to be the peer" : false;
  }

  /** A port of the loopback address where nobody listens. */
  async freePort(): Promise<number> {
    const { family, adapter } = this;
    const s = new Socket<InetAddress>(family, SOCK_STREAM, 0, { adapter });
    await s.bind([this.host, 0]);
    const [, port] = s.getsockname();
    await s.close();
    return port;
  }
}

/** The system's network in both families. */
export const native: readonly [Setting, Setting] = [
  new Setting("IPv4", AF_INET),
  new Setting("IPv6", AF_INET6),
];

/** The system's network in both families, and sockets inside this process. */
export const settings: readonly Setting[] = [
  ...native,
  new Setting("memory", AF_INET, createMemoryAdapter),
];
