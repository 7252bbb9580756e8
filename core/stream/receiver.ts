/** The receiving half of a stream: unread bytes, waiting receives, and how the stream ended. */

import type { Stream } from "../../adapters/adapter.ts";
import { queueMicrotask } from "../../adapters/timers.ts";
import { SocketError } from "../errors/errors.ts";
import { delivered, gone, isGone, type Received, type ReceiveRequest } from "../requests.ts";
import { rejected } from "../waiting/quiet.ts";
import { resolved, turn } from "../waiting/turn.ts";
import { type Limits, Wait, type WaitOwner } from "../waiting/wait.ts";
import { WaitQueue } from "../waiting/wait_queue.ts";
import { ByteQueue } from "./byte_queue.ts";

/** The shared empty queue of connections that never queued a byte, as most never do. */
const NO_BYTES = new ByteQueue();

class Receive extends Wait<Received> {
  readonly request: ReceiveRequest;
  constructor(request: ReceiveRequest) {
    super(request.syscall);
    this.request = request;
  }
}

/** The source of the stream's errors. */
export interface ReceiveErrors {
  /** Takes the stream's pending error. */
  takeReceiveError(syscall: string): unknown;
}

/** The receives of one stream, served in order. */
export class StreamReceiver implements WaitOwner {
  #stream: Stream;
  #errors: ReceiveErrors;
  #queue: ByteQueue = NO_BYTES;
  readonly #waits: WaitQueue<Receive>;
  /** Whether other receivers have the same queue. */
  #shared = false;
  /** The wait that has lent its memory to the stream. */
  #lender: Receive | undefined;
  #ended = false;
  /** Whether reading was shut down: no call waits any more. */
  #shut = false;
  arrivals: number = 0;

  constructor(stream: Stream, errors: ReceiveErrors) {
    this.#stream = stream;
    this.#errors = errors;
    this.#waits = new WaitQueue(stream);
  }

  /** How many bytes are unread. */
  get size(): number {
    return this.#queue.size;
  }

