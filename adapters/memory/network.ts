/** One network in memory: its names, its faults and its live connections. */

import { AF_UNIX } from "../../core/constants.ts";
import type { Address } from "../adapter.ts";
import { type Endpoint, isIPv6 } from "./address.ts";
import { failure } from "./failure.ts";
import { Faults, type FaultTarget, type MemoryConnection, type Side } from "./faults.ts";
import { Names } from "./names.ts";
import { MemoryStream, type StreamStart } from "./stream.ts";

/** The options of a network. */
export interface NetworkOptions {
  readonly window: number;
  readonly seed: number;
  /** Local addresses besides those of loopback. */
  readonly addresses: readonly string[];
}

/** The initial state of one side of a new connection. */
export type SideStart = Omit<StreamStart, "unix" | "window" | "rules" | "ended">;

/** A connection, as faults see it. */
class Connection implements MemoryConnection {
  readonly client: Address;
  readonly server: Address;
  readonly ended: Set<Side> = new Set<Side>();
  ends!: Record<Side, MemoryStream>;

  constructor(client: Address, server: Address) {
    this.client = client;
    this.server = server;
  }
}

/** The network that all sockets of one adapter share. */
export class Network implements FaultTarget {
  readonly names: Names;
  readonly faults: Faults;
  readonly #window: number;
  readonly #connections = new Set<Connection>();
  /** Tasks that wait for the end of a fault. */
  #parked: (() => void)[] = [];

  constructor({ window, seed, addresses }: NetworkOptions) {
    this.#window = window;
    this.names = new Names(addresses);
    this.faults = new Faults(seed, this);
  }

  /** The live connections, oldest first. */
  get connections(): MemoryConnection[] {
    return [...this.#connections];
  }

  /** Connects two sides; the server's end may send at once. */
  join(family: number, client: SideStart, server: SideStart): [MemoryStream, MemoryStream] {
    const connection = new Connection(client.local, server.local);
    const startOf = (side: Side, start: SideStart): StreamStart => ({
      ...start,
      unix: family === AF_UNIX,
      window: this.#window,
      rules: () => this.faults.wire(connection, side),
      ended: () => {
        connection.ended.add(side);
        if (connection.ended.size === 2) this.#connections.delete(connection);
      },
    });
    const ends = MemoryStream.join(startOf("client", client), startOf("server", server));
    connection.ends = { client: ends[0], server: ends[1] };
    this.#connections.add(connection);
    return ends;
  }

  /** Throws if an address cannot be reached. */
  checkWay(to: Endpoint, only6: boolean): void {
    if (only6 && !isIPv6(to.host)) throw failure("ENETUNREACH", "the socket is IPV6_V6ONLY");
    const code = this.faults.unreachableCode(to);
    if (code !== undefined) throw failure(code);
    if (!this.names.isLocal(to.host)) throw failure("ENETUNREACH");
  }

  /** Runs a task at the next change of the faults. */
  park(task: () => void): void {
    this.#parked.push(task);
  }

  changed(): void {
    for (const { ends } of this.#connections) {
      ends.client.wake();
      ends.server.wake();
    }
    for (const task of this.#parked.splice(0)) task();
  }

  break(connection: MemoryConnection, side: Side): void {
    if (connection instanceof Connection) connection.ends[side].break();
  }
}
