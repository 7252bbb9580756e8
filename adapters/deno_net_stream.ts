/** A stream over a socket of `node:net` on Deno, for what only that module can do. */

import { DenoOptions } from "./deno_options.ts";
import { addressFrom } from "./endpoints.ts";
import { NetStream } from "./node_stream.ts";
import type { NetSocket } from "./node_types.ts";

const SOCK_STREAM = 1;

/** A TCP connection. */
export class DenoNetStream extends NetStream {
  #options: DenoOptions;

  constructor(socket: NetSocket, family: number) {
    const local = addressFrom(family, socket.localAddress, socket.localPort);
    const remote = addressFrom(family, socket.remoteAddress, socket.remotePort);
    super(socket, local, remote);
    this.#options = new DenoOptions({ type: SOCK_STREAM, local, remote, shared: false });
  }

  override setOption(name: string, value: number): boolean {
    if (super.setOption(name, value)) return true;
    return !this.socket.destroyed && this.#options.set(name, value);
  }

  override getOption(name: string): number | undefined {
    // A destroyed socket has closed its descriptor, whose number may be another's by now.
    return this.socket.destroyed ? undefined : this.#options.get(name);
  }
}
