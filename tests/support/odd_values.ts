/** Values that a careless or hostile program may give to any argument, and plausible ones between them. */

import type { Random } from "./bytes.ts";

/** What the getters and functions among the values throw: it may come out of a call as it is. */
export const OWN_ERROR = new Error("thrown by the program's own object");
/** The reason of the aborted signals. */
export const OWN_REASON = new Error("the program's own reason");

const fail = (): never => {
  throw OWN_ERROR;
};

function detached(): Uint8Array {
  const bytes = new Uint8Array(8);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

function resizable(): Uint8Array {
  const Resizable = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize?(length: number): void };
  const buffer = new Resizable(8, { maxByteLength: 16 });
  const bytes = new Uint8Array(buffer, 4, 4);
  // The view is out of bounds now.
  buffer.resize?.(2);
  return bytes;
}

class OwnBytes extends Uint8Array<ArrayBuffer> {
  static get [Symbol.species](): Uint8ArrayConstructor {
    return fail();
  }
  override slice(): Uint8Array<ArrayBuffer> {
    return fail();
  }
  override subarray(): Uint8Array<ArrayBuffer> {
    return fail();
  }
}

function abortedSignal(): AbortSignal {
  const abort = new AbortController();
  abort.abort(OWN_REASON);
  return abort.signal;
}

const throwing = {
  get signal(): never {
    return fail();
  },
  get timeout(): never {
    return fail();
  },
  get adapter(): never {
    return fail();
  },
  get family(): never {
    return fail();
  },
  get buffering(): never {
    return fail();
  },
};

/** Each makes a value anew, since a call may change it. */
export const ODD: readonly (() => unknown)[] = [
  () => undefined,
  () => null,
  () => NaN,
  () => Infinity,
  () => -Infinity,
  () => -0,
  () => -1,
  () => 2 ** 31,
  () => 2 ** 53,
  () => 1e308,
  () => 0.5,
  () => 10n,
  () => true,
  () => Symbol("odd"),
  () => Symbol.iterator,
  () => fail,
  () => async () => await Promise.reject(OWN_ERROR),
  () => class Odd {},
  () => ({}),
  () => Object.create(null),
  () => throwing,
  () => ({ valueOf: fail, toString: fail, [Symbol.toPrimitive]: fail }),
  () => new Proxy({}, { get: fail, has: fail, ownKeys: fail, getPrototypeOf: fail }),
  () => new Proxy([], { get: fail, getPrototypeOf: fail }),
  () => Object.create({ signal: 5, timeout: "x", adapter: 1, buffering: {}, family: [] }),
  () => JSON.parse('{"__proto__": {"signal": {}, "polluted": true}}'),
  () => Object.freeze(["127.0.0.1", 0]),
  () => Object.freeze({ signal: undefined }),
  () => [],
  // deno-lint-ignore no-sparse-arrays
  () => [, ,],
  () => new Array(70000),
  () => [[[]]],
  () => [1, 2, 3, 4, 5],
  () => ["127.0.0.1"],
  () => ["127.0.0.1", "80"],
  () => ["127.0.0.1", 65536],
  () => ["127.0.0.1", NaN],
  () => [80, "127.0.0.1"],
  () => [["127.0.0.1"], 80],
  () => ["127.0.0.1\0", 80],
  () => ["\x1b[31mred\x07", 80],
  () => ["\ud800", 80],
  () => ["a".repeat(300), 80],
  () => ["::1", 0, 2 ** 20, 0],
  () => ["::1", 0, 0, -1],
  () => ["fe80::1%nowhere", 0],
  () => "",
  () => "\0",
  () => "a\0b",
  () => "\ud800",
  () => "\x1b]0;title\x07\x9b\x7f",
  () => "/tmp/\x1b[2J/\r\n",
  () => "x".repeat(300),
  () => "__proto__",
  () => "constructor",
  () => new SharedArrayBuffer(8),
  () => new Uint8Array(new SharedArrayBuffer(8)),
  detached,
  () => detached().buffer,
  resizable,
  () => new (OwnBytes as unknown as new (length: number) => Uint8Array)(4),
  () => new DataView(new ArrayBuffer(8), 2, 3),
  () => new Float64Array(2),
  () => new Uint8Array([0xff, 0xfe, 0]),
  () => new Date(NaN),
  () => /x/,
  () => new Map([["signal", 1]]),
  () => new Set([1]),
  () => Promise.resolve(1),
  () => ({ then: (_resolve: unknown, reject: (reason: unknown) => void) => reject(OWN_ERROR) }),
  () => ({ [Symbol.iterator]: fail }),
  () => ({ [Symbol.asyncIterator]: fail }),
  () => ({ [Symbol.iterator]: () => ({ next: fail }) }),
  () => ({ length: 2, 0: "127.0.0.1", 1: 80 }),
  () => new Error("an error as an argument"),
  () => globalThis,
  () => ({ signal: abortedSignal() }),
  () => ({ signal: abortedSignal(), timeout: 0 }),
  () => ({ signal: {} }),
  () => ({ signal: { aborted: false } }),
  () => ({ signal: { aborted: true, reason: OWN_REASON, addEventListener() {} } }),
  () => ({
    signal: { aborted: false, addEventListener: fail, removeEventListener: fail },
  }),
  () => ({ signal: { aborted: false, addEventListener() {} } }),
  () => ({ signal: { aborted: false, addEventListener() {}, removeEventListener: fail } }),
];

/** Values that calls expect. */
export const PLAUSIBLE: readonly (() => unknown)[] = [
  () => 0,
  () => 1,
  () => 2,
  () => 6,
  () => 10,
  () => 64,
  () => 4096,
  () => 0.01,
  () => "127.0.0.1",
  () => "localhost",
  () => "http",
  () => "r",
  () => "rwb",
  () => "utf-8",
  () => ["127.0.0.1", 0],
  () => ["127.0.0.1", 1],
  () => ["::1", 1, 0, 0],
  () => "some bytes",
  () => new Uint8Array(16),
  () => new Uint8Array([127, 0, 0, 1]),
  () => [new Uint8Array(3), new Uint8Array(4)],
  () => [[1, 1, new Uint8Array(4)]],
  () => [1, 0],
  () => new Blob(["blob"]),
  () => ({ signal: new AbortController().signal }),
  () => ({ timeout: 0.01 }),
];

/** So many values, half of them odd. */
export function oddArguments(random: Random): unknown[] {
  const pick = (list: readonly (() => unknown)[]): unknown =>
    list[random.integer(0, list.length - 1)]!();
  return Array.from(
    { length: random.integer(0, 5) },
    () => pick(random.integer(0, 1) === 0 ? ODD : PLAUSIBLE),
  );
}
