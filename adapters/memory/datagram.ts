/** Datagram sockets in memory: whole messages that may get lost but never wait. */

import { isMulticast } from "../../core/address/inet.ts";
import { AF_INET6, AF_UNIX } from "../../core/constants.ts";
import type { Address, Datagram, DatagramRequest, DatagramSink } from "../adapter.ts";
import {
  addressOf,
  canonicalHost,
  type Endpoint,
  endpointOf,
  isIPv6,
  isWildcard,
} from "./address.ts";
import { failure } from "./failure.ts";
import { MemoryHandle } from "./handle.ts";
import { after } from "./turns.ts";
import type { Claim } from "./names.ts";
import type { Network } from "./network.ts";

/** The largest datagrams: of UDP, and of AF_UNIX with Linux's default send buffer. */
const LARGEST_INET = 65507;
const LARGEST_INET6 = 65527;
const LARGEST_UNIX = 212960;
const BROADCAST = "255.255.255.255";
/** All names of the only interface. */
const DEVICES = ["", "0", "1", "lo", "127.0.0.1", "0.0.0.0", "::1"];

/** A datagram socket. */
export class MemoryDatagram extends MemoryHandle implements Datagram {
  sink!: DatagramSink;
  readonly #network: Network;
  readonly #family: number;
  /** Absent for an AF_UNIX socket that only sends: it has no name. */
  readonly #claim: Claim | undefined;
  readonly #groups = new Set<string>();
  #peer: Endpoint | undefined;
  #closed = false;

  constructor(network: Network, { family, address, toward, settings }: DatagramRequest) {
    super(settings);
    this.#network = network;
    this.#family = family;
    // An explicit bind to "" chooses an abstract name; a socket that only sends stays unnamed.
    if (family === AF_UNIX && address.length === 0 && toward !== undefined) return;
    this.#claim = network.names.claim("datagram", family, address, settings);
    this.#claim.owner = this;
  }

