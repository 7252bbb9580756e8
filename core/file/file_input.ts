/** The input of a file: its socket, until a read times out. */

import type { WaitOptions } from "../arguments.ts";
import { systemError, TimeoutError } from "../errors/errors.ts";
import { Canceller, offAbort, onAbort } from "../waiting/abort.ts";

/** The calls of the socket that a file uses. */
export interface FileSocket {
  /** Receives up to `max` bytes; an empty array is the end. */
  receive(max: number, options: WaitOptions): Promise<Uint8Array>;
  /** Receives up to `max` bytes without taking them. */
  peek(max: number, options: WaitOptions): Promise<Uint8Array>;
  /** Sends what the system takes at once, and returns the count. */
  send(data: Uint8Array, options?: WaitOptions): Promise<number>;
  /** Sends all the data. */
  sendAll(data: Uint8Array, options?: WaitOptions): Promise<void>;
}

/**
 * The receiving calls of a file. As in Python, a file refuses to read after a timeout: the bytes that the read had
 * taken are lost, and the next read would silently skip them.
 */
export class FileInput {
  #socket: FileSocket;
  #timedOut = false;
  /** Aborts the pending receive. */
  #canceller = new Canceller();
  #options: WaitOptions = { signal: this.#canceller.signal };

  constructor(socket: FileSocket) {
    this.#socket = socket;
  }

  /** Whether a read has timed out: the file then refuses others. */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  /** Receives up to `max` bytes; an empty array is the end. */
  receive(max: number): Promise<Uint8Array> {
    return this.#watch(() => this.#socket.receive(max, this.#options));
  }

  /** Receives up to `max` bytes without taking them. */
  peek(max: number): Promise<Uint8Array> {
    return this.#watch(() => this.#socket.peek(max, this.#options));
  }

  /** Runs a read whose receives end when the signal aborts. */
  async until<T>(signal: AbortSignal, read: () => Promise<T>): Promise<T> {
    const canceller = this.#canceller;
    onAbort(signal, canceller);
    try {
      return await read();
    } finally {
      offAbort(signal, canceller);
      if (signal.aborted) {
        this.#canceller = new Canceller();
        this.#options = { signal: this.#canceller.signal };
      }
    }
  }

  /** Aborts the pending receive, which takes nothing. */
  cancel(reason: unknown): void {
    this.#canceller.abort(reason);
  }

  /** Throws after a timeout. */
  check(): void {
    if (!this.#timedOut) return;
    throw systemError("EIO", "read", { detail: "cannot read from timed out object" });
  }

  async #watch(call: () => Promise<Uint8Array>): Promise<Uint8Array> {
    this.check();
    try {
      return await call();
    } catch (error) {
      // The reason of a signal may be a TimeoutError too.
      if (!this.#canceller.aborted && isTimeout(error)) this.#timedOut = true;
      throw error;
    }
  }
}

/** Whether an error is the socket's own timeout, not the kernel's for a dead connection. */
function isTimeout(error: unknown): boolean {
  return error instanceof TimeoutError && error.cause === undefined;
}
