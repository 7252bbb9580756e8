/** The state machine of a datagram socket: unbound, bound, with or without a fixed peer. */

import type { Adapter, Address, AdoptedDatagram, Datagram } from "../../adapters/adapter.ts";
import { copyAddress, type Destination, sameAddress, wildcard } from "../address/address.ts";
import { closeHandle } from "../close_handle.ts";
import { AF_UNIX, SHUT_RD, SHUT_WR } from "../constants.ts";
import {
  closedError,
  SocketError,
  systemError,
  translate,
  withBytesSent,
} from "../errors/errors.ts";
import { LookUps } from "../names/look_ups.ts";
import { bindLocal, firstOf, resolveAll, resolveLocal } from "../names/resolve.ts";
import type { SocketOptions } from "../options/socket_options.ts";
import { outcome, type Received, type ReceiveRequest, type SendRequest } from "../requests.ts";
import type { FromMessage, Transport } from "../transport.ts";
import { quiet, rejected } from "../waiting/quiet.ts";
import { isTurnDue, resolved, turn, turned } from "../waiting/turn.ts";
import { type Limits, UNLIMITED } from "../waiting/wait.ts";
import { settledWithin } from "../waiting/within.ts";
import { DatagramCalls } from "./calls.ts";
import { checkLength, checkTarget, copyOf, peerOf } from "./checks.ts";
import { Opening, type Owner } from "./opening.ts";
import { DatagramQueue, nothing } from "./queue.ts";

/** Linux's default of net.core.rmem_default, used if the runtime does not report the size. */
const RECEIVE_BUFFER = 212992;

/** How long a close waits for earlier sends and connects, in milliseconds: for a name, or for room. */
const LONGEST_CLOSE = 100;

/** UDP, and AF_UNIX datagrams if the adapter has them. */
export class DatagramTransport implements Transport, Owner {
  readonly listening = false;
  readonly adapter: Adapter;
  readonly family: number;
  readonly options: SocketOptions;
  #queue: DatagramQueue;
  #socket: Datagram | undefined;
  #opening: Opening = new Opening(this);
  #peer: Address | undefined;
  #lastLocal: Address;
  /** The error that the system reported for a sent datagram, until a call has reported it. */
  #pending: { cause: unknown } | undefined;
  /** The bound of the queue, and the setting of SO_RCVBUF when the system was asked for it. */
  #limit: { bytes: number; setting: number | undefined } | undefined;
  #calls: DatagramCalls = new DatagramCalls();
  /** The look-up that a bind waits for. */
  #lookUps: LookUps = new LookUps();
  #readShut = false;
  #writeShut = false;
  #closed = false;

  constructor(adapter: Adapter, family: number, options: SocketOptions) {
    this.adapter = adapter;
    this.family = family;
    this.options = options;
    this.#lastLocal = wildcard(family);
    this.#queue = new DatagramQueue(() => this.#queueLimit());
  }

  get closed(): boolean {
    return this.#closed;
  }

  get handle(): Datagram | undefined {
    return this.#socket;
  }

  get local(): Address {
    return this.#socket?.local ?? this.#lastLocal;
  }

  get remote(): Address | undefined {
    return this.#peer;
  }

  takeErrno(): number {
    return this.#takeError("getsockopt")?.errno ?? 0;
  }

  /** Takes over an inherited descriptor. */
  adopt({ datagram, remote }: AdoptedDatagram): void {
    this.opened(datagram, datagram.local);
    for (const name of ["SO_BROADCAST", "SO_REUSEADDR"]) {
      this.options.note(name, datagram.getOption(name));
    }
    this.#peer = remote === undefined ? undefined : peerOf(remote);
  }

