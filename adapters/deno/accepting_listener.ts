/** Listeners of Deno over `node:net`. */

import type { Address, ListenerSink, Stream } from "../adapter.ts";
import type { NetServer, NetSocket } from "../builtin/modules.ts";
import { NetListener } from "../builtin/net_listener.ts";
import { DenoNetStream } from "./net_stream.ts";
import type { DenoOptions } from "./options.ts";

/** A listener of `node:net` whose connections have their own options. */
export class AcceptingListener extends NetListener {
  #options: DenoOptions;

  constructor(
    server: NetServer,
    family: number,
    local: Address,
    sink: ListenerSink,
    options: DenoOptions,
  ) {
    super(server, family, local, sink);
    this.#options = options;
  }

  protected override streamOf(socket: NetSocket): Stream {
    return new DenoNetStream(socket, this.family);
  }

  override setOption(name: string, value: number): boolean {
    this.#options.set(name, value);
    return true;
  }

  override getOption(name: string): number | undefined {
    return this.#options.get(name);
  }
}
