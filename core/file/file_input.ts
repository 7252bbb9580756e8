/** What a file reads from: its socket, until a read times out. */

import type { WaitOptions } from "../arguments.ts";
import { systemError, TimeoutError } from "../errors/errors.ts";
import { Canceller, offAbort, onAbort } from "../waiting/abort.ts";

/** The calls of the socket that a file uses. */
export interface FileSocket {
  /** Receives up to so many bytes; an empty array is the end. */
  receive(max: number, options: WaitOptions): Promise<Uint8Array>;
  /** Looks at up to so many bytes without taking them. */
  peek(max: number, options: WaitOptions): Promise<Uint8Array>;
  /** Sends what is taken at once, and gives the count. */
  send(data: Uint8Array, options?: WaitOptions): Promise<number>;
  /** Sends all of it. */
  sendAll(data: Uint8Array, options?: WaitOptions): Promise<void>;
}

/**
 * The receiving calls of a file. As in Python, a file refuses to read after a timeout: what the read had taken until then
 * is gone, and what comes next would pass for the data after it.
 */
export class FileInput {
  #socket: FileSocket;
  #timedOut = false;
  /** Ends the receive that waits. */
  #canceller = new Canceller();
  #options: WaitOptions = { signal: this.#canceller.signal };

  constructor(socket: FileSocket) {
    this.#socket = socket;
  }

  /** Whether a timeout has ended a read, so that the file refuses others. */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  /** Receives up to so many bytes; an empty array is the end. */
  receive(max: number): Promise<Uint8Array> {
    return this.#watch(() => this.#socket.receive(max, this.#options));
  }

  /** Looks at up to so many bytes without taking them. */
  peek(max: number): Promise<Uint8Array> {
    return this.#watch(() => this.#socket.peek(max, this.#options));
  }

  /** Makes a read whose receives end when the signal is aborted. */
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

  /** Ends the receive that waits; it takes nothing. */
  cancel(reason: unknown): void {
    this.#canceller.abort(reason);
  }

  /** Fails after a timeout. */
  check(): void {
    if (!this.#timedOut) return;
    throw systemError("EIO", "read", { detail: "cannot read from timed out object" });
  }

  async #watch(call: () => Promise<Uint8Array>): Promise<Uint8Array> {
    this.check();
    try {
      return await call();
    } catch (error) {
      // A signal's reason can be anything.
      if (!this.#canceller.aborted && isTimeout(error)) this.#timedOut = true;
      throw error;
    }
  }
}

/** Whether an error is the socket's own timeout, and not the kernel's for a dead connection. */
function isTimeout(error: unknown): boolean {
  return error instanceof TimeoutError && error.cause === undefined;
}
