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
import { addressFrom, hostOf } from "./endpoints.ts";
import { NetStream } from "./node_stream.ts";
import { connectSocket } from "./node_connect.ts";
import { hostname, interfaces, lookup, lookupService, resolverErrorCode } from "./node_resolver.ts";
import { nodeModule } from "./node_types.ts";

/** The backlog that a bound socket is held with: the library's default, so that `listen()` needs no second listener. */
const HELD_BACKLOG = 128;

/** The adapter of Deno 2. */
export function createDenoAdapter(): Adapter {
  return denoAdapter;
}

const denoAdapter: Adapter = {
  capabilities: () => capabilities,
  bind,
  connect,
  lookup: lookupPermitted,
  lookupService,
  hostname,
  interfaces,
  turn,
  errorCode,
  errorDetail,
};

const capabilities: Capabilities = {
  adapter: "deno",
  version: deno()?.version.deno ?? "",
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
  optionsReason: "neither Deno.Conn nor node:net has a call for it",
  fileno: false,
  adopt: false,
  backlog: true,
  reset: "before-open",
  datagramRefused: false,
  oob: false,
  ancillary: false,
};

function bind({ family, address, settings }: BindRequest): Bound {
  const [, port] = address as InetAddress;
  const hostname = hostOf(address as InetAddress);
  return new DenoBound(family, settings, listenOn(hostname, port, HELD_BACKLOG));
}

function listenOn(hostname: string, port: number, tcpBacklog: number): DenoListener {
  return deno().listen({ transport: "tcp", hostname, port, tcpBacklog });
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
    if (this.#settings.get("SO_LINGER") === 0) throw cannotReset();
    if (backlog !== HELD_BACKLOG) {
      const address = this.local as InetAddress;
      this.#held.close();
      this.#held = listenOn(hostOf(address), address[1], backlog);
    }
    return await Promise.resolve(new DenoTcpListener(this.#held, this.#family, sink));
  }

  connect(target: ConnectTarget): ConnectAttempt {
    // Deno.connect ignores a local address; node:net takes one.
    this.#held.close();
    return connectByNodeNet(target, this.local as InetAddress);
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

function cannotReset(): Error {
  const message = "Deno.Conn has no SO_LINGER: accepted connections could not be reset";
  return Object.assign(new Error(message), { code: "ENOPROTOOPT", name: "NotSupported" });
}

function connect(target: ConnectTarget): ConnectAttempt {
  // A reset needs node:net: Deno.Conn has no SO_LINGER.
  if (target.settings.get("SO_LINGER") === 0) return connectByNodeNet(target, undefined);
  const { family, address } = target;
  const abort = new AbortController();
  const [, port] = address as InetAddress;
  const done = deno().connect({
    transport: "tcp",
    hostname: permittedHost(target),
    port,
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
  return addressFrom(family, addr.hostname, addr.port);
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
  if (typeof code === "string") return code === "ERR_STREAM_DESTROYED" ? "EPIPE" : code;
  const number = /\(os error (\d+)\)/.exec(message ?? "")?.[1];
  if (number !== undefined) return nodeModule("node:util").getSystemErrorName(-Number(number));
  return CODES[name ?? ""];
}

/** Deno's message for a denied permission names the flag to add. */
function errorDetail(cause: unknown): string | undefined {
  const { name, message } = cause as { name?: string; message?: string };
  return name === "NotCapable" || name === "NotSupported" ? message : undefined;
}
