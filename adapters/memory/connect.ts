/** connect(2) in memory: the route, the response, and the faults of either. */

import { AF_INET6, AF_UNIX } from "../../core/constants.ts";
import type { Address, ConnectAttempt, ConnectTarget, Stream } from "../adapter.ts";
import { addressOf, type Endpoint, endpointOf, isIPv6, isWildcard } from "./address.ts";
import { failure } from "./failure.ts";
import { after } from "./turns.ts";
import { anyAddress, type Claim } from "./names.ts";
import type { Network, SideStart } from "./network.ts";
import type { MemoryStream } from "./stream.ts";

/** A connecting socket, as the listener sees it. */
export interface Caller {
  /** Its source and destination, for internet addresses. */
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** The initial state of the caller's end. */
  readonly start: SideStart;
  /** Whether it gave up while it waited. */
  readonly cancelled: boolean;
  /** The connection is established on the listener's side. */
  admitted(stream: MemoryStream): void;
  /** No socket listens any more. */
  refused(): void;
}

/** A listening socket, as connecting sockets see it. */
export interface Callee {
  /** Takes an incoming connection. */
  call(caller: Caller): void;
}

/** A connection under way. */
export class MemoryConnect implements ConnectAttempt, Caller {
  readonly done: Promise<Stream>;
  from!: Endpoint;
  to!: Endpoint;
  start!: SideStart;
  readonly #network: Network;
  readonly #target: ConnectTarget;
  #claim: Claim | undefined;
  #stream: MemoryStream | undefined;
  #settled = false;
  #resolve!: (stream: Stream) => void;
  #reject!: (cause: unknown) => void;

  constructor(network: Network, target: ConnectTarget, claim: Claim | undefined) {
    this.#network = network;
    this.#target = target;
    this.#claim = claim;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    after(0, () => this.#begin());
  }

  get cancelled(): boolean {
    return this.#settled && this.#stream === undefined;
  }

  cancel(): void {
    if (this.#settled) return;
    // The listener may have it already, and then sees the caller break off.
    this.#stream?.reset();
    this.#fail(failure("ECANCELED"));
  }

  admitted(stream: MemoryStream): void {
    this.#stream = stream;
  }

  refused(): void {
    after(this.#network.faults.wire(undefined, "server").delay, () => {
      this.#fail(failure("ECONNREFUSED"));
    });
  }

  #fail(cause: unknown): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#claim?.release();
    this.#reject(cause);
  }

  #begin(): void {
    if (this.#settled) return;
    try {
      const local = this.#target.family === AF_UNIX ? this.#nameWay() : this.#inetWay();
      this.start = {
        local,
        remote: this.#target.family === AF_UNIX
          ? this.#target.address
          : addressOf(this.#target.family, this.to),
        settings: this.#target.settings,
        opened: () => this.#opened(),
        release: () => this.#claim?.release(),
      };
    } catch (cause) {
      return this.#fail(cause);
    }
    after(this.#network.faults.wire(undefined, "client").delay, () => this.#arrive());
  }

  /** Finds the route to a UNIX name; returns the caller's own name. */
  #nameWay(): Address {
    this.from = this.to = endpointOf(AF_UNIX, this.#target.address);
    const found = this.#network.names.findName(this.to.host);
    if (found === undefined && !this.to.host.startsWith("\0")) throw failure("ENOENT");
    if (found?.kind === "datagram") throw failure("EPROTOTYPE");
    return this.#claim?.local ?? "";
  }

  /** Finds the route to an internet address; returns the caller's own address. */
  #inetWay(): Address {
    const { names } = this.#network;
    const { family, address, settings } = this.#target;
    const bound = this.#claim?.endpoint;
    this.to = names.destination(endpointOf(family, address), bound);
    this.#network.checkWay(this.to, family === AF_INET6 && settings.get("IPV6_V6ONLY") === 1);
    const fixed = bound !== undefined && !isWildcard(bound.host);
    if (fixed && isIPv6(bound.host) !== isIPv6(this.to.host)) throw failure("ENETUNREACH");
    const host = fixed ? bound.host : names.source(this.to);
    this.#claim ??= names.claim("stream", family, anyAddress(family), settings);
    this.from = { host, port: this.#claim.endpoint.port, scope: this.to.scope };
    return addressOf(family, this.from);
  }

  /** The call arrives at its destination. */
  #arrive(): void {
    if (this.#settled) return;
    const { faults, names } = this.#network;
    if (faults.silences(this.to)) return this.#network.park(() => this.#arrive());
    const listener = faults.refuses(this.to) ? undefined : this.#callee(names);
    if (listener === undefined) this.refused();
    else listener.call(this);
  }

  #callee(names: Network["names"]): Callee | undefined {
    const claims = this.#target.family === AF_UNIX
      ? [names.findName(this.to.host)]
      : names.find("stream", this.to);
    return claims.find((claim) => claim?.listening)?.owner as Callee | undefined;
  }

  /** The listener's response arrives. */
  #opened(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#resolve(this.#stream!);
  }
}