  get local(): Address {
    const claim = this.#claim;
    if (claim === undefined) return "";
    if (this.#family === AF_UNIX || this.#peer === undefined) return claim.local;
    return addressOf(this.#family, this.#from(this.#peer));
  }

  send(data: Uint8Array, to: Address | undefined): void {
    if (this.#closed) throw failure("EBADF");
    if (data.length > largestOf(this.#family)) throw failure("EMSGSIZE");
    const endpoint = to === undefined ? this.#peer : this.#destination(to);
    if (endpoint === undefined) throw failure("EDESTADDRREQ");
    const copy = data.slice();
    if (this.#family === AF_UNIX) return this.#sendNamed(copy, endpoint);
    if (endpoint.port === 0) throw failure("EINVAL", "port 0");
    this.#checkWay(endpoint);
    const { faults } = this.#network;
    if (faults.loses()) return;
    let turns = faults.lateTurns();
    const arrive = (): void => {
      if (turns-- > 0) after(0, arrive);
      else this.#arriveAt(endpoint, copy);
    };
    after(faults.wire(undefined, "client").delay, arrive);
  }

  connect(peer: Address): void {
    const endpoint = this.#destination(peer);
    if (this.#family === AF_UNIX) this.#findNamed(endpoint);
    else this.#checkWay(endpoint);
    this.#peer = endpoint;
  }

  membership(action: "join" | "leave", group: string, device: string): void {
    const host = canonicalHost(group);
    if (host === undefined || !isMulticast(host)) {
      throw failure("EINVAL", "not a multicast address");
    }
    this.multicastInterface(device);
    if (action === "join") {
      if (this.#groups.has(host)) throw failure("EADDRINUSE");
      this.#groups.add(host);
    } else if (!this.#groups.delete(host)) {
      throw failure("EADDRNOTAVAIL");
    }
  }

  multicastInterface(device: string): void {
    if (!DEVICES.includes(device) && !this.#network.names.isLocal(device)) throw failure("ENODEV");
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#claim?.release();
    return Promise.resolve();
  }

  #destination(address: Address): Endpoint {
    return this.#network.names.destination(
      endpointOf(this.#family, address),
      this.#claim?.endpoint,
    );
  }

  #checkWay(to: Endpoint): void {
    if (to.host === BROADCAST) {
      if (this.options.get("SO_BROADCAST") !== 1) throw failure("EACCES");
    } else if (!isMulticast(to.host)) {
      const only6 = this.#family === AF_INET6 && this.options.get("IPV6_V6ONLY") === 1;
      this.#network.checkWay(to, only6);
    }
  }

  /** The source address of a datagram to this endpoint. */
  #from(to: Endpoint): Endpoint {
    const { endpoint } = this.#claim!;
    const concrete = !isWildcard(endpoint.host) && !isMulticast(endpoint.host) &&
      endpoint.host !== BROADCAST;
    return concrete ? endpoint : { ...endpoint, host: this.#network.names.source(to) };
  }

  #arriveAt(to: Endpoint, data: Uint8Array<ArrayBuffer>): void {
    const { faults, names } = this.#network;
    const from = this.#from(to);
    if (isMulticast(to.host) || to.host === BROADCAST) return this.#spread(to, from, data);
    const receiver = faults.refuses(to) ? undefined : names.find("datagram", to)
      .map((claim) => claim.owner as MemoryDatagram)
      .filter((owner) => owner.#hears(from))
      .sort((a, b) => Number(b.#peer !== undefined) - Number(a.#peer !== undefined))[0];
    if (receiver !== undefined) receiver.#take(data, from);
    else after(faults.wire(undefined, "server").delay, () => this.#refused(to));
  }

  /** Delivers to all members of a group, or to all sockets that hear broadcasts. */
  #spread(to: Endpoint, from: Endpoint, data: Uint8Array<ArrayBuffer>): void {
    const loop = isIPv6(to.host) ? "IPV6_MULTICAST_LOOP" : "IP_MULTICAST_LOOP";
    if (to.host !== BROADCAST && this.options.get(loop) === 0) return;
    for (const { owner } of this.#network.names.find("datagram", to)) {
      const receiver = owner as MemoryDatagram;
      const member = to.host === BROADCAST || receiver.#groups.has(to.host);
      if (member && receiver.#hears(from)) receiver.#take(data.slice(), from);
    }
  }

  /** Reports ECONNREFUSED if this socket is connected to that very address; no other socket learns of it. */
  #refused(to: Endpoint): void {
    const fixed = this.#peer;
    if (this.#closed || fixed?.host !== to.host || fixed.port !== to.port) return;
    this.sink.error(failure("ECONNREFUSED"));
  }

  /** Whether this socket receives from there: a connected one hears only its peer. */
  #hears(from: Endpoint): boolean {
    const fixed = this.#peer;
    return fixed === undefined || (fixed.host === from.host && fixed.port === from.port);
  }

  #take(data: Uint8Array<ArrayBuffer>, from: Endpoint): void {
    if (!this.#closed) this.sink.datagram(data, addressOf(this.#family, from), true);
  }

  #findNamed({ host }: Endpoint): MemoryDatagram {
    const found = this.#network.names.findName(host);
    if (found === undefined) throw failure(host.startsWith("\0") ? "ECONNREFUSED" : "ENOENT");
    if (found.kind !== "datagram") throw failure("EPROTOTYPE");
    return found.owner as MemoryDatagram;
  }

  /**
   * Sends over AF_UNIX, which finds its receiver at once and loses nothing on the way. What its full queue does not take
   * is dropped, as of UDP: Linux lets the sender wait.
   */
  #sendNamed(data: Uint8Array<ArrayBuffer>, to: Endpoint): void {
    const { faults } = this.#network;
    const connected = this.#peer?.host === to.host;
    const gone = connected && this.#network.names.findName(to.host) === undefined;
    if (gone || faults.refuses(to)) throw failure("ECONNREFUSED");
    const receiver = this.#findNamed(to);
    const from = this.local;
    const fixed = receiver.#peer?.host;
    if (fixed !== undefined && fixed !== this.#claim?.endpoint.host) throw failure("EPERM");
    after(faults.wire(undefined, "client").delay, () => {
      if (!receiver.#closed) receiver.sink.datagram(data, from, true);
    });
  }
}

function largestOf(family: number): number {
  if (family === AF_UNIX) return LARGEST_UNIX;
  return family === AF_INET6 ? LARGEST_INET6 : LARGEST_INET;
}
