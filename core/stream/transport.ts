/** The state machine of a stream socket: open, bound, connecting, connected or listening, closed. */

import type {
  Adapter,
  Address,
  Adopted,
  Bound,
  Handle,
  Listener,
  Stream,
} from "../../adapters/adapter.ts";
import { type Destination, wildcard } from "../address/address.ts";
import { type Claim, claim, claimTo, isClaimed, unclaim } from "../address/claims.ts";
import { AF_UNIX, SHUT_RD, SHUT_WR, SOMAXCONN } from "../constants.ts";
import { SocketError, systemError, translate, withBytesSent } from "../errors/errors.ts";
import { bindLocal, resolveAll, resolveLocal } from "../names/resolve.ts";
import type { SocketOptions } from "../options/socket_options.ts";
import type { Received, ReceiveRequest, SendRequest } from "../requests.ts";
import type { FromMessage, Send, Transport } from "../transport.ts";
import { quiet, quietly, rejected } from "../waiting/quiet.ts";
import { AddressedWait, type Limits, type Wait } from "../waiting/wait.ts";
import { CallRow } from "./call_row.ts";
import { Connecting } from "./connecting.ts";
import { StreamEndpoint } from "./endpoint.ts";
import { ListenerEndpoint } from "./listener.ts";
import { SendGroups } from "./send_groups.ts";

/** What a socket has that was bound, or has listened. */
interface Own {
  /** The address, kept when the handle that held it is gone. */
  address: Address;
  claim: Claim | undefined;
  bound: Bound | undefined;
}

/** What a socket that listens has. */
interface Listening {
  readonly endpoint: ListenerEndpoint;
  readonly handle: Listener;
  backlog: number;
}

/** A connect under way. */
interface Attempt {
  readonly attempt: Connecting;
  readonly wait: Wait<void>;
  /** The receives and sends that wait for the connection. */
  readonly row: CallRow;
}

/** TCP and AF_UNIX streams. Which of the fields is set is the state. */
export class StreamTransport implements Transport {
  #adapter: Adapter;
  #family: number;
  #options: SocketOptions;
  #closed = false;
  /** A bind or listen is under way. */
  #busy = false;
  #own: Own | undefined;
  /** The descriptor listened when it was taken over; accepting begins with the first call. */
  #inherited = false;
  #listener: Listening | undefined;
  #connecting: Attempt | undefined;
  #endpoint: StreamEndpoint | undefined;
  /** Made with the first sends that belong together. */
  #groups: SendGroups | undefined;
  /** How a connect failed whose call had ended with EINPROGRESS, until it is reported. */
  #connectError: SocketError | undefined;

  constructor(adapter: Adapter, family: number, options: SocketOptions) {
    this.#adapter = adapter;
    this.#family = family;
    this.#options = options;
  }

  get handle(): Handle | undefined {
    return this.#endpoint?.stream ?? this.#listener?.handle ?? this.#own?.bound;
  }

  get local(): Address {
    return this.handle?.local ?? this.#ownAddress;
  }

  get remote(): Address | undefined {
    return this.#endpoint?.stream.remote;
  }

  get listening(): boolean {
    return this.#listener !== undefined || this.#inherited;
  }

  /** Becomes the transport of a connection that stands: one that was accepted, say. */
  attach(endpoint: StreamEndpoint): void {
    this.#endpoint = endpoint;
  }

