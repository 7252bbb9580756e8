/**
 * A stream over a `Deno.Conn` whose descriptor is known, where `--allow-ffi` was granted: it sends by send(2), which
 * tells at once what the system takes. `Deno.Conn` keeps what it was given, and costs a twentieth more a message.
 */

import type { Address, Awaitable } from "../adapter.ts";
import { Retries } from "../retries.ts";
import { isDescriptor } from "./descriptor.ts";
import { libc } from "./ffi.ts";
import type { DenoLibc } from "./libc.ts";
import { DenoStream } from "./stream.ts";
import type { DenoConn } from "./types.ts";

const SOCK_STREAM = 1;

/** The stream of a connection that was accepted: one that sends itself where it can. */
export function acceptedStream(conn: DenoConn, local: Address, remote: Address): DenoStream {
  // Of a UNIX connection Deno does not tell the descriptor.
  return streamOver(conn, local, remote, acceptedDescriptor(conn));
}

/**
 * The stream of a connection that was made, and sends itself where it can.
 *
 * @param fd the descriptor that it should have
 */
export function connectedStream(
  conn: DenoConn,
  local: Address,
  remote: Address,
  fd: number,
): DenoStream {
  const c = fd < 0 ? undefined : libc();
  const names = { type: SOCK_STREAM, local, remote, shared: false };
  const isIts = c !== undefined && isDescriptor(c, fd, names);
  return streamOver(conn, local, remote, isIts ? fd : -1);
}

function streamOver(conn: DenoConn, local: Address, remote: Address, fd: number): DenoStream {
  const c = fd < 0 ? undefined : libc();
  return c === undefined
    ? new DenoStream(conn, local, remote)
    : new DirectStream(conn, local, remote, c, fd);
}

class DirectStream extends DenoStream {
  #libc: DenoLibc;
  #fd: number;
  /** The last write, where it was a revocable one. */
  #retries: Retries | undefined;
  /** The last write that was none. */
  #writing: Promise<number> | undefined;
  /** The bytes of it that are gone, or that Deno has to send. */
  #gone = 0;

  constructor(conn: DenoConn, local: Address, remote: Address, c: DenoLibc, fd: number) {
    super(conn, local, remote);
    this.#libc = c;
    this.#fd = fd;
  }

  tryWrite(chunk: Uint8Array): number {
    if (this.#fd < 0) throw Object.assign(new Error("the connection is closed"), { code: "EPIPE" });
    return this.#libc.send(this.#fd, chunk);
  }

  /**
   * Called when there is no room. Deno tells of room only by sending something: one byte, after which `tryWrite` goes
   * on. A byte that Deno has cannot be taken back, so a revocable write looks again and again instead.
   */
  override write(chunk: Uint8Array, revocable?: boolean): Promise<number> {
    this.#retries = revocable === true ? new Retries(() => this.tryWrite(chunk)) : undefined;
    return this.#retries?.done ?? (this.#writing = this.#write(chunk));
  }

  takeBack(): number {
    return this.#retries === undefined ? this.#gone : this.#retries.stop();
  }

  committed(closing: boolean): Awaitable<number> {
    if (this.#retries !== undefined) return 0;
    // Whether the byte has gone shows when the connection is closed.
    return closing ? this.#writing?.catch(() => 0) ?? 0 : this.#gone;
  }

  override reset(): Promise<void> {
    if (this.#fd >= 0) this.#libc.disconnect(this.#fd);
    this.#fd = -1;
    return super.close();
  }

  override async close(): Promise<void> {
    // Deno 2.9 sends FIN before it closes the descriptor, where the system's close(2) would reset at once.
    if (this.#fd >= 0 && this.#libc.hasUnread(this.#fd)) return await this.reset();
    // A byte that waits would keep the descriptor until the peer reads. Without it, FIN follows what the kernel has.
    const writing = this.#writing;
    if (writing !== undefined && this.#fd >= 0) this.#libc.shutdownWrite(this.#fd);
    this.#fd = -1;
    const closed = super.close();
    await writing?.catch(() => {/* The byte has not gone. */});
    await closed;
  }

  async #write(chunk: Uint8Array): Promise<number> {
    // Where there is some room again, more than the byte.
    this.#gone = this.tryWrite(chunk);
    if (this.#gone > 0) return this.#gone;
    this.#gone = 1;
    return await super.write(chunk.slice(0, 1));
  }

  protected override get descriptor(): number {
    return this.#fd;
  }
}

/** Under this name Deno 2.9 keeps the descriptor of a TCP connection that it has accepted. */
const INTERNAL_NAME = "Deno.internal.fd";
let internalName: symbol | undefined;

function acceptedDescriptor(conn: DenoConn): number {
  internalName ??= Object.getOwnPropertySymbols(conn)
    .find(({ description }) => description === INTERNAL_NAME);
  if (internalName === undefined) return -1;
  const fd = (conn as unknown as Record<symbol, unknown>)[internalName];
  return typeof fd === "number" ? fd : -1;
}
