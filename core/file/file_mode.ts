/** The arguments of `makefile`. */

import { INT_MAX, integer } from "../arguments.ts";
import { describe } from "../bytes.ts";
import { checkNewline, type Newline } from "./newlines.ts";
import { checkErrors, type EncodingErrors } from "./text_codec.ts";

/** A mode of text: strings. */
export type TextMode = "r" | "w" | "rw" | "wr";
/** A mode of bytes. */
export type BinaryMode = "rb" | "wb" | "rwb" | "br" | "bw" | "wrb" | "rbw" | "wbr" | "brw" | "bwr";

/** How a binary file buffers. */
export interface BinaryFileOptions {
  /** 0: not at all. Else the bytes of the buffer, 8192 where left out. */
  buffering?: number | null | undefined;
}

/** How a text file buffers, decodes and splits lines. */
export interface FileOptions {
  /**
   * 1: lines are sent as they are written. Else the bytes of the buffer, 8192 where left out; never 0. A smaller buffer
   * holds no less text that is written, as in Python.
   */
  buffering?: number | null | undefined;
  /** The encoding of text: UTF-8 where left out. */
  encoding?: string | null | undefined;
  /** What to do with what the encoding does not have: `strict` (the default), `replace` or `ignore`. */
  errors?: EncodingErrors | null | undefined;
  /** `null` (the default): any newline is read as `\n`. `""`: any, read as it is. Else only that one. */
  newline?: Newline | undefined;
}

/** What the arguments say. */
export interface FileKind {
  readonly mode: string;
  readonly reading: boolean;
  readonly writing: boolean;
  readonly binary: boolean;
  /** Bytes of the buffer, 0 for none. */
  readonly bufferSize: number;
  readonly lineBuffering: boolean;
  readonly encoding: string;
  readonly errors: EncodingErrors;
  readonly newline: Newline;
}

/** The bytes of a buffer where nothing else is asked for; text written is collected in as many at least. */
export const DEFAULT_BUFFER_SIZE = 8192;

/** Checks the arguments. */
export function checkFileKind(mode: unknown, options: FileOptions): FileKind {
  if (typeof mode !== "string") throw new TypeError(`mode must be a string, not ${describe(mode)}`);
  if (!/^[rwb]*$/.test(mode) || new Set(mode).size !== mode.length) {
    throw new RangeError(`mode must be made of "r", "w" and "b", each once, not ${describe(mode)}`);
  }
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`options must be an object, not ${describe(options)}`);
  }
  const binary = mode.includes("b");
  const writing = mode.includes("w");
  const given = integer(options.buffering ?? -1, "buffering", -INT_MAX - 1, INT_MAX);
  if (given === 0 && !binary) throw new RangeError("buffering 0 needs a binary mode, as in Python");
  const lineBuffering = given === 1 && !binary;
  return {
    mode,
    reading: mode.includes("r") || !writing,
    writing,
    binary,
    // Of bytes 1 is a size, as in Python's own makefile.
    bufferSize: given < 0 || lineBuffering ? DEFAULT_BUFFER_SIZE : given,
    lineBuffering,
    encoding: options.encoding ?? "utf-8",
    errors: checkErrors(options.errors ?? "strict"),
    newline: checkNewline(options.newline),
  };
}
