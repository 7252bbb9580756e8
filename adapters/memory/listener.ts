/** Claimed addresses and listening sockets in memory. */

import { AF_UNIX } from "../../core/constants.ts";
import type {
  Address,
  BindRequest,
  Bound,
  ConnectAttempt,
  ConnectTarget,
  Listener,
  ListenerSink,
} from "../adapter.ts";
import { queueMicrotask } from "../timers.ts";
import { addressOf } from "./address.ts";
import { type Callee, type Caller, MemoryConnect } from "./connect.ts";
import { failure } from "./failure.ts";
import { MemoryHandle } from "./handle.ts";
import { after } from "./turns.ts";
import type { Claim } from "./names.ts";
import type { Network } from "./network.ts";
import type { MemoryStream } from "./stream.ts";

/** Linux's net.core.somaxconn. */
const LARGEST_BACKLOG = 4096;

/** An address claimed by bind(2). */
export class MemoryBound extends MemoryHandle implements Bound {
  readonly #network: Network;
  readonly #claim: Claim;

  constructor(network: Network, { family, address, settings }: BindRequest) {
    super(settings);
    this.#network = network;
    this.#claim = network.names.claim("stream", family, address, settings);
  }

  get local(): Address {
    return this.#claim.local;
  }

  // deno-lint-ignore require-await -- a taken address must reject, not throw
  async listen(backlog: number, sink: ListenerSink): Promise<Listener> {
    try {
      return new MemoryListener(this.#network, this.#claim, this.options, backlog, sink);
    } catch (cause) {
      this.#claim.release();
      throw cause;
    }
  }

  connect(target: ConnectTarget): ConnectAttempt {
    return new MemoryConnect(this.#network, target, this.#claim);
  }

  close(): Promise<void> {
    this.#claim.release();
    return Promise.resolve();
  }
}

/**
 * A listening socket. As in the kernel, connections are established without its owner's help, up to one more than the
 * backlog; later callers wait outside.
 */
class MemoryListener extends MemoryHandle implements Listener, Callee {
  readonly #network: Network;
  readonly #claim: Claim;
  readonly #sink: ListenerSink;
  #backlog: number;
  /** Established connections: the accept queue. */
  readonly #queue: MemoryStream[] = [];
  /** Callers that found the accept queue full. */
  #outside: Caller[] = [];
  #accepting = false;
  #closed = false;

  constructor(
    network: Network,
    claim: Claim,
    settings: ReadonlyMap<string, number>,
    backlog: number,
    sink: ListenerSink,
  ) {
    super(settings);
    this.#network = network;
    this.#claim = claim;
    this.#sink = sink;
    this.#backlog = Math.min(backlog, LARGEST_BACKLOG);
    network.names.listen(claim, this);
  }

  get local(): Address {
    return this.#claim.local;
  }

  resume(): void {
    this.#accepting = true;
    if (this.#queue.length > 0) queueMicrotask(() => this.#push());
  }

  setBacklog(backlog: number): void {
    this.#backlog = Math.min(backlog, LARGEST_BACKLOG);
    this.#admitOutside();
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#claim.release();
      // As in the kernel, connections that were never accepted are reset.
      for (const stream of this.#queue.splice(0)) stream.reset();
      for (const caller of this.#outside.splice(0)) caller.refused();
    }
    return Promise.resolve();
  }

  call(caller: Caller): void {
    if (this.#queue.length > this.#backlog) this.#outside.push(caller);
    else this.#admit(caller);
  }

  #admit(caller: Caller): void {
    const { family, local } = this.#claim;
    const named = family === AF_UNIX;
    const [client, server] = this.#network.join(family, caller.start, {
      local: named ? local : addressOf(family, caller.to),
      remote: named ? caller.start.local : addressOf(family, caller.from),
    });
    caller.admitted(client);
    server.open();
    this.#queue.push(server);
    this.#push();
  }

  #admitOutside(): void {
    while (this.#outside.length > 0 && this.#queue.length <= this.#backlog) {
      const caller = this.#outside.shift()!;
      if (!caller.cancelled) this.#admit(caller);
    }
  }

  #push(): void {
    while (this.#accepting && this.#queue.length > 0 && !this.#closed) {
      this.#accepting = false;
      if (this.#network.faults.acceptFails()) return this.#sink.error(failure("EMFILE"));
      if (this.#sink.connection(this.#queue.shift()!)) this.#accepting = true;
      if (this.#outside.length > 0) after(0, () => this.#admitOutside());
    }
  }
}
