/**
 * TCP through Bun's own API alone, if there is no libc known to the adapter (macOS, Windows). The differences: bind
 * listens at once, the backlog is Bun's, and some errors of connect become ECONNREFUSED.
 */

import type {
  Address,
  BindRequest,
  Bound,
  Capabilities,
  ConnectAttempt,
  ConnectTarget,
  InetAddress,
  Listener,
  ListenerSink,
  Stream,
} from "../adapter.ts";
import { codedError } from "../coded_error.ts";
import { addressFrom, hostOf } from "../endpoints.ts";
import {
  CORE_DATAGRAM_OPTIONS,
  CORE_OPTIONS,
  DGRAM_OPTIONS,
  supported,
} from "../option_support.ts";
import { isKeptOut, unreachable } from "../v6only.ts";
import { BunStream, type BunStreamCalls, streamHandlers } from "./stream.ts";
import { bun, type BunHandlers, type BunListener, type BunSocket } from "./types.ts";

/** The options that Bun's own API and `node:dgram` can set. */
export function nativeOptions(): Capabilities["options"] {
  return {
    SOCK_STREAM: {
      ...CORE_OPTIONS,
      ...supported("set", ["SO_KEEPALIVE", "SO_LINGER", "TCP_NODELAY"]),
      ...supported("before-open", ["SO_REUSEPORT", "IPV6_V6ONLY"]),
    },
    SOCK_DGRAM: {
      ...CORE_OPTIONS,
      ...CORE_DATAGRAM_OPTIONS,
      ...DGRAM_OPTIONS,
      ...supported("before-open", ["SO_REUSEPORT", "IPV6_V6ONLY"]),
    },
  };
}

/** Claims an address with a listener; its connections wait. */
export function bindNatively(request: BindRequest): Bound {
  return new NativeBound(request);
}

class NativeBound implements Bound, Listener {
  readonly local: Address;
  #listener: BunListener;
  #early: Stream[] = [];
  #sink: ListenerSink | undefined;

  constructor({ family, address: requested, settings }: BindRequest) {
    const address = requested as InetAddress;
    const handlers: BunHandlers<BunStream> = {
      ...streamHandlers,
      open: (socket) => {
        socket.data = streamOver(socket, family);
        if (this.#sink === undefined) this.#early.push(socket.data);
        else this.#sink.connection(socket.data);
      },
    };
    this.#listener = bun().listen({
      hostname: hostOf(address),
      port: address[1],
      ipv6Only: settings.get("IPV6_V6ONLY") === 1,
      reusePort: settings.get("SO_REUSEPORT") === 1,
      allowHalfOpen: true,
      pauseOnConnect: true,
      socket: handlers,
    });
    this.#listener.unref();
    this.local = addressFrom(family, hostOf(address), this.#listener.port);
  }

  get fd(): number {
    return this.#listener.fd;
  }

  listen(_backlog: number, sink: ListenerSink): Promise<Listener> {
    this.#sink = sink;
    for (const stream of this.#early.splice(0)) sink.connection(stream);
    return Promise.resolve(this);
  }

  connect(target: ConnectTarget): ConnectAttempt {
    this.#listener.stop(true);
    return connectNatively(target, this.local as InetAddress);
  }

  resume(): void {
    // It accepts from the start.
  }

  ref(): void {
    this.#listener.ref();
  }

  unref(): void {
    this.#listener.unref();
  }

  close(): Promise<void> {
    this.#listener.stop(this.#sink === undefined);
    return Promise.resolve();
  }

  setOption(_name: string, _value: number): boolean {
    return true;
  }

  getOption(_name: string): number | undefined {
    return undefined;
  }
}

/** Connects, from a local address if one is given. */
export function connectNatively(
  { family, address, settings }: ConnectTarget,
  local: InetAddress | undefined,
): ConnectAttempt {
  if (isKeptOut(address, settings)) return unreachable();
  let cancelled = false;
  const [, port] = address as InetAddress;
  const done = bun().connect<BunStream | undefined>({
    hostname: hostOf(address as InetAddress),
    port,
    ...(local === undefined ? {} : { localAddress: hostOf(local), localPort: local[1] }),
    allowHalfOpen: true,
    pauseOnConnect: true,
    data: undefined,
    socket: {
      ...streamHandlers as BunHandlers<BunStream | undefined>,
      open(socket) {
        // Bun cannot cancel a connect: drop the connection when it comes.
        if (cancelled) socket.terminate();
        else socket.data = streamOver(socket, family);
      },
      close: (socket, error) => socket.data?.gone(error),
    },
  }).then((socket) => {
    if (socket.data !== undefined) return socket.data;
    throw codedError("ECANCELED", "cancelled");
  });
  return { done, cancel: () => cancelled = true };
}

function streamOver(socket: BunSocket<unknown>, family: number): BunStream {
  return new BunStream(
    socket,
    addressFrom(family, socket.localAddress, socket.localPort),
    addressFrom(family, socket.remoteAddress, socket.remotePort),
    CALLS,
  );
}

const CALLS: BunStreamCalls = { set: setOption, get: () => undefined };

function setOption(socket: BunSocket<unknown>, name: string, value: number): boolean {
  switch (name) {
    case "TCP_NODELAY":
      socket.setNoDelay(value !== 0);
      return true;
    case "SO_KEEPALIVE":
      socket.setKeepAlive(value !== 0, 0);
      return true;
    default:
      return name === "SO_LINGER" || name === "SO_REUSEADDR";
  }
}