  /** Receives at once if there is something, else when it comes. */
  receive(request: ReceiveRequest, limits: Limits): Promise<Received> {
    if (this.#waits.first === undefined && this.#canServe(request)) return this.#serveNow(request);
    const wait = new Receive(request);
    this.#waits.push(wait);
    // What is already in the kernel needs a turn of the event loop to arrive.
    if (this.#shut) limits = { ...limits, timeout: 0 };
    const unlimited = limits.timeout === null && limits.signal === undefined;
    const lends = unlimited && this.#waits.first === wait && !request.peek && !request.all &&
      !this.#shared;
    const into = lends ? request.into : undefined;
    if (into !== undefined) this.#lender = wait;
    this.#stream.resume(into);
    return unlimited ? wait.promise : wait.limit(limits, this).promise;
  }

  /** Receives what is there, or the end of the stream; `undefined` if there is nothing yet. */
  receiveNow(request: ReceiveRequest): Uint8Array<ArrayBuffer> | undefined {
    if (this.#waits.first !== undefined) return undefined;
    if (!this.#canServe(request) && !this.#shut) return undefined;
    const error = this.#errorFor(request);
    if (error !== undefined) throw error;
    return this.#take(request) as Uint8Array<ArrayBuffer>;
  }

  /** Takes bytes that arrived. Returns whether more are wanted. */
  push(chunk: Uint8Array<ArrayBuffer>, owned: boolean): boolean {
    this.arrivals++;
    const wait = this.#waits.first;
    if (wait !== undefined) {
      const { request } = wait;
      // The common case: one call waits for any bytes, and nothing is queued.
      const isPlain = this.#queue.size === 0 && !request.peek && !request.all;
      if (isPlain && chunk.length <= request.max && !isGone(request)) {
        this.#waits.shift();
        wait.done(give(chunk, owned, request));
        return this.#wantsMore();
      }
    }
    if (this.#queue === NO_BYTES) this.#queue = new ByteQueue();
    this.#queue.append(chunk, owned);
    this.serve();
    return this.#wantsMore();
  }

  /** Takes the count of bytes read straight into the memory of a wait. Returns whether more are wanted. */
  filled(count: number): boolean {
    this.arrivals++;
    const lender = this.#lender!;
    const { request } = lender;
    const into = request.into!;
    if (!lender.settled) {
      this.#waits.shift();
      if (!isGone(request)) {
        lender.done(count);
        return this.#wantsMore();
      }
      lender.fail(gone());
    }
    // The wait has ended, perhaps by a shutdown: the bytes are for the next one, unless they went with the buffer.
    return into.length < count ? this.#wantsMore() : this.push(into.slice(0, count), true);
  }

  /** Shuts reading down: waits end with what there is. As in Linux, what has arrived can still be received. */
  shutdown(): void {
    this.#shut = true;
    const lends = this.#lender?.settled === false;
    for (const wait of this.#waits.takeAll()) this.#endWith(wait);
    // Without memory: the caller may use it again.
    if (lends) this.#stream.resume();
  }

  /** Nothing more will come: the stream has ended or was reset. */
  end(): void {
    this.#ended = true;
    this.serve();
  }

  /** Takes over what another receiver of the same stream has left. */
  takeOver(before: StreamReceiver): void {
    this.#queue = before.#queue;
    this.#ended = before.#ended;
    this.#shut = before.#shut;
    this.#shared = before.#shared;
  }

  /** Gives the receiver of a duplicate the same queue. */
  share(duplicate: StreamReceiver): void {
    if (this.#queue === NO_BYTES) this.#queue = new ByteQueue();
    duplicate.#queue = this.#queue;
    duplicate.#shut = this.#shut;
    duplicate.#shared = this.#shared = true;
    // Without memory: what has been lent is no longer the only place for the next bytes.
    if (this.#waits.first !== undefined) this.#stream.resume();
  }

  /** Fails every wait: the socket is closed. */
  fail(makeError: (syscall: string) => unknown): void {
    this.#waits.failAll(makeError);
  }

  gaveUp(object: object, reason: unknown): void {
    const wait = object as Receive;
    const isFirst = this.#waits.first === wait;
    this.#waits.remove(wait);
    if (!isFirst) return;
    // As in Linux, MSG_WAITALL takes what there is if it may not wait.
    const some = wait.request.all && this.#queue.size > 0;
    const mayNotWait = reason instanceof SocketError && reason.code === "EAGAIN";
    if (mayNotWait && (this.#shut || some)) this.#endWith(wait);
    // What was too little for this call may be enough for the next, unless that is about to end, too.
    if (this.#queue.size > 0) queueMicrotask(() => this.serve());
  }

  /** Ends a wait with what there is, perhaps nothing. */
  #endWith(wait: Receive): void {
    if (isGone(wait.request)) wait.fail(gone());
    else wait.done(this.#take(wait.request));
  }

  #wantsMore(): boolean {
    return this.#waits.first !== undefined || this.#queue.size < this.#stream.readAhead;
  }

  #canServe(request: ReceiveRequest): boolean {
    if (this.#ended) return true;
    const { size } = this.#queue;
    return request.all ? size >= request.max : size > 0;
  }

  #serveNow(request: ReceiveRequest): Promise<Received> {
    const error = this.#errorFor(request);
    if (error !== undefined) return rejected(error);
    const short = request.peek && !this.#ended && this.#queue.size < request.max;
    const result = this.#take(request);
    // A program that peeks until enough has come must not wait for bytes that no read fetches.
    if (short) {
      this.#stream.resume();
      return turn().then(() => result);
    }
    return resolved(result);
  }

  /** Serves the waits with what is there. */
  serve(): void {
    for (let wait = this.#waits.first; wait !== undefined; wait = this.#waits.first) {
      if (!this.#canServe(wait.request)) return;
      this.#waits.shift();
      const error = this.#errorFor(wait.request);
      if (error !== undefined) wait.fail(error);
      else wait.done(this.#take(wait.request));
    }
  }

  /** The error of a receive that can be served, if it fails: the pending error comes after all bytes. */
  #errorFor(request: ReceiveRequest): unknown {
    if (isGone(request)) return gone();
    // A receive of no bytes only waits for some: the error is for the receive that takes them.
    if (request.max === 0) return undefined;
    return this.#queue.size === 0 ? this.#errors.takeReceiveError(request.syscall) : undefined;
  }

  #take(request: ReceiveRequest): Received {
    const { max, peek, all, into } = request;
    if (into !== undefined) {
      return peek ? this.#queue.copy(into) : this.#queue.takeInto(into);
    }
    if (!peek) return delivered(this.#queue.take(max, all), request);
    const result = new Uint8Array(Math.min(max, this.#queue.size));
    this.#queue.copy(result);
    return delivered(result, request);
  }
}

function give(
  chunk: Uint8Array<ArrayBuffer>,
  owned: boolean,
  request: ReceiveRequest,
): Received {
  const { into } = request;
  // Not slice(), which is slower.
  if (into === undefined) return delivered(owned ? chunk : new Uint8Array(chunk), request);
  into.set(chunk);
  return chunk.length;
}
