/** A stream over a socket of Bun. */

import type { Address, Stream, StreamSink } from "../adapter.ts";
import { codedError } from "../coded_error.ts";
import { release } from "../released.ts";
import { BULK, BulkReader, type BulkSource } from "./bulk.ts";
import type { BunHandlers, BunSocket } from "./types.ts";

/** How many unread bytes the core may hold before the stream pauses: a pause and a resume cost four system calls. */
const READ_AHEAD = 64 * 1024;

/** Calls on connected sockets, through libc or Bun's own API. */
export interface BunStreamCalls {
  /** Sets an option; returns whether it could. */
  set(socket: BunSocket<unknown>, name: string, value: number): boolean;
  /** Reads an option. */
  get(socket: BunSocket<unknown>, name: string): number | undefined;
  /** recv(2), as in {@linkcode BulkSource}. Absent without libc. */
  receive?(socket: BunSocket<unknown>, into: Uint8Array): number | undefined;
}

/** A write that waits for room, or was just completed. */
interface Write {
  readonly chunk: Uint8Array;
  taken: number;
  /** Whether it is over or was taken back. */
  ended: boolean;
  resolve(taken: number): void;
  reject(error: unknown): void;
}

/** A stream over a connected socket that was opened paused. */
export class BunStream implements Stream, BulkSource {
  readonly local: Address;
  readonly remote: Address;
  declare sink: StreamSink;
  #socket: BunSocket<unknown>;
  #calls: BunStreamCalls;
  /** The reader while bytes come in bulk; Bun is paused then. */
  #bulk: BulkReader | undefined;
  /** Whether Bun reads. `full` means that the sink wants no more, but Bun may read one more chunk. */
  #reading: "no" | "yes" | "full" = "no";
  /** Whether the peer's FIN has come, or the connection is gone. */
  #state: "open" | "ended" | "closed" = "open";
  /** Whether a write has found the connection broken. */
  #broken = false;
  #markClosed: (() => void) | undefined;
  /** The last write. */
  #write: Write | undefined;
  /** How many reasons there are to keep the process alive: waiting receives, a waiting write. */
  #refs = 0;

