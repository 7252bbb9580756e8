/** A connected stream: both halves, and the error that either of them may see first. */

import type { Adapter, Stream, StreamSink } from "../../adapters/adapter.ts";
import { closeHandle } from "../close_handle.ts";
import { errno } from "../errors/errno.ts";
import { type SocketError, systemError, translate, withBytesSent } from "../errors/errors.ts";
import { outcome, type Received, type ReceiveRequest, type SendRequest } from "../requests.ts";
import { quiet, rejected } from "../waiting/quiet.ts";
import { pollTurn, resolved, turned } from "../waiting/turn.ts";
import type { Limits } from "../waiting/wait.ts";
import { settledWithin } from "../waiting/within.ts";
import type { Phase, Refusals } from "./phase.ts";
import { type ReceiveErrors, StreamReceiver } from "./receiver.ts";
import { type SendErrors, StreamSender } from "./sender.ts";

const closed = (syscall: string): unknown => systemError("EBADF", syscall);

/** How long what a call has counted as sent may still go out after a close, in milliseconds. */
const LONGEST_REST = 1000;

/**
 * How far it is; after `shut` it takes no sends. While it is `closing`, sends still go out before the stream is closed,
 * but to their callers it is.
 */
type State = "open" | "shut" | "broken" | "closing" | "closed";

const CONNECTED: Refusals = {
  bind: "EINVAL",
  listen: "EINVAL",
  accept: "EINVAL",
  connect: "EISCONN",
};

/** The core's side of a {@linkcode Stream}: the phase of a connected socket. */
export class StreamEndpoint implements Phase, StreamSink, ReceiveErrors, SendErrors {
  /** The adapter's side. */
  readonly stream: Stream;
  #adapter: Adapter;
  #receiver: StreamReceiver;
  /** Made for the first send that cannot go at once. */
  #sender: StreamSender | undefined;
  /** The connection's error until a call has reported it: the kernel's sk_err. */
  #pending: { cause: unknown } | undefined;
  /** What a call has reported of a failed write: a stream that breaks by it says it once more. */
  #told: unknown;
  #state: State = "open";

  constructor(adapter: Adapter, stream: Stream) {
    this.#adapter = adapter;
    this.stream = stream;
    this.#receiver = new StreamReceiver(stream, this);
    const before: StreamSink | undefined = stream.sink;
    stream.sink = this;
    if (before instanceof StreamEndpoint) this.#takeOver(before);
  }

  get refusals(): Refusals {
    return CONNECTED;
  }

  get handle(): Stream {
    return this.stream;
  }

  /** Whether the connection has broken. */
  get broken(): boolean {
    return this.#state === "broken" || this.#state === "closed";
  }

  /** The pending error's number, which is then no longer pending (SO_ERROR). */
  takeErrno(): number {
    const error = this.#takeError("getsockopt");
    return (error as { errno?: number } | undefined)?.errno ?? 0;
  }

  receive(request: ReceiveRequest, limits: Limits): Promise<Received> {
    return this.#receiver.receive(request, limits);
  }

  receiveNow(request: ReceiveRequest): Uint8Array<ArrayBuffer> | undefined {
    return this.#receiver.receiveNow(request);
  }

  send(request: SendRequest, limits: Limits): Promise<number> {
    if (this.#state !== "open") {
      const error = this.#takeError(request.syscall) ?? systemError("EPIPE", request.syscall);
      return rejected(request.all ? withBytesSent(error, 0) : error);
    }
    const { data, all, syscall } = request;
    // Not `length`, as the sender has it.
    const length = data.byteLength;
    let sent = 0;
    if (this.#sender?.busy !== true) {
      if (length === 0) return resolved(outcome(all, 0));
      if (this.stream.tryWrite !== undefined) {
        try {
          sent = this.stream.tryWrite(data);
        } catch (cause) {
          const error = this.sendFailed(cause, syscall);
          return rejected(all ? withBytesSent(error, 0) : error);
        }
        if (sent === length || (sent > 0 && !all)) return resolved(outcome(all, sent));
      }
    }
    this.#sender ??= new StreamSender(this.stream, this);
    return this.#sender.send(request, sent, limits);
  }

  /** Ends reading: what has arrived can still be received, then comes the end of the stream. */
  shutdownRead(): void {
    this.#receiver.shutdown();
  }

