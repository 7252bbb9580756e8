/** Options of a descriptor, through any binding of Linux's setsockopt(2) and getsockopt(2). */

import { int32 } from "../../core/bytes.ts";
import { SOCK_DGRAM, SOCK_STREAM } from "../../core/constants.ts";
import { optionNamed, OPTIONS, type OptionSpec } from "../../core/options/table.ts";

/** A binding of the two calls. */
export interface OptionCalls {
  /** setsockopt(2); throws an error with a `code`. */
  setOption(fd: number, level: number, number: number, value: Uint8Array): void;
  /** getsockopt(2) of an int; throws an error with a `code`. */
  getOption(fd: number, level: number, number: number): number;
}

/** The options with an int value, by name. */
const INTEGERS: ReadonlyMap<string, OptionSpec> = new Map(
  OPTIONS.filter(({ kind }) => ["flag", "int", "size", "byte"].includes(kind))
    .map((spec) => [spec.name, spec]),
);

const LINGER = optionNamed("SO_LINGER");

/**
 * The names of the options that affect bind(2): only an adapter that sets them on the descriptor before it can have
 * them.
 */
export const BIND_OPTIONS: readonly string[] = ["IP_TRANSPARENT", "IP_BIND_ADDRESS_NO_PORT"];

/** The names of the options that can be set this way on a stream. */
export const STREAM_OPTIONS: readonly string[] = [...namesFor(SOCK_STREAM), "SO_LINGER"];

/** The names of the options that can be set this way on a datagram socket. */
export const DATAGRAM_OPTIONS: readonly string[] = namesFor(SOCK_DGRAM);

function namesFor(type: number): string[] {
  return [...INTEGERS.values()]
    .filter(({ name, types }) => types?.includes(type) !== false && !BIND_OPTIONS.includes(name))
    .map(({ name }) => name);
}

/** Sets an option; returns `false` if it is unknown here. An error names it as `option`. */
export function setDescriptorOption(
  calls: OptionCalls,
  fd: number,
  name: string,
  value: number,
): boolean {
  const option = name === "SO_LINGER" ? LINGER : INTEGERS.get(name);
  if (option === undefined) return false;
  const bytes = option === LINGER ? linger(value) : int32(value);
  try {
    calls.setOption(fd, option.level, option.number, bytes);
  } catch (error) {
    throw Object.assign(error as Error, { option: name });
  }
  return true;
}

/** Reads an option; `undefined` if it is unknown here. */
export function getDescriptorOption(
  calls: OptionCalls,
  fd: number,
  name: string,
): number | undefined {
  const option = INTEGERS.get(name);
  return option === undefined ? undefined : calls.getOption(fd, option.level, option.number);
}

/** The bytes of `struct linger`. */
function linger(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  // Only for a reset: with seconds, close(2) would block the whole process.
  bytes.set(int32(value === 0 ? 1 : 0));
  return bytes;
}
