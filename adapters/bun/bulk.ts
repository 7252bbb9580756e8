/**
 * Receiving in bulk, bypassing Bun, with recv(2) into the memory of the receive. Bun 1.4 reads up to 512 KiB into its
 * own memory and copies them into an array of that size; each receive would then copy its part again, which is half of
 * the cost.
 */

import { setImmediate } from "../timers.ts";

/** The stream of a reader; Bun must not read it meanwhile. */
export interface BulkSource {
  /** recv(2): the count of bytes, 0 at the end, `undefined` if nothing is there. */
  receive(into: Uint8Array): number | undefined;
  /** Takes the count of bytes read into the memory of the waiting receive. Returns whether more are wanted. */
  filled(count: number): boolean;
  /** Takes bytes in the reader's own memory, as a `StreamSink` does. Returns whether more are wanted. */
  data(chunk: Uint8Array<ArrayBuffer>, owned: boolean): boolean;
  /** recv(2) has failed. */
  failed(error: unknown): void;
  /** Nothing is there at the moment, or the stream has ended: Bun shall wait for it. */
  leave(): void;
}

/** The size in bytes of a chunk from which on a stream is in bulk, and of a read. */
export const BULK: number = 64 * 1024;

/** The least memory to read into directly, in bytes: each read is a system call. */
const SMALLEST_READ = 16 * 1024;

/** How many reads in a row may succeed without a turn of the event loop. */
const READS_A_TURN = 16;

/** The memory for reads without a target: handed over if a read fills it, else its bytes are copied. */
let spare: Uint8Array<ArrayBuffer> | undefined;

/** A reader that reads once for each receive, while there is something. */
export class BulkReader {
  #source: BulkSource;
  #left = READS_A_TURN;
  /** Whether a read is due on the next turn, into `#into`. */
  #isDue = false;
  #into: Uint8Array | undefined;
  #over = false;

  constructor(source: BulkSource) {
    this.#source = source;
  }

  /** Reads for a waiting receive: now, or once more after a turn if nothing is there. */
  read(into?: Uint8Array): void {
    if (this.#isDue) {
      // Perhaps it may no longer read into what it was lent before.
      this.#into = into;
      return;
    }
    if (this.#left > 0 && this.#readOnce(into)) return;
    this.#isDue = true;
    this.#into = into;
    setImmediate(readAgain, this);
  }

  /** Reads after the turn; if still nothing is there, Bun waits for it. */
  again(): void {
    if (this.#over) return;
    const into = this.#into;
    this.#isDue = false;
    this.#into = undefined;
    this.#left = READS_A_TURN;
    if (!this.#readOnce(into)) this.#source.leave();
  }

  /** Stops reading, and leaves the memory of the receive alone. */
  stop(): void {
    this.#over = true;
  }

  /** Returns whether there was something, or an error. */
  #readOnce(into: Uint8Array | undefined): boolean {
    const direct = into !== undefined && into.length >= SMALLEST_READ;
    const buffer = direct ? into : spare ??= new Uint8Array(BULK);
    const source = this.#source;
    let count: number | undefined;
    try {
      count = source.receive(buffer);
    } catch (error) {
      source.failed(error);
      return true;
    }
    if (count === undefined || count === 0) return false;
    this.#left--;
    const more = direct ? source.filled(count) : this.#give(count);
    // Nothing is read ahead, so `more` means that another receive waits.
    if (more) this.read();
    return true;
  }

  #give(count: number): boolean {
    const buffer = spare!;
    if (count < buffer.length) return this.#source.data(buffer.subarray(0, count), false);
    spare = undefined;
    return this.#source.data(buffer, true);
  }
}

function readAgain(reader: BulkReader): void {
  reader.again();
}
