/**
 * The connection of a `node:net` socket as a `Deno.Conn`. Only `node:net` connects from a chosen address, but it reports
 * every failed write as EPIPE, and a FIN without data as one while a write waits.
 */

import type { NetSocket } from "../builtin/modules.ts";
import { deno, type DenoConn, type DenoNetAddr } from "./types.ts";

/** The functions below `Deno.Conn`, which Deno 2.9 keeps for its own modules. A resource is one that is open. */
interface DenoCore {
  read(resource: number, buffer: Uint8Array): Promise<number>;
  write(resource: number, data: Uint8Array): Promise<number>;
  shutdown(resource: number): Promise<void>;
  close(resource: number): void;
  refOpPromise(promise: Promise<number>): void;
  unrefOpPromise(promise: Promise<number>): void;
}

/** Takes the connection out of a socket that was bound; `undefined` if this version of Deno cannot. */
export function takeConn(socket: NetSocket): DenoConn | undefined {
  const core = coreOf();
  const handle = socket._handle as Partial<Taking> | null | undefined;
  return core === undefined || handle?.takeStream === undefined
    ? undefined
    : new TakenConn(core, socket, handle as Taking);
}

/** The handle of a socket of Deno's `node:net`. */
interface Taking {
  /** Makes a resource of the connection, which is no longer the handle's. */
  takeStream(): number;
}

class TakenConn implements DenoConn {
  readonly localAddr: DenoNetAddr;
  readonly remoteAddr: DenoNetAddr;
  #core: DenoCore;
  /** The socket, which can only set options now: since it was bound, it has the number of the descriptor. */
  #socket: NetSocket;
  #resource: number;
  /** The read under way. */
  #reading: Promise<number> | undefined;
  #isRef = true;

  constructor(core: DenoCore, socket: NetSocket, handle: Taking) {
    // First: the socket tells no addresses once the connection is taken.
    this.localAddr = addrOf(socket.localAddress, socket.localPort);
    this.remoteAddr = addrOf(socket.remoteAddress, socket.remotePort);
    this.#core = core;
    this.#socket = socket;
    this.#resource = handle.takeStream();
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    this.#reading = this.#core.read(this.#resource, buffer);
    if (!this.#isRef) this.#core.unrefOpPromise(this.#reading);
    try {
      const count = await this.#reading;
      return count === 0 ? null : count;
    } finally {
      this.#reading = undefined;
    }
  }

  write(data: Uint8Array): Promise<number> {
    return this.#core.write(this.#resource, data);
  }

  closeWrite(): Promise<void> {
    return this.#core.shutdown(this.#resource);
  }

  ref(): void {
    this.#isRef = true;
    if (this.#reading !== undefined) this.#core.refOpPromise(this.#reading);
  }

  unref(): void {
    this.#isRef = false;
    if (this.#reading !== undefined) this.#core.unrefOpPromise(this.#reading);
  }

  close(): void {
    this.#socket.destroy();
    this.#core.close(this.#resource);
  }

  setNoDelay(on: boolean): void {
    this.#socket.setNoDelay(on);
  }

  setKeepAlive(on: boolean): void {
    this.#socket.setKeepAlive(on);
  }
}

/** The address; a connection that is reset by now has none. */
function addrOf(hostname: string | undefined, port: number | undefined): DenoNetAddr {
  return hostname === undefined || port === undefined ? {} : { hostname, port };
}

function coreOf(): DenoCore | undefined {
  const { internal } = deno();
  const internals = internal === undefined
    ? undefined
    : (deno() as unknown as Record<symbol, { core?: DenoCore } | undefined>)[internal];
  return internals?.core;
}
