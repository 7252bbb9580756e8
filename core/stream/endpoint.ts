/** A connected stream: both halves, and the error that either may see first. */

import type { Adapter, Stream, StreamSink } from "../../adapters/adapter.ts";
import { queueMicrotask } from "../../adapters/timers.ts";
import { closeHandle } from "../close_handle.ts";
import { errno } from "../errors/errno.ts";
import {
  closedError,
  type SocketError,
  systemError,
  translate,
  withBytesSent,
} from "../errors/errors.ts";
import { outcome, type Received, type ReceiveRequest, type SendRequest } from "../requests.ts";
import { quiet, rejected } from "../waiting/quiet.ts";
import { pollTurnOf, resolved, turned } from "../waiting/turn.ts";
import type { Limits } from "../waiting/wait.ts";
import { settledWithin } from "../waiting/within.ts";
import type { Phase, Refusals } from "./phase.ts";
import { type ReceiveErrors, StreamReceiver } from "./receiver.ts";
import { type SendErrors, StreamSender } from "./sender.ts";

/** How long bytes already counted as sent may take to go out after a close, in milliseconds. */
const LONGEST_REST = 1000;

/**
 * The state of the connection. After `shut` it accepts no sends. When it is `lost`, a send has found it broken, but
 * a read may still tell of a reset. While it is `closing`, earlier sends still go out, but to their callers it is
 * closed.
 */
type State = "open" | "shut" | "lost" | "broken" | "closing" | "closed";

const CONNECTED: Refusals = {
  bind: "EINVAL",
  listen: "EINVAL",
  accept: "EINVAL",
  connect: "EISCONN",
};

/** The core's side of a {@linkcode Stream}: the phase of a connected socket. */
export class StreamEndpoint implements Phase, StreamSink, ReceiveErrors, SendErrors {
  /** The adapter's stream. */
  readonly stream: Stream;
  #adapter: Adapter;
  #receiver: StreamReceiver;
  /** Created for the first send that cannot go at once. */
  #sender: StreamSender | undefined;
  /** The endpoints of all sockets here that have the connection since `dup()`, which share what the kernel's would. */
  #sharers: Set<StreamEndpoint> | undefined;
  /** The connection's error, and whether a call has reported it: the kernel's sk_err. */
  #pending: { readonly cause: unknown; told: boolean } | undefined;
  /** The error of a failed write that a call has reported: a stream that breaks by it pushes it again. */
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

