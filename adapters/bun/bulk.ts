/**
 * Receiving in bulk past Bun, by recv(2) into the memory of the receive. Bun 1.4 reads up to 512 KiB into memory of its
 * own and copies them into an array of that size, of which each receive would copy its part once more: half of the cost.
 */

import { setImmediate } from "../timers.ts";

/** What a reader needs of its stream, which Bun must not read meanwhile. */
export interface BulkSource {
  /** recv(2): the count of bytes, 0 at the end, `undefined` where nothing is there. */
  receive(into: Uint8Array): number | undefined;
  /** So many bytes were put into the memory of the receive that waits. Answers whether more are wanted. */
  filled(count: number): boolean;
  /** Bytes came into memory of the reader's own, as a `StreamSink` has it. Answers whether more are wanted. */
  data(chunk: Uint8Array<ArrayBuffer>, owned: boolean): boolean;
  /** recv(2) has failed. */
  failed(error: unknown): void;
  /** Nothing comes at the moment, or the end: Bun is to wait for it. */
  leave(): void;
}

/** Bytes of a chunk from which a stream is in bulk, and of a read. */
export const BULK: number = 64 * 1024;

/** Less memory than this is filled from memory of the reader's own: each read is a system call. */
const SMALLEST_READ = 16 * 1024;

/** So many reads in a row succeed without a turn of the event loop. */
const READS_A_TURN = 16;

/** For reads of which nobody has said where to put them: what is read is handed over where it is full, else copied. */
let spare: Uint8Array<ArrayBuffer> | undefined;

/** Reads while there is something, once for each receive. */
export class BulkReader {
  #source: BulkSource;
  #left = READS_A_TURN;
  /** A read comes with the next turn, into this. */
  #isDue = false;
  #into: Uint8Array | undefined;
  #over = false;

  constructor(source: BulkSource) {
    this.#source = source;
  }

  /** A receive waits: reads for it now, or else, where nothing is there, once more after a turn. */
  read(into?: Uint8Array): void {
    if (this.#isDue) return;
    if (this.#left > 0 && this.#readOnce(into)) return;
    this.#isDue = true;
    this.#into = into;
    setImmediate(readAgain, this);
  }

  /** The turn has come: what is still not there, Bun waits for. */
  again(): void {
    if (this.#over) return;
    const into = this.#into;
    this.#isDue = false;
    this.#into = undefined;
    this.#left = READS_A_TURN;
    if (!this.#readOnce(into)) this.#source.leave();
  }

  /** Reads no more, and leaves the memory of the receive alone. */
  stop(): void {
    this.#over = true;
  }

  /** Answers whether there was something. */
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
    // Nothing is read ahead, so that another receive waits.
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
