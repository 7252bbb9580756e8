/** A stream over a socket of `node:net` on Deno, for what only that module can do. */

import type { NetSocket } from "../builtin/modules.ts";
import { NetStream } from "../builtin/net_stream.ts";
import { addressFrom } from "../endpoints.ts";
import { DenoOptions } from "./options.ts";

const SOCK_STREAM = 1;

/** A TCP connection. */
export class DenoNetStream extends NetStream {
  #options: DenoOptions;
  /** Reasons to keep the process alive: receives that wait, writes that do. */
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

  /** Deno 2.9: a write of a socket that is not to keep the process alive does not, either. */
  override write(chunk: Uint8Array): Promise<number> {
    this.ref();
    return super.write(chunk).finally(() => this.unref());
  }

  /** The same as of writes. */
  override shutdownWrite(): Promise<void> {
    this.ref();
    return super.shutdownWrite().finally(() => this.unref());
  }

  /** What Deno has not sent goes with the socket: a peer that does not read would keep the process alive. */
  override close(): Promise<void> {
    this.socket.destroy();
    return super.close();
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
