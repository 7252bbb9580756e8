/** The Web Streams of a socket: `socket.readable` and `socket.writable`. */

import { type BytesLike, toBytes } from "./bytes.ts";
import { SHUT_RD, SHUT_WR } from "./constants.ts";
import { Canceller } from "./waiting/abort.ts";
import { quiet } from "./waiting/quiet.ts";

/** The most bytes received at once for a reader without a buffer of its own. */
const CHUNK = 65536;

/** The calls of the socket that the streams use. */
export interface StreamSocket {
  /** Waits until there is something to receive, without taking it. */
  ready(signal: AbortSignal): Promise<unknown>;
  /**
   * Receives up to `max` bytes without waiting, or a datagram, skipping empty ones. An empty array is the end,
   * `undefined` means that there is nothing.
   */
  take(max: number): Uint8Array<ArrayBuffer> | undefined;
  sendAll(data: Uint8Array, signal: AbortSignal): Promise<void>;
  shutdown(how: number): Promise<void>;
}

/** The streams of one socket, each created on first use. */
export class WebStreams {
  #socket: StreamSocket;
  #readable: ReadableSide | undefined;
  #writable: WritableSide | undefined;
  /** Makes the errors of the streams once the socket is closed. */
  #makeError: ((syscall: string) => unknown) | undefined;

  constructor(socket: StreamSocket) {
    this.#socket = socket;
  }

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    if (this.#readable === undefined) {
      this.#readable = new ReadableSide(this.#socket);
      if (this.#makeError !== undefined) this.#readable.fail(this.#makeError("recv"));
    }
    return this.#readable.stream;
  }

  get writable(): WritableStream<BytesLike> {
    if (this.#writable === undefined) {
      this.#writable = new WritableSide(this.#socket);
      if (this.#makeError !== undefined) this.#writable.fail(this.#makeError("send"));
    }
    return this.#writable.stream;
  }

  /** Whether a reader holds the readable stream. */
  get locked(): boolean {
    return this.#readable?.stream.locked === true;
  }

  /**
   * Ends both with an error, also where nothing waits, and before their first use: the socket is closed. What is under
   * way ends by itself.
   */
  fail(makeError: (syscall: string) => unknown): void {
    this.#makeError = makeError;
    this.#readable?.fail(makeError("recv"));
    this.#writable?.fail(makeError("send"));
  }
}

/**
 * The readable stream. It takes bytes from the socket only for a read: those for the pending read of a released reader
 * go to the socket's own calls.
 */
class ReadableSide {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  #socket: StreamSocket;
  #controller!: ReadableByteStreamController;
  #isCancelled = false;
  /** Ends the wait for bytes. */
  #waiting: Canceller | undefined;
  /** Resumes a pull that waits for a read. */
  #goOn: (() => void) | undefined;
  /**
   * How many bytes each pending read of the current reader takes at most; `undefined` for a reader of the platform's
   * own, which always reads.
   */
  #wanted: { size: number }[] | undefined;
  /** The error that ends the stream once it is idle. */
  #failure: unknown;

  /** Receives on demand; cancelling the stream ends receiving only. */
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
    // A stream does not report the coming and going of readers, nor their reads, to its source.
    wrap(this.stream, "getReader", (reader: Reader) => this.#watch(reader));
    for (const name of ["pipeTo", "pipeThrough", "tee", "values", Symbol.asyncIterator]) {
      wrap(this.stream, name, () => this.#goOn?.());
    }
  }

  fail(error: unknown): void {
    this.#failure = error;
    this.#failIfIdle();
  }

  /**
   * An error drops all bytes in the stream, and in the streams that `tee` and pipes feed from it. Those read on when
   * they are empty, and meet the error then.
   */
  #failIfIdle(): void {
    if (this.#failure === undefined) return;
    const feeds = this.stream.locked && this.#wanted === undefined;
    if (!feeds && this.#controller.desiredSize === 0) this.#controller.error(this.#failure);
  }

  #watch(reader: Reader): void {
    const [read, release] = [reader.read.bind(reader), reader.releaseLock.bind(reader)];
    const wanted: { size: number }[] = this.#wanted = [];
    reader.read = (view, options) => {
      // The view is transferred by the call.
      const asked = { size: view?.byteLength ?? CHUNK };
      // Before the read, which may pull at once.
      wanted.push(asked);
      const reading = read(view, options);
      // A refused read settles before those that wait.
      const settled = (): void => {
        wanted.splice(wanted.indexOf(asked), 1);
        this.#failIfIdle();
      };
      reading.then(settled, settled);
      this.#goOn?.();
      return reading;
    };
    reader.releaseLock = () => {
      release();
      // It may have been released before, and another reader have the stream by now.
      if (this.#wanted === wanted) this.#wanted = undefined;
      this.#waiting?.abort(undefined);
    };
    this.#failIfIdle();
  }

  /** Whether a read waits. */
  get #isWanted(): boolean {
    return this.stream.locked && this.#wanted?.length !== 0;
  }

  async #pull(): Promise<void> {
    const wanted = this.#wanted;
    if (wanted?.length !== 0) return await this.#serve();
    // Only a read pulls: this one did not come through the reader's method. Node 26's Readable.fromWeb makes such.
    wanted.push({ size: CHUNK });
    try {
      await this.#serve();
    } finally {
      wanted.shift();
      this.#failIfIdle();
    }
  }

