/** Sending a whole file, blob or stream. */

import { checkOptions, integer, signalOf, type WaitOptions } from "./arguments.ts";
import { type BytesLike, describe, toBytes } from "./bytes.ts";
import { SocketError, systemError } from "./errors/errors.ts";
import { orAborted } from "./waiting/abort.ts";
import { quiet } from "./waiting/quiet.ts";

/** What `sendfile` takes: a `Blob` (`Bun.file`, `fs.openAsBlob`), a stream (`Deno.FsFile#readable`) or chunks. */
export type FileSource = Blob | ReadableStream<Uint8Array> | AsyncIterable<BytesLike>;

/** The options of `sendfile`. */
export interface SendFileOptions extends WaitOptions {
  /** Called after each piece with the bytes sent so far, and with all that are to be sent where that is known. */
  onprogress?: ((sent: number, total?: number) => void) | undefined;
}

/** What `sendfile` needs of the socket. */
export type SendAll = (data: Uint8Array, options: WaitOptions) => Promise<void>;

/** Checks what is to be sent, before any I/O. */
export function checkFileSource(
  source: FileSource,
  offset: number,
  count: number | undefined | null,
  options: SendFileOptions,
): void {
  if (!isBlob(source) && !isAsyncIterable(source) && !isReadableStream(source)) {
    throw new TypeError(
      `source must be a Blob, a ReadableStream or an AsyncIterable, not ${describe(source)}`,
    );
  }
  integer(offset, "offset", 0, Number.MAX_SAFE_INTEGER);
  if (count !== undefined && count !== null) {
    integer(count, "count", 1, Number.MAX_SAFE_INTEGER);
  }
  checkOptions(options);
  const { onprogress } = options;
  if (onprogress !== undefined && typeof onprogress !== "function") {
    throw new TypeError(`options.onprogress must be a function, not ${describe(onprogress)}`);
  }
}

/** Sends a part of the source, until the socket is `closed`; an error tells in `bytes_sent` how much of it has gone. */
export async function sendFile(
  sendAll: SendAll,
  source: FileSource,
  offset: number,
  count: number | undefined | null,
  options: SendFileOptions,
  closed: AbortSignal,
): Promise<number> {
  const signal = signalOf(options);
  if (signal?.aborted) throw signal.reason;
  const { onprogress } = options;
  const most = count ?? Infinity;
  const blob = isBlob(source)
    ? source.slice(offset, most === Infinity ? undefined : offset + most)
    : undefined;
  const total = blob?.size;
  let skip = blob === undefined ? offset : 0;
  let sent = 0;
  const chunks = chunksOf(blob ?? source);
  try {
    while (sent < most) {
      // A source that waits is not waited for any more once the call is to end.
      const next = await orAborted(orAborted(chunks.next(), signal), closed);
      if (next.done) return sent;
      let bytes = toBytes(next.value, "chunk");
      if (skip >= bytes.length) {
        skip -= bytes.length;
        continue;
      }
      bytes = bytes.subarray(skip, Math.min(bytes.length, skip + most - sent));
      skip = 0;
      try {
        await sendAll(bytes, { signal });
      } catch (error) {
        throw withTotal(error, sent);
      }
      sent += bytes.length;
      onprogress?.(sent, total);
    }
  } catch (error) {
    quiet(chunks.return());
    const isClosed = closed.aborted && error === closed.reason;
    throw isClosed ? withTotal(systemError("EBADF", "send"), sent) : error;
  }
  // The bytes are sent, however the source takes it that it is left.
  quiet(chunks.return());
  return sent;
}

/** The same error, telling how much of the whole had been taken. */
function withTotal(error: unknown, before: number): unknown {
  // A frozen one, a program's own, is left as it is.
  if (!(error instanceof SocketError) || !Object.isExtensible(error)) return error;
  const value = before + (error.bytes_sent ?? 0);
  Object.defineProperty(error, "bytes_sent", { value, enumerable: true, configurable: true });
  return error;
}

/** Chunks one after the other. Not by a generator, whose `return()` would wait for a source that waits. */
interface Chunks {
  next(): Promise<IteratorResult<BytesLike, void>>;
  /** Nothing more is wanted. */
  return(): Promise<void>;
}

function chunksOf(source: FileSource): Chunks {
  const stream = isBlob(source) ? source.stream() : source;
  if (isReadableStream(stream)) return chunksOfStream(stream);
  const iterator = stream[Symbol.asyncIterator]();
  return {
    next: async () => await iterator.next(),
    return: async () => void await iterator.return?.(),
  };
}

function chunksOfStream(stream: ReadableStream<Uint8Array>): Chunks {
  const reader = stream.getReader();
  return {
    async next() {
      const { done, value } = await reader.read();
      if (!done) return { done, value };
      reader.releaseLock();
      return { done, value: undefined };
    },
    async return() {
      const cancelled = reader.cancel();
      reader.releaseLock();
      await cancelled;
    },
  };
}

/** By what it can do: in Jest's and Vitest's environments the global class may be another one. */
function isBlob(value: unknown): value is Blob {
  const { size, slice, stream } = (value ?? {}) as Partial<Blob>;
  return typeof size === "number" && typeof slice === "function" && typeof stream === "function";
}

function isReadableStream(value: unknown): value is ReadableStream<Uint8Array> {
  return typeof (value as { getReader?: unknown } | null)?.getReader === "function";
}

function isAsyncIterable(value: unknown): value is AsyncIterable<BytesLike> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
