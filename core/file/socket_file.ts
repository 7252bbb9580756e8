/** The file object of a socket: what `makefile` gives. */

import { integer } from "../arguments.ts";
import { type BytesLike, describe, toBuffer } from "../bytes.ts";
import { systemError } from "../errors.ts";
import { InOrder } from "../in_order.ts";
import { quiet, quietly } from "../quiet.ts";
import { ByteReader } from "./byte_reader.ts";
import { ByteWriter } from "./byte_writer.ts";
import { FileInput, type FileSocket } from "./file_input.ts";
import type { FileKind } from "./file_mode.ts";
import { orNull, readRaw, readRawLine } from "./raw_file.ts";
import { codePoints, decoderFor, type Encoder, encoderFor } from "./text_codec.ts";
import { TextReader } from "./text_reader.ts";

/** What a file needs of its socket beside its calls. */
export interface FileOwner extends FileSocket {
  /** The descriptor, -1 where it is not known. */
  fileno(): number;
  /** The file is closed: the socket's descriptor may go, if it was only kept for it. */
  release(): Promise<void>;
}

/**
 * A file over a socket, as Python's `socket.makefile` makes it. `T` is `string` for text and `Uint8Array` for binary
 * modes; `N` is `null` for unbuffered files, which give it where a non-blocking socket can do nothing now.
 *
 * Closing the file does not close the socket; a socket that is closed while files are open keeps its descriptor until
 * the last of them closes. Every method of a closed file fails with EBADF.
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
  /** The mode as it was given. */
  readonly mode: string;
  #owner: FileOwner;
  #kind: FileKind;
  #input: FileInput;
  #reader: ByteReader;
  #text: TextReader | undefined;
  #writer: ByteWriter;
  #encode: Encoder | undefined;
  /** Reads wait for one another: each has what the one before it left. */
  readonly #reading = new InOrder();
  #closing: Promise<void> | undefined;

  /** Files are made by `Socket.makefile`. */
  constructor(owner: FileOwner, kind: FileKind) {
    this.#owner = owner;
    this.#kind = kind;
    this.mode = kind.mode;
    const bufferSize = Math.max(1, kind.bufferSize);
    this.#input = new FileInput(owner);
    this.#reader = new ByteReader(this.#input, bufferSize);
    this.#writer = new ByteWriter((data) => owner.sendAll(data), bufferSize);
    if (!kind.binary) {
      const { encoding, errors, newline } = kind;
      if (kind.reading) {
        this.#text = new TextReader(this.#reader, decoderFor(encoding, errors), newline);
      }
      if (kind.writing) this.#encode = encoderFor(encoding, errors);
    }
  }

  /** Whether it is closed. */
  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** The descriptor, -1 once closed or where it is not known. */
  get name(): number {
    return this.closed ? -1 : this.#owner.fileno();
  }

  /** The descriptor, -1 where it is not known. */
  fileno(): number {
    this.#checkOpen("fileno");
    return this.#owner.fileno();
  }

  /** Whether it was opened for reading. */
  readable(): boolean {
    this.#checkOpen("readable");
    return this.#kind.reading;
  }

  /** Whether it was opened for writing. */
  writable(): boolean {
    this.#checkOpen("writable");
    return this.#kind.writing;
  }

  /** A socket cannot be sought in: `false`. */
  seekable(): boolean {
    this.#checkOpen("seekable");
    return false;
  }

  /**
   * Reads up to `size` characters or bytes, fewer only at the end; without `size`, or with a negative one, all up to the end.
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
  read(size: number | null = null): Promise<T | N> {
    return quietly(async () => {
      const limit = sizeOf(size);
      return await this.#reading.run(async () => {
        this.#checkReadable("read");
        if (this.#text !== undefined) return await this.#text.read(limit) as T;
        if (this.#kind.bufferSize === 0) return await readRaw(this.#input, limit) as T | N;
        return await this.#reader.read(limit) as T;
      });
    });
  }

  /**
   * Reads a line with its newline, at most `size` characters or bytes; empty at the end.
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
  readline(size: number | null = null): Promise<T | N> {
    return quietly(async () => {
      const limit = sizeOf(size);
      return await this.#reading.run(async () => {
        this.#checkReadable("readline");
        if (this.#text !== undefined) {
          return (limit === undefined ? this.#text.nextLine() : undefined) as T | undefined ??
            await this.#text.readline(limit) as T;
        }
        if (this.#kind.bufferSize === 0) return await readRawLine(this.#input, limit) as T | N;
        return await this.#reader.readline(limit) as T;
      });
    });
  }

  /**
   * Reads all lines up to the end, or until they have more than `hint` characters or bytes.
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
  readlines(hint: number | null = null): Promise<T[]> {
    return quietly(async () => {
      const most = sizeOf(hint) || Infinity;
      const lines: T[] = [];
      let total = 0;
      for await (const line of this) {
        lines.push(line);
        total += line.length;
        if (total > most) break;
      }
      return lines;
    });
  }

  /**
   * Reads into a buffer until it is full or the stream ends, and gives the count of bytes. Binary only.
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
  readinto(buffer: ArrayBufferView | ArrayBuffer): Promise<number | N> {
    return quietly(async () => {
      const target = toBuffer(buffer, "buffer");
      if (!this.#kind.binary) throw new TypeError("readinto needs a binary file");
      return await this.#reading.run(async () => {
        this.#checkReadable("readinto");
        const data = this.#kind.bufferSize === 0
          ? await readRaw(this.#input, target.length)
          : await this.#reader.read(target.length);
        if (data === null) return null as N;
        target.set(data);
        return data.length;
      });
    });
  }

  /**
   * Writes text or bytes; a buffered file sends them when its buffer is full, at `flush` and at `close`. Where it fails,
   * none of them is kept.
   *
   * @returns the count of characters or bytes; of an unbuffered file those that were sent
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
  write(data: T extends string ? string : BytesLike): Promise<number | N> {
    return quietly(async () => {
      if (!this.#kind.binary) return await this.#writeText(data);
      const bytes = toBuffer(data as Uint8Array, "data");
      this.#checkWritable("write");
      if (this.#kind.bufferSize === 0) return await orNull(this.#owner.send(bytes)) as number | N;
      await this.#writer.write(bytes);
      return bytes.length;
    });
  }

  /**
   * Writes every item; adds no newlines.
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
    lines: Iterable<T extends string ? string : BytesLike>,
  ): Promise<void> {
    return quietly(async () => {
      const iterable = typeof lines === "string" ||
        (typeof lines === "object" && lines !== null && Symbol.iterator in lines);
      if (!iterable) throw new TypeError(`lines must be an iterable, not ${describe(lines)}`);
      this.#checkWritable("writelines");
      for (const line of lines) {
        // Without a buffer write() gives a count, which nobody would see here.
        if (this.#kind.bufferSize > 0) await this.write(line);
        else await this.#owner.sendAll(toBuffer(line as Uint8Array, "line"));
      }
    });
  }

  /**
   * Sends what is buffered.
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
  flush(): Promise<void> {
    return quietly(async () => {
      this.#checkOpen("flush");
      await this.#writer.flush();
    });
  }

  /**
   * Flushes and closes the file; again is no error. The socket stays open.
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
  close(): Promise<void> {
    if (this.#closing !== undefined) {
      return this.#closing.catch(() => {/* The first call tells. */});
    }
    return this.#closing = quiet(this.#close());
  }

  /**
   * The lines up to the end. Leaving the loop closes nothing.
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
    // No generator: most lines are there already, and each layer of promises costs as much as the line.
    const iterator: AsyncIterableIterator<T> = {
      next: () => this.#nextLine(),
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  /** Closes the file in the background. */
  [Symbol.dispose](): void {
    this.close().catch(
      () => {/* As with every file closed without waiting: the error has no receiver. */},
    );
  }

  /** Closes the file. */
  [Symbol.asyncDispose](): Promise<void> {
    return quietly(async () => {
      await this.close();
    });
  }

  #nextLine(): Promise<IteratorResult<T, undefined>> {
    const line = this.closed || this.#reading.busy ? undefined : this.#text?.nextLine();
    if (line !== undefined) return Promise.resolve({ done: false, value: line as T });
    return this.readline().then((value) => {
      if (value === null) throw systemError("EAGAIN", "readline");
      return (value as T).length === 0
        ? { done: true, value: undefined }
        : { done: false, value: value as T };
    });
  }

  async #close(): Promise<void> {
    try {
      await this.#writer.flush();
    } finally {
      await this.#owner.release();
    }
  }

  async #writeText(data: unknown): Promise<number> {
    if (typeof data !== "string") {
      throw new TypeError(`data must be a string for a text file, not ${describe(data)}`);
    }
    this.#checkWritable("write");
    const { newline, lineBuffering } = this.#kind;
    const translated = newline === "\r" || newline === "\r\n"
      ? data.replaceAll("\n", newline)
      : data;
    await this.#writer.write(this.#encode!(translated));
    if (lineBuffering && /[\r\n]/.test(data)) await this.#writer.flush();
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

/** A size as Python takes it: none and negative mean no limit. */
function sizeOf(size: number | null | undefined): number | undefined {
  if (size === null || size === undefined) return undefined;
  const checked = integer(size, "size", -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  return checked < 0 ? undefined : checked;
}
