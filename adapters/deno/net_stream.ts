/** A stream over a socket of `node:net` on Deno, for what only that module can do. */

import { SOCK_STREAM } from "../../core/constants.ts";
import { type NetSocket, nodeModule } from "../builtin/modules.ts";
import { NetStream } from "../builtin/net_stream.ts";
import { ownerOf } from "../builtin/owner.ts";
import { codedError } from "../coded_error.ts";
import { addressFrom } from "../endpoints.ts";
import { DenoOptions } from "./options.ts";

/** The options that `node:net` can set. */
const BY_SOCKET = ["SO_KEEPALIVE", "TCP_NODELAY"];

/** A TCP connection. */
export class DenoNetStream extends NetStream {
  #options: DenoOptions;
  /** How many reasons there are to keep the process alive: waiting receives and writes. */
  #refs = 0;
  #writeFailed = false;

  constructor(socket: NetSocket, family: number) {
    const local = addressFrom(family, socket.localAddress, socket.localPort);
    const remote = addressFrom(family, socket.remoteAddress, socket.remotePort);
    super(socket, local, remote);
    this.#options = new DenoOptions({ type: SOCK_STREAM, local, remote, shared: false });
    socket.destroy = destroyed;
  }

  override ref(): void {
    if (this.#refs++ === 0) super.ref();
  }

  override unref(): void {
    if (--this.#refs === 0) super.unref();
  }

  /** Keeps the process alive during the write. Deno 2.9: a pending write of an unref'd socket does not. */
  override write(chunk: Uint8Array): Promise<number> {
    if (this.#writeFailed) return Promise.reject(broken("EPIPE"));
    this.ref();
    return super.write(chunk).finally(() => this.unref());
  }

  /** Keeps the process alive, as `write` does. */
  override shutdownWrite(): Promise<void> {
    if (this.#writeFailed) return Promise.reject(broken("ENOTCONN"));
    this.ref();
    return super.shutdownWrite().finally(() => this.unref());
  }

  /** A write has failed: nothing more can be sent, but what has arrived can be read. */
  writeFailed(): void {
    this.#writeFailed = true;
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
    if (this.socket.destroyed) return undefined;
    // The owner of a connection that was taken over may have set them.
    return BY_SOCKET.includes(name) ? this.#options.read(name) : this.#options.get(name);
  }
}

/** The error of a call after a failed write, to which the socket would not answer. */
function broken(code: string): Error {
  return codedError(code, "a write has failed");
}

/** Does not destroy the socket for a failed write, whose promise rejects: what the kernel holds unread would be lost. */
function destroyed(this: NetSocket, error?: Error): void {
  if ((error as { syscall?: string } | undefined)?.syscall === "write") {
    ownerOf<DenoNetStream>(this).writeFailed();
  } else {
    const destroy: (error?: Error) => void = nodeModule("node:net").Socket.prototype.destroy;
    destroy.call(this, error);
  }
}
