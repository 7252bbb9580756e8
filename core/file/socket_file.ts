/** The file object of a socket, as `makefile` returns it. */

import { integer, signalOf, type WaitOptions } from "../arguments.ts";
import { describe, toBuffer } from "../bytes.ts";
import { SocketError, systemError } from "../errors/errors.ts";
import { inspectAsText } from "../inspect.ts";
import { gone } from "../requests.ts";
import { InOrder } from "../waiting/in_order.ts";
import { quiet, quietly, rejected } from "../waiting/quiet.ts";
import { resolved } from "../waiting/turn.ts";
import { ByteReader } from "./byte_reader.ts";
import { ByteWriter } from "./byte_writer.ts";
import { FileInput, type FileSocket } from "./file_input.ts";
import { DEFAULT_BUFFER_SIZE, type FileKind } from "./file_mode.ts";
import { orNull } from "./or_null.ts";
import { RawReader } from "./raw_reader.ts";
import { codePoints, decoderFor, type Encoder, encoderFor } from "./text_codec.ts";
import { TextReader } from "./text_reader.ts";

/** The socket of a file. */
export interface FileOwner extends FileSocket {
  /** The descriptor, -1 if unknown. */
  fileno(): number;
  /** Called when the file is closed: the last one closes a socket whose `close` came before. */
  release(): Promise<void>;
}

/** Data to write to a file: text, or bytes of any kind. As in Python, a binary file takes no text. */
export type Content<T extends string | Uint8Array> = T extends string ? string
  : ArrayBufferView | ArrayBuffer;

/**
 * A file over a socket, like those of Python's `socket.makefile`. `T` is `string` in text modes and `Uint8Array` in
 * binary modes. `N` is `null` for unbuffered files, whose calls return it when a non-blocking socket would block. Any
 * buffered file is a `SocketFile`, any file at all a `SocketFile<string | Uint8Array, null>`.
 *
 * Closing the file does not close the socket. A socket that is closed while files are open keeps its descriptor until
 * the last of them closes. Every method of a closed file fails with EBADF, even a pending read: bytes that arrive later
 * go to the socket's own calls.
 *
 * Methods that can wait take `{ signal }` as their last argument and reject with `signal.reason` on abort. An aborted
 * read loses no bytes, and the file stays readable.
 *
 * Source: Python's `socket.makefile` and `io`.
 *
 * @example
 * ```ts
 * import { socketpair } from "@bsdsock/bsdsock";
 *
 * const [a, b] = await socketpair();
 * await a.sendall("one\ntwo\n");
 * await a.close();
 * await using file = b.makefile("r");
 * for await (const line of file) console.log(line);
 * ```
 */
export class SocketFile<T extends string | Uint8Array = string | Uint8Array, N = never> {
  /**
   * The mode as given. Stays readable after `close`.
   *
   * Source: Python `io.FileIO.mode`.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a] = await socketpair();
   * await using file = a.makefile("rwb");
   * console.log(file.mode); // "rwb"
   * ```
   */
  readonly mode: string;

