/**
 * A stream over a `Deno.Conn` whose descriptor is known, where `--allow-ffi` was granted: it sends by send(2), which
 * tells at once what the system takes. `Deno.Conn` keeps what it was given, and costs a twentieth more a message.
 */

import type { Address } from "./adapter.ts";
import { findDescriptor } from "./deno_descriptor.ts";
import { libc } from "./deno_ffi.ts";
import type { DenoLibc } from "./deno_libc.ts";
import { DenoStream } from "./deno_stream.ts";
import type { DenoConn } from "./deno_types.ts";
import { isUnix } from "./endpoints.ts";
import { Retries } from "./retries.ts";

const SOCK_STREAM = 1;

/** The stream of a connection: one that sends itself where it can. */
export function streamOver(conn: DenoConn, local: Address, remote: Address): DenoStream {
  // Nothing tells one of several UNIX connections to one path from the others.
  const c = isUnix(local) ? undefined : libc();
  if (c !== undefined) {
    const names = { type: SOCK_STREAM, local, remote, shared: false };
    const fd = acceptedDescriptor(conn) ?? findDescriptor(c, names);
    if (fd >= 0) return new DirectStream(conn, local, remote, c, fd);
  }
  return new DenoStream(conn, local, remote);
}

class DirectStream extends DenoStream {
  #libc: DenoLibc;
  #fd: number;
  /** The last write, where it was a revocable one. */
  #retries: Retries | undefined;
  /** Deno has a byte to send. */
  #isProbing = false;

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
  override async write(chunk: Uint8Array, revocable?: boolean): Promise<number> {
    this.#retries = revocable === true ? new Retries(() => this.tryWrite(chunk)) : undefined;
    if (this.#retries !== undefined) return await this.#retries.done;
    this.#isProbing = true;
    try {
      return await super.write(chunk.slice(0, 1));
    } finally {
      this.#isProbing = false;
    }
  }

  takeBack(): number {
    return this.#retries === undefined ? 1 : this.#retries.stop();
  }

  committed(closing: boolean): number {
    return this.#retries === undefined && !closing ? 1 : 0;
  }

  override reset(): Promise<void> {
    if (this.#fd >= 0) this.#libc.disconnect(this.#fd);
    this.#fd = -1;
    return super.close();
  }

  override close(): Promise<void> {
    // Deno 2.9 sends FIN before it closes the descriptor, where the system's close(2) would reset at once.
    if (this.#fd >= 0 && this.#libc.hasUnread(this.#fd)) return this.reset();
    // The byte would keep the descriptor until the peer reads. Without it, FIN follows what the kernel has, as ever.
    if (this.#isProbing && this.#fd >= 0) this.#libc.shutdownWrite(this.#fd);
    this.#fd = -1;
    return super.close();
  }

  protected override get descriptor(): number {
    return this.#fd;
  }
}

/** Under this name Deno 2.9 keeps the descriptor of a TCP connection that it has accepted. */
const INTERNAL_NAME = "Deno.internal.fd";
let internalName: symbol | undefined;

function acceptedDescriptor(conn: DenoConn): number | undefined {
  internalName ??= Object.getOwnPropertySymbols(conn)
    .find(({ description }) => description === INTERNAL_NAME);
  if (internalName === undefined) return undefined;
  const fd = (conn as unknown as Record<symbol, unknown>)[internalName];
  return typeof fd === "number" ? fd : undefined;
}
