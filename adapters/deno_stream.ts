/** A stream over a `Deno.Conn`. */

import type { Address, Stream, StreamSink } from "./adapter.ts";
import type { DenoConn } from "./deno_types.ts";

/** A fresh buffer of 64 KiB for each read costs 12 µs; a small kept one that grows on demand keeps idle connections light. */
const SMALLEST_BUFFER = 2 * 1024;
const LARGEST_BUFFER = 64 * 1024;

/** A stream that reads only while a receive waits: a pending read costs memory and keeps the process alive. */
export class DenoStream implements Stream {
  readonly local: Address;
  readonly remote: Address;
  readonly readAhead = 0;
  declare sink: StreamSink;
  #conn: DenoConn;
  #buffer: Uint8Array | undefined;
  /** The read under way; Deno cannot cancel it, so its bytes are for the next receive. */
  #reading: Promise<void> | undefined;
  #over = false;
  #closed = false;

  constructor(conn: DenoConn, local: Address, remote: Address) {
    this.#conn = conn;
    this.local = local;
    this.remote = remote;
  }

  get fd(): number {
    return -1;
  }

  resume(): void {
    if (this.#reading === undefined && !this.#over) this.#reading = this.#read();
  }

  write(chunk: Uint8Array): Promise<number> {
    return this.#conn.write(chunk);
  }

  shutdownWrite(): Promise<void> {
    return this.#conn.closeWrite();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = this.#over = true;
    this.#conn.close();
    await this.#reading;
  }

  setOption(name: string, value: number): boolean {
    switch (name) {
      case "TCP_NODELAY":
        this.#conn.setNoDelay?.(value !== 0);
        return true;
      case "SO_KEEPALIVE":
        this.#conn.setKeepAlive?.(value !== 0);
        return true;
      case "SO_LINGER":
        // Deno 2.9: Deno.Conn cannot reset. Set before connect, the connection is made by node:net, which can.
        return value !== 0;
      default:
        return name === "SO_REUSEADDR";
    }
  }

  getOption(_name: string): number | undefined {
    return undefined;
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const buffer = this.#buffer ??= new Uint8Array(SMALLEST_BUFFER);
        const count = await this.#conn.read(buffer);
        if (this.#over) return;
        if (count === null) {
          this.#over = true;
          this.sink.end();
          return;
        }
        if (count === buffer.length && count < LARGEST_BUFFER) {
          this.#buffer = new Uint8Array(count * 4);
        }
        if (!this.sink.data(buffer.subarray(0, count), false) || this.#over) return;
      }
    } catch (error) {
      if (this.#over) return;
      this.#over = true;
      this.sink.error(error);
    } finally {
      this.#reading = undefined;
    }
  }
}
