/** One end of a connection, as Linux has it over loopback: what is sent arrives at once. */

import { notGenerated } from "./differences.ts";
import { type Result, Undetermined } from "./program.ts";

/** TCP. */
export class End {
  peer!: End;
  localName = "";
  peerName = "";
  /** Bytes that have arrived. */
  unread = "";
  /** The peer's FIN has arrived. */
  fin = false;
  rdShut = false;
  wrShut = false;
  /** The connection is gone by a reset. */
  dead = false;
  /** The program has closed its socket. */
  closed = false;
  /** The pending error: the kernel's sk_err. */
  error: string | undefined;

  /** Whether both directions have ended: the state CLOSED of RFC 9293, or TIME-WAIT. */
  get isOver(): boolean {
    return this.dead || (this.fin && this.wrShut);
  }

  /** Whether a send succeeds and the peer is there to receive it. */
  get canSend(): boolean {
    return this.error === undefined && !this.wrShut && !this.dead && !this.peer.closed &&
      !this.peer.dead;
  }

  /** Whether a receive of so many bytes would have to wait. */
  wouldWait(count: number): boolean {
    const ended = this.fin || this.error !== undefined || this.dead || this.rdShut;
    return !ended && this.unread.length < count;
  }

  send(data: string): Result {
    if (this.error !== undefined) return `!${this.#takeError()}`;
    if (this.wrShut || this.dead) return "!EPIPE";
    if (data.length === 0) return "0";
    const { peer } = this;
    if (peer.closed || peer.dead) {
      // Nobody is there: the peer's kernel answers with RST.
      this.reset();
    } else if (peer.rdShut && peer.wrShut) {
      throw notGenerated("bytes for a socket that has shut down both directions");
    } else {
      peer.unread += data;
    }
    return String(data.length);
  }

  /** Bytes after a quote, an error after an exclamation mark; `undefined` where it would wait. */
  receive(max: number, all: boolean, peek: boolean): string | undefined {
    const ended = this.fin || this.error !== undefined || this.dead || this.rdShut;
    if (this.unread.length >= (all && !ended ? max : 1)) {
      const data = this.unread.slice(0, max);
      if (!peek) this.unread = this.unread.slice(data.length);
      return `'${data}`;
    }
    if (all && this.unread.length > 0 && peek) throw new Undetermined();
    if (this.fin) return "'";
    if (this.error !== undefined) return `!${this.#takeError()}`;
    return this.rdShut || this.dead ? "'" : undefined;
  }

  shutdown(how: string): Result {
    if (this.isOver) return "!ENOTCONN";
    if (how !== "SHUT_WR") this.rdShut = true;
    if (how !== "SHUT_RD" && !this.wrShut) {
      this.wrShut = true;
      this.peer.fin = true;
    }
    return "ok";
  }

  close(reset: boolean): void {
    if (!this.isOver && (reset || this.unread !== "")) this.abort();
    else if (!this.isOver && !this.wrShut) this.peer.fin = true;
    this.wrShut = true;
    this.closed = true;
    this.unread = "";
  }

  /** Sends RST. */
  abort(): void {
    this.dead = this.closed = true;
    this.peer.reset();
  }

  /** RST arrives. */
  reset(): void {
    if (this.isOver) {
      this.dead = true;
      return;
    }
    this.dead = true;
    // tcp_reset() of Linux: CLOSE-WAIT has been told the end already.
    this.error = this.fin ? "EPIPE" : "ECONNRESET";
  }

  #takeError(): string {
    const error = this.error!;
    this.error = undefined;
    return error;
  }
}

/** AF_UNIX: both ends are in one kernel, and know each other's state at once. */
export class UnixEnd extends End {
  override get isOver(): boolean {
    return this.dead;
  }

  override send(data: string): Result {
    const { peer } = this;
    if (this.wrShut || peer.closed || peer.rdShut) return "!EPIPE";
    peer.unread += data;
    return String(data.length);
  }

  override receive(max: number, all: boolean, peek: boolean): string | undefined {
    const data = super.receive(max, all, peek);
    return data === "'" && this.error !== undefined ? this.#reported() : data;
  }

  override shutdown(how: string): Result {
    if (how !== "SHUT_WR") this.rdShut = true;
    if (how !== "SHUT_RD") {
      this.wrShut = true;
      this.peer.fin = true;
    }
    return "ok";
  }

  override close(_reset: boolean): void {
    if (this.unread !== "") this.peer.error = "ECONNRESET";
    this.#gone();
  }

  override abort(): void {
    this.peer.error = "ECONNRESET";
    this.#gone();
  }

  #gone(): void {
    this.closed = true;
    this.unread = "";
    this.peer.fin = true;
  }

  #reported(): string {
    const error = this.error!;
    this.error = undefined;
    return `!${error}`;
  }
}