  async bind(destination: Destination): Promise<void> {
    this.#checkOpen("bind");
    if (this.#socket !== undefined || this.#opening.underWay) {
      throw systemError("EINVAL", "bind");
    }
    const address = () => this.#localAddress(destination);
    await bindLocal(destination, () => this.#opening.open(address, "bind"));
  }

  listen(_backlog: number): Promise<void> {
    return this.#unsupported("listen");
  }

  accept(): Promise<never> {
    return this.#unsupported("accept");
  }

  async connect(destination: Destination, limits: Limits): Promise<void> {
    this.#checkOpen("connect");
    // Fixing the peer does not wait for the network; only the look-up of a name may.
    const addresses = resolveAll(this.adapter, this.family, destination);
    await this.#calls.later("connect", limits, addresses, (known) => this.#fix(firstOf(known)));
  }

  /** Fixes the peer. No send is with the runtime meanwhile, since it would go to one of two peers. */
  async #fix(address: Address): Promise<void> {
    const peer = peerOf(address);
    // Linux would report this at the first send.
    checkTarget(peer, "connect", this.options.settings);
    const socket = this.#socket ??
      await this.#opening.open(() => wildcard(this.family), "connect", peer);
    try {
      await socket.connect?.(peer);
    } catch (cause) {
      throw translate(this.adapter, cause, "connect", { address: peer });
    }
    this.#peer = copyAddress(peer);
  }

  receive(request: ReceiveRequest, limits: Limits): Promise<Received> {
    return this.receiveFrom(request, limits, dataOf);
  }

