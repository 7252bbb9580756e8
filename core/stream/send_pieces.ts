/** The bytes that a stream is given at once. */

import type { WaitingSend } from "./waiting_send.ts";

/** How many waiting sends are joined into one piece, and how many bytes: more makes a small one no cheaper. */
const MOST_JOINED = 8;
const JOINED = 16 * 1024;

/** The buffer that they are joined in. All streams share it: the system takes the bytes at once, or not at all. */
let joined: Uint8Array | undefined;

/** What the system can take of a call at once; small ones are joined with those behind them. */
export function nextOf(wait: WaitingSend): Uint8Array {
  const rest = pieceOf(wait.data, wait.sent, wait.length - wait.sent);
  let { next } = wait;
  let size = rest.byteLength;
  if (next === undefined || size + next.length > JOINED) return rest;
  joined ??= new Uint8Array(JOINED);
  joined.set(rest);
  for (let n = 1; next !== undefined && n < MOST_JOINED; n++, next = next.next) {
    if (size + next.length > JOINED) break;
    joined.set(next.data, size);
    size += next.length;
  }
  return joined.subarray(0, size);
}

/** The next piece for the runtime; all of the data needs no view of its own. */
export function pieceOf(data: Uint8Array, sent: number, most: number): Uint8Array {
  return sent === 0 && data.byteLength <= most ? data : data.subarray(sent, sent + most);
}