  constructor(
    socket: BunSocket<unknown>,
    local: Address,
    remote: Address,
    calls: BunStreamCalls,
  ) {
    this.#socket = socket;
    this.local = local;
    this.remote = remote;
    this.#calls = calls;
    socket.unref();
    // Bun sets TCP_NODELAY on every socket; Linux does not.
    if (this.#isTcp) socket.setNoDelay(false);
  }

  /** Resolves when the descriptor is closed. */
  get closed(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => this.#markClosed = resolve);
  }

  get fd(): number {
    return this.#isClosed ? -1 : this.#socket.fd;
  }

  /** 0 in bulk, when each receive has a read of its own. */
  get readAhead(): number {
    return this.#bulk === undefined ? READ_AHEAD : 0;
  }

  resume(into?: Uint8Array): void {
    if (this.#reading === "full") this.#reading = "yes";
    if (this.#state !== "open") return;
    if (this.#bulk !== undefined) return this.#bulk.read(into);
    if (this.#reading === "yes") return;
    this.#reading = "yes";
    this.#socket.resume();
  }

  ref(): void {
    if (this.#refs++ === 0) this.#socket.ref();
  }

  unref(): void {
    if (--this.#refs === 0) this.#socket.unref();
  }

  tryWrite(chunk: Uint8Array): number {
    if (this.#isClosed) throw gone("EPIPE");
    const count = this.#socket.write(chunk);
    if (count >= 0) return count;
    // Bun 1.4: a failed write returns -1 without an errno. Linux reports EPIPE after the peer's FIN and for AF_UNIX,
    // else ECONNRESET once.
    const isReset = this.#isTcp && this.#state !== "ended" && !this.#broken;
    const code = isReset ? "ECONNRESET" : "EPIPE";
    this.#broken = true;
    throw gone(code);
  }

  write(chunk: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#write = { chunk, taken: 0, ended: false, resolve, reject };
      this.ref();
      this.drained();
    });
  }

  takeBack(): number {
    const taken = this.#write?.taken ?? 0;
    this.#endWrite();
    this.#write = undefined;
    return taken;
  }

  committed(): number {
    return this.#write?.taken ?? 0;
  }

  shutdownWrite(): Promise<void> {
    if (!this.#isClosed) this.#socket.shutdown();
    return Promise.resolve();
  }

  reset(): Promise<void> {
    this.#leave();
    this.#socket.terminate();
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#leave();
    this.#socket.end();
    return Promise.resolve();
  }

  setOption(name: string, value: number): boolean {
    // Bun 1.4 closes the descriptor of a broken connection, which has no options any more.
    if (this.#isClosed) return true;
    return this.#calls.set(this.#socket, name, value);
  }

  getOption(name: string): number | undefined {
    return this.#isClosed ? undefined : this.#calls.get(this.#socket, name);
  }

  release(): number {
    this.#stopBulk();
    this.#endWrite();
    if (this.#reading !== "no" && this.#state === "open") this.#pause();
    return release(this);
  }

  receive(into: Uint8Array): number | undefined {
    return this.#calls.receive?.(this.#socket, into);
  }

  filled(count: number): boolean {
    return this.sink.filled(count);
  }

  data(chunk: Uint8Array<ArrayBuffer>, owned: boolean): boolean {
    return this.sink.data(chunk, owned);
  }

  /** Reports an error of recv(2). The kernel reports it once; Bun will only see the end of the connection. */
  failed(error: unknown): void {
    this.#broken = true;
    this.sink.error(error);
    this.leave();
  }

  leave(): void {
    this.#stopBulk();
    this.resume();
  }

  /** Takes bytes from Bun, perhaps while paused: Bun 1.4 empties the receive buffer when it sees a reset. */
  received(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#isClosed) return;
    if (chunk.length >= BULK && this.#calls.receive !== undefined && this.#reading !== "no") {
      this.#bulk = new BulkReader(this);
      this.#pause();
    }
    if (this.sink.data(chunk, true)) {
      if (this.#reading === "full") this.#reading = "yes";
      this.#bulk?.read();
    } else if (this.#reading === "full") {
      this.#pause();
    } else if (this.#reading === "yes") {
      // Pausing costs more than a chunk: a program that reads as fast as bytes come has emptied the queue by the next
      // one.
      this.#reading = "full";
    }
  }

  /** Tries the waiting write: there may be room. Bun's event also comes when there is none. */
  drained(): void {
    const write = this.#write;
    if (write === undefined || write.ended) return;
    try {
      write.taken = this.tryWrite(write.chunk);
    } catch (error) {
      this.#endWrite();
      this.#write = undefined;
      return write.reject(error);
    }
    // Nothing can be taken from a chunk with a detached buffer; the core handles that.
    if (write.taken === 0 && write.chunk.length > 0) return;
    this.#endWrite();
    write.resolve(write.taken);
  }

  /** The peer's FIN has come. */
  finished(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.sink.end();
  }

  /** The descriptor is closed: with an error after a reset, without one when both sides have finished. */
  gone(error: Error | undefined): void {
    if (this.#isClosed) return;
    const ended = this.#state === "ended";
    this.#leave();
    if (error !== undefined) this.sink.error(error);
    else if (!ended) this.sink.end();
  }

  get #isTcp(): boolean {
    return Array.isArray(this.remote);
  }

  get #isClosed(): boolean {
    return this.#state === "closed";
  }

  /** Ends the last write: nothing more of it is sent. */
  #endWrite(): void {
    if (this.#write === undefined || this.#write.ended) return;
    this.#write.ended = true;
    this.unref();
  }

  #pause(): void {
    this.#reading = "no";
    this.#socket.pause();
  }

  #stopBulk(): void {
    this.#bulk?.stop();
    this.#bulk = undefined;
  }

  #leave(): void {
    this.#state = "closed";
    this.#stopBulk();
    this.#markClosed?.();
    const write = this.#write;
    this.#write = undefined;
    // No effect on a write that is over.
    write?.reject(gone("EPIPE"));
  }
}

function gone(code: string): Error {
  return codedError(code, "the connection is gone");
}

/** The events of connected sockets, one object for all: inline handlers would double the time of a connection. */
export const streamHandlers: BunHandlers<BunStream> = {
  binaryType: "uint8array",
  data: (socket, chunk) => socket.data.received(chunk),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.finished(),
  close: (socket, error) => socket.data.gone(error),
};