  /** Whether a duplicate is open, too. */
  get #isShared(): boolean {
    return this.#sharers !== undefined && this.#sharers.size > 1;
  }

  get #isUnix(): boolean {
    return !Array.isArray(this.stream.remote);
  }

  get #isClosed(): boolean {
    return this.#state === "closing" || this.#state === "closed";
  }

  /** Whether the connection has broken. */
  get broken(): boolean {
    return this.#state === "lost" || this.#state === "broken" || this.#state === "closed";
  }

  get sends(): boolean {
    return this.#state === "open";
  }

  /** Takes the pending error's number (SO_ERROR). */
  takeErrno(): number {
    return this.#takeError("getsockopt")?.errno ?? 0;
  }

  receive(request: ReceiveRequest, limits: Limits): Promise<Received> {
    return this.#receiver.receive(request, limits);
  }

  receiveNow(request: ReceiveRequest): Uint8Array<ArrayBuffer> | undefined {
    return this.#receiver.receiveNow(request);
  }

  send(request: SendRequest, limits: Limits): Promise<number> {
    if (this.#state !== "open") {
      const error = this.#sendError(request.syscall);
      return rejected(request.all ? withBytesSent(error, 0) : error);
    }
    const { data, all, syscall } = request;
    // Not `length`: see StreamSender.
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
        if (all) {
          if (sent === length) return resolved(outcome(all, sent));
        } else if (sent > 0) {
          if (sent === length && request.more !== undefined) sent += this.#sendMore(request.more);
          return resolved(sent);
        }
      }
    }
    this.#sender ??= new StreamSender(this.stream, this);
    return this.#sender.send(request, sent, limits);
  }

  /** Sends what follows the data of a send, as much as the system takes at once. */
  #sendMore(more: () => Uint8Array): number {
    let sent = 0;
    try {
      for (let piece = more(); piece.byteLength > 0; piece = more()) {
        const count = this.stream.tryWrite!(piece);
        sent += count;
        if (count < piece.byteLength) break;
      }
    } catch (cause) {
      // What was sent is the result of the send; the next call reports the error.
      this.sendFailed(cause, undefined);
    }
    return sent;
  }

  /** Ends reading: what has arrived can still be received, then the stream ends. */
  shutdownRead(): void {
    for (const sharer of this.#sharers ?? [this]) sharer.#receiver.shutdown();
  }

  /** Shares with a duplicate what is unread, what has ended, and the error. */
  share(duplicate: StreamEndpoint): void {
    this.#sharers ??= new Set([this]);
    duplicate.#sharers = this.#sharers.add(duplicate);
    duplicate.#pending = this.#pending;
    duplicate.#state = this.#state;
    this.#receiver.share(duplicate.#receiver);
  }

  /** Serves the receives of the other sockets: after those of this one, whose callers come first. */
  #serveSharers(): void {
    queueMicrotask(() => {
      for (const sharer of this.#sharers!) sharer.#receiver.serve();
    });
  }

  /** Sends FIN after all earlier sends; called again, it waits for that. */
  async shutdownWrite(): Promise<void> {
    const isFirst = this.#state === "open";
    if (!isFirst && this.#state !== "shut") return;
    this.#state = "shut";
    let isSent: boolean | undefined;
    try {
      if (this.#sender !== undefined) isSent = await this.#sender.shutdown();
      else if (isFirst) await this.stream.shutdownWrite();
    } catch (cause) {
      throw translate(this.#adapter, cause, "shutdown");
    }
    // A connection that has broken meanwhile has ended sending, too.
    if (isSent === false && this.#isClosed) throw closedError("shutdown");
    for (const sharer of this.#sharers ?? []) {
      if (sharer.#state === "open") sharer.#state = "shut";
    }
  }

  /** Closes the connection; waiting calls fail with EBADF. Unread bytes make it a reset, as in Linux. */
  close(reset: boolean): Promise<void> {
    const isLast = !this.#isShared;
    this.#sharers?.delete(this);
    const resets = isLast && (reset || this.#receiver.size > 0) &&
      this.stream.reset !== undefined;
    this.#receiver.fail(closedError);
    const sender = this.#sender;
    if (!reset && sender?.busy && this.stream.tryWrite === undefined) {
      return this.#closeAfter(sender, resets);
    }
    return resets ? this.#reset() : this.#finish();
  }

  /**
   * Closes after the sends under way. Without `tryWrite`, a send may not be with the system yet when its call returns.
   */
  async #closeAfter(sender: StreamSender, resets: boolean): Promise<void> {
    this.#state = "closing";
    await sender.drain(pollTurnOf(this.#adapter));
    await (resets ? this.#reset() : this.#finish());
  }

  /** Resets the connection; waiting sends fail, and nothing more is reported. */
  #reset(): Promise<void> {
    this.#sender?.abandon(closedError);
    this.#state = "closed";
    return closeHandle(this.#adapter, this.stream, true);
  }

  #finish(): Promise<void> {
    const sent = this.#sender?.finish(closedError);
    this.#state = "closed";
    if (sent === undefined) return closeHandle(this.#adapter, this.stream);
    // As in the kernel, the rest goes out after close() without the program waiting for it. If the peer does not read,
    // the descriptor and the process wait only for a moment.
    const over = settledWithin(sent, LONGEST_REST);
    quiet(over.then(() => closeHandle(this.#adapter, this.stream)));
    return Promise.resolve();
  }

  /**
   * Fails waiting calls without closing: the descriptor now belongs to somebody else, perhaps to another socket here.
   */
  detach(): void {
    this.#receiver.fail(closedError);
    this.#sender?.detach(closedError);
  }

  /**
   * Continues the socket that gave up the descriptor: what it had not received is still unread, and what it has counted
   * as sent goes out first.
   */
  #takeOver(before: StreamEndpoint): void {
    this.#receiver.takeOver(before.#receiver);
    this.#sharers = before.#sharers?.add(this);
    this.#sharers?.delete(before);
    this.#sender = before.#sender;
    this.#sender?.continueFor(this);
    this.#pending = before.#pending;
    this.#told = before.#told;
    this.#state = before.#state;
  }

  data(chunk: Uint8Array<ArrayBuffer>, owned: boolean): boolean {
    turned();
    const isMoreWanted = this.#receiver.push(chunk, owned);
    if (this.#isShared && this.#receiver.size > 0) this.#serveSharers();
    return isMoreWanted;
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
    const isNews = this.#state !== "broken" && cause !== this.#told && !this.#isKnown(cause);
    // To the callers it stays closed.
    this.#state = closing ? "closed" : "broken";
    if (isNews) this.#keep(cause, false);
    this.#receiver.end();
    this.#sender?.fail((syscall) => closing ? closedError(syscall) : this.#sendError(syscall));
  }

  /**
   * Takes the pending error for a receive. A reset after FIN is EPIPE, which only concerns sends; for a receive the
   * stream has ended.
   */
  takeReceiveError(syscall: string): unknown {
    const pending = this.#pending;
    if (pending !== undefined && this.#adapter.errorCode(pending.cause) === "EPIPE") {
      return undefined;
    }
    return this.#takeError(syscall);
  }

  /**
   * Returns the error of a failed write for the call it belongs to. The kernel has reported it, so it is no longer
   * pending; if no call waited for the write, the next call reports it.
   */
  sendFailed(cause: unknown, syscall: string | undefined): unknown {
    if (syscall === undefined) {
      if (!this.broken && this.#pending?.told !== false) this.#keep(cause, false);
      return undefined;
    }
    if (this.#isClosed) return closedError(syscall);
    this.#told = cause;
    const error = this.#translate(cause, syscall);
    if (error.errno === errno.EPIPE) {
      if (this.#isUnix) return error;
      // A read under way may still tell of a reset, which is for the next receive.
      if (this.#state === "open") this.#state = "lost";
      return this.#takeError(syscall) ?? error;
    }
    this.#keep(cause, true);
    if (error.errno === errno.ECONNRESET) this.#state = "broken";
    return error;
  }

  /** The error of a send that is not possible. For AF_UNIX, Linux keeps the pending error for a receive. */
  #sendError(syscall: string): SocketError {
    const pending = this.#isUnix ? undefined : this.#takeError(syscall);
    return pending ?? this.brokenPipe(syscall);
  }

  /** EPIPE; of a broken connection with its addresses, as the system reports it. */
  brokenPipe(syscall: string): SocketError {
    const { remote, local } = this.stream;
    return systemError("EPIPE", syscall, this.broken ? { address: remote, local } : {});
  }

  /** Keeps an error for the next call of any socket of the connection, or as one that a call has reported. */
  #keep(cause: unknown, told: boolean): void {
    const pending = { cause, told };
    for (const sharer of this.#sharers ?? [this]) sharer.#pending = pending;
  }

  /** Whether an error is none to report: of a send for AF_UNIX, or of a connection whose error another socket has met. */
  #isKnown(cause: unknown): boolean {
    if (this.#isUnix && this.#adapter.errorCode(cause) === "EPIPE") return true;
    // The kernel has one error for all of them: the runtime of a later one may guess.
    return this.#sharers !== undefined && this.#pending !== undefined;
  }

  #takeError(syscall: string): SocketError | undefined {
    const pending = this.#pending;
    if (pending === undefined || pending.told) return undefined;
    pending.told = true;
    return this.#translate(pending.cause, syscall);
  }

  #translate(cause: unknown, syscall: string): SocketError {
    const { remote, local } = this.stream;
    return translate(this.#adapter, cause, syscall, { address: remote, local });
  }
}
