/** Newlines of text files, as Python's `newline` argument defines them. */

import { describe } from "../bytes.ts";

/** The byte that ends a line of a binary file. */
export const LINE_FEED = 0x0a;

/** `null` reads any newline as `\n`, `""` reads any unchanged; else the only newline, read unchanged. */
export type Newline = null | "" | "\n" | "\r" | "\r\n";

/** Checks the argument. */
export function checkNewline(newline: unknown): Newline {
  if (newline === undefined) return null;
  if (newline !== null && typeof newline !== "string") {
    throw new TypeError(`newline must be a string or null, not ${describe(newline)}`);
  }
  if (newline === null || ["", "\n", "\r", "\r\n"].includes(newline)) return newline as Newline;
  throw new RangeError(
    `newline must be null, "", "\\n", "\\r" or "\\r\\n", not ${describe(newline)}`,
  );
}

/** Holds back a `\r` at the end of a piece, which may be half of a `\r\n`: Python's IncrementalNewlineDecoder. */
export class NewlineDecoder {
  #newline: Newline;
  #heldBack = false;

  constructor(newline: Newline) {
    this.#newline = newline;
  }

  /** Translates a piece of text. */
  decode(piece: string, final: boolean): string {
    if (this.#newline !== null && this.#newline !== "") return piece;
    let text = piece;
    if (this.#heldBack && (text !== "" || final)) {
      text = `\r${text}`;
      this.#heldBack = false;
    }
    if (!final && text.endsWith("\r")) {
      text = text.slice(0, -1);
      this.#heldBack = true;
    }
    // Most text has no "\r", and a search is much cheaper than a replacement.
    return this.#newline === null && text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
  }
}

/** The index after the first newline in `text` at or after `start`, -1 when there is none. */
export function lineEnd(text: string, start: number, newline: Newline): number {
  if (newline === null || newline === "\n") return text.indexOf("\n", start) + 1 || -1;
  if (newline !== "") {
    const at = text.indexOf(newline, start);
    return at < 0 ? -1 : at + newline.length;
  }
  const lf = text.indexOf("\n", start);
  const cr = text.indexOf("\r", start);
  if (cr < 0 || (lf >= 0 && lf < cr)) return lf + 1 || -1;
  return lf === cr + 1 ? cr + 2 : cr + 1;
}
