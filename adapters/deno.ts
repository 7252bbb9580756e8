/** Sockets of Deno, over `Deno.listen` and `Deno.connect`; over `node:net` what only that can do. */

import type {
  Adapter,
  Address,
  BindRequest,
  Bound,
  Capabilities,
  ConnectAttempt,
  ConnectTarget,
  InetAddress,
  Listener,
  ListenerSink,
  LookupAnswer,
  Settings,
  Stream,
} from "./adapter.ts";
import { DenoStream } from "./deno_stream.ts";
import { deno, type DenoListener, type DenoNetAddr } from "./deno_types.ts";
import { addressFrom, hostOf, isUnix, pathOf } from "./endpoints.ts";
import { openDatagram } from "./node_datagram.ts";
import { CORE_OPTIONS, DGRAM_OPTIONS, supported } from "./option_support.ts";
import { NetStream } from "./node_stream.ts";
import { adopt } from "./deno_adopt.ts";
import { connectSocket } from "./node_connect.ts";
import { hostname, interfaces, lookup, lookupService, resolverErrorCode } from "./node_resolver.ts";
import { nodeModule } from "./node_types.ts";

const AF_UNIX = 1;

/** The backlog that a bound socket is held with: the library's default, so that `listen()` needs no second listener. */
const HELD_BACKLOG = 128;

/** The adapter of Deno 2. */
export function createDenoAdapter(): Adapter {
  return denoAdapter;
}

const denoAdapter: Adapter = {
  capabilities: () => known ??= capabilities(),
  bind,
  connect,
  adopt,
  datagram: (request) => openDatagram(request, { connects: false }),
  lookup: lookupPermitted,
  lookupService,
  hostname,
  interfaces,
  turn,
  errorCode,
  errorDetail,
};

let known: Capabilities | undefined;

function capabilities(): Capabilities {
  const types: Capabilities["types"] = {
    AF_INET: ["SOCK_STREAM", "SOCK_DGRAM"],
    AF_INET6: ["SOCK_STREAM", "SOCK_DGRAM"],
    AF_UNIX: ["SOCK_STREAM"],
  };
  return {
    adapter: "deno",
    version: deno()?.version.deno ?? "",
    families: Object.keys(types),
    types,
    options: {
      SOCK_STREAM: {
        ...CORE_OPTIONS,
        ...supported("set", ["SO_KEEPALIVE", "SO_LINGER", "TCP_NODELAY"]),
      },
      SOCK_DGRAM: { ...CORE_OPTIONS, ...DGRAM_OPTIONS, IPV6_V6ONLY: "before-open" },
    },
    optionsReason: "neither Deno.Conn nor node:net has a call for it",
    fileno: false,
    adopt: true,
    backlog: true,
    reset: "before-open",
    datagramRefused: false,
    oob: false,
    ancillary: false,
  };
}

function bind({ family, address, settings }: BindRequest): Bound {
  return new DenoBound(family, settings, listenOn(address, HELD_BACKLOG));
}

function listenOn(address: Address, tcpBacklog: number): DenoListener {
  return deno().listen(
    isUnix(address)
      ? { transport: "unix", path: pathOf(address) }
      : { transport: "tcp", hostname: hostOf(address), port: address[1], tcpBacklog },
  );
}

/** Deno cannot bind without listening: a listener that nobody accepts from holds the address. */
class DenoBound implements Bound {
  readonly local: Address;
  readonly fd = -1;
  #family: number;
  #settings: Settings;
  #held: DenoListener;

  constructor(family: number, settings: Settings, held: DenoListener) {
    this.#family = family;
    this.#settings = settings;
    this.#held = held;
    this.local = addressOf(family, held.addr);
  }