  static {
    inspectAsText(SocketFile.prototype, "SocketFile", (value) => #owner in value);
  }

  #owner: FileOwner;
  #kind: FileKind;
  #input: FileInput;
  #reader: ByteReader | RawReader;
  #text: TextReader | undefined;
  #writer: ByteWriter;
  #encode: Encoder | undefined;
  /** Reads in order: each takes what the one before it left. */
  readonly #reading = new InOrder();
  #closing: Promise<void> | undefined;

  /** For `Socket.makefile`, which creates files. */
  constructor(owner: FileOwner, kind: FileKind) {
    this.#owner = owner;
    this.#kind = kind;
    this.mode = kind.mode;
    const bufferSize = Math.max(1, kind.bufferSize);
    this.#input = new FileInput(owner);
    const reader = new ByteReader(this.#input, bufferSize);
    this.#reader = kind.bufferSize === 0 ? new RawReader(this.#input) : reader;
    this.#writer = new ByteWriter(
      (data, options) => owner.sendAll(data, options),
      // Python collects written text in front of the buffer of bytes.
      kind.binary ? bufferSize : Math.max(bufferSize, DEFAULT_BUFFER_SIZE),
    );
    if (!kind.binary) {
      const { encoding, errors, newline } = kind;
      if (kind.reading) {
        const decoder = decoderFor(encoding, errors);
        this.#text = new TextReader(this.#input, reader, decoder, newline);
      }
      if (kind.writing) this.#encode = encoderFor(encoding, errors);
    }
  }

  /**
   * Whether the file is closed.
   *
   * Source: Python `io.IOBase.closed`.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a] = await socketpair();
   * const file = a.makefile("r");
   * await file.close();
   * console.log(file.closed); // true
   * ```
   */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * The descriptor, -1 if closed or unknown.
   *
   * Source: Python `io.FileIO.name` of a file opened by its descriptor.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a] = await socketpair();
   * const file = a.makefile("r");
   * await file.close();
   * console.log(file.name); // -1
   * ```
   */
  get name(): number {
    return this.closed ? -1 : this.#owner.fileno();
  }

  /**
   * The descriptor, -1 if unknown.
   *
   * Source: Python `io.IOBase.fileno`.
   *
   * @throws {SocketError} EBADF when closed
   *
   * @example
   * ```ts
   * import { capabilities, socketpair } from "@bsdsock/bsdsock";
   *
   * const [a] = await socketpair();
   * await using file = a.makefile("r");
   * if (capabilities().fileno) console.log(file.fileno() === a.fileno()); // true
   * ```
   */
  fileno(): number {
    this.#checkOpen("fileno");
    return this.#owner.fileno();
  }

  /**
   * Whether the file was opened for reading.
   *
   * Source: Python `io.IOBase.readable`.
   *
   * @throws {SocketError} EBADF when closed
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a] = await socketpair();
   * await using file = a.makefile("w");
   * console.log(file.readable()); // false
   * ```
   */
  readable(): boolean {
    this.#checkOpen("readable");
    return this.#kind.reading;
  }

  /**
   * Whether the file was opened for writing.
   *
   * Source: Python `io.IOBase.writable`.
   *
   * @throws {SocketError} EBADF when closed
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a] = await socketpair();
   * await using file = a.makefile("w");
   * console.log(file.writable()); // true
   * ```
   */
  writable(): boolean {
    this.#checkOpen("writable");
    return this.#kind.writing;
  }

  /**
   * Whether the file can seek: always `false`.
   *
   * Source: Python `io.IOBase.seekable`.
   *
   * @throws {SocketError} EBADF when closed
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a] = await socketpair();
   * await using file = a.makefile("r");
   * console.log(file.seekable()); // false
   * ```
   */
  seekable(): boolean {
    this.#checkOpen("seekable");
    return false;
  }

  /**
   * Reads up to `size` characters or bytes; without `size`, or with a negative one, all up to the end. A buffered file
   * returns fewer only at the end, an unbuffered one what a single receive returns.
   *
   * Source: Python `io.TextIOBase.read` and `io.BufferedIOBase.read`.
   *
   * @throws {TimeoutError} when the socket's timeout passes; afterwards the file refuses further reads
   * @throws {SocketError} EILSEQ when text is not in its encoding, EBADF when closed or not opened for reading
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall("hello");
   * await a.close();
   * await using file = b.makefile("r");
   * console.log(await file.read()); // "hello"
   * ```
   */
  read(size: number | null = null, options?: WaitOptions): Promise<T | N> {
    return quietly(async () => {
      const limit = sizeOf(size);
      const read = (): Promise<unknown> => this.#front.read(limit);
      return await this.#inTurn("read", options, read) as T | N;
    });
  }

  /**
   * Reads a line with its newline, at most `size` characters or bytes; empty at the end.
   *
   * Source: Python `io.IOBase.readline`.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall("one\ntwo\n");
   * await using file = b.makefile("r");
   * console.log(await file.readline()); // "one\n"
   * ```
   */
  readline(size: number | null = null, options?: WaitOptions): Promise<T | N> {
    if (size === null && options === undefined) {
      const line = this.#lineNow();
      if (line !== undefined) return given(line);
    }
    return quietly(async () => {
      const limit = sizeOf(size);
      const read = (): Promise<unknown> => this.#front.readline(limit);
      return await this.#inTurn("readline", options, read) as T | N;
    });
  }

