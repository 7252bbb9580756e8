/** An AF_UNIX datagram socket that sends while it receives. */

import { deno, type DenoDatagram, type DenoNetAddr } from "./types.ts";

/** A unique abstract name for a socket without one: Deno 2.9 rejects an empty path unless everything is permitted. */
export function freshName(): string {
  return `\0${crypto.randomUUID()}`;
}

/**
 * A socket whose calls never overlap. Deno 2.9 allows one call at a time; others fail with "Socket already in use". So
 * sends go one after another, and a send that finds a receive waiting first ends it, with a datagram from an extra
 * socket.
 */
export class UnixPacketConn implements DenoDatagram {
  readonly addr: DenoNetAddr;
  #conn: DenoDatagram;
  #waker: DenoDatagram | undefined;
  #receiving: Promise<[Uint8Array<ArrayBuffer>, DenoNetAddr]> | undefined;
  /** How many sends are not over. */
  #sending = 0;
  /** Settles when the last send is over; never rejects. */
  #sent: Promise<unknown> = Promise.resolve();

  constructor(conn: DenoDatagram) {
    this.#conn = conn;
    this.addr = conn.addr;
  }

  async receive(
    buffer: Uint8Array<ArrayBuffer>,
  ): Promise<[data: Uint8Array<ArrayBuffer>, from: DenoNetAddr]> {
    for (;;) {
      while (this.#sending > 0) await this.#sent;
      this.#receiving = this.#conn.receive(buffer);
      try {
        const received = await this.#receiving;
        const waker = this.#waker;
        if (waker === undefined || received[1].path !== waker.addr.path) return received;
      } finally {
        this.#receiving = undefined;
      }
    }
  }

  send(data: Uint8Array, to: Record<string, unknown>): Promise<number> {
    this.#sending++;
    // It waits, if only for a microtask, in which the caller may change its buffer.
    const own = data.slice();
    const sent = this.#sent.then(() => this.#send(own, to)).finally(() => this.#sending--);
    this.#sent = sent.catch(() => {/* Its caller reports it. */});
    return sent;
  }

  ref(): void {
    this.#conn.ref();
  }

  unref(): void {
    this.#conn.unref();
  }

  close(): void {
    this.#conn.close();
    this.#waker?.close();
  }

  async #send(data: Uint8Array, to: Record<string, unknown>): Promise<number> {
    if (this.#receiving !== undefined) await this.#endReceive();
    return await this.#conn.send(data, to);
  }

  async #endReceive(): Promise<void> {
    this.#waker ??= deno().listenDatagram!({ transport: "unixpacket", path: freshName() });
    const { path } = this.addr;
    await this.#waker.send(new Uint8Array(0), { transport: "unixpacket", path });
    // The send waits for the receive, and the process must live for the send.
    this.#conn.ref();
    await this.#receiving?.catch(() => {/* The receiver reports it. */});
    this.#conn.unref();
  }
}
