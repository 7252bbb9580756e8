/** The Web Streams of a socket: `socket.readable` and `socket.writable`. */

import { type BytesLike, toBytes } from "./bytes.ts";
import { SHUT_RD, SHUT_WR } from "./constants.ts";
import { Canceller } from "./waiting/abort.ts";
import { quiet } from "./waiting/quiet.ts";

/** How many bytes are received for a reader that brings no buffer. */
const CHUNK = 65536;

/** The calls of the socket that the streams use. */
export interface StreamSocket {
  /** Waits until there is something to receive, and takes nothing of it. */
  ready(signal: AbortSignal): Promise<unknown>;
  /**
   * Receives up to so many bytes at once, or a datagram, which is not empty: no bytes are the end, `undefined` is that
   * there is nothing.
   */
  take(max: number): Uint8Array<ArrayBuffer> | undefined;
  sendAll(data: Uint8Array, signal: AbortSignal): Promise<void>;
  shutdown(how: number): Promise<void>;
}

/** The streams of one socket, each made on first use. */
export class WebStreams {
  #socket: StreamSocket;
  #readable: ReadableSide | undefined;
  #writable: WritableStream<BytesLike> | undefined;

  constructor(socket: StreamSocket) {
    this.#socket = socket;
  }

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return (this.#readable ??= new ReadableSide(this.#socket)).stream;
  }

  get writable(): WritableStream<BytesLike> {
    return this.#writable ??= makeWritable(this.#socket);
  }

  /** Whether a reader has the readable one. */
  get locked(): boolean {
    return this.#readable?.stream.locked === true;
  }
}

/**
 * The stream to read from. It takes bytes of the socket only while a reader has it: what a reader that has gone asked
 * for is for the socket's own calls.
 */
class ReadableSide {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #socket: StreamSocket;
  #controller!: ReadableByteStreamController;
  #isCancelled = false;
  /** Ends the wait for bytes. */
  #waiting: Canceller | undefined;
  /** Goes on with a pull that has no reader to give bytes to. */
  #goOn: (() => void) | undefined;

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
    // A stream tells its source of no reader that comes or goes.
    const { stream } = this;
    const getReader = stream.getReader.bind(stream) as (options?: object) => Reader;
    Object.defineProperty(stream, "getReader", {
      value: (options?: object) => this.#watched(getReader(options)),
      configurable: true,
      writable: true,
    });
  }

  #watched(reader: Reader): Reader {
    const release = reader.releaseLock.bind(reader);
    reader.releaseLock = () => {
      release();
      this.#waiting?.abort(undefined);
    };
    this.#goOn?.();
    return reader;
  }

  async #pull(): Promise<void> {
    const controller = this.#controller;
    for (;;) {
      const failure = await this.#wait();
      if (this.#isCancelled) return;
      if (this.stream.locked && failure !== undefined) throw failure.error;
      const { byobRequest } = controller;
      if (!this.stream.locked) {
        if (byobRequest === null) return;
        // The next read would pull again, but not that of a BYOB reader while the buffer of another is here.
        await new Promise<void>((resolve) => this.#goOn = resolve);
        continue;
      }
      // No more than that buffer takes, except of a datagram: the rest would be left in the stream.
      const chunk = this.#socket.take(byobRequest?.view?.byteLength ?? CHUNK);
      if (chunk === undefined) continue;
      if (chunk.length > 0) return controller.enqueue(chunk);
      controller.close();
      byobRequest?.respond(0);
      return;
    }
  }

  /** Waits until there is something to take, or the reader goes; gives the error that ended it. */
  async #wait(): Promise<{ error: unknown } | undefined> {
    const waiting = this.#waiting = new Canceller();
    try {
      await this.#socket.ready(waiting.signal);
    } catch (error) {
      if (!waiting.aborted) return { error };
    } finally {
      this.#waiting = undefined;
    }
    return undefined;
  }
}

/** What the readers of both kinds have in common. */
interface Reader {
  releaseLock(): void;
}

/**
 * A stream whose writes settle when the system has the bytes; closing or aborting it ends sending only. Aborting drops
 * what the write under way has left to send.
 */
function makeWritable(socket: StreamSocket): WritableStream<BytesLike> {
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
