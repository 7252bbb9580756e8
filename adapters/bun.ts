/** Sockets of Bun: over `Bun.connect` and `Bun.listen`, on Linux with descriptors made by libc. */

import type {
  Adapter,
  Address,
  Adopted,
  BindRequest,
  Bound,
  Capabilities,
  ConnectAttempt,
  ConnectTarget,
  Listener,
  ListenerSink,
  Settings,
} from "./adapter.ts";
import { type BunLibc, libc } from "./bun_libc.ts";
import { bindNatively, connectNatively, nativeOptions } from "./bun_native.ts";
import { BunStream, type BunStreamCalls, streamHandlers } from "./bun_stream.ts";
import { nodeModule } from "./node_types.ts";
import { unlinkPath } from "./unix_path.ts";
import { bun, type BunHandlers, type BunListener, type BunSocket } from "./bun_types.ts";
import { addressFrom, isWildcard } from "./endpoints.ts";
import { openDatagram } from "./bun_datagram.ts";
import { ipv4OptionDetail, isZeroTtl, openDatagram as openNodeDatagram } from "./node_datagram.ts";
import { CORE_OPTIONS, DGRAM_OPTIONS, frozen, supported } from "./option_support.ts";
import {
  BIND_OPTIONS,
  DATAGRAM_OPTIONS,
  getDescriptorOption,
  setDescriptorOption,
  STREAM_OPTIONS,
} from "./libc_options.ts";
import { takeReleased } from "./released.ts";
import { lookupService } from "./bun_resolver.ts";
import { hostname, interfaces, lookup, resolverErrorCode } from "./node_resolver.ts";

const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_ACCEPTCONN = 30;
const SO_DOMAIN = 39;

/** The adapter of Bun 1.4. */
export function createBunAdapter(): Adapter {
  return bunAdapter;
}

const bunAdapter: Adapter = {
  capabilities: () => known ??= frozen(capabilities()),
  bind: (request) => {
    const c = libc();
    return c === null ? bindNatively(request) : bind(c, request);
  },
  connect: (target) => {
    const c = libc();
    return c === null ? connectNatively(target, undefined) : connect(c, target);
  },
  datagram: (request) => {
    const c = libc();
    return c === null ? openNodeDatagram(request) : openDatagram(c, request);
  },
  adopt: (fd) => takeReleased(fd) ?? adopt(needLibc(), fd),
  closeDescriptor: (fd) => {
    const known = takeReleased(fd);
    if (known === undefined) nodeModule("node:fs").closeSync(fd);
    else known.stream.close();
  },
  duplicate: (fd) => needLibc().duplicate(fd),
  isInheritable: (fd) => libc()?.isInheritable(fd) ?? false,
  setInheritable: (fd, inheritable) => needLibc().setInheritable(fd, inheritable),
  lookup,
  lookupService,
  hostname,
  interfaces,
  datagramOptionDetail: (family, name, value) =>
    libc() === null ? nodeOptionDetail(family, name, value) : undefined,
  errorCode,
  errorDetail: (cause) => (cause as { detail?: string }).detail,
};

let known: Capabilities | undefined;

function capabilities(): Capabilities {
  const withLibc = libc() !== null;
  const types: Capabilities["types"] = {
    AF_INET: ["SOCK_STREAM", "SOCK_DGRAM"],
    AF_INET6: ["SOCK_STREAM", "SOCK_DGRAM"],
    ...(withLibc ? { AF_UNIX: ["SOCK_STREAM"] } : {}),
  };
  return {
    adapter: "bun",
    version: bun()?.version ?? "",
    families: Object.keys(types),
    types,
    options: withLibc ? descriptorOptions() : nativeOptions(),
    optionsReason: withLibc
      ? "neither Bun nor the library has a call for it with this type of socket"
      : "Bun has no call for it, and there is no C library that the adapter knows",
    fileno: true,
    adopt: withLibc,
    backlog: withLibc,
    reset: "always",
    datagramRefused: true,
    oob: false,
    ancillary: false,
  };
}

/** Why an option cannot be set without libc. */
function nodeOptionDetail(family: number, name: string, value: number): string | undefined {
  return isZeroTtl(name, value)
    ? "Bun cannot set IP_MULTICAST_TTL to 0 without libc"
    : ipv4OptionDetail(family, name);
}

function descriptorOptions(): Capabilities["options"] {
  return {
    SOCK_STREAM: {
      ...CORE_OPTIONS,
      ...supported("set", STREAM_OPTIONS),
      ...supported("before-open", ["IPV6_V6ONLY", ...BIND_OPTIONS]),
    },
    SOCK_DGRAM: {
      ...CORE_OPTIONS,
      ...DGRAM_OPTIONS,
      ...supported("set", DATAGRAM_OPTIONS),
      IPV6_V6ONLY: "before-open",
    },
  };
}

