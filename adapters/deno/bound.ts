/** TCP and UNIX sockets of Deno before they are connected: bound and listening. */

import { SOCK_STREAM } from "../../core/constants.ts";
import type {
  Address,
  BindRequest,
  Bound,
  ConnectAttempt,
  ConnectTarget,
  Listener,
  ListenerSink,
  Settings,
} from "../adapter.ts";
import { failedAttempt, refusal } from "../coded_error.ts";
import { hostOf, isUnix, isWildcard, scopedLike } from "../endpoints.ts";
import { isKeptOut, isV6Only, KEPT_OUT } from "../v6only.ts";
import { connectFrom } from "./connect.ts";
import { isDescriptor, nextDescriptor } from "./descriptor.ts";
import { acceptedStream } from "./direct_stream.ts";
import { hasLibc, libc } from "./ffi.ts";
import { bindByLibc } from "./libc_bound.ts";
import { DenoOptions } from "./options.ts";
import { addressOf, deno, type DenoListener, denoPathOf, hasUnstableNet } from "./types.ts";

/** The backlog of a bound socket: the library's default, so that `listen()` needs no second listener. */
const HELD_BACKLOG = 128;

/** bind(2), at once. */
export function bind(request: BindRequest): Bound {
  const { family, address, settings } = request;
  if (isKeptOut(address, settings)) throw refusal("EINVAL", KEPT_OUT);
  const onlyIPv6 = isV6Only(settings) && address[0] === "::";
  const sharesPort = settings.get("SO_REUSEPORT") === 1 && !hasUnstableNet();
  if (onlyIPv6 || sharesPort) {
    const c = libc();
    if (c !== undefined) return bindByLibc(c, request);
    const what = onlyIPv6 ? "keep IPv4 out of :: (IPV6_V6ONLY)" : "share a port (SO_REUSEPORT)";
    const detail = `Deno cannot ${what} without --allow-ffi`;
    throw refusal("ENOPROTOOPT", detail, onlyIPv6 ? "IPV6_V6ONLY" : "SO_REUSEPORT");
  }
  return new DenoBound(family, settings, listenOn(family, address, HELD_BACKLOG, settings));
}

/** A listener that no call accepts from yet. */
interface Held {
  readonly listener: DenoListener;
  readonly local: Address;
  readonly options: DenoOptions;
}

function listenOn(family: number, address: Address, tcpBacklog: number, settings: Settings): Held {
  const shared = settings.get("SO_REUSEPORT") === 1;
  const c = libc();
  const next = c === undefined ? -1 : nextDescriptor(c);
  const listener = deno().listen(
    isUnix(address) ? { transport: "unix", path: denoPathOf(address) } : {
      transport: "tcp",
      hostname: hostOf(address),
      port: address[1],
      tcpBacklog,
      // Deno 2.9 ends the process if the key is present without --unstable-net.
      ...(shared ? { reusePort: true } : {}),
    },
  );
  const local = scopedLike(addressOf(family, listener.addr), address);
  const names = { type: SOCK_STREAM, local, shared };
  // Another thread may have opened a descriptor in between.
  const fd = c !== undefined && next >= 0 && isDescriptor(c, next, names) ? next : -1;
  const options = new DenoOptions(names, fd);
  try {
    options.setAll(settings);
  } catch (error) {
    listener.close();
    throw error;
  }
  return { listener, local, options };
}

/** Calls listen(2); returns whether it could. */
function listenAgain({ options }: Held, backlog: number): boolean {
  return options.withDescriptor((c, fd) => {
    c.listen(fd, backlog);
    return true;
  }) === true;
}

