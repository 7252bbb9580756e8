/** Sends of a stream that have to wait: they go out whole, in the order of their calls. */

import type { Stream } from "../../adapters/adapter.ts";
import { queueMicrotask } from "../../adapters/timers.ts";
import { SocketError, withBytesSent } from "../errors/errors.ts";
import { inTurn, outcome, type SendRequest } from "../requests.ts";
import { quiet } from "../waiting/quiet.ts";
import { isTurnDue, turn } from "../waiting/turn.ts";
import type { Limits, WaitOwner } from "../waiting/wait.ts";
import { WaitQueue } from "../waiting/wait_queue.ts";
import { SendCopies } from "./send_copies.ts";
import { nextOf, pieceOf } from "./send_pieces.ts";
import { WaitingSend } from "./waiting_send.ts";

/**
 * The largest piece in bytes for a runtime that cannot report at once what it took: it cannot be taken back when the
 * call times out.
 */
const PIECE = 256 * 1024;
/** The same where the piece has to be copied. */
const COPIED_PIECE = 64 * 1024;

/** The most turns of the event loop that a close waits for earlier sends, while they go out. */
const MOST_TURNS = 32;

/** The piece that is with the runtime: its bytes, `"direct"` if its call is not in the queue, or `undefined` for none. */
type Piece = Uint8Array | "direct" | undefined;

/** The receiver of the errors of sending. */
export interface SendErrors {
  /** Whether the connection has broken. */
  readonly broken: boolean;
  /** The error of a send on a broken connection. */
  brokenPipe(syscall: string): SocketError;
  /** A write failed; returns the error for the call that it belongs to, if one waits. */
  sendFailed(cause: unknown, syscall: string | undefined): unknown;
}

/**
 * The sends of one stream. Lengths of the caller's arrays are read as `byteLength`: compiled code of Deno 2.9 (V8 15.0)
 * reads the `length` of an array of 2 GiB or more as a negative number.
 */
export class StreamSender implements WaitOwner {
  #stream: Stream;
  #errors: SendErrors;
  /** Waiting sends; while a write is with the runtime, it belongs to the first. */
  #sends: WaitQueue<WaitingSend> = new WaitQueue();
  #piece: Piece;
  #copies: SendCopies | undefined;
  #shutdown: Promise<boolean> | undefined;
  /** Makes the errors of calls, once the connection has broken or was closed. */
  #makeError: ((syscall: string) => unknown) | undefined;
  #idle: Array<() => void> | undefined;

  constructor(stream: Stream, errors: SendErrors) {
    this.#stream = stream;
    this.#errors = errors;
  }

  /** Whether a send would have to wait for another. */
  get busy(): boolean {
    return this.#sends.first !== undefined || this.#piece !== undefined;
  }

