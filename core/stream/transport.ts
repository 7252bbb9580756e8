/** The state machine of a stream socket: open, bound, connecting, connected or listening, closed. */

import type {
  Adapter,
  Address,
  AdoptedStream,
  Bound,
  Handle,
  Stream,
} from "../../adapters/adapter.ts";
import { type Destination, wildcard } from "../address/address.ts";
import { closeHandle } from "../close_handle.ts";
import { AF_UNIX, SHUT_RD, SHUT_WR, SOMAXCONN } from "../constants.ts";
import { SocketError, systemError, translate } from "../errors/errors.ts";
import { resolveAll } from "../names/resolve.ts";
import type { SocketOptions } from "../options/socket_options.ts";
import { inTurn, type Received, type ReceiveRequest, type SendRequest } from "../requests.ts";
import type { FromMessage, Send, Transport } from "../transport.ts";
import { quiet, quietly, rejected } from "../waiting/quiet.ts";
import { turned } from "../waiting/turn.ts";
import { AddressedWait, blocking, type Limits, UNLIMITED, Wait } from "../waiting/wait.ts";
import { ConnectCall } from "./connect_call.ts";
import { StreamEndpoint } from "./endpoint.ts";
import { ListenerEndpoint } from "./listener.ts";
import { OwnAddress, type Owner } from "./own_address.ts";
import type { Phase, Refusals } from "./phase.ts";
import {
  Busy,
  CLOSED_PHASE,
  Connecting,
  countingNone,
  Inherited,
  Listening,
  reportedBy,
  Unconnected,
} from "./phases.ts";
import { SendGroups } from "./send_groups.ts";

/** The phase of new sockets. */
const UNCONNECTED = new Unconnected(false);
const UNCONNECTED_UNIX = new Unconnected(true);

/** TCP and AF_UNIX streams. */
export class StreamTransport implements Transport, Owner {
  readonly adapter: Adapter;
  readonly family: number;
  readonly options: SocketOptions;
  #phase: Phase;
  /** The address it has bound or listened on; kept while connected. */
  #own: OwnAddress | undefined;
  /** A descriptor that was taken over without an address, until `bind`, `listen` or `connect` takes it. */
  #unbound: Bound | undefined;
  /** Created for the first sends that belong together. */
  #groups: SendGroups | undefined;

  constructor(adapter: Adapter, family: number, options: SocketOptions) {
    this.adapter = adapter;
    this.family = family;
    this.options = options;
    this.#phase = this.#isUnix ? UNCONNECTED_UNIX : UNCONNECTED;
  }

  get closed(): boolean {
    return this.#phase === CLOSED_PHASE;
  }

  get handle(): Handle | undefined {
    return this.#phase.handle ?? this.#own?.bound ?? this.#unbound;
  }

  get local(): Address {
    return this.handle?.local ?? this.#ownAddress;
  }

  get remote(): Address | undefined {
    return this.#endpoint?.stream.remote;
  }

  get listening(): boolean {
    const phase = this.#phase instanceof Busy ? this.#phase.before : this.#phase;
    return phase instanceof Listening || phase instanceof Inherited;
  }

  /** Becomes the transport of an established connection, such as an accepted one. */
  attach(endpoint: StreamEndpoint): void {
    this.#phase = endpoint;
  }

  /** Takes over an inherited descriptor. */
  adopt(adopted: AdoptedStream): void {
    if ("stream" in adopted) {
      this.attach(new StreamEndpoint(this.adapter, adopted.stream));
      return;
    }
    const { bound, listening } = adopted;
    if (bound.bind !== undefined) {
      this.#unbound = bound;
      return;
    }
    this.#own = OwnAddress.adopt(this, bound);
    this.options.boundTo(bound.local);
    if (listening) this.#phase = new Inherited(this.#isUnix);
  }

  /** Shares what is unread of a connection with a duplicate. */
  share(duplicate: StreamTransport): void {
    const other = duplicate.#endpoint;
    if (other !== undefined) this.#endpoint?.share(other);
  }

  takeErrno(): number {
    return this.#phase.takeErrno();
  }

  bindTaken(address: Address): Bound | undefined {
    const bound = this.#unbound?.bind?.(address);
    if (bound !== undefined) this.#unbound = undefined;
    return bound;
  }

