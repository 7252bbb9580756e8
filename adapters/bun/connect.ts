/** Connecting on Bun, on descriptors from libc. */

import { SOCK_STREAM } from "../../core/constants.ts";
import type { Address, ConnectAttempt, ConnectTarget, Settings } from "../adapter.ts";
import { codedError, failedAttempt } from "../coded_error.ts";
import { getDescriptorOption, setDescriptorOption } from "../libc/options.ts";
import type { BunLibc } from "./libc.ts";
import { BunStream, type BunStreamCalls } from "./stream.ts";
import { bun, type BunHandlers, type BunSocket } from "./types.ts";

/** connect(2) from an address chosen by the system. */
export function connect(c: BunLibc, target: ConnectTarget): ConnectAttempt {
  let fd: number;
  try {
    fd = openSocket(c, target.family, target.settings);
  } catch (error) {
    return failedAttempt(error);
  }
  return connectDescriptor(c, fd, target);
}

/** Opens a socket with its options: some only work before bind or connect, and all work by then. */
export function openSocket(c: BunLibc, family: number, settings: Settings): number {
  const fd = c.socket(family, SOCK_STREAM);
  try {
    for (const [name, value] of settings) setDescriptorOption(c, fd, name, value);
  } catch (error) {
    c.close(fd);
    throw error;
  }
  return fd;
}

/**
 * connect(2) through libc, after which Bun adopts the descriptor. `Bun.connect` itself reports unreachable networks and
 * a lack of descriptors as ECONNREFUSED, and cannot be cancelled.
 */
export function connectDescriptor(
  c: BunLibc,
  fd: number,
  target: ConnectTarget,
): BunConnecting {
  const connecting = new BunConnecting(c, fd);
  try {
    c.connect(fd, target.family, target.address);
  } catch (error) {
    c.close(fd);
    connecting.fail(error);
    return connecting;
  }
  bun().connect({
    fd,
    allowHalfOpen: true,
    pauseOnConnect: true,
    data: connecting,
    socket: connectHandlers,
  }).catch((error) => connecting.fail(error));
  return connecting;
}

/** A descriptor adopted by Bun that is not connected yet. */
class BunConnecting implements ConnectAttempt {
  readonly done: Promise<BunStream>;
  #libc: BunLibc;
  #fd: number;
  #socket: BunSocket<unknown> | undefined;
  #cancelled = false;
  #resolve!: (stream: BunStream) => void;
  #reject!: (error: unknown) => void;

  constructor(c: BunLibc, fd: number) {
    this.#libc = c;
    this.#fd = fd;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Bun has adopted the descriptor, which says nothing about the connection. */
  opened(socket: BunSocket<unknown>): void {
    this.#socket = socket;
    if (this.#cancelled) socket.terminate();
  }

  /** Bun has seen room to write: the connection is established if there is a peer. Returns its stream. */
  ready(): BunStream | undefined {
    const remote = this.#libc.getpeername(this.#fd);
    if (remote === undefined || this.#socket === undefined) return undefined;
    const local = this.#libc.getsockname(this.#fd);
    const stream = streamOver(this.#libc, this.#socket, local, remote);
    this.#resolve(stream);
    return stream;
  }

  fail(error: unknown): void {
    this.#reject(error);
  }

  cancel(): void {
    this.#cancelled = true;
    this.#reject(codedError("ECANCELED", "cancelled"));
    this.#socket?.terminate();
  }
}

/** The events of sockets that are or were connecting; once connected, those of a stream. */
const connectHandlers: BunHandlers<BunConnecting | BunStream> = {
  binaryType: "uint8array",
  open(socket) {
    if (socket.data instanceof BunConnecting) socket.data.opened(socket);
  },
  drain(socket) {
    const { data } = socket;
    if (data instanceof BunStream) data.drained();
    else socket.data = data.ready() ?? data;
  },
  data(socket, chunk) {
    if (socket.data instanceof BunStream) socket.data.received(chunk);
  },
  end(socket) {
    if (socket.data instanceof BunStream) socket.data.finished();
  },
  close(socket, error) {
    if (socket.data instanceof BunStream) socket.data.gone(error);
    else socket.data.fail(error ?? codedError("ECONNABORTED", "closed"));
  },
};

/** The stream of a connected socket of Bun. */
export function streamOver(
  c: BunLibc,
  socket: BunSocket<unknown>,
  local: Address,
  remote: Address,
): BunStream {
  // One object for all streams: there is one C library.
  streamCalls ??= {
    set: ({ fd }, name, value) => setDescriptorOption(c, fd, name, value),
    get: ({ fd }, name) => getDescriptorOption(c, fd, name),
    receive: ({ fd }, into) => c.receive(fd, into),
  };
  return new BunStream(socket, local, remote, streamCalls);
}

let streamCalls: BunStreamCalls | undefined;
