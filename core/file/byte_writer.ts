/** Buffered writing of bytes: Python's BufferedWriter over a socket. */

import type { WaitOptions } from "../arguments.ts";
import { concat } from "../bytes.ts";
import { SocketError, systemError } from "../errors/errors.ts";
import { Canceller, offAbort, onAbort } from "../waiting/abort.ts";
import { InOrder } from "../waiting/in_order.ts";

/** Sends all the data; the `bytes_sent` of an error is the count taken. */
export type SendAll = (data: Uint8Array, options?: WaitOptions) => Promise<void>;

/** Collects bytes until there are enough to send. */
export class ByteWriter {
  #send: SendAll;
  #bufferSize: number;
  #parts: Uint8Array[] = [];
  #size = 0;
  /** Sends in order: a flush waits for the write before it. */
  readonly #sending = new InOrder();

  constructor(send: SendAll, bufferSize: number) {
    this.#send = send;
    this.#bufferSize = bufferSize;
  }

  /**
   * Writes to the buffer. Data that does not fit goes out after the buffered bytes. On failure none of it is kept, and
   * the error's `bytes_sent` is that of the failed send: of the buffered bytes or of `data`.
   */
  async write(data: Uint8Array, signal?: AbortSignal): Promise<void> {
    if (!this.#sending.busy && this.#keep(data)) return;
    await this.#sendInOrder(signal, async (options) => {
      if (this.#keep(data)) return;
      await this.#flush(options);
      if (!this.#keep(data)) await this.#send(data, options);
    });
  }

  /** Sends the buffered bytes. After an error the unsent ones stay for the next flush. */
  async flush(signal?: AbortSignal): Promise<void> {
    if (!this.#sending.busy && this.#size === 0) return;
    await this.#sendInOrder(signal, (options) => this.#flush(options));
  }

  async #sendInOrder(
    signal: AbortSignal | undefined,
    sends: (options?: WaitOptions) => Promise<void>,
  ): Promise<void> {
    await this.#sending.run(() => signal === undefined ? sends() : until(signal, sends), signal);
  }

  /** Adds data to the buffer if it fits, and returns whether it did. */
  #keep(data: Uint8Array): boolean {
    if (this.#size + data.length > this.#bufferSize) return false;
    // The caller may change its array as soon as the promise settles.
    this.#parts.push(data.slice());
    this.#size += data.length;
    return true;
  }

  async #flush(options?: WaitOptions): Promise<void> {
    while (this.#size > 0) {
      const data = concat(this.#parts);
      this.#parts = [];
      this.#size = 0;
      try {
        await this.#send(data, options);
      } catch (error) {
        const sent = error instanceof SocketError ? error.bytes_sent ?? 0 : 0;
        this.#parts.unshift(data.subarray(sent));
        this.#size += data.length - sent;
        throw error;
      }
    }
  }
}

/** Runs sends that an abort ends with an error of ours: its `bytes_sent` reaches the writer, as the reason has none. */
async function until(
  signal: AbortSignal,
  sends: (options: WaitOptions) => Promise<void>,
): Promise<void> {
  const canceller = new Canceller();
  let reason: unknown;
  const cancel = {
    abort(given: unknown): void {
      reason = given;
      canceller.abort(systemError("ECANCELED", "send"));
    },
  };
  if (signal.aborted) throw signal.reason;
  onAbort(signal, cancel);
  try {
    await sends({ signal: canceller.signal });
  } catch (error) {
    throw canceller.aborted && error === canceller.reason ? reason : error;
  } finally {
    offAbort(signal, cancel);
  }
}
