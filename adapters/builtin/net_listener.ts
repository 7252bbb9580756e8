/** A listener over a server of `node:net`: for Node, and for what Deno can do only through that module. */

import type { Address, Listener, ListenerSink, Stream } from "../adapter.ts";
import { setImmediate } from "../timers.ts";
import type { NetServer, NetSocket } from "./modules.ts";
import { systemError } from "./system_error.ts";

/** A listener whose server accepts by itself and cannot be stopped; connections wait in the core's queue. */
export abstract class NetListener implements Listener {
  readonly local: Address;
  protected readonly family: number;
  #server: NetServer;
  #sink: ListenerSink;

  constructor(server: NetServer, family: number, local: Address, sink: ListenerSink) {
    this.family = family;
    this.#server = server;
    this.#sink = sink;
    this.local = local;
    server.unref();
    server.on("connection", (socket: NetSocket) => this.connected(socket));
    server.on("error", (error: Error) => sink.error(error));
  }

  /** The stream over a connection. */
  protected abstract streamOf(socket: NetSocket): Stream;

  abstract setOption(name: string, value: number): boolean;

  abstract getOption(name: string): number | undefined;

  get fd(): number {
    return this.#server._handle?.fd ?? -1;
  }

  /** A connection was accepted. */
  connected(socket: NetSocket): void {
    this.#sink.connection(this.streamOf(socket));
  }

  resume(): void {
    // It accepts from the start.
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }

  setBacklog(backlog: number): void {
    const failure = this.#server._handle?.listen(Math.max(1, backlog)) ?? 0;
    if (failure !== 0) throw systemError(failure, "listen");
  }

  close(): Promise<void> {
    // Without its callback, which would wait for the connections, too.
    this.#server.close();
    return afterClose();
  }
}

/** Resolves once a closed handle is gone, on the next turn of the event loop. */
export function afterClose(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
