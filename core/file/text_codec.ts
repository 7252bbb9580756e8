/** Encodings of text files: Python's names and error handling over the platform's TextDecoder. */

import { string } from "../arguments.ts";
import { concat, describe } from "../bytes.ts";
import { systemError } from "../errors/errors.ts";
import { cutLength, validPrefix } from "./utf8.ts";

/** Handling of bytes and characters outside the encoding. */
export type EncodingErrors = "strict" | "replace" | "ignore";

/** Turns bytes into text piece by piece; a character may be cut between two pieces. */
export interface Decoder {
  /** @throws {SocketError} EILSEQ when strict; the bytes given are then lost, as in Python */
  decode(bytes: Uint8Array, final: boolean): string;
}

/** Turns text into bytes. */
export type Encoder = (text: string) => Uint8Array;

/** An encoding of one byte a character, whose code it is. */
interface SingleByte {
  readonly name: string;
  /** The highest code. */
  readonly highest: number;
  /** Characters outside the encoding. */
  readonly others: RegExp;
}

/** Encodings that the library implements. */
const SINGLE_BYTE: readonly SingleByte[] = [
  { name: "ascii", highest: 0x7f, others: /[^\0-\x7f]/gu },
  { name: "latin1", highest: 0xff, others: /[^\0-\xff]/gu },
];

function singleByte(name: string): SingleByte | undefined {
  return SINGLE_BYTE.find((encoding) => encoding.name === name);
}

/** Their other names in Python, and those that TextDecoder would read as windows-1252. */
const SINGLE_BYTE_NAMES: Readonly<Record<string, readonly string[]>> = {
  ascii: ["us-ascii", "us", "646", "cp367", "ibm367", "csascii", "iso-ir-6", "ansi-x3.4-1968"],
  latin1: [
    ...["latin", "latin-1", "l1", "8859", "cp819", "ibm819", "csisolatin1", "iso-ir-100"],
    ...["iso-8859-1", "iso8859-1", "iso88591", "iso8859", "iso-8859-1:1987"],
  ],
};

/** The normal name of an encoding, whatever its case, underscores and Python spelling. */
function normalise(encoding: unknown): string {
  const name = string(encoding, "encoding").toLowerCase().replaceAll("_", "-");
  if (name === "utf8" || name === "u8") return "utf-8";
  if (name === "utf-16-le" || name === "utf-16-be") return name.replace("-16-", "-16");
  // TextDecoder would read utf-16 as utf-16le and keep the byte order mark.
  if (name === "utf-16" || name === "utf16") {
    throw new RangeError(`encoding must tell the byte order, utf-16le or utf-16be, not "${name}"`);
  }
  for (const [one, others] of Object.entries(SINGLE_BYTE_NAMES)) {
    if (others.includes(name)) return one;
  }
  return name;
}

/** Checks the name of an error handler. */
export function checkErrors(errors: unknown): EncodingErrors {
  const name = string(errors, "errors");
  if (name === "strict" || name === "replace" || name === "ignore") return name;
  throw new RangeError(`errors must be "strict", "replace" or "ignore", not ${describe(errors)}`);
}

/** The decoder of an encoding: UTF-8, latin1, ascii, and every label of TextDecoder. */
export function decoderFor(encoding: unknown, errors: EncodingErrors): Decoder {
  const name = normalise(encoding);
  const single = singleByte(name);
  if (single !== undefined) return new SingleByteDecoder(single, errors);
  if (name === "utf-8") {
    return errors === "ignore"
      ? new IgnoringUtf8Decoder()
      : new UnicodeDecoder(name, errors, cutLength);
  }
  if (name === "utf-16le" && errors !== "ignore") {
    return new UnicodeDecoder(name, errors, cutOfUtf16);
  }
  try {
    return new PlatformDecoder(name, errors);
  } catch (cause) {
    if (!(cause instanceof RangeError || cause instanceof TypeError)) throw cause;
    throw new RangeError(`encoding must be a label of TextDecoder, not ${describe(encoding)}`, {
      cause,
    });
  }
}

/** The encoder of an encoding: UTF-8, latin1, ascii or utf-16le. */
export function encoderFor(encoding: unknown, errors: EncodingErrors): Encoder {
  const name = normalise(encoding);
  const single = singleByte(name);
  if (single !== undefined) return (text) => encodeSingleByte(single, text, errors);
  switch (name) {
    case "utf-8":
      return (text) => new TextEncoder().encode(wellFormed(name, text, errors));
    case "utf-16le":
      return (text) => encodeUtf16(wellFormed(name, text, errors));
    default:
      throw new RangeError(
        `encoding for writing must be utf-8, latin1, ascii or utf-16le, not ${describe(encoding)}`,
      );
  }
}

/**
 * UTF-8 and UTF-16LE. A cut character is kept here rather than in the TextDecoder, so that it survives an error, as in
 * Python.
 */
class UnicodeDecoder implements Decoder {
  #name: string;
  #decoder: TextDecoder;
  #cutLength: (bytes: Uint8Array) => number;
  #cut: Uint8Array = new Uint8Array(0);

  constructor(name: string, errors: EncodingErrors, cutLength: (bytes: Uint8Array) => number) {
    this.#name = name;
    // Python keeps a byte order mark too.
    this.#decoder = new TextDecoder(name, { fatal: errors === "strict", ignoreBOM: true });
    this.#cutLength = cutLength;
  }