/**
 * A bound socket of Deno, which cannot bind without listening: a listener that no call accepts from holds the address.
 */
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
      this.#held.listener.close();
      const detail = "accepted connections of Deno cannot be reset (SO_LINGER)";
      throw refusal("ENOPROTOOPT", detail, "SO_LINGER");
    }
    // Deno takes a backlog only for TCP, and only when the listener is created.
    if (backlog !== HELD_BACKLOG && !listenAgain(this.#held, backlog) && !isUnix(this.local)) {
      this.#held.listener.close();
      this.#held = listenOn(this.#family, this.local, backlog, this.#settings);
    }
    const listener = hasLibc() ? DirectListener : StreamListener;
    return await Promise.resolve(new listener(this.#held, this.#family, sink));
  }

  connect(target: ConnectTarget): ConnectAttempt {
    this.#held.listener.close();
    if (isUnix(this.local)) {
      return failedAttempt(refusal("EOPNOTSUPP", "Deno cannot connect a bound UNIX socket"));
    }
    return connectFrom(target, this.local);
  }

  close(): Promise<void> {
    this.#held.listener.close();
    return Promise.resolve();
  }

  setOption(name: string, value: number): boolean {
    this.#settings = new Map(this.#settings).set(name, value);
    this.#held.options.set(name, value);
    return true;
  }

  getOption(name: string): number | undefined {
    return this.#held.options.get(name);
  }
}

/** A listener that accepts one connection for each waiting call; others stay in the kernel's queue. */
class StreamListener implements Listener {
  readonly local: Address;
  readonly fd = -1;
  protected readonly held: Held;
  #family: number;
  #sink: ListenerSink;
  /** Whether a call waits for a connection. */
  #wanted = false;
  /** Whether an accept is under way. There is one at most, since Deno rejects a second, and it cannot be cancelled. */
  #accepting = false;
  /** Settles when the accept is over. */
  #accepted: Promise<void> | undefined;
  #closed = false;

  constructor(held: Held, family: number, sink: ListenerSink) {
    held.listener.unref();
    this.held = held;
    this.#family = family;
    this.#sink = sink;
    this.local = held.local;
  }

  resume(): void {
    this.#wanted = true;
    if (!this.#accepting) this.#accepted = this.#accept();
  }

  ref(): void {
    this.held.listener.ref();
  }

  unref(): void {
    this.held.listener.unref();
  }

  async close(): Promise<void> {
    this.#closed = true;
    // The address is in use until the pending accept has rejected, and the process must live until then.
    this.held.listener.ref();
    this.held.listener.close();
    await this.#accepted;
  }

  setOption(name: string, value: number): boolean {
    if (name === "SO_LINGER") return value !== 0 || hasLibc();
    this.held.options.set(name, value);
    return true;
  }

  getOption(name: string): number | undefined {
    return this.held.options.get(name);
  }

  async #accept(): Promise<void> {
    this.#accepting = true;
    while (this.#wanted && !this.#closed) {
      try {
        const conn = await this.held.listener.accept();
        if (this.#closed) {
          conn.close();
          break;
        }
        const { local } = this;
        const own = isWildcard(local) ? addressOf(this.#family, conn.localAddr) : local;
        const remote = scopedLike(addressOf(this.#family, conn.remoteAddr), own);
        this.#wanted = this.#sink.connection(acceptedStream(conn, own, remote));
      } catch (error) {
        if (isLost(error)) continue;
        this.#wanted = false;
        if (!this.#closed) this.#sink.error(error);
      }
    }
    this.#accepting = false;
  }
}

/** A listener with a descriptor that can be found. */
class DirectListener extends StreamListener {
  setBacklog(backlog: number): void {
    if (listenAgain(this.held, backlog)) return;
    throw refusal("EOPNOTSUPP", "Deno does not tell the descriptor of this listener");
  }
}

/**
 * Whether only one connection could not be accepted. Deno 2.9 asks for the peer's name, and so loses a connection that
 * was reset before, or whose name is not UTF-8.
 */
function isLost(error: unknown): boolean {
  const { name } = error as Error;
  return name === "NotConnected" || name === "InvalidData";
}