  async bind(destination: Destination): Promise<void> {
    const before = this.#unconnected("bind");
    if (this.#own !== undefined) throw systemError("EINVAL", "bind");
    await this.#open("bind", before, async () => {
      this.#own = await OwnAddress.bind(this, destination);
      this.options.boundTo(this.#own.address);
      return before;
    });
  }

  async listen(backlog: number): Promise<void> {
    if (this.#phase instanceof Listening) return changeBacklog(this.adapter, this.#phase, backlog);
    const before = this.#unconnected("listen");
    // No peer could find a UNIX listener without a name.
    if (this.#isUnix && this.#own === undefined) throw systemError("EINVAL", "listen");
    const own = this.#own ?? new OwnAddress(this, this.#ownAddress, false);
    await this.#open("listen", before, async () => {
      const bound = this.#takeUnbound() ?? await own.takeToListen();
      const endpoint = new ListenerEndpoint(this.adapter);
      try {
        const handle = await bound.listen(backlog, endpoint);
        endpoint.listener = handle;
        own.address = handle.local;
        this.#own = own;
        return new Listening(this.#isUnix, endpoint, handle, backlog);
      } catch (cause) {
        this.options.dropRefused(cause);
        throw translate(this.adapter, cause, "listen", { address: bound.local });
      }
    });
  }

  accept<T>(limits: Limits, make: (endpoint: StreamEndpoint) => T): Promise<T> {
    const phase = this.#phase;
    if (phase instanceof Listening) return phase.endpoint.accept(limits, make);
    const listening = this.#listenInherited("accept");
    if (listening !== undefined) {
      return quiet(listening.then(() => this.accept(limits, make)));
    }
    return rejected(this.#refusal(phase.refusals.accept!, "accept"));
  }

  async connect(destination: Destination, limits: Limits): Promise<void> {
    const error = this.#unconnected("connect").takeError("connect");
    if (error !== undefined) throw error;
    // The unnamed address belongs to nobody; Node would report that nobody listens there.
    if (destination === "") throw systemError("EINVAL", "connect");
    const call = new ConnectCall({
      adapter: this.adapter,
      family: this.family,
      destination,
      settings: this.options.settings,
      waits: limits.timeout !== 0,
      bound: async (address) => this.#takeUnbound() ?? await this.#own?.takeToConnect(address),
    });
    const wait = new AddressedWait<void>("connect", () => call.address);
    const connecting = new Connecting(call, wait);
    this.#phase = connecting;
    call.done.then(
      (stream) => this.#connected(stream, connecting),
      (error) => this.#connectFailed(error, connecting),
    );
    const owner = { gaveUp: (_: object, reason: unknown) => this.#gaveUp(connecting, reason) };
    wait.limit(blocking(limits), owner);
    if (limits.timeout === 0) {
      call.begun.then(() => {
        wait.fail(systemError("EINPROGRESS", "connect", { address: call.address }));
      }, () => {/* The call as a whole has failed. */});
    }
    await wait.promise;
  }

  receive(request: ReceiveRequest, limits: Limits): Promise<Received> {
    return this.#phase.receive(request, limits);
  }

  receiveNow(request: ReceiveRequest): Uint8Array<ArrayBuffer> | undefined {
    return this.#endpoint?.receiveNow(request);
  }

  receiveFrom<T>(request: ReceiveRequest, limits: Limits, make: FromMessage<T>): Promise<T> {
    return quiet(this.receive(request, limits).then((data) => make(data, null, 0)));
  }

  send(request: SendRequest, limits: Limits): Promise<number> {
    // No closure here: see core/waiting/wait.ts.
    if (this.#groups?.busy) return this.#sendAfter(this.#groups, request, limits);
    return this.#phase.send(request, limits);
  }

  sendTogether<T>(
    limits: Limits,
    sends: (send: Send, closed: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const sending = this.#together("send", limits, (send) => sends(send, this.#groups!.closed));
    return countingNone(sending);
  }

  /**
   * Sends to the peer: a connected stream has only one. Linux ignores another address for TCP and refuses it for
   * AF_UNIX.
   */
  sendTo(request: SendRequest, destination: Destination, limits: Limits): Promise<number> {
    const { syscall } = request;
    return quietly(async () => {
      // The state comes before the address, as in `connect`.
      if (!this.#isUnix && !this.#phase.sends) return await this.send(request, limits);
      const addresses = resolveAll(this.adapter, this.family, destination);
      if (!Array.isArray(addresses)) {
        // A name is looked up all the same, as in Python: what is sent meanwhile goes after it.
        const held = inTurn(request);
        return await this.#together(syscall, limits, async (send, left) => {
          await this.#groups!.lookUps.wait(addresses, syscall, left);
          return await send(held, left);
        });
      }
      if (this.#isUnix) {
        if (this.closed) throw systemError("EBADF", syscall);
        throw systemError(this.#endpoint === undefined ? "EOPNOTSUPP" : "EISCONN", syscall);
      }
      return await this.send(request, limits);
    });
  }

  async shutdown(how: number): Promise<void> {
    const inherited = how === SHUT_WR ? undefined : this.#listenInherited("shutdown");
    if (inherited !== undefined) await inherited;
    const phase = this.#phase;
    if (phase instanceof Listening) {
      if (how !== SHUT_WR) await this.#stopListening(phase);
      return;
    }
    // A UNIX connection stays one, whatever becomes of the peer.
    if (!(phase instanceof StreamEndpoint) || phase.broken && !this.#isUnix) {
      throw systemError(phase.refusals.shutdown ?? "ENOTCONN", "shutdown");
    }
    if (how !== SHUT_WR) phase.shutdownRead();
    if (how === SHUT_RD) return;
    await (this.#groups?.busy
      ? this.#groups.after("shutdown", UNLIMITED, () => this.#shutdownAfter(phase))
      : phase.shutdownWrite());
  }

  close(reset: boolean): Promise<void> {
    const phase = this.#phase;
    this.#phase = CLOSED_PHASE;
    this.#groups?.close();
    const closing = phase.close(reset);
    const unbound = this.#takeUnbound();
    if (unbound !== undefined) return both(closing, closeHandle(this.adapter, unbound));
    return this.#own === undefined ? closing : both(closing, this.#own.close());
  }

  detach(): number {
    const phase = this.#phase;
    const stream = this.#endpoint?.stream;
    if (stream?.release === undefined || stream.fd < 0) {
      const { adapter } = this.adapter.capabilities();
      throw systemError("ENOTSUP", "detach", {
        detail: `${adapter} cannot let go of the descriptor of this socket`,
      });
    }
    const fd = stream.release();
    this.#phase = CLOSED_PHASE;
    this.#groups?.close();
    (phase as StreamEndpoint).detach();
    if (this.#own !== undefined) quiet(this.#own.close());
    return fd;
  }

  /** The connection. */
  get #endpoint(): StreamEndpoint | undefined {
    return this.#phase instanceof StreamEndpoint ? this.#phase : undefined;
  }

  get #isUnix(): boolean {
    return this.family === AF_UNIX;
  }

  get #ownAddress(): Address {
    return this.#own?.address ?? wildcard(this.family);
  }

  #takeUnbound(): Bound | undefined {
    const unbound = this.#unbound;
    this.#unbound = undefined;
    return unbound;
  }

  /** The current phase, if a call that opens a socket is allowed in it. */
  #unconnected(syscall: keyof Refusals): Unconnected {
    const phase = this.#phase;
    const code = phase.refusals[syscall];
    if (code !== undefined) throw this.#refusal(code, syscall);
    return phase as Unconnected;
  }

  /** The error of a call that the current phase does not allow. A program may only have forgotten an `await`. */
  #refusal(code: string, syscall: string): SocketError {
    const phase = this.#phase;
    const under = phase instanceof Busy || phase instanceof Connecting ? phase.wait : undefined;
    const detail = under && `${under.syscall} is under way: await it first`;
    return systemError(code, syscall, { detail });
  }

