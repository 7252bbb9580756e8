/**
 * A stream over a `Deno.Conn` with a known descriptor, if `--allow-ffi` was granted. It sends with send(2), which
 * reports at once what the system takes. `Deno.Conn` keeps the bytes it was given, and costs a twentieth more per
 * message.
 */

import { SOCK_STREAM } from "../../core/constants.ts";
import type { Address, Awaitable } from "../adapter.ts";
import { codedError } from "../coded_error.ts";
import { Retries } from "../retries.ts";
import { findDescriptor, isDescriptor, type SocketNames } from "./descriptor.ts";
import { libc } from "./ffi.ts";
import type { DenoLibc } from "./libc.ts";
import { DenoStream } from "./stream.ts";
import type { DenoConn } from "./types.ts";

/** The stream of an accepted connection, one that sends with send(2) if possible. */
export function acceptedStream(conn: DenoConn, local: Address, remote: Address): DenoStream {
  // Deno does not expose the descriptor of a UNIX connection.
  return streamOver(conn, local, remote, acceptedDescriptor(conn));
}

/** The stream of an outgoing connection, one that sends with send(2) if it has the descriptor that it should have. */
export function connectedStream(
  conn: DenoConn,
  local: Address,
  remote: Address,
  fd: number,
): DenoStream {
  const c = fd < 0 ? undefined : libc();
  const isIts = c !== undefined && isDescriptor(c, fd, namesOf(local, remote));
  return streamOver(conn, local, remote, isIts ? fd : -1);
}

/** The stream of a connection whose descriptor has to be searched for. */
export function searchedStream(conn: DenoConn, local: Address, remote: Address): DenoStream {
  const c = libc();
  const fd = c === undefined ? -1 : findDescriptor(c, namesOf(local, remote));
  return streamOver(conn, local, remote, fd);
}

function namesOf(local: Address, remote: Address): SocketNames {
  return { type: SOCK_STREAM, local, remote, shared: false };
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
  /** The last write, if it was revocable. */
  #retries: Retries | undefined;
  /** The last write that was not revocable. */
  #writing: Promise<number> | undefined;
  /** How many of its bytes are sent, or are with Deno. */
  #gone = 0;

  constructor(conn: DenoConn, local: Address, remote: Address, c: DenoLibc, fd: number) {
    super(conn, local, remote);
    this.#libc = c;
    this.#fd = fd;
  }

  tryWrite(chunk: Uint8Array): number {
    if (this.#fd < 0) throw codedError("EPIPE", "the connection is closed");
    return this.#libc.send(this.#fd, chunk);
  }

  /**
   * Writes when there is no room. Deno reports room only by sending something: one byte, after which `tryWrite`
   * continues. A byte that Deno has cannot be taken back, so a revocable write polls instead.
   */
  override write(chunk: Uint8Array, revocable?: boolean): Promise<number> {
    this.#retries = revocable === true
      ? new Retries(chunk, (chunk) => this.tryWrite(chunk))
      : undefined;
    return this.#retries?.done ?? (this.#writing = this.#write(chunk));
  }

  takeBack(): number {
    return this.#retries === undefined ? this.#gone : this.#retries.stop();
  }

  committed(): Awaitable<number> {
    if (this.#retries !== undefined) return 0;
    // Only closing shows whether the byte was sent.
    return this.#writing?.catch(() => 0) ?? 0;
  }

  override reset(): Promise<void> {
    if (this.#fd >= 0) this.#libc.disconnect(this.#fd);
    this.#fd = -1;
    return super.close();
  }

  override async close(): Promise<void> {
    // Deno 2.9 sends FIN before it closes the descriptor, while close(2) alone would reset at once.
    if (this.#fd >= 0 && this.#libc.hasUnread(this.#fd)) return await this.reset();
    // A waiting byte would keep the descriptor open until the peer reads. Without it, FIN follows what the kernel
    // holds.
    const writing = this.#writing;
    if (writing !== undefined && this.#fd >= 0) this.#libc.shutdownWrite(this.#fd);
    this.#fd = -1;
    const closed = super.close();
    await writing?.catch(() => {/* The byte was not sent. */});
    await closed;
  }

  async #write(chunk: Uint8Array): Promise<number> {
    // If there is room again, more than the one byte goes.
    this.#gone = this.tryWrite(chunk);
    if (this.#gone > 0) return this.#gone;
    this.#gone = 1;
    return await super.write(chunk.slice(0, 1));
  }

  protected override get descriptor(): number {
    return this.#fd;
  }
}

/** The name under which Deno 2.9 keeps the descriptor of an accepted TCP connection. */
const INTERNAL_NAME = "Deno.internal.fd";
let internalName: symbol | undefined;

function acceptedDescriptor(conn: DenoConn): number {
  internalName ??= Object.getOwnPropertySymbols(conn)
    .find(({ description }) => description === INTERNAL_NAME);
  if (internalName === undefined) return -1;
  const fd = (conn as unknown as Record<symbol, unknown>)[internalName];
  return typeof fd === "number" ? fd : -1;
}
