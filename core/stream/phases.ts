/** The phases of a stream socket's life, except the connected one, which is a {@linkcode StreamEndpoint}. */

import type { Handle, Listener } from "../../adapters/adapter.ts";
import { closedError, SocketError, systemError, withBytesSent } from "../errors/errors.ts";
import { inTurn, type Received, type ReceiveRequest, type SendRequest } from "../requests.ts";
import { quiet, rejected } from "../waiting/quiet.ts";
import type { Limits, Wait } from "../waiting/wait.ts";
import { settledWithin } from "../waiting/within.ts";
import { CallRow } from "./call_row.ts";
import type { ConnectCall } from "./connect_call.ts";
import type { StreamEndpoint } from "./endpoint.ts";
import type { ListenerEndpoint } from "./listener.ts";
import type { Phase, Refusals } from "./phase.ts";

const UNCONNECTED: Refusals = { accept: "EINVAL", shutdown: "ENOTCONN" };

const BUSY: Refusals = {
  bind: "EINVAL",
  listen: "EINVAL",
  accept: "EINVAL",
  connect: "EINVAL",
  shutdown: "ENOTCONN",
};

const CONNECTING: Refusals = { ...BUSY, connect: "EALREADY" };

const LISTENING: Refusals = { bind: "EINVAL", connect: "EISCONN" };

/** An AF_UNIX listener has its own code for connect. */
const LISTENING_UNIX: Refusals = { ...LISTENING, connect: "EINVAL" };

const CLOSED: Refusals = {
  bind: "EBADF",
  listen: "EBADF",
  accept: "EBADF",
  connect: "EBADF",
  shutdown: "EBADF",
};

/** The error codes of calls that need a connection. */
interface Codes {
  readonly receive: string;
  readonly send: string;
}

const NOT_CONNECTED: Codes = { receive: "ENOTCONN", send: "EPIPE" };
const NOT_CONNECTED_UNIX: Codes = { receive: "ENOTCONN", send: "ENOTCONN" };

/** The phase of a socket that is neither connected nor listening, but may be bound. */
export class Unconnected implements Phase {
  readonly refusals: Refusals = UNCONNECTED;
  readonly handle: Handle | undefined = undefined;
  readonly sends: boolean = false;
  readonly codes: Codes;
  #failed: SocketError | undefined;

  /** `failed` is the error of a connect whose call had ended with EINPROGRESS. */
  constructor(isUnix: boolean, failed?: SocketError) {
    this.codes = isUnix ? NOT_CONNECTED_UNIX : NOT_CONNECTED;
    this.#failed = failed;
  }

  /** Takes the error of a failed connect: the first call that needs the connection reports it. */
  takeError(syscall: string): SocketError | undefined {
    const error = this.#failed;
    this.#failed = undefined;
    return error && reportedBy(syscall, error, "connect") as SocketError;
  }

  takeErrno(): number {
    return this.takeError("getsockopt")?.errno ?? 0;
  }

  receive({ syscall }: ReceiveRequest): Promise<never> {
    return rejected(this.takeError(syscall) ?? systemError(this.codes.receive, syscall));
  }

