/** The Web Streams of a socket: `socket.readable` and `socket.writable`. */

import { type BytesLike, concat, toBytes } from "./bytes.ts";
import { SHUT_RD, SHUT_WR } from "./constants.ts";
import { quiet } from "./quiet.ts";

/** How many bytes are received for a reader that brings no buffer. */
const CHUNK = 65536;

/** The calls of the socket that the streams use. */
export interface StreamSocket {
  /** Waits until there is something to receive, and takes nothing of it. */
  ready(): Promise<unknown>;
  /** Receives up to so many bytes, at once: none are the end, `undefined` is that there is nothing. */
  take(max: number): Uint8Array<ArrayBuffer> | undefined;
  /** Makes bytes that were taken the next to be received. */
  putBack(bytes: Uint8Array<ArrayBuffer>): void;
  sendAll(data: Uint8Array, signal: AbortSignal): Promise<void>;
  shutdown(how: number): Promise<void>;
}

/** The stream to read from, and how the socket gets back what it has not given to a reader. */
export class ReadableSide {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #socket: StreamSocket;
  #controller!: ReadableByteStreamController;
  #isCancelled = false;
  #returning: Promise<void> | undefined;

  /** Receives when the stream is read from; cancelling it ends receiving only. */
  constructor(socket: StreamSocket) {
    this.#socket = socket;
    this.stream = new ReadableStream({
      type: "bytes",
      start: (controller: ReadableByteStreamController) => {
        this.#controller = controller;
      },
      pull: () => this.#pull(),
      cancel: () => {
        this.#isCancelled = true;
        return socket.shutdown(SHUT_RD);
      },
    });
  }

  /** Whether a reader has the stream. */
  get locked(): boolean {
    return this.stream.locked && this.#returning === undefined;
  }

  /**
   * Gives back to the socket what was received for a reader that has gone without it; `undefined` where there is nothing.
   */
  giveBack(): Promise<void> | undefined {
    if (this.#returning === undefined && (this.#controller.desiredSize ?? 0) < 0) {
      this.#returning = this.#giveBack();
    }
    return this.#returning;
  }

  async #giveBack(): Promise<void> {
    const reader = this.stream.getReader();
    const parts: Uint8Array<ArrayBuffer>[] = [];
    while ((this.#controller.desiredSize ?? 0) < 0) {
      const { value } = await reader.read();
      if (value !== undefined) parts.push(value);
    }
    reader.releaseLock();
    this.#returning = undefined;
    this.#socket.putBack(concat(parts));
  }

  /** Whether bytes would find a reader. Nobody tells when one goes: what it asked for is waited for still. */
  get #isRead(): boolean {
    return this.locked && !this.#isCancelled;
  }

  async #pull(): Promise<void> {
    const controller = this.#controller;
    let chunk: Uint8Array<ArrayBuffer> | undefined;
    while (chunk === undefined) {
      try {
        await this.#socket.ready();
      } catch (error) {
        if (this.#isRead || controller.byobRequest !== null) throw error;
      }
      const room = controller.byobRequest?.view?.byteLength;
      // The next read pulls again, and until then the socket's own calls get the bytes. Not so where a BYOB reader has
      // left its buffer: the stream begins no other before this one has its bytes.
      if (this.#isCancelled || (!this.#isRead && room === undefined)) return;
      // No more than that buffer takes: the rest would be left in the stream.
      chunk = this.#socket.take(room ?? CHUNK);
    }
    if (chunk.length > 0) return controller.enqueue(chunk);
    controller.close();
    controller.byobRequest?.respond(0);
  }
}

/**
 * A stream whose writes settle when the system has the bytes; closing or aborting it ends sending only. Aborting drops
 * what the write under way has left to send.
 */
export function makeWritable(socket: StreamSocket): WritableStream<BytesLike> {
  return new WritableStream<BytesLike>({
    async write(chunk, { signal }) {
      await socket.sendAll(toBytes(chunk, "chunk"), signal);
    },
    async close() {
      await socket.shutdown(SHUT_WR);
    },
    abort() {
      // What the system has taken goes out first: a peer that does not read must not hold up the abort.
      quiet(socket.shutdown(SHUT_WR));
    },
  });
}
