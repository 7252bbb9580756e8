/** An AF_UNIX datagram socket that sends while it receives. */

import { refusal } from "../coded_error.ts";
import { deno, type DenoDatagram, type DenoNetAddr } from "./types.ts";

/** A unique abstract name for a socket without one: Deno 2.9 rejects an empty path unless everything is permitted. */
export function freshName(): string {
  return `\0${crypto.randomUUID()}`;
}

/** The bytes and the sender of a datagram. */
type Received = [data: Uint8Array<ArrayBuffer>, from: DenoNetAddr];

/**
 * A socket whose calls never overlap. Deno 2.9 allows one call at a time; others fail with "Socket already in use". So
 * sends go one after another, and a send that finds a receive waiting first ends it, with a datagram from an extra
 * socket.
 */
export class UnixPacketConn implements DenoDatagram {
  readonly addr: DenoNetAddr;
  #conn: DenoDatagram;
  #file: string | undefined;
  #waker: DenoDatagram | undefined;
  /** Settles when the waker has sent its last datagram so far; never rejects. */
  #woken: Promise<unknown> = Promise.resolve();
  #receiving: Promise<Received> | undefined;
  /** How many sends are not over. */
  #sending = 0;
  /** Settles when the last send is over; never rejects. */
  #sent: Promise<unknown> = Promise.resolve();

  constructor(conn: DenoDatagram) {
    this.#conn = conn;
    this.addr = conn.addr;
    try {
      this.#file = fileOf(conn.addr);
    } catch {
      // Removed already. A file that is there later is another one.
    }
  }

  async receive(buffer: Uint8Array<ArrayBuffer>): Promise<Received> {
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
    const receiving = this.#receiving;
    if (receiving !== undefined) await this.#end(receiving);
    return await this.#conn.send(data, to);
  }

  /** Ends a receive. */
  async #end(receiving: Promise<Received>): Promise<void> {
    const ended = receiving.then(() => {}, () => {/* The receiver reports it. */});
    // The send waits for the receive, and the process must live for the send.
    this.#conn.ref();
    // The waker waits for room in this socket's queue, but if there is none, the receive ends by itself.
    await Promise.race([ended, this.#wake(receiving).then(() => ended)])
      .finally(() => this.#conn.unref());
  }

  /** Sends the datagram that ends a receive, after those for earlier ones. */
  #wake(receiving: Promise<Received>): Promise<void> {
    const woken = this.#woken.then(() =>
      this.#receiving === receiving ? this.#sendWake() : undefined
    );
    this.#woken = woken.catch(() => {/* The send that waits for it reports it. */});
    return woken;
  }

  async #sendWake(): Promise<void> {
    try {
      const { path } = this.addr;
      // Else the datagram would go there, and the send wait forever.
      if (fileOf(this.addr) !== this.#file) {
        throw new Error("its path leads to another file by now");
      }
      this.#waker ??= deno().listenDatagram!({ transport: "unixpacket", path: freshName() });
      await this.#waker.send(new Uint8Array(0), { transport: "unixpacket", path });
    } catch (cause) {
      const reason = (cause as Error).message;
      throw refusal("EBUSY", `the socket receives, and Deno cannot interrupt that: ${reason}`);
    }
  }
}

/** What tells the file of an address from others; `undefined` for an abstract name, which nobody else can have. */
function fileOf({ path }: DenoNetAddr): string | undefined {
  if (path == null || path.startsWith("\0")) return undefined;
  const { dev, ino } = deno().statSync(path);
  return `${dev} ${ino}`;
}
