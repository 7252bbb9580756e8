/** Reading text: Python's TextIOWrapper over a buffered reader. */

import { SocketError } from "../errors/errors.ts";
import type { ByteReader } from "./byte_reader.ts";
import type { FileInput } from "./file_input.ts";
import { lineEnd, type Newline, NewlineDecoder } from "./newlines.ts";
import type { Decoder } from "./text_codec.ts";

/** The most bytes decoded at once, as in Python. */
const CHUNK = 8192;

/** Reads characters and lines. Sizes count code points, as in Python. */
export class TextReader {
  #input: FileInput;
  #bytes: ByteReader;
  #decoder: Decoder;
  #newline: Newline;
  #newlines: NewlineDecoder;
  /** Decoded text, taken up to `#taken`. */
  #text = "";
  #taken = 0;

  constructor(input: FileInput, bytes: ByteReader, decoder: Decoder, newline: Newline) {
    this.#input = input;
    this.#bytes = bytes;
    this.#decoder = decoder;
    this.#newline = newline;
    this.#newlines = new NewlineDecoder(newline);
  }

  /** Reads up to `size` characters, fewer only at the end; without `size`, all up to the end. */
  async read(size: number | undefined): Promise<string> {
    if (size === undefined) {
      const bytes = await this.#bytes.read(undefined);
      const rest = this.#decode(bytes, true);
      return this.#takeAll() + rest;
    }
    const parts: string[] = [];
    let left = size;
    while (left > 0) {
      const { part, count } = this.#takeCharacters(left, this.#text.length);
      if (part !== "") parts.push(part);
      left -= count;
      if (left > 0 && !await this.#fillKeeping(parts)) break;
    }
    return parts.join("");
  }

  /** Takes the next line if it is decoded already, for callers that need no promise. */
  nextLine(): string | undefined {
    const end = lineEnd(this.#text, this.#taken, this.#newline);
    if (end < 0) return undefined;
    const line = this.#text.slice(this.#taken, end);
    this.#taken = end;
    return line;
  }

  /** Reads a line with its newline, at most `size` characters; empty at the end. */
  async readline(size: number | undefined): Promise<string> {
    const parts: string[] = [];
    let left = size ?? Infinity;
    // CPython decodes something first even for a size of 0.
    while (this.#text === "") if (!await this.#fillKeeping(parts)) return "";
    while (left > 0) {
      const end = this.#lineEndAfter(parts);
      const { part, count } = this.#takeCharacters(left, end < 0 ? this.#text.length : end);
      if (part !== "") parts.push(part);
      left -= count;
      if (end >= 0 && this.#taken >= end) break;
      if (this.#taken === this.#text.length) this.#takeAll();
      // Only the new piece is searched: rescanning a very long line would be quadratic.
      if (left > 0 && !await this.#fillKeeping(parts)) break;
    }
    return parts.join("");
  }

  /** Puts text back for the next read. */
  putBack(text: string): void {
    this.#text = text + this.#takeAll();
  }

  /** The end of the line in the decoded text, even if `parts` ends with the first half of its `\r\n`. */
  #lineEndAfter(parts: string[]): number {
    const cut = this.#newline === "\r\n" && parts.at(-1)?.endsWith("\r") === true &&
      this.#text.startsWith("\n", this.#taken);
    return cut ? this.#taken + 1 : lineEnd(this.#text, this.#taken, this.#newline);
  }

  #takeAll(): string {
    const text = this.#text.slice(this.#taken);
    this.#text = "";
    this.#taken = 0;
    return text;
  }

  /** Takes up to `max` code points of the text before `end`. */
  #takeCharacters(max: number, end: number): { part: string; count: number } {
    const start = this.#taken;
    if (max === Infinity) {
      this.#taken = end;
      return { part: this.#text.slice(start, end), count: 0 };
    }
    let count = 0;
    let i = start;
    while (i < end && count < max) {
      i += (this.#text.codePointAt(i) ?? 0) > 0xffff ? 2 : 1;
      count++;
    }
    this.#taken = i;
    return { part: this.#text.slice(start, i), count };
  }

  /** Decodes more; returns `false` at the end. On failure it puts `parts` back, unless they are lost. */
  async #fillKeeping(parts: string[]): Promise<boolean> {
    try {
      const bytes = await this.#bytes.read1(CHUNK);
      const text = this.#decode(bytes, bytes.length === 0);
      this.#text = text;
      this.#taken = 0;
      return bytes.length > 0 || text !== "";
    } catch (error) {
      // Undecodable text and a timeout lose what the call had read, as in Python.
      const isLost = isIllegal(error) || this.#input.timedOut;
      this.#text = isLost ? "" : parts.splice(0).join("");
      this.#taken = 0;
      throw error;
    }
  }

  #decode(bytes: Uint8Array, final: boolean): string {
    return this.#newlines.decode(this.#decoder.decode(bytes, final), final);
  }
}

function isIllegal(error: unknown): boolean {
  return error instanceof SocketError && error.code === "EILSEQ";
}