  /** Sends FIN after the sends that were called before. */
  async shutdownWrite(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "shut";
    try {
      await (this.#sender?.shutdown() ?? this.stream.shutdownWrite());
    } catch (cause) {
      throw translate(this.#adapter, cause, "shutdown");
    }
  }

  /** Closes it; waiting calls end with EBADF. Bytes that nobody has read make it a reset, as in Linux. */
  close(reset: boolean): Promise<void> {
    if ((reset || this.#receiver.size > 0) && this.stream.reset !== undefined) {
      this.#abandon();
      return closeHandle(this.#adapter, this.stream, true);
    }
    this.#receiver.fail(closed);
    const sender = this.#sender;
    return sender?.busy && this.stream.tryWrite === undefined
      ? this.#closeAfter(sender)
      : this.#finish();
  }

  /** Where the other runtimes' sends are with the system when the call returns, those of this one may still be on the way. */
  async #closeAfter(sender: StreamSender): Promise<void> {
    this.#state = "closing";
    await sender.drain(this.#adapter.turn ?? pollTurn);
    await this.#finish();
  }

  #finish(): Promise<void> {
    const sent = this.#sender?.finish(closed);
    this.#state = "closed";
    if (sent === undefined) return closeHandle(this.#adapter, this.stream);
    // As the kernel would: the rest goes out after close(), and the program need not wait for it. Where the peer does
    // not read, the descriptor and the process wait no longer than a moment.
    const over = settledWithin(sent, LONGEST_REST);
    quiet(over.then(() => closeHandle(this.#adapter, this.stream)));
    return Promise.resolve();
  }

  /** Ends waiting calls without closing: the descriptor belongs to somebody else now, perhaps to another socket here. */
  detach(): void {
    this.#receiver.fail(closed);
    this.#sender?.detach(closed);
  }

  /** The same, and nothing more is to be told: the stream is about to be reset. */
  #abandon(): void {
    this.detach();
    this.#state = "closed";
  }

  /** Goes on where the socket stopped that gave the descriptor away: what it had not received is unread still. */
  #takeOver(before: StreamEndpoint): void {
    this.#receiver.takeOver(before.#receiver);
    this.#pending = before.#pending;
    this.#told = before.#told;
    this.#state = before.#state;
  }

  data(chunk: Uint8Array<ArrayBuffer>, owned: boolean): boolean {
    turned();
    return this.#receiver.push(chunk, owned);
  }

  filled(count: number): boolean {
    turned();
    return this.#receiver.filled(count);
  }

  end(): void {
    this.#receiver.end();
  }

  error(cause: unknown): void {
    if (this.#state === "closed") return;
    const closing = this.#state === "closing";
    const isNews = !this.broken && cause !== this.#told;
    this.#state = "broken";
    if (isNews) this.#pending = { cause };
    this.#receiver.end();
    this.#sender?.fail((syscall) =>
      closing ? closed(syscall) : this.#takeError(syscall) ?? systemError("EPIPE", syscall)
    );
  }

  /** A reset after FIN is EPIPE, which is for sends; to a receive it is the end of the stream. */
  takeReceiveError(syscall: string): unknown {
    const pending = this.#pending;
    if (pending !== undefined && this.#adapter.errorCode(pending.cause) === "EPIPE") {
      return undefined;
    }
    return this.#takeError(syscall);
  }

  /**
   * A write failed. The kernel has told the error now, so it is no longer pending; where no call waited for the
   * write, the next one reports it.
   */
  sendFailed(cause: unknown, syscall: string | undefined): unknown {
    if (syscall === undefined) {
      if (!this.broken) this.#pending ??= { cause };
      return undefined;
    }
    if (this.#state === "closing") return closed(syscall);
    this.#told = cause;
    const error = this.#translate(cause, syscall);
    if (error.errno === errno.EPIPE) return this.#takeError(syscall) ?? error;
    this.#pending = undefined;
    if (error.errno === errno.ECONNRESET) this.#state = "broken";
    return error;
  }

  #takeError(syscall: string): unknown {
    if (this.#pending === undefined) return undefined;
    const { cause } = this.#pending;
    this.#pending = undefined;
    return this.#translate(cause, syscall);
  }

  #translate(cause: unknown, syscall: string): SocketError {
    const { remote, local } = this.stream;
    return translate(this.#adapter, cause, syscall, { address: remote, local });
  }
}
