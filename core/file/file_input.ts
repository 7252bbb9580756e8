/** What a file reads from: its socket, until a read times out. */

import { systemError, TimeoutError } from "../errors.ts";

/** The calls of the socket that a file uses. */
export interface FileSocket {
  /** Receives up to so many bytes; an empty array is the end. */
  receive(max: number): Promise<Uint8Array>;
  /** Looks at up to so many bytes without taking them. */
  peek(max: number): Promise<Uint8Array>;
  /** Sends what is taken at once, and gives the count. */
  send(data: Uint8Array): Promise<number>;
  /** Sends all of it. */
  sendAll(data: Uint8Array): Promise<void>;
}

/**
 * The receiving calls of a file. As in Python, a file refuses to read after a timeout: what the read had taken until then
 * is gone, and what comes next would pass for the data after it.
 */
export class FileInput {
  #socket: FileSocket;
  #timedOut = false;

  constructor(socket: FileSocket) {
    this.#socket = socket;
  }

  /** Receives up to so many bytes; an empty array is the end. */
  receive(max: number): Promise<Uint8Array> {
    return this.#watch((socket) => socket.receive(max));
  }

  /** Looks at up to so many bytes without taking them. */
  peek(max: number): Promise<Uint8Array> {
    return this.#watch((socket) => socket.peek(max));
  }

  /** Fails after a timeout. */
  check(): void {
    if (!this.#timedOut) return;
    throw systemError("EIO", "read", { detail: "cannot read from timed out object" });
  }

  async #watch(call: (socket: FileSocket) => Promise<Uint8Array>): Promise<Uint8Array> {
    this.check();
    try {
      return await call(this.#socket);
    } catch (error) {
      if (isTimeout(error)) this.#timedOut = true;
      throw error;
    }
  }
}

/** Whether an error is the socket's own timeout, and not the kernel's for a dead connection. */
export function isTimeout(error: unknown): boolean {
  return error instanceof TimeoutError && error.cause === undefined;
}
