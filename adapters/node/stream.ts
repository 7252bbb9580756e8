/** A stream over a socket of `node:net`: for Node, and for what Deno can only do through that module. */

import type { Address, Stream, StreamSink } from "../adapter.ts";
import { release } from "../released.ts";
import { Retries } from "../retries.ts";
import { plain } from "../builtin/buffer.ts";
import { type Reader, readShared } from "./onread.ts";
import { getNodeOption, setNodeOption } from "./options.ts";
import { ownerOf, setOwner } from "../builtin/owner.ts";
import { type FsModule, type NetSocket, nodeModule, nodeProcess } from "../builtin/modules.ts";

/** Bytes that the core may leave unread before the stream stops: stopping costs two system calls. */
const READ_AHEAD = 64 * 1024;

/** The largest piece that libuv is given to send when there is room. */
const LARGEST_WRITE = 64 * 1024;

/** The most for one write(2): Node refuses 2 GiB and more, and Linux takes no more at a time. */
const LARGEST_SYNC_WRITE = 2 ** 30;

/** Taken once: a program's stubs of them, to see what it prints, are not for sockets. */
let calls: DescriptorCalls | undefined;

type DescriptorCalls = Pick<FsModule, "readSync" | "writeSync">;

function takeCalls(): DescriptorCalls {
  const { readSync, writeSync } = nodeModule("node:fs");
  return { readSync, writeSync };
}

/** Before Node 24, a reset after unread data ends the stream as a FIN would. */
let hidesReset: boolean | undefined;

/** A stream over a connected socket that is paused and has not read yet. */
export class NetStream implements Stream {
  readonly local: Address;
  readonly remote: Address;
  readonly readAhead: number = READ_AHEAD;
  declare sink: StreamSink;
  protected readonly socket: NetSocket;
  /** Nothing more can be read: end of stream, or the socket is destroyed. */
  #over = false;

