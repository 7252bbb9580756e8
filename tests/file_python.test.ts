/**
 * Reading from a SocketFile against CPython's io: the same bytes, cut at the same places, through the
 * same calls.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkFileKind, type FileOptions } from "../core/file/file_mode.ts";
import { SocketFile } from "../core/file/socket_file.ts";
import { SocketError } from "../mod.ts";
import { noPython, python } from "./support/python.ts";
import { Random } from "./support/bytes.ts";

type Call =
  | ["read" | "readline" | "read1", number | null]
  | ["peek" | "readinto" | "readinto1", number]
  | ["readlines", null];

/** Calls that show what the buffer holds: they are the same only where each piece fits into it. */
const BUFFERED: readonly Call[0][] = ["read1", "peek", "readinto1"];

interface Sequence {
  /** Bytes as they arrive, each piece in hexadecimal. */
  readonly pieces: readonly string[];
  readonly mode: "r" | "rb";
  readonly buffering: number;
  readonly encoding: string;
  readonly errors: "strict" | "replace" | "ignore";
  readonly newline: null | "" | "\n" | "\r" | "\r\n";
  readonly calls: readonly Call[];
}

const SEED = 20;
const SEQUENCES = 3000;

const PARTS = [
  "\r",
  "\n",
  "\r\n",
  "\n\r",
  "a",
  "bc",
  " ",
  "ä",
  "€",
  "😀",
  "\ufeff",
  "\u2028",
  "word",
  "0123456789",
];
const BROKEN = ["ff", "c3", "e282", "f09f98", "eda080", "c080", "80"];

const PROGRAM = `
import io
class Raw(io.RawIOBase):
    def __init__(self, pieces): self.pieces = [p for p in pieces if p]
    def readable(self): return True
    def readinto(self, b):
        if not self.pieces: return 0
        piece = self.pieces[0]
        n = min(len(piece), len(b))
        b[:n] = piece[:n]
        if n == len(piece): self.pieces.pop(0)
        else: self.pieces[0] = piece[n:]
        return n
def show(v):
    if isinstance(v, list): return [show(x) for x in v]
    if isinstance(v, bytes): return v.hex()
    return v
def call(f, name, size):
    if name.startswith("readinto"):
        b = bytearray(size)
        return [getattr(f, name)(b), show(bytes(b))]
    return show(getattr(f, name)() if size is None else getattr(f, name)(size))
def run(q):
    raw = Raw([bytes.fromhex(p) for p in q["pieces"]])
    f = io.BufferedReader(raw, q["buffering"]) if q["buffering"] else raw
    if q["mode"] == "r":
        f = io.TextIOWrapper(f, q["encoding"], q["errors"], q["newline"])
    out = []
    for name, size in q["calls"]:
        try:
            out.append(call(f, name, size))
        except UnicodeDecodeError:
            out.append("!decode")
    return out
answer = [run(q) for q in question]
`;

function sequences(): Sequence[] {
  const source = new Random(SEED);
  const next = (): number => source.bits() / 2 ** 32;
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  return Array.from({ length: SEQUENCES }, () => {
    const encoding = pick(["utf-8", "utf-8", "utf-8", "latin1", "ascii", "utf-16-le"]);
    const mode = pick(["r", "r", "rb"] as const);
    const broken = next() < 0.3;
    let hex = "";
    for (let i = Math.floor(next() * 12); i >= 0; i--) {
      hex += broken && next() < 0.2 ? pick(BROKEN) : encoded(pick(PARTS), encoding);
    }
    const pieces: string[] = [];
    for (let i = 0; i < hex.length;) {
      const length = 2 * (1 + Math.floor(next() * (next() < 0.5 ? 2 : 12)));
      pieces.push(hex.slice(i, i + length));
      i += length;
    }
    const buffering = mode === "rb" ? pick([0, 1, 2, 3, 8, 8192, 8192]) : pick([2, 3, 8, 8192]);
    const names: Call[0][] = ["read", "readline", "readline", "readlines"];
    if (mode === "rb") names.push("readinto");
    if (mode === "rb" && buffering === 8192) names.push(...BUFFERED);
    const calls = Array.from({ length: 1 + Math.floor(next() * 8) }, (): Call => {
      const size = pick([null, null, -1, 0, 1, 2, 3, 7, 100]);
      const name = pick(names);
      if (name === "readlines") return [name, null];
      return name === "peek" || name.startsWith("readinto")
        ? [name as "peek", Math.max(0, size ?? 0)]
        : [name as "read", size];
    });
    return {
      pieces,
      mode,
      buffering,
      encoding,
      errors: pick(["strict", "replace", "ignore"] as const),
      // CPython's readline(n) reads on after a `\r` that may begin a `\r\n`, and so meets broken text one call earlier.
      newline: pick([null, "", "\n", "\r", broken ? null : "\r\n"] as const),
      calls,
    };
  });
}

