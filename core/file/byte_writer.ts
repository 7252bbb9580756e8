/** Buffered writing of bytes: Python's BufferedWriter over a socket. */

import { SocketError } from "../errors.ts";
import { concat } from "../bytes.ts";

/** Sends all of it; an error tells in `bytes_sent` how much was taken. */
export type SendAll = (data: Uint8Array) => Promise<void>;

/** Collects bytes until there are enough to send. */
export class ByteWriter {
  #send: SendAll;
  #bufferSize: number;
  #parts: Uint8Array[] = [];
  #size = 0;

  constructor(send: SendAll, bufferSize: number) {
    this.#send = send;
    this.#bufferSize = bufferSize;
  }

  /** Writes to the buffer and sends what it cannot hold. */
  async write(data: Uint8Array): Promise<void> {
    // The caller may change its array as soon as the promise settles.
    this.#parts.push(data.slice());
    this.#size += data.length;
    if (this.#size > this.#bufferSize) await this.flush();
  }

  /** Sends what is buffered. What an error leaves unsent stays for the next flush. */
  async flush(): Promise<void> {
    while (this.#size > 0) {
      const data = concat(this.#parts);
      this.#parts = [];
      this.#size = 0;
      try {
        await this.#send(data);
      } catch (error) {
        const sent = error instanceof SocketError ? error.bytes_sent ?? 0 : 0;
        this.#parts.unshift(data.subarray(sent));
        this.#size += data.length - sent;
        throw error;
      }
    }
  }
}