  constructor(socket: NetSocket, local: Address, remote: Address) {
    this.socket = socket;
    this.local = local;
    this.remote = remote;
    // The cheapest way to read without losing back-pressure: chunks never enter the stream's own buffer, and
    // answering false stops the handle at once. 'end' is then never emitted, so nothing destroys by itself.
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

  // Not by the socket's own calls, which wait for another connection where this one is gone.
  ref(): void {
    this.socket._handle?.ref();
  }

  unref(): void {
    this.socket._handle?.unref();
  }

  write(chunk: Uint8Array): Promise<number> {
    // A copy: what libuv holds still goes out after close(), when the caller may have changed its bytes.
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

  reset(): Promise<void> {
    this.#over = true;
    // Throws for UNIX sockets and destroyed ones, which have nothing to reset.
    if (this.socket.destroyed || this.remotePort === undefined) this.socket.destroy();
    else this.socket.resetAndDestroy();
    return this.#whenClosed();
  }

  close(): Promise<void> {
    this.#over = true;
    if (this.socket.destroyed || this.socket.writableLength === 0) {
      this.socket.destroy();
      return this.#whenClosed();
    }
    // What the runtime holds still goes out, as the kernel would send it; a peer that does not read must not
    // keep the caller waiting.
    this.socket.destroySoon();
    return Promise.resolve();
  }

  setOption(name: string, value: number): boolean {
    switch (name) {
      case "TCP_NODELAY":
        this.socket.setNoDelay(value !== 0);
        return true;
      case "SO_KEEPALIVE":
        // No delay: from 1 s on, Node before 24 and Bun would also change TCP_KEEPINTVL and TCP_KEEPCNT.
        this.socket.setKeepAlive(value !== 0);
        return true;
      default:
        return name === "SO_LINGER" || name === "SO_REUSEADDR";
    }
  }

  getOption(_name: string): number | undefined {
    return undefined;
  }

  /** The last byte was read; answers whether to go on reading. */
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

  /** The peer's FIN. */
  protected ended(): void {
    this.sink.end();
  }

  /** What an error of the socket means. */
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

/** A stream of Node, whose descriptor is known: writes go straight to it. */
export class NodeStream extends NetStream implements Reader {
  keeps = true;
  readonly #fs: DescriptorCalls;
  #fd: number;
  /** The last write, where it was a revocable one. */
  #retries: Retries | undefined;
  /** The last `tryWrite` has taken a part. */
  #partial = false;
  /** The peer's FIN has come. */
  #ended = false;

  constructor(socket: NetSocket, local: Address, remote: Address) {
    super(socket, local, remote);
    this.#fs = calls ??= takeCalls();
    // Where this Node cannot, chunks come by push().
    readShared(socket, this);
    this.#fd = socket._handle?.fd ?? -1;
    socket._destroy = destroyed;
  }

  override get fd(): number {
    return this.#fd;
  }

  override resume(into?: Uint8Array): void {
    this.keeps = into === undefined;
    super.resume();
  }

  /** Bytes came, not by `push()`. */
  received(chunk: Uint8Array<ArrayBuffer>, owned: boolean): boolean {
    return this.sink.data(chunk, owned);
  }

  /** write(2) itself: tells what was taken, and an error does not destroy the socket. */
  tryWrite(chunk: Uint8Array): number {
    if (this.#fd < 0) throw Object.assign(new Error("the socket is gone"), { code: "EPIPE" });
    const piece = chunk.byteLength > LARGEST_SYNC_WRITE
      ? chunk.subarray(0, LARGEST_SYNC_WRITE)
      : chunk;
    try {
      const count = this.#fs.writeSync(this.#fd, piece);
      this.#partial = count < piece.length;
      return count;
    } catch (error) {
      if ((error as { code?: string }).code === "EAGAIN") return 0;
      throw this.failure(error as Error);
    }
  }

  /**
   * Called when there is no room. libuv tells of room only by sending something: one byte, after which `tryWrite` goes
   * on. A byte that libuv has cannot be taken back, so a revocable write looks again and again instead.
   */
  override write(chunk: Uint8Array, revocable?: boolean): Promise<number> {
    this.#retries = revocable === true ? new Retries(() => this.tryWrite(chunk)) : undefined;
    return this.#retries?.done ?? super.write(chunk.subarray(0, 1));
  }

  takeBack(): number {
    return this.#retries === undefined ? 1 : this.#retries.stop();
  }

  committed(closing: boolean): number {
    return this.#retries === undefined && !closing ? 1 : 0;
  }

  /** A byte that libuv has not sent goes with the socket: a peer that does not read would keep the process alive. */
  override close(): Promise<void> {
    this.socket.destroy();
    return super.close();
  }

  override setOption(name: string, value: number): boolean {
    return super.setOption(name, value) || setNodeOption(this.#fd, name, value);
  }

  override getOption(name: string): number | undefined {
    return getNodeOption(this.#fd, name);
  }

  /** Keeps the descriptor and stops looking at it: Node has no way to let go of one. */
  release(): number {
    const { _handle: handle } = this.socket;
    // As Node does it itself where a reader answers false.
    if (handle?.reading === true) {
      handle.reading = false;
      handle.readStop?.();
    }
    return release(this);
  }

  /** The descriptor is about to be closed. */
  leaving(error: Error | null): void {
    // A write error destroys the socket and would lose what the kernel still holds unread. After an error
    // of reading there is nothing left.
    if ((error as { syscall?: string } | null)?.syscall === "write") this.#drain();
    this.#fd = -1;
  }

  /**
   * libuv writes on after a part was taken, and keeps the error of that to itself: the next write finds what the kernel
   * says after a reset was told.
   */
  protected override failure(error: Error): Error {
    const hidden = this.#partial && !this.#ended && (error as { code?: string }).code === "EPIPE";
    this.#partial = false;
    return hidden ? Object.assign(error, { code: "ECONNRESET" }) : error;
  }

  protected override ended(): void {
    this.#ended = true;
    hidesReset ??= Number(nodeProcess().versions["node"]?.split(".")[0]) < 24;
    if (hidesReset) {
      try {
        this.#fs.readSync(this.#fd, new Uint8Array(1));
      } catch (error) {
        if ((error as { code?: string }).code === "ECONNRESET") return this.sink.error(error);
      }
    }
    super.ended();
  }

  #drain(): void {
    for (;;) {
      const chunk = new Uint8Array(READ_AHEAD);
      let count: number;
      try {
        count = this.#fs.readSync(this.#fd, chunk);
      } catch {
        // EAGAIN: nothing more is there; or the reset, which is reported as the write's error.
        return;
      }
      if (count === 0) return;
      this.sink.data(chunk.slice(0, count), true);
    }
  }
}

function destroyed(
  this: NetSocket,
  error: Error | null,
  callback: (error: Error | null) => void,
): void {
  ownerOf<NodeStream>(this).leaving(error);
  nodeModule("node:net").Socket.prototype._destroy.call(this, error, callback);
}