  /**
   * Runs a step of bind or listen, which returns the next phase. A close meanwhile ends the call; what the step has
   * opened is closed afterwards.
   */
  async #open(syscall: string, before: Unconnected, step: () => Promise<Phase>): Promise<void> {
    const wait = new Wait<void>(syscall);
    const busy = new Busy(before, wait);
    this.#phase = busy;
    busy.over = step().then(async (next) => {
      if (this.#phase === busy) {
        this.#phase = next;
        wait.done();
      } else {
        await both(next.close(false), this.#own?.close());
      }
    }).catch((error) => {
      if (this.#phase === busy) this.#phase = before;
      wait.fail(error);
    });
    await wait.promise;
  }

  /**
   * Begins to accept on a descriptor that listened when it was taken over; `undefined` if it did not, or accepting has
   * begun. If it fails, that is an error of the call that needs it.
   */
  #listenInherited(syscall: string): Promise<void> | undefined {
    const phase = this.#phase;
    const begun = phase instanceof Busy && phase.before instanceof Inherited
      ? phase.wait.promise
      : undefined;
    const listening = phase instanceof Inherited ? this.listen(SOMAXCONN) : begun;
    return listening?.catch((error) => {
      throw reportedBy(syscall, error, "listen");
    });
  }

  #connected(stream: Stream, connecting: Connecting): void {
    turned();
    // Given up at the moment it was established.
    if (this.#phase !== connecting) {
      quiet(closeHandle(this.adapter, stream));
      return;
    }
    const endpoint = new StreamEndpoint(this.adapter, stream);
    try {
      this.options.apply(stream);
    } catch (error) {
      quiet(endpoint.close(false));
      const refused = refusedAtConnect(error, stream, this.#own?.address);
      return this.#connectFailed(refused, connecting);
    }
    this.#phase = endpoint;
    connecting.done(endpoint);
  }