  receiveNow(): Uint8Array<ArrayBuffer> | undefined {
    const data = this.#queue.receiveNow();
    return data ?? (this.#readShut ? new Uint8Array(0) : undefined);
  }

  receiveFrom<T>(request: ReceiveRequest, limits: Limits, make: FromMessage<T>): Promise<T> {
    if (this.#closed) return rejected(systemError("EBADF", request.syscall));
    const error = this.#takeError(request.syscall);
    if (error !== undefined) return rejected(error);
    if (this.#readShut && limits.timeout !== 0) {
      return quiet(this.#receiveLeft(request, limits, make));
    }
    return this.#receiveNext(request, limits, make);
  }

  #receiveNext<T>(request: ReceiveRequest, limits: Limits, make: FromMessage<T>): Promise<T> {
    const received = this.#queue.receive(request, limits, make);
    if (this.#queue.isAwaited) this.#socket?.resume?.();
    return received;
  }

  /** Receives after shutdown(SHUT_RD): as in Linux, what has arrived can still be received. */
  async #receiveLeft<T>(
    request: ReceiveRequest,
    limits: Limits,
    make: FromMessage<T>,
  ): Promise<T> {
    try {
      return await this.#receiveNext(request, { ...limits, timeout: 0 }, make);
    } catch (error) {
      if (error instanceof SocketError && error.code === "EAGAIN") return nothing(request, make);
      throw error;
    }
  }

  send(request: SendRequest, limits: Limits): Promise<number> {
    try {
      this.#checkSendable(request);
      if (this.#writeShut) return quiet(this.#sendShut(request, limits));
      return this.#canSend ? this.#sendToPeer(request) : this.#sendLater(request, limits);
    } catch (error) {
      return unsent(request, error);
    }
  }

  sendTo(request: SendRequest, destination: Destination, limits: Limits): Promise<number> {
    try {
      this.#checkSendable(request);
      if (this.#writeShut) return quiet(this.#sendShut(request, limits));
      const addresses = resolveAll(this.adapter, this.family, destination);
      // The usual case, a reply to a literal address, must not cost a promise per step.
      return Array.isArray(addresses) && this.#canSend
        ? this.#sendToOne(request, firstOf(addresses))
        : this.#sendLater(request, limits, addresses);
    } catch (error) {
      return rejected(error);
    }
  }

  /** Sends after the calls before it: to the address, or without one to the peer of then. */
  #sendLater(
    request: SendRequest,
    limits: Limits,
    addresses?: Address[] | Promise<Address[]>,
  ): Promise<number> {
    const own = { ...request, data: copyOf(request.data, this.family) };
    const sent = this.#calls.later(
      request.syscall,
      limits,
      addresses ?? [],
      (known) =>
        addresses === undefined ? this.#sendToPeer(own) : this.#sendToOne(own, firstOf(known)),
    );
    return request.all ? quiet(sent.catch((error) => unsent(request, error))) : sent;
  }

  /** Whether a send can go to the runtime at once without overtaking another. */
  get #canSend(): boolean {
    return this.#socket !== undefined && this.#calls.isFree(this.#socket.concurrent);
  }

  #sendToPeer(request: SendRequest): Promise<number> {
    return this.#peer === undefined
      ? unsent(request, systemError(this.#unconnectedCode(), request.syscall))
      : this.#sendTo(request, undefined);
  }

  #sendToOne(request: SendRequest, to: Address): Promise<number> {
    return this.#peer === undefined ? this.#sendTo(request, to) : this.#sendPast(request, to);
  }

  /** Sends to an address although the peer is fixed. */
  #sendPast(request: SendRequest, to: Address): Promise<number> {
    // As in POSIX; the runtimes cannot send past a fixed peer.
    if (!sameAddress(peerOf(to), this.#peer!)) {
      return rejected(systemError("EISCONN", request.syscall, { address: to }));
    }
    return this.#sendTo(request, undefined);
  }

  shutdown(how: number): Promise<void> {
    if (this.#closed) return rejected(systemError("EBADF", "shutdown"));
    if (this.#peer === undefined) return rejected(systemError("ENOTCONN", "shutdown"));
    if (how !== SHUT_WR) {
      this.#readShut = true;
      this.#queue.endAll();
    }
    if (how !== SHUT_RD) this.#writeShut = true;
    return Promise.resolve();
  }

  async close(): Promise<void> {
    this.#lastLocal = this.local;
    this.#closed = true;
    this.#queue.failAll(closedError);
    this.#lookUps.fail();
    const { last } = this.#calls;
    if (last !== undefined) await settledWithin(last, LONGEST_CLOSE);
    this.#opening.close();
    this.#calls.fail();
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket !== undefined) await closeHandle(this.adapter, socket);
  }

  detach(): number {
    const { adapter } = this.adapter.capabilities();
    throw systemError("ENOTSUP", "detach", {
      detail: `${adapter} cannot let go of a datagram socket`,
    });
  }

  datagram(data: Uint8Array<ArrayBuffer>, from: Address, owned: boolean): boolean {
    turned();
    // Checked even if the kernel filters: what came before the peer was fixed is already in its queue.
    const isStranger = this.#peer !== undefined && !sameAddress(from, this.#peer);
    if (!isStranger) this.#queue.push(data, from, owned);
    return this.#queue.isAwaited;
  }

  error(cause: unknown): void {
    // Without a fixed peer there is no way to say which datagram it concerns; Linux drops it, too.
    if (this.#peer === undefined) return;
    this.#pending = { cause };
    this.#queue.failFirst((syscall) => this.#takeError(syscall));
  }

  #sendTo(request: SendRequest, to: Address | undefined): Promise<number> {
    const { syscall, data } = request;
    const address = to ?? this.#peer;
    try {
      checkLength(data, this.family, address, syscall);
      checkTarget(address, syscall, this.options.settings);
    } catch (error) {
      return unsent(request, error);
    }
    // No closure here: see core/waiting/wait.ts.
    return this.#socket === undefined
      ? quiet(this.#openAndSend(request, to))
      : this.#sendBy(this.#socket, request, to);
  }

  async #openAndSend(request: SendRequest, to: Address | undefined): Promise<number> {
    const toward = to ?? this.#peer;
    const socket = await this.#opening.open(() => wildcard(this.family), request.syscall, toward);
    return await this.#sendBy(socket, request, to);
  }

  #sendBy(socket: Datagram, request: SendRequest, to: Address | undefined): Promise<number> {
    try {
      // The runtime needs the address if it has not fixed the peer itself.
      const target = to ?? (socket.connect === undefined ? this.#peer : undefined);
      const sent = socket.send(request.data, target);
      return isPromise(sent)
        ? this.#whenSent(sent, request, to)
        : resolved(outcome(request.all, request.data.length));
    } catch (cause) {
      return this.#sendFailed(cause, request, to);
    }
  }

  #whenSent(
    sent: Promise<unknown>,
    request: SendRequest,
    to: Address | undefined,
  ): Promise<number> {
    const sending = sent.then(
      () => {
        this.#calls.ended(sending);
        const sent = outcome(request.all, request.data.length);
        return isTurnDue() ? turn().then(() => sent) : sent;
      },
      (cause) => {
        this.#calls.ended(sending);
        quiet(sending);
        return this.#sendFailed(cause, request, to);
      },
    );
    this.#calls.begun(sending);
    return sending;
  }

  #sendFailed(cause: unknown, request: SendRequest, to: Address | undefined): Promise<never> {
    const address = to ?? this.#peer;
    const error = translate(this.adapter, cause, request.syscall, { address });
    // The error of an earlier datagram, which the system reports at the next send.
    if (error.code === "ECONNREFUSED") this.#pending = undefined;
    return unsent(request, error);
  }

