/** Writes that are retried until there is room, for a runtime that does not report room. */

import { clearTimeout, now, setTimeout, type Timer } from "./timers.ts";

/** The longest pause before a full socket is retried, in milliseconds; the pauses are powers of 2. */
const LONGEST = 64;

/** The waiting writes, which share one timer. */
const waiting = new Set<Retries>();
let timer: Timer | undefined;
/** When the timer fires, on the clock of `now()`. */
let alarm = Infinity;

/** Retries until something was written, after pauses of 1, 2, 4 ... 64 ms. */
export class Retries {
  /** The count of bytes written, once it is not 0, or the chunk is gone: its buffer was detached or shrunk. */
  readonly done: Promise<number>;
  /** When to try next, on the clock of `now()`. */
  due = 0;
  #chunk: Uint8Array;
  #tryWrite: (chunk: Uint8Array) => number;
  #resolve!: (written: number) => void;
  #reject!: (error: unknown) => void;
  #pause = 1;
  #written = 0;

  /** `tryWrite` returns the count of bytes written, 0 if there is no room yet; an error it throws rejects `done`. */
  constructor(chunk: Uint8Array, tryWrite: (chunk: Uint8Array) => number) {
    this.#chunk = chunk;
    this.#tryWrite = tryWrite;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    this.#wait(now());
    waiting.add(this);
    if (this.due < alarm) arm(this.due);
  }

  /** Gives up. Returns the count of bytes written meanwhile, with which `done` is about to resolve. */
  stop(): number {
    waiting.delete(this);
    if (waiting.size === 0) arm(Infinity);
    return this.#written;
  }

  /** Tries once. */
  try(time: number): void {
    try {
      const isGone = this.#chunk.byteLength === 0;
      this.#written = isGone ? 0 : this.#tryWrite(this.#chunk);
      if (this.#written === 0 && !isGone) return this.#wait(time);
      this.#resolve(this.#written);
    } catch (error) {
      this.#reject(error);
    }
    waiting.delete(this);
  }

  #wait(time: number): void {
    // At multiples of the pause, so that many writes share one turn.
    this.due = (Math.floor(time / this.#pause) + 1) * this.#pause;
    this.#pause = Math.min(LONGEST, this.#pause * 2);
  }
}

function arm(due: number): void {
  clearTimeout(timer);
  alarm = due;
  if (due < Infinity) timer = setTimeout(tryAll, Math.max(0, due - now()));
}

function tryAll(): void {
  const time = now();
  let next = Infinity;
  for (const retries of waiting) {
    if (retries.due <= time) retries.try(time);
    if (waiting.has(retries)) next = Math.min(next, retries.due);
  }
  arm(next);
}