function encoded(text: string, encoding: string): string {
  if (encoding === "utf-16-le") return Buffer.from(text, "utf16le").toString("hex");
  if (encoding === "latin1" || encoding === "ascii") {
    return Buffer.from(text, "latin1").toString("hex");
  }
  return Buffer.from(text).toString("hex");
}

async function run(sequence: Sequence): Promise<unknown[]> {
  const pieces = sequence.pieces.map((piece) => new Uint8Array(Buffer.from(piece, "hex")));
  const peek = (max: number): Uint8Array => pieces[0]?.slice(0, max) ?? new Uint8Array(0);
  const owner = {
    receive(max: number): Promise<Uint8Array> {
      const part = peek(max);
      if (pieces.length > 0 && part.length === pieces[0]!.length) pieces.shift();
      else if (pieces.length > 0) pieces[0] = pieces[0]!.slice(part.length);
      return Promise.resolve(part);
    },
    peek: (max: number) => Promise.resolve(peek(max)),
    send: () => Promise.reject(new Error("not written to")),
    sendAll: () => Promise.reject(new Error("not written to")),
    fileno: () => -1,
    release: () => Promise.resolve(),
  };
  const { mode, buffering, encoding, errors, newline } = sequence;
  const options: FileOptions = mode === "rb"
    ? { buffering }
    : { buffering, encoding, errors, newline };
  // Text files have only some of the calls, and make no others.
  const file = new SocketFile(owner, checkFileKind(mode, options)) as SocketFile<Uint8Array>;
  const results: unknown[] = [];
  for (const [name, size] of sequence.calls) {
    try {
      if (name === "readinto" || name === "readinto1") {
        const buffer = new Uint8Array(size);
        results.push([await file[name](buffer), show(buffer)]);
        continue;
      }
      const value = name === "readlines"
        ? await file.readlines()
        : name === "peek"
        ? await file.peek(size)
        : await file[name](size);
      results.push(Array.isArray(value) ? value.map(show) : show(value));
    } catch (error) {
      if (!(error instanceof SocketError) || error.code !== "EILSEQ") throw error;
      results.push("!decode");
    }
  }
  return results;
}

function show(value: unknown): unknown {
  return value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value;
}

describe("SocketFile reads as CPython's io", () => {
  it(`${SEQUENCES} generated sequences, seed ${SEED}`, { skip: noPython }, async () => {
    const all = sequences();
    const expected = python<unknown[][]>(PROGRAM, all);
    const different: string[] = [];
    for (const [i, sequence] of all.entries()) {
      const actual = await run(sequence);
      if (JSON.stringify(actual) !== JSON.stringify(expected[i])) {
        different.push(
          `${JSON.stringify(sequence)}\n  here   ${JSON.stringify(actual)}\n  Python ${
            JSON.stringify(expected[i])
          }`,
        );
      }
    }
    assert.equal(
      different.length,
      0,
      `${different.length} differ:\n${different.slice(0, 5).join("\n")}`,
    );
  });
});
