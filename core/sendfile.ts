/** Sends a whole file, blob or stream. */

import { checkOptions, integer, signalOf, type WaitOptions } from "./arguments.ts";
import { type BytesLike, describe, toBytes } from "./bytes.ts";
import { setBytesSent, systemError, withBytesSent, withMoreSent } from "./errors/errors.ts";
import { orAborted } from "./waiting/abort.ts";
import { quiet } from "./waiting/quiet.ts";

/** A source of `sendfile`: a `Blob` (`Bun.file`, `fs.openAsBlob`), a stream (`Deno.FsFile#readable`) or chunks. */
export type FileSource = Blob | ReadableStream<Uint8Array> | AsyncIterable<BytesLike>;

/** The most bytes between two reports of progress: some runtimes give a whole Blob as one chunk. */
const PIECE = 256 * 1024;

/** The options of `sendfile`. */
export interface SendFileOptions extends WaitOptions {
  /** Called after each piece, of 256 KiB or less, with the count of bytes sent so far, and the total if known. */
  onprogress?: ((sent: number, total?: number) => void) | undefined;
}

/** The socket's `sendall`. */
export type SendAll = (data: Uint8Array, options: WaitOptions) => Promise<void>;

/** Checks the arguments of `sendfile`, before any I/O. */
export function checkFileSource(
  source: FileSource,
  offset: number,
  count: number | undefined | null,
  options: SendFileOptions,
): void {
  if (!isBlob(source) && !isAsyncIterable(source) && !isReadableStream(source)) {
    throw new TypeError(
      "source must be a Blob, such as that of fs.openAsBlob or Bun.file, a ReadableStream or an AsyncIterable, " +
        `not ${describe(source)}`,
    );
  }
  integer(offset, "offset", 0, Number.MAX_SAFE_INTEGER);
  if (count !== undefined && count !== null) {
    integer(count, "count", 1, Number.MAX_SAFE_INTEGER);
  }
  checkOptions(options, "{ signal }");
  const { onprogress } = options;
  if (onprogress !== undefined && typeof onprogress !== "function") {
    throw new TypeError(`options.onprogress must be a function, not ${describe(onprogress)}`);
  }
}

/** Sends a part of the source, until the socket is `closed`. The `bytes_sent` of an error is the count so far. */
export async function sendFile(
  sendAll: SendAll,
  source: FileSource,
  offset: number,
  count: number | undefined | null,
  options: SendFileOptions,
  closed: AbortSignal,
): Promise<number> {
  const signal = signalOf(options);
  const { onprogress } = options;
  const end = typeof count === "number" ? offset + count : undefined;
  const chunks = chunksOf(isBlob(source) ? source.slice(offset, end) : source);
  // Bun 1.4: the size of a missing file and of those in /proc is 0, and a file whose size was read before is empty then.
  // A slice has no size before its file has one.
  const total = isBlob(source) && source.size >= 0 ? source.slice(offset, end).size : undefined;
  const most = total || count || Infinity;
  let skip = isBlob(source) ? 0 : offset;
  let sent = 0;
  let ofPiece: unknown;
  try {
    while (sent < most) {
      // An abort or a close also ends the wait for the source.
      const next = await orAborted(orAborted(chunks.next(), signal), closed);
      if (next.done) return sent;
      let bytes = toBytes(next.value, "chunk");
      if (skip >= bytes.length) {
        skip -= bytes.length;
        continue;
      }
      bytes = bytes.subarray(skip, Math.min(bytes.length, skip + most - sent));
      skip = 0;
      for (let start = 0; start < bytes.length; start += PIECE) {
        const piece = bytes.subarray(start, start + PIECE);
        try {
          await sendAll(piece, { signal });
        } catch (error) {
          throw ofPiece = withMoreSent(error, sent);
        }
        sent += piece.length;
        onprogress?.(sent, total);
      }
    }
  } catch (error) {
    quiet(chunks.return());
    if (error === ofPiece) throw error;
    if (error === signal?.reason) throw withBytesSent(error, sent);
    const isClosed = closed.aborted && error === closed.reason;
    // The source's error may be that of another socket, with its count.
    throw setBytesSent(isClosed ? systemError("EBADF", "send") : error, sent);
  }
  // The bytes are sent: a source that fails to stop is no error.
  quiet(chunks.return());
  return sent;
}

/** The chunks of a source. Not a generator: its `return()` would wait for a pending source. */
interface Chunks {
  next(): Promise<IteratorResult<BytesLike, void>>;
  /** Stops the source. */
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

/** Checks the members: in the environments of Jest and Vitest the global class may be another one. */
function isBlob(value: unknown): value is Blob {
  if (typeof value !== "object" || value === null || !("size" in value)) return false;
  const { slice, stream } = value as Partial<Blob>;
  return typeof slice === "function" && typeof stream === "function";
}

function isReadableStream(value: unknown): value is ReadableStream<Uint8Array> {
  return typeof (value as { getReader?: unknown } | null)?.getReader === "function";
}

function isAsyncIterable(value: unknown): value is AsyncIterable<BytesLike> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}