  /** Uses a socket, which is bound to an address. */
  opened(socket: Datagram, address: Address): void {
    socket.sink = this;
    this.#socket = socket;
    this.#queue.handle = socket;
    this.options.boundTo(address);
    if (this.#queue.isAwaited) socket.resume?.();
  }

  async #localAddress(destination: Destination): Promise<Address> {
    const address = resolveLocal(this.adapter, this.family, destination);
    const [local] = await this.#lookUps.wait(address.then((one) => [one]), "bind", UNLIMITED);
    return local!;
  }

  /** The bound of the queue. The system is asked again only after the option was set, not for each datagram. */
  #queueLimit(): number {
    const setting = this.options.settings.get("SO_RCVBUF");
    if (this.#limit === undefined || this.#limit.setting !== setting) {
      const bytes = this.#socket?.getOption("SO_RCVBUF") ?? setting ?? RECEIVE_BUFFER;
      this.#limit = { bytes, setting };
    }
    return this.#limit.bytes;
  }

  #takeError(syscall: string): SocketError | undefined {
    if (this.#pending === undefined) return undefined;
    const { cause } = this.#pending;
    this.#pending = undefined;
    return translate(this.adapter, cause, syscall, { address: this.#peer });
  }

  #checkOpen(syscall: string): void {
    if (this.#closed) throw systemError("EBADF", syscall);
  }

  #checkSendable({ syscall }: SendRequest): void {
    this.#checkOpen(syscall);
    const error = this.#takeError(syscall);
    if (error !== undefined) throw error;
  }

  /** Fails a send after SHUT_WR. Linux reports the pending error first, which the runtime may not have reported yet. */
  async #sendShut(request: SendRequest, { turn }: Limits): Promise<never> {
    await turn();
    const { syscall } = request;
    return await unsent(request, this.#takeError(syscall) ?? systemError("EPIPE", syscall));
  }

  #unconnectedCode(): string {
    return this.family === AF_UNIX ? "ENOTCONN" : "EDESTADDRREQ";
  }

  #unsupported(syscall: string): Promise<never> {
    return rejected(systemError(this.#closed ? "EBADF" : "EOPNOTSUPP", syscall));
  }
}

/** Whether a value is a promise, of this realm's class or another: programs may replace the global. */
function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as { then?: unknown } | undefined)?.then === "function";
}

function dataOf(data: Received): Received {
  return data;
}

/** Fails a send: a datagram goes out whole or not at all. */
function unsent({ all }: SendRequest, error: unknown): Promise<never> {
  return rejected(all ? withBytesSent(error, 0) : error);
}