function bind(c: BunLibc, { family, address, settings }: BindRequest): Bound {
  const fd = openSocket(c, family, settings);
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
  #libc: BunLibc;
  #family: number;
  /** The path to remove with the socket: none where another process has bound it. */
  #path: Address;

  constructor(c: BunLibc, fd: number, family: number, inherited: boolean = false) {
    this.#libc = c;
    this.fd = fd;
    this.#family = family;
    this.local = c.getsockname(fd);
    this.#path = inherited ? "" : this.local;
  }

  listen(backlog: number, sink: ListenerSink): Promise<Listener> {
    try {
      // Found out here: Bun reports an address in use without a code.
      this.#libc.listen(this.fd, backlog);
    } catch (error) {
      this.close();
      throw error;
    }
    const listener = new LibcListener(this.#libc, this.fd, this.#family, this.#path, sink);
    // Bun calls listen(2) again with a backlog of its own.
    listener.setBacklog(backlog);
    return Promise.resolve(listener);
  }

  connect(target: ConnectTarget): ConnectAttempt {
    const attempt = connectDescriptor(this.#libc, this.fd, target);
    attempt.done.then(
      (stream) => stream.closed.then(() => unlinkPath(this.#path)),
      () => unlinkPath(this.#path),
    );
    return attempt;
  }

  close(): Promise<void> {
    this.#libc.close(this.fd);
    unlinkPath(this.#path);
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
  #libc: BunLibc;
  #listener: BunListener;
  #path: Address;

  /** `path` is removed with the socket. */
  constructor(c: BunLibc, fd: number, family: number, path: Address, sink: ListenerSink) {
    this.#libc = c;
    const local = this.local = c.getsockname(fd);
    this.#path = path;
    const handlers: BunHandlers<BunStream> = {
      ...streamHandlers,
      open(socket) {
        // A connection that was reset already has lost its address.
        const remote = c.getpeername(socket.fd) ?? addressFrom(family, undefined, undefined);
        const own = isWildcard(local) ? c.getsockname(socket.fd) : local;
        socket.data = streamOver(c, socket, own, remote);
        sink.connection(socket.data);
      },
    };
    this.#listener = bun().listen({
      fd,
      allowHalfOpen: true,
      pauseOnConnect: true,
      socket: handlers,
    });
    this.#listener.unref();
  }

  get fd(): number {
    return this.#listener.fd;
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

  setBacklog(backlog: number): void {
    this.#libc.listen(this.fd, backlog);
  }

  close(): Promise<void> {
    this.#listener.stop(false);
    unlinkPath(this.#path);
    return Promise.resolve();
  }

  setOption(name: string, value: number): boolean {
    return setDescriptorOption(this.#libc, this.fd, name, value);
  }

  getOption(name: string): number | undefined {
    return getDescriptorOption(this.#libc, this.fd, name);
  }
}

/** Takes an inherited descriptor over. */
function adopt(c: BunLibc, fd: number): Adopted {
  const family = c.getOption(fd, SOL_SOCKET, SO_DOMAIN);
  if (c.getOption(fd, SOL_SOCKET, SO_TYPE) !== SOCK_STREAM) {
    throw Object.assign(new Error("not a stream socket"), { code: "ESOCKTNOSUPPORT" });
  }
  const remote = c.getpeername(fd);
  if (remote === undefined) {
    const listening = c.getOption(fd, SOL_SOCKET, SO_ACCEPTCONN) !== 0;
    return { family, bound: new BunBound(c, fd, family, true), listening };
  }
  let stream: BunStream | undefined;
  const local = c.getsockname(fd);
  // Bun calls `open` before `connect` returns.
  bun().connect<BunStream>({
    fd,
    allowHalfOpen: true,
    pauseOnConnect: true,
    socket: {
      ...streamHandlers,
      open: (socket) => {
        stream = socket.data = streamOver(c, socket, local, remote);
      },
    },
  }).catch(() => {/* It is connected: there is nothing to fail. */});
  return { family, stream: stream! };
}

function connect(c: BunLibc, target: ConnectTarget): ConnectAttempt {
  let fd: number;
  try {
    fd = openSocket(c, target.family, target.settings);
  } catch (error) {
    return { done: Promise.reject(error), cancel: () => {} };
  }
  return connectDescriptor(c, fd, target);
}

/** A socket with its options: some only work before bind or connect, and all work then. */
function openSocket(c: BunLibc, family: number, settings: Settings): number {
  const fd = c.socket(family, SOCK_STREAM);
  try {
    for (const [name, value] of settings) {
      // On for every TCP socket, as on the other runtimes.
      if (name !== "SO_REUSEADDR") setDescriptorOption(c, fd, name, value);
    }
  } catch (error) {
    c.close(fd);
    throw error;
  }
  return fd;
}

/**
 * connect(2) by libc, then Bun adopts the descriptor: `Bun.connect` itself reports unreachable networks and missing
 * descriptors as ECONNREFUSED, and cannot be cancelled.
 */
function connectDescriptor(c: BunLibc, fd: number, target: ConnectTarget): BunConnecting {
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

function needLibc(): BunLibc {
  const c = libc();
  if (c !== null) return c;
  const detail = "there is no C library that is known here";
  throw Object.assign(new Error(detail), { code: "ENOTSUP", detail });
}

function streamOver(
  c: BunLibc,
  socket: BunSocket<unknown>,
  local: Address,
  remote: Address,
): BunStream {
  // One object for all: there is one C library.
  streamCalls ??= {
    set: ({ fd }, name, value) => setDescriptorOption(c, fd, name, value),
    get: ({ fd }, name) => getDescriptorOption(c, fd, name),
    receive: ({ fd }, into) => c.receive(fd, into),
  };
  return new BunStream(socket, local, remote, streamCalls);
}

let streamCalls: BunStreamCalls | undefined;

function errorCode(cause: unknown): string | undefined {
  const { code } = cause as { code?: unknown };
  return resolverErrorCode(cause) ?? (typeof code === "string" ? code : undefined);
}
