/** A stream of Node with a known descriptor: writes go straight to it. */

import type { Address, InetAddress } from "../adapter.ts";
import {
  type FsModule,
  type HandleAddress,
  type NetSocket,
  nodeModule,
  nodeProcess,
} from "../builtin/modules.ts";
import { NetStream, READ_AHEAD } from "../builtin/net_stream.ts";
import { ownerOf } from "../builtin/owner.ts";
import { scopeOf } from "../builtin/resolver.ts";
import { codedError } from "../coded_error.ts";
import { addressFrom } from "../endpoints.ts";
import { release } from "../released.ts";
import { Retries } from "../retries.ts";
import { type Reader, readShared } from "./onread.ts";
import { getNodeOption, setByLibc, setNodeOption } from "./options.ts";

/** The most for one write(2): Node rejects 2 GiB and more, and Linux takes no more at a time. */
const LARGEST_SYNC_WRITE = 2 ** 30;

/** Taken once: a program may stub these functions to see what it prints, which must not affect sockets. */
let calls: DescriptorCalls | undefined;

type DescriptorCalls = Pick<FsModule, "readSync" | "writeSync">;

function takeCalls(): DescriptorCalls {
  const { readSync, writeSync } = nodeModule("node:fs");
  return { readSync, writeSync };
}

/** Whether a reset after unread data ends the stream as a FIN would: before Node 24. */
let hidesReset: boolean | undefined;

/** A stream over a connected socket with its descriptor. */
export class NodeStream extends NetStream implements Reader {
  keeps = true;
  readonly #fs: DescriptorCalls;
  #fd: number;
  /** The last write, if it was revocable. */
  #retries: Retries | undefined;
  /** Whether the last `tryWrite` took only a part. */
  #partial = false;
  /** Whether the peer's FIN has come. */
  #ended = false;

  constructor(socket: NetSocket, local: Address, remote: Address) {
    super(socket, local, remote);
    this.#fs = calls ??= takeCalls();
    // If this version of Node cannot, chunks come through push().
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

  /** Takes bytes that did not come through `push()`. */
  received(chunk: Uint8Array<ArrayBuffer>, owned: boolean): boolean {
    return this.sink.data(chunk, owned);
  }

  /** write(2) itself: it reports what was taken, and an error does not destroy the socket. */
  tryWrite(chunk: Uint8Array): number {
    if (this.#fd < 0) throw codedError("EPIPE", "the socket is gone");
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
   * Writes when there is no room. libuv reports room only by sending something: one byte, after which `tryWrite`
   * continues. A byte that libuv has cannot be taken back, so a revocable write polls instead.
   */
  override write(chunk: Uint8Array, revocable?: boolean): Promise<number> {
    this.#retries = revocable === true
      ? new Retries(chunk, (chunk) => this.tryWrite(chunk))
      : undefined;
    return this.#retries?.done ?? super.write(chunk.subarray(0, 1));
  }

  takeBack(): number {
    return this.#retries === undefined ? 1 : this.#retries.stop();
  }

  /** The byte is sent already if there was room again by the time that libuv had it: the promise settles later. */
  committed(): number {
    const { _handle: handle, errored } = this.socket;
    return this.#retries === undefined && handle?.writeQueueSize === 0 && !errored ? 1 : 0;
  }

  /**
   * Closes the socket at once, with a byte that libuv has not sent: a peer that does not read would keep the process
   * alive.
   */
  override close(): Promise<void> {
    this.socket.destroy();
    return super.close();
  }

  override setOption(name: string, value: number): boolean {
    if (name === "SO_KEEPALIVE" && !Array.isArray(this.remote)) {
      // node:net has no call for it with a UNIX socket. It means nothing there: without libc it is only remembered.
      setByLibc(this.#fd, name, value);
      return true;
    }
    return super.setOption(name, value) || setNodeOption(this.#fd, name, value);
  }

  override getOption(name: string): number | undefined {
    return getNodeOption(this.#fd, name);
  }

  /** Keeps the descriptor and stops reading: Node has no way to let go of one. */
  release(): number {
    const { _handle: handle } = this.socket;
    // As Node does itself when a reader returns false.
    if (handle?.reading === true) {
      handle.reading = false;
      handle.readStop?.();
    }
    return release(this);
  }

  /** The descriptor is about to be closed. */
  leaving(error: Error | null): void {
    // A write error destroys the socket and would lose what the kernel still holds unread. After a read error there is
    // nothing left.
    if ((error as { syscall?: string } | null)?.syscall === "write") this.#drain();
    this.#fd = -1;
  }

  /**
   * The error to report for a failed write. libuv continues after a partial write and hides its error: after a reset,
   * the next write fails with EPIPE instead of ECONNRESET.
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
      } catch (error) {
        // EAGAIN: there is nothing more; or the reset. That is the error of the write itself for TCP, and EPIPE for
        // AF_UNIX.
        const isReset = (error as { code?: string }).code === "ECONNRESET";
        if (isReset && !Array.isArray(this.remote)) this.sink.error(error);
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

/** A stream over a TCP socket; `known` is the local address, if known already. */
export function inetStream(socket: NetSocket, family: number, known?: InetAddress): NetStream {
  const local = known ?? nameOf(socket, "getsockname", family);
  return streamOver(socket, local, nameOf(socket, "getpeername", family));
}

/** An address of a connection. Not through `remoteAddress` and the like: the socket would keep an object for each. */
function nameOf(
  socket: NetSocket,
  call: "getsockname" | "getpeername",
  family: number,
): InetAddress {
  const out: HandleAddress = {};
  socket._handle?.[call]?.(out);
  return addressFrom(family, out.address, out.port, scopeOf);
}

/** A stream over any socket. */
export function streamOver(socket: NetSocket, local: Address, remote: Address): NetStream {
  // Windows has no descriptors.
  const hasDescriptor = (socket._handle?.fd ?? -1) >= 0;
  return hasDescriptor
    ? new NodeStream(socket, local, remote)
    : new NetStream(socket, local, remote);
}
