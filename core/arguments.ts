/** Checks of arguments, before any I/O: TypeError for a wrong kind, RangeError for a wrong value. */

import { describe } from "./bytes.ts";

/** The largest value of C's int. */
export const INT_MAX = 0x7fffffff;

/** The last argument of every call that can wait, except `bind`, `listen`, `shutdown` and `close` of a socket. */
export interface WaitOptions {
  /** Ends the wait: the call rejects with `signal.reason`, and nothing is lost. */
  signal?: AbortSignal | undefined;
}

/** An integer between two inclusive bounds. */
export function integer(value: unknown, name: string, min: number, max: number): number {
  // Infinity counts as an integer out of range, NaN as none.
  const isWhole = Number.isInteger(value) || value === Infinity || value === -Infinity;
  if (typeof value !== "number" || !isWhole) {
    throw new TypeError(`${name} must be an integer, not ${describe(value)}`);
  }
  if (!(value >= min && value <= max)) {
    throw new RangeError(`${name} must be ${min} to ${max}, not ${value}`);
  }
  return value;
}

/** An integer that fits C's int. */
export function int(value: unknown, name: string): number {
  return integer(value, name, -INT_MAX - 1, INT_MAX);
}

/** A string. */
export function string(value: unknown, name: string): string {
  if (typeof value === "string") return value;
  throw new TypeError(`${name} must be a string, not ${describe(value)}`);
}

/** A flag: a boolean, or 1 or 0 as in C and Python. */
export function flag(value: unknown, name: string): boolean {
  if (value === true || value === 1) return true;
  if (value === false || value === 0) return false;
  throw new TypeError(`${name} must be a boolean, not ${describe(value)}`);
}

/** A count of bytes to receive: 0 or more. */
export function size(value: unknown, name: string): number {
  return integer(value, name, 0, Number.MAX_SAFE_INTEGER);
}

/** The longest timeout, as in Python: its nanoseconds fit 64 bits. */
const MOST_SECONDS = 9_223_372_036;

/** A timeout in seconds, `null` for none. */
export function seconds(value: unknown, name: string): number | null {
  if (value === null) return null;
  if (typeof value !== "number") {
    throw new TypeError(`${name} must be a number of seconds or null, not ${describe(value)}`);
  }
  if (!(value >= 0 && value < MOST_SECONDS + 1)) {
    throw new RangeError(`${name} must be 0 to ${MOST_SECONDS} seconds, not ${value}`);
  }
  // Turns -0 into 0.
  return value === 0 ? 0 : value;
}

/**
 * Checks that options are an object, and no address, bytes or signal; the error shows an example, since Python has
 * positional arguments there.
 */
export function checkOptions(options: unknown, example: string): void {
  const isData = Array.isArray(options) || ArrayBuffer.isView(options);
  if (typeof options !== "object" || options === null || isData || "aborted" in options) {
    throw new TypeError(
      `options must be an object such as ${example}, not ${describe(options)}`,
    );
  }
}

/** The signal of a waiting method's options. */
export function signalOf(options: WaitOptions | undefined): AbortSignal | undefined {
  if (options === undefined) return undefined;
  checkOptions(options, "{ signal }");
  const signal: unknown = options.signal;
  if (signal === undefined || signal === null) return undefined;
  const candidate = signal as Partial<AbortSignal>;
  if (
    typeof signal !== "object" || typeof candidate.aborted !== "boolean" ||
    typeof candidate.addEventListener !== "function"
  ) {
    throw new TypeError(`options.signal must be an AbortSignal, not ${describe(signal)}`);
  }
  return signal as AbortSignal;
}