  /** Takes the place of an inherited descriptor. */
  adopt(adopted: Adopted): void {
    if ("stream" in adopted) {
      this.attach(new StreamEndpoint(this.#adapter, adopted.stream));
    } else {
      const { bound } = adopted;
      this.#own = { address: bound.local, claim: undefined, bound };
      this.#options.boundTo(bound.local);
      this.#inherited = adopted.listening;
    }
  }

  takeErrno(): number {
    return this.#takeConnectError("getsockopt")?.errno ?? this.#endpoint?.takeErrno() ?? 0;
  }

  async bind(destination: Destination): Promise<void> {
    this.#checkOpen("bind");
    if (this.#own !== undefined || this.#busy || this.#isConnected()) {
      throw systemError("EINVAL", "bind");
    }
    await this.#exclusively("bind", async () => {
      const bound = await bindLocal(destination, () => this.#bindUnclaimed(destination));
      const mine = this.#claimTo(bound.local);
      this.#own = { address: bound.local, claim: mine, bound };
      claim(this.#adapter, mine);
      this.#options.boundTo(bound.local);
    });
  }

  async listen(backlog: number): Promise<void> {
    this.#checkOpen("listen");
    if (this.#listener !== undefined) return changeBacklog(this.#adapter, this.#listener, backlog);
    // Nobody could find a UNIX listener without a name.
    const unnamed = this.#family === AF_UNIX && this.#own === undefined;
    if (this.#busy || this.#isConnected() || unnamed) throw systemError("EINVAL", "listen");
    await this.#exclusively("listen", async () => {
      const bound = this.#takeBound() ?? await this.#bindTo(this.#ownAddress);
      const endpoint = new ListenerEndpoint(this.#adapter);
      try {
        const handle = await bound.listen(backlog, endpoint);
        this.#listener = { endpoint, handle, backlog };
        this.#inherited = false;
        endpoint.listener = handle;
        this.#own = { address: handle.local, claim: this.#own?.claim, bound: undefined };
      } catch (cause) {
        this.#options.dropRefused(cause);
        throw translate(this.#adapter, cause, "listen", { address: bound.local });
      }
    });
  }

  accept<T>(limits: Limits, make: (endpoint: StreamEndpoint) => T): Promise<T> {
    if (this.#listener === undefined) {
      if (this.#inherited) {
        return quiet(this.listen(SOMAXCONN).then(() => this.accept(limits, make)));
      }
      return rejected(systemError(this.#closed ? "EBADF" : "EINVAL", "accept"));
    }
    return this.#listener.endpoint.accept(limits, make);
  }

  async connect(destination: Destination, limits: Limits): Promise<void> {
    this.#checkOpen("connect");
    if (this.#connecting !== undefined) throw systemError("EALREADY", "connect");
    if (this.#endpoint !== undefined || this.#listener !== undefined) {
      const listens = this.#family === AF_UNIX && this.#listener !== undefined;
      throw systemError(listens ? "EINVAL" : "EISCONN", "connect");
    }
    const failed = this.#takeConnectError("connect");
    if (failed !== undefined) throw failed;
    // The unnamed address is nobody's; Node would say that nobody listens there.
    if (this.#busy || destination === "") throw systemError("EINVAL", "connect");
    const attempt = new Connecting({
      adapter: this.#adapter,
      family: this.#family,
      destination,
      settings: this.#options.settings,
      waits: limits.timeout !== 0,
      bound: () => this.#boundAgain(),
    });
    const wait = new AddressedWait<void>("connect", () => attempt.address);
    this.#connecting = { attempt, wait, row: new CallRow() };
    attempt.done.then(
      (stream) => this.#connected(stream, wait),
      (error) => this.#connectFailed(error, wait),
    );
    if (limits.timeout === 0) {
      await attempt.begun;
      wait.fail(systemError("EINPROGRESS", "connect", { address: attempt.address }));
    } else {
      wait.limit(limits, { gaveUp: (_, reason) => this.#connectGaveUp(reason) });
    }
    await wait.promise;
  }

  receive(request: ReceiveRequest, limits: Limits): Promise<Received> {
    // No function within this one and within send(), for which each call would have to keep its arguments.
    return this.#endpoint?.receive(request, limits) ?? this.#receiveLater(request, limits);
  }

  receiveNow(request: ReceiveRequest): Uint8Array<ArrayBuffer> | undefined {
    return this.#endpoint?.receiveNow(request);
  }

  receiveFrom<T>(request: ReceiveRequest, limits: Limits, make: FromMessage<T>): Promise<T> {
    return quiet(this.receive(request, limits).then((data) => make(data, null, 0)));
  }

  send(request: SendRequest, limits: Limits): Promise<number> {
    if (this.#groups?.busy) return this.#sendAfter(this.#groups, request, limits);
    return this.#sendNext(request, limits);
  }

  sendTogether<T>(limits: Limits, sends: (send: Send) => Promise<T>): Promise<T> {
    this.#groups ??= new SendGroups();
    const send: Send = (request, limits) => this.#sendNext(request, limits);
    return this.#groups.run("send", limits, () => sends(send));
  }

  /** A connected stream has one peer; Linux ignores another address for TCP and refuses it for AF_UNIX. */
  sendTo(request: SendRequest, destination: Destination, limits: Limits): Promise<number> {
    return quietly(async () => {
      // Names are looked up before, as Python does it for any socket.
      const addresses = resolveAll(this.#adapter, this.#family, destination);
      if (addresses instanceof Promise) await addresses;
      if (this.#family === AF_UNIX) {
        this.#checkOpen(request.syscall);
        throw systemError(this.#endpoint === undefined ? "EOPNOTSUPP" : "EISCONN", request.syscall);
      }
      return await this.send(request, limits);
    });
  }

  async shutdown(how: number): Promise<void> {
    this.#checkOpen("shutdown");
    if (this.#listener !== undefined) {
      if (how !== SHUT_WR) await this.#stopListening(this.#listener);
      return;
    }
    const endpoint = this.#endpoint;
    if (endpoint === undefined || endpoint.broken) throw systemError("ENOTCONN", "shutdown");
    if (how !== SHUT_WR) endpoint.shutdownRead();
    if (how === SHUT_RD) return;
    const groups = this.#groups;
    await (groups?.busy
      ? groups.after("shutdown", undefined, () => this.#shutdownAfter(endpoint))
      : endpoint.shutdownWrite());
  }

  close(reset: boolean): Promise<void> {
    this.#closed = true;
    this.#unclaim();
    const connecting = this.#connecting;
    connecting?.attempt.cancel();
    connecting?.wait.fail(systemError("EBADF", "connect"));
    connecting?.row.failAll((syscall) => systemError("EBADF", syscall));
    const [endpoint, listener, bound] = [this.#endpoint, this.#listener, this.#takeBound()];
    this.#connecting = this.#endpoint = this.#listener = undefined;
    // One of them at most is there.
    return endpoint?.close(reset) ?? listener?.endpoint.close("EBADF") ?? this.#closeBound(bound);
  }

  detach(): number {
    const handle = this.#endpoint?.stream ?? this.#listener?.handle;
    const release = handle?.release;
    if (handle === undefined || release === undefined) {
      const { adapter } = this.#adapter.capabilities();
      throw systemError("ENOTSUP", "detach", {
        detail: `${adapter} cannot let go of the descriptor of this socket`,
      });
    }
    const fd = release.call(handle);
    this.#endpoint?.detach();
    this.#listener?.endpoint.abandon("EBADF");
    this.#endpoint = this.#listener = undefined;
    this.#closed = true;
    this.#unclaim();
    return fd;
  }

  async #closeBound(bound: Bound | undefined): Promise<void> {
    try {
      await bound?.close();
    } catch (cause) {
      throw translate(this.#adapter, cause, "close");
    }
  }

  #connected(stream: Stream, wait: Wait<void>): void {
    const connecting = this.#connecting;
    // Given up in the moment in which it was made.
    if (connecting?.wait !== wait) {
      quiet(stream.close());
      return;
    }
    const endpoint = new StreamEndpoint(this.#adapter, stream);
    try {
      this.#options.apply(stream);
    } catch (error) {
      quiet(endpoint.close(false));
      return this.#connectFailed(refusedAtConnect(error, stream, this.#own?.address), wait);
    }
    this.#connecting = undefined;
    this.#endpoint = endpoint;
    connecting.row.beginAll();
    wait.done();
  }

  #connectFailed(error: unknown, wait: Wait<void>): void {
    const connecting = this.#connecting;
    // One that was given up ends when its runtime says so: another may be under way by then.
    if (connecting?.wait !== wait) return;
    this.#options.dropRefused((error as Error).cause);
    this.#connecting = undefined;
    // The call ended with EINPROGRESS: another one tells.
    if (wait.settled) this.#connectError = error as SocketError;
    wait.fail(error);
    connecting.row.failAll(() => error);
  }

  #connectGaveUp(reason: unknown): void {
    if (reason instanceof SocketError && reason.code === "EINPROGRESS") return;
    const { attempt, row } = this.#connecting!;
    this.#connecting = undefined;
    attempt.cancel();
    row.failAll(() => reason);
  }

  /** The claimed address, claimed anew where a failed try has used it up. */
  async #boundAgain(): Promise<Bound | undefined> {
    const bound = this.#takeBound();
    const claimed = this.#own?.claim;
    if (bound !== undefined || claimed === undefined) return bound;
    return await this.#bindTo(claimed.address);
  }

  get #ownAddress(): Address {
    return this.#own?.address ?? wildcard(this.#family);
  }

  #takeBound(): Bound | undefined {
    const bound = this.#own?.bound;
    if (bound !== undefined) this.#own!.bound = undefined;
    return bound;
  }

  async #bindUnclaimed(destination: Destination): Promise<Bound> {
    const address = await resolveLocal(this.#adapter, this.#family, destination);
    if (isClaimed(this.#adapter, this.#claimTo(address))) {
      throw systemError("EADDRINUSE", "bind", { address });
    }
    return await this.#bindTo(address);
  }

  async #bindTo(address: Address): Promise<Bound> {
    const request = { family: this.#family, address, settings: this.#options.settings };
    try {
      return await this.#adapter.bind(request);
    } catch (cause) {
      this.#options.dropRefused(cause);
      throw translate(this.#adapter, cause, "bind", { address });
    }
  }

  /** What Linux makes of shutdown(2) on a listening socket: it keeps its address and may listen again. */
  async #stopListening({ endpoint }: { endpoint: ListenerEndpoint }): Promise<void> {
    this.#listener = undefined;
    await endpoint.close("EINVAL");
  }

  #isConnected(): boolean {
    return this.#endpoint !== undefined || this.#listener !== undefined ||
      this.#connecting !== undefined;
  }

  #sendNext(request: SendRequest, limits: Limits): Promise<number> {
    return this.#endpoint?.send(request, limits) ?? this.#sendLater(request, limits);
  }

  #sendAfter(groups: SendGroups, request: SendRequest, limits: Limits): Promise<number> {
    const { syscall } = request;
    return countingNone(
      request,
      groups.after(syscall, limits, () => this.#sendNext(request, limits)),
    );
  }

  async #shutdownAfter(endpoint: StreamEndpoint): Promise<void> {
    this.#checkOpen("shutdown");
    await endpoint.shutdownWrite();
  }

  #receiveLater(request: ReceiveRequest, limits: Limits): Promise<Received> {
    return this.#whenConnected(
      request.syscall,
      "ENOTCONN",
      limits,
      (endpoint) => endpoint.receive(request, limits),
    );
  }

  #sendLater(request: SendRequest, limits: Limits): Promise<number> {
    const code = this.#family === AF_UNIX ? "ENOTCONN" : "EPIPE";
    const send = (endpoint: StreamEndpoint): Promise<number> => endpoint.send(request, limits);
    return countingNone(request, this.#whenConnected(request.syscall, code, limits, send));
  }

  /** Makes a call once a connect under way has made the connection; else gives the error of an unconnected socket. */
  #whenConnected<T>(
    syscall: string,
    code: string,
    limits: Limits,
    call: (endpoint: StreamEndpoint) => Promise<T>,
  ): Promise<T> {
    if (this.#closed) return rejected(systemError("EBADF", syscall));
    if (this.#connecting === undefined) {
      return rejected(this.#takeConnectError(syscall) ?? systemError(code, syscall));
    }
    if (limits.timeout === 0) return rejected(systemError("EAGAIN", syscall));
    return this.#connecting.row.add(syscall, limits, () => call(this.#endpoint!));
  }

  /** How such a connect failed: the first call that would need the connection tells. */
  #takeConnectError(syscall: string): SocketError | undefined {
    const error = this.#connectError;
    this.#connectError = undefined;
    if (error === undefined || error.syscall !== "connect") return error;
    return systemError(error.code, syscall, { address: error.address, cause: error });
  }

  #checkOpen(syscall: string): void {
    if (this.#closed) throw systemError("EBADF", syscall);
  }

  /** Runs a step of bind or listen; a socket that was closed meanwhile gives up what the step opened. */
  async #exclusively(syscall: string, step: () => Promise<void>): Promise<void> {
    this.#busy = true;
    try {
      await step();
    } finally {
      this.#busy = false;
    }
    if (this.#closed) {
      await this.close(false);
      throw systemError("EBADF", syscall);
    }
  }

  #claimTo(address: Address): Claim {
    return claimTo("stream", address, this.#options.settings);
  }

  #unclaim(): void {
    const own = this.#own;
    if (own?.claim === undefined) return;
    unclaim(this.#adapter, own.claim);
    own.claim = undefined;
  }
}

/**
 * An option that was set before there was a socket is refused now. Where the runtime sets it before it connects, that
 * is an error of connect, so it is one here.
 */
function refusedAtConnect(
  error: unknown,
  stream: Stream,
  local: Address | undefined,
): SocketError {
  const { code, cause } = error as SocketError;
  return systemError(code, "connect", { address: stream.remote, local, cause });
}

/** The same promise; an error from before a `sendall` has begun tells that nothing was sent. */
function countingNone(request: SendRequest, sending: Promise<number>): Promise<number> {
  if (!request.all) return sending;
  return quiet(sending.catch((error) => {
    throw withBytesSent(error, 0);
  }));
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