  send({ syscall, all }: SendRequest): Promise<never> {
    const error = this.takeError(syscall) ?? systemError(this.codes.send, syscall);
    return rejected(all ? withBytesSent(error, 0) : error);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * The phase of a socket that listened when its descriptor was taken over. Accepting begins with the first call, since
 * others may compete for connections.
 */
export class Inherited extends Unconnected {
  override readonly refusals: Refusals;

  constructor(isUnix: boolean) {
    super(isUnix);
    this.refusals = isUnix ? LISTENING_UNIX : LISTENING;
  }
}

/** The phase of a listening socket. */
export class Listening extends Unconnected {
  override readonly refusals: Refusals;
  override readonly handle: Listener;
  readonly endpoint: ListenerEndpoint;
  backlog: number;

  constructor(isUnix: boolean, endpoint: ListenerEndpoint, handle: Listener, backlog: number) {
    super(isUnix);
    this.refusals = isUnix ? LISTENING_UNIX : LISTENING;
    this.endpoint = endpoint;
    this.handle = handle;
    this.backlog = backlog;
  }

  override close(): Promise<void> {
    return this.endpoint.close("EBADF");
  }
}

/** How long a close waits for a bind or listen under way, in milliseconds: it may wait for a name. */
const LONGEST_STEP = 100;

/** The phase of a socket with a bind or listen under way. */
export class Busy implements Phase {
  readonly refusals: Refusals = BUSY;
  readonly handle: undefined = undefined;
  readonly sends: boolean = false;
  /** The phase before, restored if the step fails. */
  readonly before: Unconnected;
  /** The wait of the call. */
  readonly wait: Wait<void>;
  /** Settles when the step is over, even if the call has ended before. */
  declare over: Promise<void>;

  constructor(before: Unconnected, wait: Wait<void>) {
    this.before = before;
    this.wait = wait;
  }

  takeErrno(): number {
    return this.before.takeErrno();
  }

  receive(request: ReceiveRequest): Promise<never> {
    return this.before.receive(request);
  }

  send(request: SendRequest): Promise<never> {
    return this.before.send(request);
  }

  close(): Promise<void> {
    this.wait.fail(closedError(this.wait.syscall));
    return settledWithin(this.over, LONGEST_STEP);
  }
}

/** The phase of a socket with a connect under way: receives and sends wait for the connection. */
export class Connecting implements Phase {
  readonly refusals: Refusals = CONNECTING;
  readonly handle: undefined = undefined;
  readonly sends: boolean = true;
  readonly call: ConnectCall;
  readonly wait: Wait<void>;
  #row = new CallRow();
  #endpoint: StreamEndpoint | undefined;

  constructor(call: ConnectCall, wait: Wait<void>) {
    this.call = call;
    this.wait = wait;
  }

  takeErrno(): number {
    return 0;
  }

  receive(request: ReceiveRequest, limits: Limits): Promise<Received> {
    return this.#whenConnected(
      request.syscall,
      limits,
      (endpoint, left) => endpoint.receive(request, left),
    );
  }

  send(request: SendRequest, limits: Limits): Promise<number> {
    const held = inTurn(request);
    const call = (endpoint: StreamEndpoint, left: Limits): Promise<number> =>
      endpoint.send(held, left);
    const sending = this.#whenConnected(request.syscall, limits, call);
    return request.all ? countingNone(sending) : sending;
  }

  /** The connection is established. */
  done(endpoint: StreamEndpoint): void {
    this.#endpoint = endpoint;
    this.#row.beginAll();
    this.wait.done();
  }

  /** The connection failed, or was given up. */
  fail(error: unknown): void {
    this.wait.fail(error);
    this.#row.failAll((syscall) => reportedBy(syscall, error, "connect"));
  }

  close(): Promise<void> {
    this.call.cancel();
    this.wait.fail(closedError(this.wait.syscall));
    this.#row.failAll(closedError);
    return Promise.resolve();
  }

  #whenConnected<T>(
    syscall: string,
    limits: Limits,
    call: (endpoint: StreamEndpoint, left: Limits) => Promise<T>,
  ): Promise<T> {
    if (limits.timeout === 0) return rejected(systemError("EAGAIN", syscall));
    return this.#row.add(syscall, limits, (left) => call(this.#endpoint!, left));
  }
}

/** The phase of a socket that is closed or has given up its descriptor. */
class Closed extends Unconnected {
  override readonly refusals: Refusals = CLOSED;
  override readonly codes: Codes = { receive: "EBADF", send: "EBADF" };
}

/** The phase of every closed socket. */
export const CLOSED_PHASE: Phase = new Closed(false);

/** The error of a connect or listen, as reported by another call that needed it. */
export function reportedBy(syscall: string, error: unknown, of: "connect" | "listen"): unknown {
  if (!(error instanceof SocketError) || error.syscall !== of) return error;
  return systemError(error.code, syscall, { address: error.address, cause: error });
}

/** The same promise; an error that does not count what was sent says that it is nothing. */
export function countingNone<T>(sending: Promise<T>): Promise<T> {
  return quiet(sending.catch((error) => {
    throw withBytesSent(error, 0);
  }));
}
