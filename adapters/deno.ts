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
  Settings,
  Stream,
} from "./adapter.ts";
import { openDatagram } from "./deno_datagram.ts";
import { hasLibc } from "./deno_ffi.ts";
import { DenoNetStream } from "./deno_net_stream.ts";
import { datagramOptions, DenoOptions, streamOptions } from "./deno_options.ts";
import { DenoStream } from "./deno_stream.ts";
import { addressOf, deno, type DenoListener, hasUnstableNet } from "./deno_types.ts";
import { hostOf, isUnix, pathOf } from "./endpoints.ts";
import { CORE_OPTIONS, supported } from "./option_support.ts";
import { adopt } from "./deno_adopt.ts";
import { connectSocket } from "./node_connect.ts";
import { denied, interfaces, isPermitted, lookup, lookupService } from "./deno_resolver.ts";
import { hostname, resolverErrorCode } from "./node_resolver.ts";
import { nodeModule } from "./node_types.ts";

const AF_UNIX = 1;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;

/** The backlog that a bound socket is held with: the library's default, so that `listen()` needs no second listener. */
const HELD_BACKLOG = 128;

/** The adapter of Deno 2. */
export function createDenoAdapter(): Adapter {
  return denoAdapter;
}

const denoAdapter: Adapter = {
  // A program may be granted FFI, or give it up, while it runs.
  capabilities: () => hasLibc() ? withLibc ??= capabilities() : withoutLibc ??= capabilities(),
  bind,
  connect,
  adopt,
  datagram: openDatagram,
  lookup,
  lookupService,
  hostname,
  interfaces,
  turn,
  errorCode,
  errorDetail,
  kindDetail,
};

let withLibc: Capabilities | undefined;
let withoutLibc: Capabilities | undefined;

function capabilities(): Capabilities {
  const types: Capabilities["types"] = {
    AF_INET: ["SOCK_STREAM", "SOCK_DGRAM"],
    AF_INET6: ["SOCK_STREAM", "SOCK_DGRAM"],
    AF_UNIX: hasUnstableNet() ? ["SOCK_STREAM", "SOCK_DGRAM"] : ["SOCK_STREAM"],
  };
  return {
    adapter: "deno",
    version: deno()?.version.deno ?? "",
    families: Object.keys(types),
    types,
    options: {
      SOCK_STREAM: {
        ...CORE_OPTIONS,
        ...supported("set", streamOptions()),
        ...supported(
          "before-open",
          hasUnstableNet() ? ["IPV6_V6ONLY", "SO_REUSEPORT"] : ["IPV6_V6ONLY"],
        ),
      },
      SOCK_DGRAM: {
        ...CORE_OPTIONS,
        ...supported("set", datagramOptions()),
        IPV6_V6ONLY: "before-open",
      },
    },
    optionsReason:
      "Deno has no call for it; --allow-ffi, on Linux, gives all that work after bind, " +
      "and --unstable-net gives SO_REUSEPORT for streams",
    fileno: false,
    adopt: true,
    backlog: true,
    reset: hasLibc() ? "always" : "before-open",
    datagramRefused: false,
    oob: false,
    ancillary: false,
  };
}

function bind({ family, address, settings }: BindRequest): Bound {
  if (settings.get("IPV6_V6ONLY") === 1 && address[0] === "::") {
    throw unsupported("ENOPROTOOPT", "Deno.listen on :: always takes IPv4, too (IPV6_V6ONLY)");
  }
  return new DenoBound(family, settings, listenOn(family, address, HELD_BACKLOG, settings));
}

/** A listener that nobody accepts from yet. */
interface Held {
  readonly listener: DenoListener;
  readonly local: Address;
  readonly options: DenoOptions;
}

function listenOn(family: number, address: Address, tcpBacklog: number, settings: Settings): Held {
  const shared = settings.get("SO_REUSEPORT") === 1;
  const listener = deno().listen(
    isUnix(address) ? { transport: "unix", path: pathOf(address) } : {
      transport: "tcp",
      hostname: hostOf(address),
      port: address[1],
      tcpBacklog,
      // Deno 2.9 ends the process when it sees the key without --unstable-net.
      ...(shared ? { reusePort: true } : {}),
    },
  );
  const local = addressOf(family, listener.addr);
  const options = new DenoOptions({ type: SOCK_STREAM, local, shared });
  try {
    options.setAll(settings);
  } catch (error) {
    listener.close();
    throw error;
  }
  return { listener, local, options };
}

/** Deno cannot bind without listening: a listener that nobody accepts from holds the address. */
class DenoBound implements Bound {
  readonly local: Address;
  readonly fd = -1;
  #family: number;
  #settings: Settings;
  #held: Held;

  constructor(family: number, settings: Settings, held: Held) {
    this.#family = family;
    this.#settings = settings;
    this.#held = held;
    this.local = held.local;
  }