  decode(bytes: Uint8Array, final: boolean): string {
    const data = this.#cut.length === 0 ? bytes : concat([this.#cut, bytes]);
    const end = data.length - (final ? 0 : this.#cutLength(data));
    let text: string;
    try {
      text = this.#decoder.decode(data.subarray(0, end));
    } catch (cause) {
      throw illegal(this.#name, cause);
    }
    this.#cut = data.slice(end);
    return text;
  }
}

/** Every other label of TextDecoder. */
class PlatformDecoder implements Decoder {
  #name: string;
  #errors: EncodingErrors;
  #decoder: TextDecoder;

  constructor(name: string, errors: EncodingErrors) {
    this.#name = name;
    this.#errors = errors;
    this.#decoder = this.#make();
  }

  decode(bytes: Uint8Array, final: boolean): string {
    try {
      const text = this.#decoder.decode(bytes, { stream: !final });
      // This also drops a genuine U+FFFD, which most legacy encodings do not have.
      return this.#errors === "ignore" ? text.replaceAll("\ufffd", "") : text;
    } catch (cause) {
      this.#decoder = this.#make();
      throw illegal(this.#name, cause);
    }
  }

  #make(): TextDecoder {
    return new TextDecoder(this.#name, { fatal: this.#errors === "strict", ignoreBOM: true });
  }
}

/** Drops invalid UTF-8 before decoding. */
class IgnoringUtf8Decoder implements Decoder {
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #rest: Uint8Array = new Uint8Array(0);

  decode(bytes: Uint8Array, final: boolean): string {
    const data = concat([this.#rest, bytes]);
    let text = "";
    let start = 0;
    while (start < data.length) {
      const { valid, invalid } = validPrefix(data.subarray(start));
      text += this.#decoder.decode(data.subarray(start, start + valid));
      start += valid;
      if (invalid === 0) break;
      start += invalid;
    }
    // A character cut at the end waits for its rest.
    this.#rest = final ? new Uint8Array(0) : data.slice(start);
    return text;
  }
}

/** ASCII is UTF-8, which the platform decodes fastest. */
const asciiDecoder = new TextDecoder();

/** How many characters are made at once: a call takes a limited number of arguments. */
const PIECE = 1024;

class SingleByteDecoder implements Decoder {
  #encoding: SingleByte;
  #errors: EncodingErrors;

  constructor(encoding: SingleByte, errors: EncodingErrors) {
    this.#encoding = encoding;
    this.#errors = errors;
  }

  decode(bytes: Uint8Array): string {
    const bits = bitsOf(bytes);
    if (bits <= 0x7f) return asciiDecoder.decode(bytes);
    const codes = bits <= this.#encoding.highest ? bytes : this.#replaced(bytes);
    let text = "";
    for (let i = 0; i < codes.length; i += PIECE) {
      // Not a spread, which copies the codes first.
      text += String.fromCharCode.apply(null, codes.subarray(i, i + PIECE) as unknown as number[]);
    }
    return text;
  }

  #replaced(bytes: Uint8Array): Uint8Array | Uint16Array {
    const { name, highest } = this.#encoding;
    if (this.#errors === "strict") throw illegal(name, undefined);
    if (this.#errors === "ignore") return bytes.filter((byte) => byte <= highest);
    return new Uint16Array(bytes).map((byte) => byte <= highest ? byte : 0xfffd);
  }
}

/** The bits of all bytes: its highest bit is that of the highest byte. */
function bitsOf(bytes: Uint8Array): number {
  let bits = 0;
  for (let i = 0; i < bytes.length; i++) bits |= bytes[i]!;
  return bits;
}

function encodeSingleByte(encoding: SingleByte, text: string, errors: EncodingErrors): Uint8Array {
  const { name, highest, others } = encoding;
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > highest) {
      if (errors === "strict") throw illegal(name, undefined, "encode");
      const within = text.replace(others, errors === "replace" ? "?" : "");
      return encodeSingleByte(encoding, within, errors);
    }
    bytes[i] = code;
  }
  return bytes;
}

/** Refuses, replaces or drops lone surrogates. */
function wellFormed(name: string, text: string, errors: EncodingErrors): string {
  if (!/[\ud800-\udfff]/u.test(text)) return text;
  if (errors === "strict") throw illegal(name, undefined, "encode");
  return text.replace(/[\ud800-\udfff]/gu, errors === "replace" ? "?" : "");
}

function encodeUtf16(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < text.length; i++) view.setUint16(i * 2, text.charCodeAt(i), true);
  return bytes;
}

/** The length of half a unit or half a surrogate pair at the end of UTF-16LE. */
function cutOfUtf16(bytes: Uint8Array): number {
  const odd = bytes.length % 2;
  const high = bytes[bytes.length - odd - 1];
  return odd + (high !== undefined && (high & 0xfc) === 0xd8 ? 2 : 0);
}

function illegal(encoding: string, cause: unknown, call: string = "decode"): Error {
  return systemError("EILSEQ", call, { detail: `not ${encoding}`, cause });
}

/** The count of characters, as Python counts them: a surrogate pair is one. */
export function codePoints(text: string): number {
  let count = 0;
  for (let i = 0; i < text.length; i++) {
    const pair = text.codePointAt(i)! > 0xffff;
    if (pair) i++;
    count++;
  }
  return count;
}