  /**
   * Reads lines up to the end, or until they exceed `hint` characters or bytes.
   *
   * Source: Python `io.IOBase.readlines`.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall("one\ntwo\n");
   * await a.close();
   * await using file = b.makefile("r");
   * console.log(await file.readlines()); // [ "one\n", "two\n" ]
   * ```
   */
  readlines(hint: number | null = null, options?: WaitOptions): Promise<T[]> {
    return quietly(async () => {
      const most = sizeOf(hint) || Infinity;
      return await this.#inTurn("readlines", options, async () => {
        const lines: T[] = [];
        try {
          for (let total = 0; total <= most;) {
            const line = this.#front.nextLine() ?? await this.#front.readline(undefined);
            if (line === null) throw systemError("EAGAIN", "readlines");
            if (line.length === 0) break;
            lines.push(line as T);
            total += typeof line === "string" ? codePoints(line) : line.length;
          }
        } catch (error) {
          // Undecodable text loses the lines before it, as in Python.
          const isNothingNow = error instanceof SocketError && error.code === "EAGAIN";
          if (isNothingNow || options?.signal?.aborted) this.#putBack(lines);
          throw error;
        }
        return lines;
      });
    });
  }

  /**
   * Reads into `buffer` until it is full or the stream ends, and returns the count of bytes. An unbuffered file makes a
   * single receive. Binary only.
   *
   * Source: Python `io.BufferedIOBase.readinto`.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall("head");
   * await using file = b.makefile("rb");
   * const head = new Uint8Array(4);
   * console.log(await file.readinto(head)); // 4
   * ```
   */
  readinto(
    this: SocketFile<Uint8Array, N>,
    buffer: ArrayBufferView | ArrayBuffer,
    options?: WaitOptions,
  ): Promise<number | N> {
    return quietly(async () => {
      const target = toBuffer(buffer, "buffer");
      if (!this.#kind.binary) throw new TypeError("readinto needs a binary file");
      const read = (): Promise<Uint8Array | null> => this.#reader.read(target.length);
      return await this.#readInto("readinto", target, options, read) as number | N;
    });
  }

  /**
   * Reads up to `size` bytes with at most one receive: what is in the buffer, or else what a single receive returns;
   * empty at the end. Without `size`, or with a negative one, up to the size of the buffer. Buffered binary files only.
   *
   * Source: Python `io.BufferedReader.read1`.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall("hello");
   * await using file = b.makefile("rb");
   * console.log(await file.read1()); // the bytes of "hello"
   * ```
   */
  read1(
    this: SocketFile<Uint8Array>,
    size: number | null = null,
    options?: WaitOptions,
  ): Promise<T> {
    return quietly(async () => {
      const limit = sizeOf(size);
      const reader = this.#buffered("read1");
      const read = async (): Promise<Uint8Array> => await reader.read1(limit);
      return await this.#inTurn("read1", options, read) as T;
    });
  }

  /**
   * Reads into `buffer` with at most one receive, as `read1` does, and returns the count of bytes. Buffered binary files
   * only.
   *
   * Source: Python `io.BufferedIOBase.readinto1`.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall("hello");
   * await using file = b.makefile("rb");
   * const buffer = new Uint8Array(1024);
   * console.log(await file.readinto1(buffer)); // 5
   * ```
   */
  readinto1(
    this: SocketFile<Uint8Array>,
    buffer: ArrayBufferView | ArrayBuffer,
    options?: WaitOptions,
  ): Promise<number> {
    return quietly(async () => {
      const target = toBuffer(buffer, "buffer");
      const reader = this.#buffered("readinto1");
      const read = async (): Promise<Uint8Array> => await reader.read1(target.length);
      return await this.#readInto("readinto1", target, options, read) as number;
    });
  }

  /**
   * Returns the bytes in the buffer without taking them; if it is empty, a single receive fills it first. Empty only at
   * the end. As in Python, `size` changes nothing. Buffered binary files only.
   *
   * Source: Python `io.BufferedReader.peek`.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall("hello");
   * await using file = b.makefile("rb");
   * console.log((await file.peek()).length); // 5
   * console.log((await file.read(5)).length); // 5
   * ```
   */
  peek(
    this: SocketFile<Uint8Array>,
    size: number = 0,
    options?: WaitOptions,
  ): Promise<T> {
    return quietly(async () => {
      sizeOf(size);
      const reader = this.#buffered("peek");
      return await this.#inTurn("peek", options, () => reader.peek()) as T;
    });
  }

  /**
   * Writes text or bytes; a buffered file sends them when its buffer is full, on `flush` and on `close`. A write that
   * fails or is aborted keeps none of its data, except a line that could not be sent at once (`buffering` 1). What was
   * buffered before and is unsent stays in the buffer.
   *
   * Source: Python `io.TextIOBase.write` and `io.BufferedIOBase.write`.
   *
   * @returns the count of characters or bytes written; of an unbuffered file, of bytes sent
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await using file = a.makefile("w");
   * await file.write("hello\n");
   * await file.flush();
   * await b.recv(6);
   * ```
   */
  write(
    data: Content<T>,
    options?: WaitOptions,
  ): Promise<number | N> {
    return quietly(async () => {
      const signal = openSignal(options);
      if (!this.#kind.binary) return await this.#writeText(data, signal);
      const bytes = toBuffer(data as Uint8Array, "data");
      this.#checkWritable("write");
      if (this.#kind.bufferSize === 0) {
        return await orNull(this.#owner.send(bytes, options)) as number | N;
      }
      await this.#writer.write(bytes, signal);
      return bytes.length;
    });
  }

  /**
   * Writes each item without adding newlines.
   *
   * Source: Python `io.IOBase.writelines`.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await using file = a.makefile("w");
   * await file.writelines(["one\n", "two\n"]);
   * await file.flush();
   * await b.recv(8);
   * ```
   */
  writelines(
    lines: Iterable<Content<T>>,
    options?: WaitOptions,
  ): Promise<void> {
    return quietly(async () => {
      const iterable = typeof lines === "string" ||
        (typeof lines === "object" && lines !== null && Symbol.iterator in lines);
      if (!iterable) throw new TypeError(`lines must be an iterable, not ${describe(lines)}`);
      openSignal(options);
      this.#checkWritable("writelines");
      for (const line of lines) {
        // An unbuffered write() may be partial, and nobody sees its count here.
        if (this.#kind.bufferSize > 0) await this.write(line, options);
        else await this.#owner.sendAll(toBuffer(line as Uint8Array, "line"), options);
      }
    });
  }

  /**
   * Sends the buffered data. If that fails or is aborted, exactly the unsent rest stays for the next flush.
   *
   * Source: Python `io.IOBase.flush`.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await using file = a.makefile("w");
   * await file.write("hello\n"); // still in the file's buffer
   * await file.flush();
   * await b.recv(6);
   * ```
   */
  flush(options?: WaitOptions): Promise<void> {
    return quietly(async () => {
      const signal = openSignal(options);
      this.#checkOpen("flush");
      await this.#writer.flush(signal);
    });
  }

  /**
   * Flushes and closes the file, even if the flush fails; closing it again is no error. The socket stays open.
   *
   * Source: Python `io.IOBase.close`.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * const file = a.makefile("w");
   * await file.write("hello");
   * await file.close();
   * await b.recv(5);
   * ```
   */
  close(options?: WaitOptions): Promise<void> {
    if (this.#closing !== undefined) {
      return this.#closing.catch(() => {/* The first call reports it. */});
    }
    try {
      return this.#closing = quiet(this.#close(signalOf(options)));
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * The lines up to the end. Leaving the loop closes nothing.
   *
   * Source: Python `io.IOBase`, an iterator of lines.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall("one\ntwo\n");
   * await a.close();
   * for await (const line of b.makefile("r")) console.log(line);
   * ```
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    // Not a generator: most lines are here already, and each layer of promises costs as much as the line.
    const iterator: AsyncIterableIterator<T> = {
      next: () => this.#nextLine(),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /**
   * Closes the file in the background. Its buffered data is sent, but a failure is not reported.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * {
   *   using file = a.makefile("w");
   *   await file.write("hello");
   * }
   * await b.recv(5);
   * ```
   */
  [Symbol.dispose](): void {
    this.close().catch(
      () => {/* Nobody waits for the error. */},
    );
  }

  /**
   * Closes the file after sending its buffered data.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * {
   *   await using file = a.makefile("w");
   *   await file.write("hello");
   * }
   * await b.recv(5);
   * ```
   */
  [Symbol.asyncDispose](): Promise<void> {
    return quietly(async () => {
      await this.close();
    });
  }

  /**
   * The file as a text that shows its descriptor, -1 if unknown, and its mode.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a] = await socketpair();
   * await using file = a.makefile("rb");
   * console.log(`${file}`); // <socket.SocketFile name=7 mode="rb">
   * ```
   */
  toString(): string {
    const closed = this.closed ? "[closed] " : "";
    return `<socket.SocketFile ${closed}name=${this.name} mode="${this.mode}">`;
  }

  #nextLine(): Promise<IteratorResult<T, undefined>> {
    const line = this.#lineNow();
    if (line !== undefined) return given({ done: false, value: line });
    return this.readline().then((value) => {
      if (value === null) throw systemError("EAGAIN", "readline");
      return (value as T).length === 0
        ? { done: true, value: undefined }
        : { done: false, value: value as T };
    });
  }

  /** Runs a read after those before it have ended. */
  #inTurn<R>(
    syscall: string,
    options: WaitOptions | undefined,
    read: () => Promise<R>,
  ): Promise<R> {
    const signal = openSignal(options);
    return this.#reading.run(() => {
      this.#checkReadable(syscall);
      return signal === undefined ? read() : this.#input.until(signal, read);
    }, signal);
  }

  /** The reader of a buffered binary file. */
  #buffered(syscall: string): ByteReader {
    const reader = this.#reader;
    if (this.#kind.binary && reader instanceof ByteReader) return reader;
    throw new TypeError(`${syscall} needs a binary file with a buffer`);
  }

  /** Reads into the caller's memory; if that was transferred or shrunk meanwhile, the bytes are for the next read. */
  #readInto(
    syscall: string,
    target: Uint8Array,
    options: WaitOptions | undefined,
    read: () => Promise<Uint8Array | null>,
  ): Promise<number | null> {
    const { length } = target;
    return this.#inTurn(syscall, options, async () => {
      if (target.length < length) throw gone();
      const data = await read();
      if (data === null) return null;
      if (target.length < length) {
        this.#reader.putBack([data]);
        throw gone();
      }
      // Node 20 copies not even nothing into a buffer that was transferred.
      if (data.length > 0) target.set(data);
      return data.length;
    });
  }

  /** The reader that the calls ask: of text, else of bytes. */
  get #front(): TextReader | ByteReader | RawReader {
    return this.#text ?? this.#reader;
  }

  /** The next line if it is here already, and no read before it is under way. */
  #lineNow(): T | undefined {
    if (this.closed || this.#reading.busy) return undefined;
    return this.#front.nextLine() as T | undefined;
  }

  #putBack(lines: T[]): void {
    if (this.#text !== undefined) this.#text.putBack(lines.join(""));
    else this.#reader.putBack(lines as Uint8Array[]);
  }

  async #close(signal: AbortSignal | undefined): Promise<void> {
    if (this.#reading.busy) {
      this.#input.cancel(systemError("EBADF", "read", { detail: "the file is closed" }));
    }
    try {
      await this.#writer.flush(signal);
    } finally {
      await this.#owner.release();
    }
  }

  async #writeText(data: unknown, signal: AbortSignal | undefined): Promise<number> {
    if (typeof data !== "string") {
      throw new TypeError(`data must be a string for a text file, not ${describe(data)}`);
    }
    this.#checkWritable("write");
    const { newline, lineBuffering } = this.#kind;
    const translated = newline === "\r" || newline === "\r\n"
      ? data.replaceAll("\n", newline)
      : data;
    await this.#writer.write(this.#encode!(translated), signal);
    if (lineBuffering && /[\r\n]/.test(data)) await this.#writer.flush(signal);
    return codePoints(data);
  }

  #checkOpen(syscall: string): void {
    if (this.closed) throw systemError("EBADF", syscall, { detail: "the file is closed" });
  }

  #checkReadable(syscall: string): void {
    this.#checkOpen(syscall);
    if (!this.#kind.reading) {
      throw systemError("EBADF", syscall, { detail: "the file is not opened for reading" });
    }
  }

  #checkWritable(syscall: string): void {
    this.#checkOpen(syscall);
    if (!this.#kind.writing) {
      throw systemError("EBADF", syscall, { detail: "the file is not opened for writing" });
    }
  }
}

/** Lines of a buffer that count as one call, of whose cost each is a small part. */
const LINES_A_CALL = 64;

let lines = 0;

/** The promise of a line that is here already. A loop over many of them still lets timers run. */
function given<T>(line: T): Promise<T> {
  return ++lines % LINES_A_CALL === 0 ? resolved(line) : Promise.resolve(line);
}

/** The signal of a call; throws its reason if it is aborted already. */
function openSignal(options: WaitOptions | undefined): AbortSignal | undefined {
  const signal = signalOf(options);
  if (signal?.aborted) throw signal.reason;
  return signal;
}

/** A size as in Python: none or a negative one means no limit. */
function sizeOf(size: number | null | undefined): number | undefined {
  if (size === null || size === undefined) return undefined;
  const checked = integer(size, "size", -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  return checked < 0 ? undefined : checked;
}
