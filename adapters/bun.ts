/** Sockets of Bun: over `Bun.connect` and `Bun.listen`, on Linux with descriptors made by libc. */

import type {
  Adapter,
  Address,
  BindRequest,
  Bound,
  Capabilities,
  ConnectAttempt,
  ConnectTarget,
  Listener,
  ListenerSink,
} from "./adapter.ts";
import { type Libc, libc } from "./bun_libc.ts";
import { bindNatively, connectNatively } from "./bun_native.ts";
import { getDescriptorOption, setDescriptorOption } from "./bun_options.ts";
import { BunStream, streamHandlers } from "./bun_stream.ts";
import { bun, type BunHandlers, type BunListener, type BunSocket } from "./bun_types.ts";
import { addressFrom } from "./endpoints.ts";
import { hostname, interfaces, lookup, lookupService, resolverErrorCode } from "./node_resolver.ts";

const SOCK_STREAM = 1;

/** The adapter of Bun 1.4. */
export function createBunAdapter(): Adapter {
  return bunAdapter;
}

const bunAdapter: Adapter = {
  capabilities: () => capabilities,
  bind: (request) => {
    const c = libc();
    return c === null ? bindNatively(request) : bind(c, request);
  },
  connect: (target) => {
    const c = libc();
    return c === null ? connectNatively(target, undefined) : connect(c, target);
  },
  lookup,
  lookupService,
  hostname,
  interfaces,
  errorCode,
};

const capabilities: Capabilities = {
  adapter: "bun",
  version: bun()?.version ?? "",
  types: { AF_INET: ["SOCK_STREAM"], AF_INET6: ["SOCK_STREAM"] },
  options: {
    SO_REUSEADDR: "set",
    SO_KEEPALIVE: "set",
    SO_LINGER: "set",
    TCP_NODELAY: "set",
    SO_TYPE: "get",
    SO_DOMAIN: "get",
    SO_PROTOCOL: "get",
    SO_ERROR: "get",
    SO_ACCEPTCONN: "get",
  },
  optionsReason: "Bun has no call for it",
  fileno: true,
  adopt: false,
  backlog: true,
  reset: "always",
  datagramRefused: true,
  oob: false,
  ancillary: false,
};

function bind(c: Libc, { family, address }: BindRequest): Bound {
  const fd = c.socket(family, SOCK_STREAM);
  try {
    c.bind(fd, family, address);
    return new BunBound(c, fd, family);
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/** A descriptor that bind(2) has given an address. */
class BunBound implements Bound {
  readonly fd: number;
  readonly local: Address;
  #libc: Libc;
  #family: number;

  constructor(c: Libc, fd: number, family: number) {
    this.#libc = c;
    this.fd = fd;
    this.#family = family;
    this.local = c.getsockname(fd);
  }

  listen(backlog: number, sink: ListenerSink): Promise<Listener> {
    // Found out here: Bun reports an address in use without a code.
    this.#libc.listen(this.fd, backlog);
    const listener = new LibcListener(this.#libc, this.fd, this.#family, this.local, sink);
    // Bun calls listen(2) again with a backlog of its own.
    listener.setBacklog(backlog);
    return Promise.resolve(listener);
  }

  connect(target: ConnectTarget): ConnectAttempt {
    return connectDescriptor(this.#libc, this.fd, target);
  }

  close(): Promise<void> {
    this.#libc.close(this.fd);
    return Promise.resolve();
  }

  setOption(name: string, value: number): boolean {
    return setDescriptorOption(this.#libc, this.fd, name, value);
  }

  getOption(name: string): number | undefined {
    return getDescriptorOption(this.#libc, this.fd, name);
  }
}

/** Bun accepts by itself and cannot be stopped; connections wait in the core's queue. */
class LibcListener implements Listener {
  readonly local: Address;
  #libc: Libc;
  #listener: BunListener;

  constructor(c: Libc, fd: number, family: number, local: Address, sink: ListenerSink) {
    this.#libc = c;
    this.local = local;
    const handlers: BunHandlers<BunStream> = {
      ...streamHandlers,
      open(socket) {
        // A connection that was reset already has lost its address.
        const remote = c.getpeername(socket.fd) ?? addressFrom(family, undefined, undefined);
        socket.data = streamOver(c, socket, c.getsockname(socket.fd), remote);
        sink.connection(socket.data);
      },
    };
    this.#listener = bun().listen({
      fd,
      allowHalfOpen: true,
      pauseOnConnect: true,
      socket: handlers,
    });
  }

  get fd(): number {
    return this.#listener.fd;
  }

  resume(): void {
    // It accepts from the start.
  }

  setBacklog(backlog: number): void {
    this.#libc.listen(this.fd, backlog);
  }

  close(): Promise<void> {
    this.#listener.stop(false);
    return Promise.resolve();
  }

  setOption(name: string, value: number): boolean {
    return setDescriptorOption(this.#libc, this.fd, name, value);
  }

  getOption(name: string): number | undefined {
    return getDescriptorOption(this.#libc, this.fd, name);
  }
}

function connect(c: Libc, target: ConnectTarget): ConnectAttempt {
  let fd: number;
  try {
    fd = c.socket(target.family, SOCK_STREAM);
  } catch (error) {
    return { done: Promise.reject(error), cancel: () => {} };
  }
  return connectDescriptor(c, fd, target);
}

/**
 * connect(2) by libc, then Bun adopts the descriptor: `Bun.connect` itself reports unreachable networks and missing
 * descriptors as ECONNREFUSED, and cannot be cancelled.
 */
function connectDescriptor(c: Libc, fd: number, target: ConnectTarget): ConnectAttempt {
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

/** A descriptor of Bun's that is not connected yet. */
class BunConnecting implements ConnectAttempt {
  readonly done: Promise<BunStream>;
  #libc: Libc;
  #fd: number;
  #socket: BunSocket<unknown> | undefined;
  #cancelled = false;
  #resolve!: (stream: BunStream) => void;
  #reject!: (error: unknown) => void;

  constructor(c: Libc, fd: number) {
    this.#libc = c;
    this.#fd = fd;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Bun has adopted the descriptor; that says nothing about the connection. */
  opened(socket: BunSocket<unknown>): void {
    this.#socket = socket;
    if (this.#cancelled) socket.terminate();
  }

  /** Bun has seen room to write: the connection stands if there is a peer. Gives its stream. */
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
    this.#reject(Object.assign(new Error("cancelled"), { code: "ECANCELED" }));
    this.#socket?.terminate();
  }
}

/** The events of sockets that are or were connecting: once connected, those of a stream. */
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
    else socket.data.fail(error ?? Object.assign(new Error("closed"), { code: "ECONNABORTED" }));
  },
};

function streamOver(
  c: Libc,
  socket: BunSocket<unknown>,
  local: Address,
  remote: Address,
): BunStream {
  return new BunStream(
    socket,
    local,
    remote,
    ({ fd }, name, value) => setDescriptorOption(c, fd, name, value),
    ({ fd }, name) => getDescriptorOption(c, fd, name),
  );
}

function errorCode(cause: unknown): string | undefined {
  const { code } = cause as { code?: unknown };
  return resolverErrorCode(cause) ?? (typeof code === "string" ? code : undefined);
}
