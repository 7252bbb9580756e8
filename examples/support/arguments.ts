/** What programs are called with, checked: a bad argument is a failure with exit code 2. */

import { Failure } from "./main.ts";

/** A port; 0, "any free one", is for servers only. */
export function port(text: string, least: 0 | 1 = 1): number {
  return whole(text, "a port", least, 65535);
}

/** A whole number. */
export function whole(text: string, what: string, least: number, most: number = Infinity): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new Failure(`not ${what}: ${text}`, 2);
  }
  return value;
}

/** A count of seconds, also a part of one; more would not fit into a timer. */
export function seconds(text: string): number {
  const value = Number(text);
  if (!/^\d*\.?\d+$/.test(text) || value === 0 || value > 2_000_000) {
    throw new Failure(`not a number of seconds: ${text}`, 2);
  }
  return value;
}