  async listen(backlog: number, sink: ListenerSink): Promise<Listener> {
    if (this.#settings.get("SO_LINGER") === 0 && !hasLibc()) {
      throw unsupported("ENOPROTOOPT", "accepted connections of Deno cannot be reset (SO_LINGER)");
    }
    // Deno takes a backlog for TCP only, and only when the listener is made.
    if (backlog !== HELD_BACKLOG && !isUnix(this.local)) {
      this.#held.listener.close();
      this.#held = listenOn(this.#family, this.local, backlog, this.#settings);
    }
    return await Promise.resolve(new DenoTcpListener(this.#held, this.#family, sink));
  }

  connect(target: ConnectTarget): ConnectAttempt {
    this.#held.listener.close();
    if (isUnix(this.local)) {
      const error = unsupported("EOPNOTSUPP", "Deno cannot connect a bound UNIX socket");
      return { done: Promise.reject(error), cancel: () => {} };
    }
    // Deno.connect ignores a local address; node:net takes one.
    return connectByNodeNet(target, this.local);
  }

  close(): Promise<void> {
    this.#held.listener.close();
    return Promise.resolve();
  }

  setOption(name: string, value: number): boolean {
    this.#held.options.set(name, value);
    return true;
  }

  getOption(name: string): number | undefined {
    return this.#held.options.get(name);
  }
}

/** Accepts one connection for each call that waits; others stay in the kernel's queue. */
class DenoTcpListener implements Listener {
  readonly local: Address;
  readonly fd = -1;
  #listener: DenoListener;
  #family: number;
  #options: DenoOptions;
  #sink: ListenerSink;
  /** The accept under way: there is one at most, since Deno refuses a second, and it cannot be cancelled. */
  #accepting: Promise<void> | undefined;
  #closed = false;

  constructor({ listener, local, options }: Held, family: number, sink: ListenerSink) {
    this.#listener = listener;
    this.#family = family;
    this.#options = options;
    this.#sink = sink;
    this.local = local;
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
    if (name === "SO_LINGER") return value !== 0 || hasLibc();
    this.#options.set(name, value);
    return true;
  }

  getOption(name: string): number | undefined {
    return this.#options.get(name);
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

function unsupported(code: string, detail: string): Error {
  return Object.assign(new Error(detail), { code, detail });
}

function connect(target: ConnectTarget): ConnectAttempt {
  if (target.address[1] === 0) {
    // Deno takes port 0 for a wrong argument; the kernel refuses the connection.
    const error = Object.assign(new Error("port 0"), { code: "ECONNREFUSED" });
    return { done: Promise.reject(error), cancel: () => {} };
  }
  // Without FFI, only a connection of node:net can be reset.
  if (target.settings.get("SO_LINGER") === 0 && !isUnix(target.address) && !hasLibc()) {
    return connectByNodeNet(target, undefined);
  }
  if (needsName(target)) return connectByName(target);
  const abort = new AbortController();
  const host = isUnix(target.address) ? "" : hostOf(target.address);
  return { done: connectNatively(target, host, abort.signal), cancel: () => abort.abort() };
}

async function connectNatively(
  { family, address }: ConnectTarget,
  hostname: string,
  signal: AbortSignal,
): Promise<Stream> {
  const conn = await deno().connect({
    ...(isUnix(address)
      ? { transport: "unix", path: pathOf(address) }
      : { transport: "tcp", hostname, port: address[1] }),
    signal,
  });
  return new DenoStream(
    conn,
    addressOf(family, conn.localAddr),
    addressOf(family, conn.remoteAddr),
  );
}

function connectByNodeNet(target: ConnectTarget, local: InetAddress | undefined): ConnectAttempt {
  const { family, name } = target;
  const address = target.address as InetAddress;
  const [, port] = address;
  const byName = needsName(target);
  // node:net throws this one where nobody can catch it.
  if (local !== undefined && !isPermitted(hostOf(local), local[1])) {
    return { done: Promise.reject(denied(hostOf(local), local[1])), cancel: () => {} };
  }
  const socket = new (nodeModule("node:net").Socket)({ allowHalfOpen: true });
  const attempt = connectSocket(socket, {
    host: byName ? name : hostOf(address),
    port,
    family: family === AF_INET6 ? 6 : 4,
    autoSelectFamily: false,
    ...(local === undefined ? {} : { localAddress: hostOf(local), localPort: local[1] }),
  });
  return {
    done: attempt.done.then(() => new DenoNetStream(socket, family)),
    byName,
    cancel: attempt.cancel,
  };
}

/** Whether only the name that a literal was resolved from is permitted: Deno matches `--allow-net` against strings. */
function needsName({ address, name }: ConnectTarget): boolean {
  if (isUnix(address)) return false;
  const literal = hostOf(address);
  const [, port] = address;
  return name !== literal && !isPermitted(literal, port) && isPermitted(name, port);
}

/**
 * Connects where only the name is permitted. `Deno.connect` tries all addresses of a name, whatever their family;
 * node:net keeps to a family, but tries one address only.
 */
function connectByName(target: ConnectTarget): ConnectAttempt {
  const { family, address, name } = target;
  const [, port] = address as InetAddress;
  const abort = new AbortController();
  const connecting = async (): Promise<Stream> => {
    const answers = await lookup(name, 0, port);
    const mixed = answers.some((answer) => (answer.family === 6) !== (family === AF_INET6));
    abort.signal.throwIfAborted();
    if (!mixed) return await connectNatively(target, name, abort.signal);
    const attempt = connectByNodeNet(target, undefined);
    abort.signal.addEventListener("abort", attempt.cancel, { once: true });
    return await attempt.done;
  };
  return { done: connecting(), byName: true, cancel: () => abort.abort() };
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

function kindDetail(family: number, type: number): string | undefined {
  if (family !== AF_UNIX || type !== SOCK_DGRAM || hasUnstableNet()) return undefined;
  return "Deno has AF_UNIX datagrams with --unstable-net only";
}

/** Deno's message for a denied permission names the flag to add. */
function errorDetail(cause: unknown): string | undefined {
  const { name, detail, message } = cause as { name?: string; detail?: string; message?: string };
  return name === "NotCapable" ? message : detail;
}