  #connectFailed(error: unknown, connecting: Connecting): void {
    // One that was given up ends when its runtime says so: another may be under way by then.
    if (this.#phase !== connecting) return;
    this.options.dropRefused((error as Error).cause);
    // The call ended with EINPROGRESS: a later one reports the error.
    const untold = connecting.wait.settled ? error as SocketError : undefined;
    this.#phase = new Unconnected(this.#isUnix, untold);
    connecting.fail(error);
  }

  #gaveUp(connecting: Connecting, reason: unknown): void {
    if (reason instanceof SocketError && reason.code === "EINPROGRESS") return;
    this.#phase = new Unconnected(this.#isUnix);
    connecting.call.cancel();
    connecting.fail(reason);
  }

  /** Stops listening, as shutdown(2) does in Linux: the socket keeps its address and may listen again. */
  async #stopListening({ endpoint }: Listening): Promise<void> {
    this.#phase = new Unconnected(this.#isUnix);
    const closing = endpoint.close("EINVAL");
    this.#own?.isFreeAfter(closing);
    await closing;
  }

  #sendAfter(groups: SendGroups, request: SendRequest, limits: Limits): Promise<number> {
    const held = inTurn(request);
    const call = (left: Limits): Promise<number> => this.#phase.send(held, left);
    const sending = groups.after(request.syscall, limits, call);
    return request.all ? countingNone(sending) : sending;
  }

  #together<T>(
    syscall: string,
    limits: Limits,
    sends: (send: Send, left: Limits) => Promise<T>,
  ): Promise<T> {
    const groups = this.#groups ??= new SendGroups();
    const send: Send = (request, limits) => this.#phase.send(request, limits);
    return groups.run(syscall, limits, (left) => sends(send, left));
  }

  async #shutdownAfter(endpoint: StreamEndpoint): Promise<void> {
    if (this.closed) throw systemError("EBADF", "shutdown");
    await endpoint.shutdownWrite();
  }
}

async function both(one: Promise<void>, other: Promise<void> | undefined): Promise<void> {
  await Promise.all([one, other]);
}

/**
 * The error of an option that was set before there was a socket, and is refused now. Runtimes that set it before
 * connecting report an error of connect, so it is one here, too.
 */
function refusedAtConnect(
  error: unknown,
  stream: Stream,
  local: Address | undefined,
): SocketError {
  const { code, cause } = error as SocketError;
  return systemError(code, "connect", { address: stream.remote, local, cause });
}

function changeBacklog(adapter: Adapter, listening: Listening, backlog: number): void {
  if (backlog === listening.backlog) return;
  const { handle } = listening;
  if (handle.setBacklog === undefined) {
    const detail = `${adapter.capabilities().adapter} cannot change the backlog while listening`;
    throw systemError("EOPNOTSUPP", "listen", { detail });
  }
  try {
    handle.setBacklog(backlog);
  } catch (cause) {
    throw translate(adapter, cause, "listen", { address: handle.local });
  }
  listening.backlog = backlog;
}