  /**
   * Sends what cannot go at once; `sent` of its bytes are gone already. Resolves with the count of all, for `all` with
   * nothing.
   */
  send(request: SendRequest, sent: number, limits: Limits): Promise<number> {
    const { busy } = this;
    const { timeout, signal } = limits;
    const unlimited = timeout === null && signal === undefined;
    if (unlimited && !busy && this.#stream.tryWrite === undefined) {
      return this.#sendDirectly(request);
    }
    const wait = new WaitingSend(request, !unlimited);
    wait.sent = sent;
    wait.limit(limits, this);
    if (wait.settled) return wait.promise;
    // A non-blocking call that cannot go now is not queued: after its turn of the event loop it fails with EAGAIN.
    if (timeout === 0 && (busy || this.#stream.tryWrite !== undefined)) return wait.promise;
    if (busy) wait.data = inTurn(request).data;
    this.#sends.push(wait);
    if (!busy) this.#write();
    return wait.promise;
  }

  /** Sends FIN after everything queued; resolves with whether it did: not if the connection has ended meanwhile. */
  shutdown(): Promise<boolean> {
    // At once if nothing is in the way: a close may follow, which sends FIN, too.
    this.#shutdown ??= this.busy ? this.#whenIdle().then(() => this.#end()) : this.#end();
    // No call waits for a rest already counted as sent: only the kernel would still have to send it.
    const { first } = this.#sends;
    const isCounted = first?.abandoned === true && first.next === undefined;
    if (!isCounted) return this.#shutdown;
    quiet(this.#shutdown);
    return Promise.resolve(true);
  }

  async #end(): Promise<boolean> {
    if (this.#makeError !== undefined) return false;
    await this.#stream.shutdownWrite();
    return true;
  }

  /**
   * Waits while sends go out, for a stream that cannot report what it takes: until there is no more room, as far as
   * turns of the event loop show that.
   */
  async drain(turn: () => Promise<void>): Promise<void> {
    const idle = this.#whenIdle();
    for (let turns = 0; this.busy && turns < MOST_TURNS; turns++) {
      const [piece, { first }] = [this.#piece, this.#sends];
      const sent = first?.sent;
      await Promise.race([idle, turn()]);
      const { first: now } = this.#sends;
      if (now === first && now?.sent === sent && this.#piece === piece) return;
    }
  }

  /** Fails every wait. */
  fail(makeError: (syscall: string) => unknown): void {
    this.#makeError = makeError;
    for (const wait of this.#sends.takeAll()) {
      // A rest has no caller: the error is for the next call.
      this.#failOne(wait, wait.abandoned ? undefined : makeError(wait.syscall));
    }
    if (this.#piece === undefined) this.#becomeIdle();
  }

  /**
   * Fails every wait, but still sends what a call that gave up has counted as sent.
   *
   * @returns settles when that is out; `undefined` if there is none
   */
  finish(makeError: (syscall: string) => unknown): Promise<void> | undefined {
    const counted = this.#takeCounted();
    if (counted === undefined) this.#countCommitted(makeError);
    this.fail(makeError);
    if (counted === undefined) return undefined;
    this.#sends.push(counted);
    return this.#whenIdle();
  }

  /**
   * Ends every wait: the descriptor is given up. What cannot be taken back counts as sent, and stays here for whoever
   * takes the stream over.
   */
  detach(makeError: (syscall: string) => unknown): void {
    const { first } = this.#sends;
    if (first !== undefined && !first.abandoned) this.#giveUp(first, makeError(first.syscall));
    const counted = this.#takeCounted();
    for (const wait of this.#sends.takeAll()) this.#failOne(wait, makeError(wait.syscall));
    if (counted !== undefined) this.#sends.push(counted);
  }

  /** Fails every wait: the connection is about to be reset. */
  abandon(makeError: (syscall: string) => unknown): void {
    this.#countCommitted(makeError);
    this.fail(makeError);
  }

  /** Continues for another endpoint, which has taken the stream over. */
  continueFor(errors: SendErrors): void {
    this.#errors = errors;
  }

  gaveUp(wait: object, reason: unknown): void {
    this.#giveUp(wait as WaitingSend, reason);
  }

  /** Ends a wait with what its call has sent. */
  #giveUp(wait: WaitingSend, reason: unknown): void {
    const isFirst = this.#sends.first === wait;
    this.#sends.remove(wait);
    const kept = isFirst && typeof this.#piece === "object" ? this.#takeBack(this.#piece) : 0;
    wait.sent += kept;
    this.#endOne(wait, reason);
  }

  /** Takes the rest of a call that gave up and has counted it as sent, if there is one. */
  #takeCounted(): WaitingSend | undefined {
    return this.#sends.first?.abandoned === true ? this.#sends.shift() : undefined;
  }

  /** Counts as sent what goes out although its call ends now, or as soon as that is known. */
  #countCommitted(makeError: (syscall: string) => unknown): void {
    const wait = this.#sends.first;
    if (wait === undefined || wait.abandoned || typeof this.#piece !== "object") return;
    const count = this.#stream.committed?.() ?? 0;
    this.#sends.shift();
    const end = (count: number): void => {
      wait.sent += count;
      this.#endOne(wait, makeError(wait.syscall));
    };
    if (typeof count === "number") end(count);
    else count.then(end, () => end(0));
  }

  /** Sends without a wait: nothing but the connection can end such a call, so the runtime's promise serves it. */
  #sendDirectly(request: SendRequest): Promise<number> {
    const { data, syscall, all } = request;
    const length = data.byteLength;
    this.#piece = "direct";
    const sending = this.#stream.write(pieceOf(data, 0, PIECE)).then((count) => {
      this.#piece = undefined;
      if (!all || count === length) {
        this.#next();
        return outcome(all, count);
      }
      quiet(sending);
      if (this.#makeError === undefined) return this.#goOn(request, length, count);
      this.#next();
      throw withBytesSent(this.#makeError(syscall), count);
    }, (cause) => {
      this.#piece = undefined;
      quiet(sending);
      const error = this.#makeError?.(syscall) ?? this.#errors.sendFailed(cause, syscall);
      this.#next();
      throw all ? withBytesSent(error, 0) : error;
    });
    return sending;
  }

  #goOn(request: SendRequest, length: number, sent: number): Promise<number> {
    const wait = new WaitingSend(request, false, length);
    wait.sent = sent;
    this.#sends.unshift(wait);
    this.#next();
    return wait.promise;
  }

  /** Sends what the system takes at once of the calls in the row; the rest waits for room. */
  #next(): void {
    if (this.#stream.tryWrite !== undefined) {
      while (this.#sends.first?.isReady) {
        if (!this.#tryFirst(this.#sends.first)) break;
        if (isTurnDue()) {
          turn().then(() => this.#piece ?? this.#next());
          return;
        }
      }
    }
    this.#write();
  }

  /** Sends what the system takes at once of a call and of those behind it. Returns whether there may be more room. */
  #tryFirst(wait: WaitingSend): boolean {
    const piece = nextOf(wait);
    let count: number;
    try {
      count = this.#stream.tryWrite!(piece);
    } catch (cause) {
      this.#sends.shift();
      if (wait.all || wait.sent === 0) {
        this.#failOne(wait, this.#errors.sendFailed(cause, wait.syscall));
      } else {
        // What was sent is the result of a `send`; the next call reports the error.
        this.#errors.sendFailed(cause, undefined);
        wait.done(wait.sent);
      }
      return true;
    }
    this.#count(count);
    return count === piece.byteLength;
  }

  /** Gives the runtime a piece of the first call, to send when there is room. */
  #write(): void {
    const wait = this.#sends.first;
    if (wait === undefined) return this.#becomeIdle();
    if (!wait.isReady) {
      // Deferred, as a write would be: the call before it ends first.
      queueMicrotask(() => this.#piece ?? this.#endWithoutWrite());
      return;
    }
    // The caller may change the bytes once a call has given up, while a runtime that cannot give them back sends them.
    const copied = wait.limited && this.#stream.takeBack === undefined;
    const most = Math.min(copied ? COPIED_PIECE : PIECE, wait.length - wait.sent);
    // A view of its own, also of all bytes: that of a resizable buffer may grow while the runtime has it.
    const piece = wait.data.subarray(wait.sent, wait.sent + most);
    this.#piece = copied ? (this.#copies ??= new SendCopies()).copy(piece) : piece;
    const revocable = wait.limited && !wait.all;
    this.#stream.write(this.#piece, revocable).then(
      (count) => this.#wrote(count),
      (cause) => this.#writeFailed(cause),
    );
  }

  /** Ends the first send if there is nothing of it to write: an empty one, or one whose data is gone. */
  #endWithoutWrite(): void {
    const wait = this.#sends.first;
    if (wait?.isGone) {
      this.#sends.shift();
      const error = new TypeError("data was detached or shrunk while it was sent");
      wait.fail(wait.all ? Object.assign(error, { bytes_sent: wait.sent }) : error);
    } else if (wait !== undefined && wait.sent === wait.length) {
      this.#sends.shift();
      if (this.#errors.broken) this.#failOne(wait, this.#errors.brokenPipe(wait.syscall));
      else wait.done(outcome(wait.all, wait.sent));
    }
    this.#next();
  }

  #wrote(count: number): void {
    this.#piece = undefined;
    const wait = this.#sends.first;
    // After a wait the system often has room for more than the piece.
    if (wait !== undefined && this.#stream.tryWrite !== undefined) {
      wait.sent += count;
      if (!wait.isReady) this.#count(0);
      else if (!this.#tryFirst(wait)) return this.#write();
    } else {
      this.#count(count);
    }
    this.#next();
  }

  /** Counts bytes as sent by the calls in the row, and ends those that are over. */
  #count(count: number): void {
    for (let wait = this.#sends.first; wait !== undefined; wait = this.#sends.first) {
      const taken = Math.min(count, wait.length - wait.sent);
      wait.sent += taken;
      count -= taken;
      if (!wait.isOver) return;
      this.#sends.shift();
      wait.done(outcome(wait.all, wait.sent));
      if (count === 0) return;
    }
  }

  #writeFailed(cause: unknown): void {
    this.#piece = undefined;
    const wait = this.#sends.shift();
    const error = this.#errors.sendFailed(
      cause,
      wait === undefined || wait.abandoned ? undefined : wait.syscall,
    );
    if (wait !== undefined) this.#failOne(wait, error);
    this.#next();
  }

  /**
   * Ends a wait early. A `send` has failed unless bytes of it have gone: then their count is its result. A signal's
   * reason takes precedence.
   */
  #endOne(wait: WaitingSend, reason: unknown): void {
    if (!wait.all && wait.sent > 0 && reason instanceof SocketError) wait.done(wait.sent);
    else this.#failOne(wait, reason);
  }

  #failOne(wait: WaitingSend, error: unknown): void {
    wait.fail(wait.all ? withBytesSent(error, wait.sent) : error);
  }

  /**
   * Takes a piece back from the runtime; returns how many bytes the runtime keeps, which count as sent and still go
   * out.
   */
  #takeBack(piece: Uint8Array): number {
    const kept = this.#stream.takeBack?.() ?? piece.length;
    if (kept === 0) {
      this.#piece = undefined;
      // Deferred: whatever ends this call may be about to end the next one, too.
      queueMicrotask(() => this.#piece ?? this.#write());
      return 0;
    }
    // Not a part of the piece: the buffer of a call without limits may be gone by now.
    const rest = new WaitingSend({ syscall: "send", data: piece, all: true }, false, kept);
    rest.promise.catch(
      () => {/* No call waits for it: the next one reports the broken connection. */},
    );
    rest.abandoned = true;
    this.#sends.unshift(rest);
    return kept;
  }

  #whenIdle(): Promise<void> {
    if (!this.busy) return Promise.resolve();
    return new Promise((resolve) => (this.#idle ??= []).push(resolve));
  }

  #becomeIdle(): void {
    this.#copies?.release();
    const idle = this.#idle;
    this.#idle = undefined;
    for (const resolve of idle ?? []) resolve();
  }
}