  async listen(backlog: number, sink: ListenerSink): Promise<Listener> {
    if (this.#settings.get("SO_LINGER") === 0) {
      throw unsupported("ENOPROTOOPT", "accepted connections of Deno cannot be reset (SO_LINGER)");
    }
    // Deno takes a backlog for TCP only, and only when the listener is made.
    if (backlog !== HELD_BACKLOG && !isUnix(this.local)) {
      this.#held.close();
      this.#held = listenOn(this.local, backlog);
    }
    return await Promise.resolve(new DenoTcpListener(this.#held, this.#family, sink));
  }

  connect(target: ConnectTarget): ConnectAttempt {
    this.#held.close();
    if (isUnix(this.local)) {
      const error = unsupported("EOPNOTSUPP", "Deno cannot connect a bound UNIX socket");
      return { done: Promise.reject(error), cancel: () => {} };
    }
    // Deno.connect ignores a local address; node:net takes one.
    return connectByNodeNet(target, this.local);
  }

  close(): Promise<void> {
    this.#held.close();
    return Promise.resolve();
  }

  setOption(_name: string, _value: number): boolean {
    return true;
  }

  getOption(_name: string): number | undefined {
    return undefined;
  }
}

/** Accepts one connection for each call that waits; others stay in the kernel's queue. */
class DenoTcpListener implements Listener {
  readonly local: Address;
  readonly fd = -1;
  #listener: DenoListener;
  #family: number;
  #sink: ListenerSink;
  /** The accept under way: there is one at most, since Deno refuses a second, and it cannot be cancelled. */
  #accepting: Promise<void> | undefined;
  #closed = false;

  constructor(listener: DenoListener, family: number, sink: ListenerSink) {
    this.#listener = listener;
    this.#family = family;
    this.#sink = sink;
    this.local = addressOf(family, listener.addr);
  }

  resume(): void {
    this.#accepting ??= this.#accept().finally(() => this.#accepting = undefined);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#listener.close();
    // The address is in use until the pending accept has been rejected.
    await this.#accepting;
  }

  setOption(name: string, value: number): boolean {
    return name !== "SO_LINGER" || value !== 0;
  }

  getOption(_name: string): number | undefined {
    return undefined;
  }

  async #accept(): Promise<void> {
    try {
      let more = true;
      while (more) {
        const conn = await this.#listener.accept();
        const stream = new DenoStream(
          conn,
          addressOf(this.#family, conn.localAddr),
          addressOf(this.#family, conn.remoteAddr),
        );
        more = this.#sink.connection(stream);
      }
    } catch (error) {
      if (!this.#closed) this.#sink.error(error);
    }
  }
}

function unsupported(code: string, message: string): Error {
  return Object.assign(new Error(message), { code, name: "NotSupported" });
}

function connect(target: ConnectTarget): ConnectAttempt {
  // A reset needs node:net: Deno.Conn has no SO_LINGER.
  if (target.settings.get("SO_LINGER") === 0 && !isUnix(target.address)) {
    return connectByNodeNet(target, undefined);
  }
  const { family, address } = target;
  const abort = new AbortController();
  const done = deno().connect({
    ...(isUnix(address)
      ? { transport: "unix", path: pathOf(address) }
      : { transport: "tcp", hostname: permittedHost(target), port: address[1] }),
    signal: abort.signal,
  }).then((conn): Stream =>
    new DenoStream(conn, addressOf(family, conn.localAddr), addressOf(family, conn.remoteAddr))
  );
  return { done, cancel: () => abort.abort() };
}

function connectByNodeNet(target: ConnectTarget, local: InetAddress | undefined): ConnectAttempt {
  const { family, address } = target;
  const [, port] = address as InetAddress;
  const socket = new (nodeModule("node:net").Socket)({ allowHalfOpen: true });
  const attempt = connectSocket(socket, {
    host: permittedHost(target),
    port,
    autoSelectFamily: false,
    ...(local === undefined ? {} : { localAddress: hostOf(local), localPort: local[1] }),
  });
  return {
    done: attempt.done.then(() =>
      new NetStream(
        socket,
        addressFrom(family, socket.localAddress, socket.localPort),
        addressFrom(family, socket.remoteAddress, socket.remotePort),
      )
    ),
    cancel: attempt.cancel,
  };
}

/**
 * The literal, or the name that it was resolved from where only that is permitted: Deno matches the string it is
 * given against `--allow-net=NAME:PORT`.
 */
function permittedHost({ address, name }: ConnectTarget): string {
  const literal = hostOf(address as InetAddress);
  const [, port] = address as InetAddress;
  if (name === "" || name === literal || isPermitted(literal, port)) return literal;
  return isPermitted(name, port) ? name : literal;
}

function isPermitted(host: string, port: number): boolean {
  const text = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return deno().permissions.querySync({ name: "net", host: text }).state === "granted";
}

function lookupPermitted(name: string, family: 0 | 4 | 6): Promise<LookupAnswer[]> {
  return lookup(name, family);
}

function addressOf(family: number, addr: DenoNetAddr): Address {
  return family === AF_UNIX ? addr.path ?? "" : addressFrom(family, addr.hostname, addr.port);
}

/**
 * Deno 2.9: setImmediate does not poll for I/O, a timer does; the first read of a fresh connection takes two polls.
 */
async function turn(): Promise<void> {
  for (let polls = 0; polls < 2; polls++) await new Promise((resolve) => setTimeout(resolve, 0));
}

/** What Deno's classes without a code mean. */
const CODES: Readonly<Record<string, string>> = {
  NotCapable: "EACCES",
  PermissionDenied: "EACCES",
  BadResource: "EBADF",
  // close() while a read or write is pending.
  Interrupted: "EBADF",
  AddrInUse: "EADDRINUSE",
  AddrNotAvailable: "EADDRNOTAVAIL",
  ConnectionRefused: "ECONNREFUSED",
  ConnectionReset: "ECONNRESET",
  ConnectionAborted: "ECONNABORTED",
  BrokenPipe: "EPIPE",
  NotConnected: "ENOTCONN",
  TimedOut: "ETIMEDOUT",
  NetworkUnreachable: "ENETUNREACH",
  NotFound: "ENOENT",
};

function errorCode(cause: unknown): string | undefined {
  const { name, code, message } = cause as { name?: string; code?: unknown; message?: string };
  const resolver = resolverErrorCode(cause);
  if (resolver !== undefined) return resolver;
  if (name === "Interrupted") return "EBADF";
  // AbortError and TimeoutError have the numeric codes of DOMException.
  if (code === "ERR_STREAM_DESTROYED") return "EPIPE";
  if (code === "ERR_INVALID_FD_TYPE") return message?.endsWith("UNKNOWN") ? "EBADF" : "ENOTSOCK";
  if (typeof code === "string") return code;
  const number = /\(os error (\d+)\)/.exec(message ?? "")?.[1];
  if (number !== undefined) return nodeModule("node:util").getSystemErrorName(-Number(number));
  return CODES[name ?? ""];
}

/** Deno's message for a denied permission names the flag to add. */
function errorDetail(cause: unknown): string | undefined {
  const { name, message } = cause as { name?: string; message?: string };
  return name === "NotCapable" || name === "NotSupported" ? message : undefined;
}
