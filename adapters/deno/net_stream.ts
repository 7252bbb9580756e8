/** A stream over a socket of `node:net` on Deno, for what only that module can do. */

import type { NetSocket } from "../builtin/modules.ts";
import { NetStream } from "../builtin/net_stream.ts";
import { addressFrom } from "../endpoints.ts";
import { DenoOptions } from "./options.ts";

const SOCK_STREAM = 1;

/** A TCP connection. */
export class DenoNetStream extends NetStream {
  #options: DenoOptions;
  /** How many reasons there are to keep the process alive: waiting receives and writes. */
  #refs = 0;

  constructor(socket: NetSocket, family: number) {
    const local = addressFrom(family, socket.localAddress, socket.localPort);
    const remote = addressFrom(family, socket.remoteAddress, socket.remotePort);
    super(socket, local, remote);
    this.#options = new DenoOptions({ type: SOCK_STREAM, local, remote, shared: false });
  }

  override ref(): void {
    if (this.#refs++ === 0) super.ref();
  }

  override unref(): void {
    if (--this.#refs === 0) super.unref();
  }

  /** Keeps the process alive during the write. Deno 2.9: a pending write of an unref'd socket does not. */
  override write(chunk: Uint8Array): Promise<number> {
    this.ref();
    return super.write(chunk).finally(() => this.unref());
  }

  /** Keeps the process alive, as `write` does. */
  override shutdownWrite(): Promise<void> {
    this.ref();
    return super.shutdownWrite().finally(() => this.unref());
  }

  /** Closes the socket at once, with what Deno has not sent: a peer that does not read would keep the process alive. */
  override close(): Promise<void> {
    this.socket.destroy();
    return super.close();
  }

  override setOption(name: string, value: number): boolean {
    if (super.setOption(name, value)) return true;
    return !this.socket.destroyed && this.#options.set(name, value);
  }

  override getOption(name: string): number | undefined {
    // A destroyed socket has closed its descriptor, and another may have its number by now.
    return this.socket.destroyed ? undefined : this.#options.get(name);
  }
}
