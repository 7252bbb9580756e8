/** A stream over a `Deno.Conn`. */

import { SOCK_STREAM } from "../../core/constants.ts";
import type { Address, Stream, StreamSink } from "../adapter.ts";
import { isUnix } from "../endpoints.ts";
import { setDescriptorOption } from "../libc/options.ts";
import { errorCode } from "./errors.ts";
import { libc } from "./ffi.ts";
import { DenoOptions } from "./options.ts";
import type { DenoConn } from "./types.ts";

/**
 * Sizes of the read buffer. A fresh one of 64 KiB for each read costs 12 µs; a small one, reused and grown on demand,
 * keeps idle connections light.
 */
const SMALLEST_BUFFER = 512;
const LARGEST_BUFFER = 64 * 1024;
/** After so many reads in a row that have filled less than a quarter of it, a buffer gives way to a smaller one. */
const MOST_SMALL = 8;

/** A stream that reads only while a receive waits: a pending read costs memory. */
export class DenoStream implements Stream {
  readonly local: Address;
  readonly remote: Address;
  readonly readAhead = 0;
  declare sink: StreamSink;
  #conn: DenoConn;
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(SMALLEST_BUFFER);
  /** How many reads in a row have filled little of it. */
  #small = 0;
  /** Whether a read is under way. Deno cannot cancel it, so its bytes are for the next receive. */
  #reading = false;
  /** The receive's memory that the read fills, if any. */
  #into: Uint8Array | undefined;
  #over = false;
  #closed = false;
  #whenIdle: (() => void) | undefined;
  #options: DenoOptions | undefined;
  /** The last write. */
  #writing: Promise<number> | undefined;
  /** Options that are set when it is over. */
  #postponed: Map<string, number> | undefined;

  constructor(conn: DenoConn, local: Address, remote: Address) {
    conn.unref();
    this.#conn = conn;
    this.local = local;
    this.remote = remote;
  }

  get fd(): number {
    return -1;
  }

  resume(into?: Uint8Array): void {
    if (!this.#reading && !this.#over) this.#read(into);
  }

  ref(): void {
    this.#conn.ref();
  }

  unref(): void {
    this.#conn.unref();
  }

  write(chunk: Uint8Array): Promise<number> {
    if (this.#postponed !== undefined) this.#setPostponed();
    return this.#writing = this.#conn.write(chunk);
  }

  shutdownWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  /** Aborts the connection with RST; only closes it if the descriptor is not available. */
  reset(): Promise<void> {
    // Not through SO_LINGER: Deno 2.9 sends FIN before it closes the descriptor, and the peer would see the end of the
    // stream.
    if (!this.#closed && !isUnix(this.local)) {
      this.#descriptorOptions().withDescriptor((c, fd) => c.disconnect(fd));
    }
    return this.close();
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = this.#over = true;
    // The descriptor is closed with the pending read, and the process must live until then.
    if (this.#reading) this.#conn.ref();
    this.#conn.close();
    if (!this.#reading) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle = resolve);
  }

  setOption(name: string, value: number): boolean {
    switch (name) {
      case "TCP_NODELAY":
      case "SO_KEEPALIVE":
        this.#setByDeno(name, value);
        return true;
      case "SO_LINGER":
        // Deno 2.9: Deno.Conn itself cannot reset. A UNIX socket has no RST.
        return value !== 0 || isUnix(this.local) || libc() !== undefined;
      default:
        return name === "SO_REUSEADDR" || this.#descriptorOptions().set(name, value);
    }
  }

  getOption(name: string): number | undefined {
    return this.#descriptorOptions().get(name);
  }

  /** The descriptor; -1 if unknown. */
  protected get descriptor(): number {
    return -1;
  }

  #descriptorOptions(): DenoOptions {
    const { local, remote } = this;
    const names = { type: SOCK_STREAM, local, remote, shared: isUnix(local) };
    return this.#options ??= new DenoOptions(names, this.descriptor);
  }

  /** Deno 2.9 cannot set an option while a write waits: then through the descriptor, or when that write is over. */
  #setByDeno(name: string, value: number): void {
    this.#postponed?.delete(name);
    try {
      if (name === "TCP_NODELAY") this.#conn.setNoDelay?.(value !== 0);
      else this.#conn.setKeepAlive?.(value !== 0);
    } catch (error) {
      // Deno's error for it has no code.
      if (errorCode(error) !== undefined || this.#writing === undefined) throw error;
      const set = this.#descriptorOptions()
        .withDescriptor((c, fd) => setDescriptorOption(c, fd, name, value));
      if (set === true) return;
      this.#postponed ??= new Map();
      this.#postponed.set(name, value);
      const over = (): void => this.#setPostponed();
      this.#writing.then(over, over);
    }
  }

  #setPostponed(): void {
    const postponed = this.#postponed;
    this.#postponed = undefined;
    if (postponed === undefined || this.#closed) return;
    for (const [name, value] of postponed) {
      try {
        this.#setByDeno(name, value);
      } catch {
        // The connection is gone.
      }
    }
  }

  // Callbacks instead of an async loop save two promises per receive.
  #read(into: Uint8Array | undefined): void {
    this.#reading = true;
    this.#into = into;
    this.#conn.read(into ?? this.#buffer).then(this.#received, this.#failed);
  }

  #received = (count: number | null): void => {
    this.#reading = false;
    if (this.#over) return this.#whenIdle?.();
    if (count === null) {
      this.#over = true;
      this.sink.end();
    } else if (this.#push(count) && !this.#over) {
      this.#read(undefined);
    }
  };

  #failed = (error: unknown): void => {
    this.#reading = false;
    if (this.#over) return this.#whenIdle?.();
    this.#over = true;
    this.sink.error(error);
  };

  /** Passes the bytes to the core; returns whether it wants more. */
  #push(count: number): boolean {
    if (this.#into !== undefined) return this.sink.filled(count);
    const buffer = this.#buffer;
    // The core copies these bytes. Handing over the buffer would cost more: Deno 2.9 zero-fills a fresh one.
    if (count < buffer.length || count === LARGEST_BUFFER) {
      if (buffer.length > SMALLEST_BUFFER) this.#shrink(count);
      return this.sink.data(buffer.subarray(0, count), false);
    }
    this.#buffer = new Uint8Array(Math.min(count * 4, LARGEST_BUFFER));
    return this.sink.data(buffer, true);
  }

  /** Notes a read that has not filled the buffer, and gives up a large one once the connection has become quiet. */
  #shrink(count: number): void {
    const { length } = this.#buffer;
    this.#small = count >= length / 4 ? 0 : this.#small + 1;
    if (this.#small < MOST_SMALL) return;
    this.#small = 0;
    this.#buffer = new Uint8Array(Math.max(SMALLEST_BUFFER, length / 4));
  }
}