  /** Waits for bytes and gives them to a read. */
  async #serve(): Promise<void> {
    const controller = this.#controller;
    for (;;) {
      const failure = await this.#wait();
      if (this.#isCancelled) return;
      if (this.#isWanted && failure !== undefined) throw failure.error;
      const { byobRequest } = controller;
      if (!this.#isWanted) {
        if (byobRequest === null) return;
        // The next read pulls again, except while the buffer of an earlier BYOB read is pending.
        await new Promise<void>((resolve) => this.#goOn = resolve);
        continue;
      }
      // At most what the read takes, except for a datagram: any rest would stay in the stream. The BYOB buffer may be
      // that of a released reader.
      const most = byobRequest?.view?.byteLength ?? CHUNK;
      const chunk = this.#socket.take(Math.min(most, this.#wanted?.[0]?.size ?? most));
      if (chunk === undefined) continue;
      if (chunk.length > 0) return controller.enqueue(chunk);
      controller.close();
      byobRequest?.respond(0);
      return;
    }
  }

  /** Waits until there is something to take or the reader is released; returns the error that ended the wait. */
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

/** The common part of both kinds of readers. */
interface Reader {
  read(view?: ArrayBufferView, options?: unknown): Promise<unknown>;
  releaseLock(): void;
}

/**
 * The writable stream. Its writes settle once the system has the bytes. Closing or aborting it ends sending only.
 * Aborting drops the unsent rest of the write under way.
 */
class WritableSide {
  readonly stream: WritableStream<BytesLike>;
  #controller!: WritableStreamDefaultController;
  /** How many writes and closes are not over, or have ended the stream. */
  #pending = 0;
  /** The error that ends the stream once it is idle. */
  #failure: unknown;

  constructor(socket: StreamSocket) {
    this.stream = new WritableStream<BytesLike>({
      start: (controller) => {
        this.#controller = controller;
      },
      write: async (chunk, { signal }) => {
        await socket.sendAll(toBytes(chunk, "chunk"), signal);
        this.#isOver();
      },
      async close() {
        await socket.shutdown(SHUT_WR);
      },
      abort() {
        // Not awaited: FIN follows what the system has taken, and the peer may not be reading.
        quiet(socket.shutdown(SHUT_WR));
      },
    }, {
      // Called for each write as it is asked for, earlier than `write`.
      size: () => {
        this.#pending++;
        return 1;
      },
    });
    // A stream does not report a close to its sink while writes wait.
    wrap(this.stream, "close", (closing: Promise<void>) => this.#watch(closing));
    wrap(this.stream, "getWriter", (writer: WritableStreamDefaultWriter<BytesLike>) => {
      wrap(writer, "close", (closing: Promise<void>) => this.#watch(closing));
    });
  }

  fail(error: unknown): void {
    this.#failure = error;
    this.#failIfIdle();
  }

  /** An error would also fail a close behind writes that succeed, and a write's own error tells more. */
  #failIfIdle(): void {
    if (this.#failure !== undefined && this.#pending === 0) this.#controller.error(this.#failure);
  }

  #watch(closing: Promise<void>): void {
    this.#pending++;
    // A close that is refused changes nothing for the stream.
    closing.catch(() => this.#isOver());
  }

  #isOver(): void {
    this.#pending--;
    this.#failIfIdle();
  }
}

/** Makes a method of an object also pass its result to a function. */
function wrap<T>(object: object, name: string | symbol, then: (result: T) => void): void {
  const method: (...args: unknown[]) => T = Reflect.get(object, name).bind(object);
  const value = (...args: unknown[]): T => {
    const result = method(...args);
    then(result);
    return result;
  };
  Object.defineProperty(object, name, { value, configurable: true, writable: true });
}
