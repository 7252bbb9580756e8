/** A stream over a socket of `node:net`: for Node, and for what Deno can do only through that module. */

import type { Address, Stream, StreamSink } from "../adapter.ts";
import { plain } from "./buffer.ts";
import type { NetSocket } from "./modules.ts";
import { ownerOf, setOwner } from "./owner.ts";

/** How many unread bytes the core may hold before the stream stops: stopping costs two system calls. */
export const READ_AHEAD: number = 64 * 1024;

/** The largest piece passed to libuv when there is room. */
const LARGEST_WRITE = 64 * 1024;

/** A stream over a connected socket that is paused and has not read yet. */
export class NetStream implements Stream {
  readonly local: Address;
  readonly remote: Address;
  readonly readAhead: number = READ_AHEAD;
  declare sink: StreamSink;
  protected readonly socket: NetSocket;
  /** Nothing more can be read: the stream has ended, or the socket is destroyed. */
  #over = false;

  constructor(socket: NetSocket, local: Address, remote: Address) {
    this.socket = socket;
    this.local = local;
    this.remote = remote;
    // The cheapest way to read with back-pressure: chunks bypass the stream's own buffer, and returning false stops the
    // handle at once. 'end' is then never emitted, so the socket never destroys itself.
    setOwner<NetStream>(socket, this);
    socket.push = pushed;
    socket.unref();
    socket.on("error", failed);
  }

  get fd(): number {
    return this.socket._handle?.fd ?? -1;
  }

  resume(): void {
    if (!this.#over) this.socket._read(0);
  }

  // Not through the socket's own methods, which wait for another connection when this one is gone.
  ref(): void {
    this.socket._handle?.ref();
  }

  unref(): void {
    this.socket._handle?.unref();
  }

  write(chunk: Uint8Array): Promise<number> {
    // A copy: libuv still sends what it holds after close(), when the caller may have changed the bytes.
    const piece = chunk.slice(0, LARGEST_WRITE);
    return new Promise((resolve, reject) => {
      this.socket.write(
        piece,
        (error) => error ? reject(this.failure(error)) : resolve(piece.length),
      );
    });
  }

  shutdownWrite(): Promise<void> {
    return new Promise((resolve) => this.socket.end(() => resolve()));
  }

  async reset(): Promise<void> {
    this.#over = true;
    const { socket } = this;
    // libuv refuses to reset during a shutdown, and Node 26 then never closes the descriptor.
    const isEnding = socket.writableEnded && !socket.writableFinished && !socket.destroyed;
    if (isEnding && socket.writableLength === 0) {
      await new Promise<void>((resolve) => {
        socket.once("finish", () => resolve());
        socket.once("close", () => resolve());
      });
    }
    // resetAndDestroy() throws for UNIX sockets and destroyed ones, which have nothing to reset.
    const cannot = socket.destroyed || socket.writableLength > 0 && isEnding;
    if (cannot || this.remotePort === undefined) socket.destroy();
    else socket.resetAndDestroy();
    await this.#whenClosed();
  }

  close(): Promise<void> {
    this.#over = true;
    if (this.socket.destroyed || this.socket.writableLength === 0) {
      this.socket.destroy();
      return this.#whenClosed();
    }
    // What the runtime holds still goes out, as the kernel would send it; a peer that does not read must not delay the
    // caller.
    this.socket.destroySoon();
    return Promise.resolve();
  }

  setOption(name: string, value: number): boolean {
    switch (name) {
      case "TCP_NODELAY":
        this.socket.setNoDelay(value !== 0);
        return true;
      case "SO_KEEPALIVE":
        // Without a delay: with 1 s or more, Node before 24 and Bun would also change TCP_KEEPINTVL and TCP_KEEPCNT.
        this.socket.setKeepAlive(value !== 0);
        return true;
      default:
        return name === "SO_LINGER" || name === "SO_REUSEADDR";
    }
  }

  getOption(_name: string): number | undefined {
    return undefined;
  }

  /** The last byte was read. Returns whether to go on reading. */
  finished(): boolean {
    if (!this.#over) {
      this.#over = true;
      this.ended();
    }
    return false;
  }

  /** The socket has failed and is destroyed. */
  failed(error: Error): void {
    this.#over = true;
    this.sink.error(this.failure(error));
  }

  /** The peer's FIN has come. */
  protected ended(): void {
    this.sink.end();
  }

  /** The error to report for an error of the socket. */
  protected failure(error: Error): Error {
    return error;
  }

  #whenClosed(): Promise<void> {
    if (this.socket.closed) return Promise.resolve();
    return new Promise((resolve) => this.socket.on("close", () => resolve()));
  }

  private get remotePort(): number | undefined {
    return Array.isArray(this.remote) ? this.remote[1] : undefined;
  }
}

function pushed(this: NetSocket, chunk: Uint8Array<ArrayBuffer> | null): boolean {
  const stream = ownerOf<NetStream>(this);
  return chunk === null ? stream.finished() : stream.sink.data(plain(chunk), true);
}

function failed(this: NetSocket, error: Error): void {
  ownerOf<NetStream>(this).failed(error);
}
