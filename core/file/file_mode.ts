/** The arguments of `makefile`. */

import { checkOptions, INT_MAX, integer, string } from "../arguments.ts";
import { describe } from "../bytes.ts";
import { checkNewline, type Newline } from "./newlines.ts";
import { checkErrors, type EncodingErrors } from "./text_codec.ts";

/** A text mode: the file reads and writes strings. */
export type TextMode = "r" | "w" | "rw" | "wr";
/** A binary mode: the file reads and writes bytes. */
export type BinaryMode = "rb" | "wb" | "rwb" | "br" | "bw" | "wrb" | "rbw" | "wbr" | "brw" | "bwr";

/** Buffering of a binary file. */
export interface BinaryFileOptions {
  /** The size of the buffer in bytes, 0 for none; 8192 if left out. */
  buffering?: number | null | undefined;
}

/** Buffering, encoding and newlines of a text file. */
export interface FileOptions {
  /**
   * The size of the buffer in bytes, never 0; 8192 if left out. 1 sends each line as it is written. Written text is
   * collected in 8192 bytes at least, as in Python.
   */
  buffering?: number | null | undefined;
  /** The encoding of text; UTF-8 if left out. */
  encoding?: string | null | undefined;
  /** Handling of bytes and characters outside the encoding: `strict` (the default), `replace` or `ignore`. */
  errors?: EncodingErrors | null | undefined;
  /** `null` (the default) reads any newline as `\n`, `""` reads any unchanged; else the only newline. */
  newline?: Newline | undefined;
}

/** The checked arguments. */
export interface FileKind {
  readonly mode: string;
  readonly reading: boolean;
  readonly writing: boolean;
  readonly binary: boolean;
  /** The size of the buffer in bytes, 0 for none. */
  readonly bufferSize: number;
  readonly lineBuffering: boolean;
  readonly encoding: string;
  readonly errors: EncodingErrors;
  readonly newline: Newline;
}

/** The default size of a buffer in bytes, and the least for written text. */
export const DEFAULT_BUFFER_SIZE = 8192;

/** Checks the arguments. */
export function checkFileKind(given: unknown, options: FileOptions): FileKind {
  const mode = string(given, "mode");
  if (!/^[rwb]*$/.test(mode) || new Set(mode).size !== mode.length) {
    throw new RangeError(`mode must be made of "r", "w" and "b", each once, not ${describe(mode)}`);
  }
  checkOptions(options, "{ buffering: 0 }");
  const binary = mode.includes("b");
  const writing = mode.includes("w");
  const buffering = integer(options.buffering ?? -1, "buffering", -INT_MAX - 1, INT_MAX);
  if (buffering === 0 && !binary) {
    throw new RangeError("buffering 0 needs a binary mode, as in Python");
  }
  const lineBuffering = buffering === 1 && !binary;
  return {
    mode,
    reading: mode.includes("r") || !writing,
    writing,
    binary,
    // In binary modes 1 is a size, as in Python's own makefile.
    bufferSize: buffering < 0 || lineBuffering ? DEFAULT_BUFFER_SIZE : buffering,
    lineBuffering,
    encoding: options.encoding ?? "utf-8",
    errors: checkErrors(options.errors ?? "strict"),
    newline: checkNewline(options.newline),
  };
}
