/** One direction of a connection: everything in transit. */

import { now } from "../timers.ts";
import { after } from "./turns.ts";
import type { WireRules } from "./faults.ts";

/** A unit on a wire: bytes, the handshake's response, FIN or RST. */
export type Parcel = Uint8Array<ArrayBuffer> | "open" | "fin" | "reset";

/** A wire. Parcels arrive in the order they were sent, each on a later turn of the event loop. */
export class Wire {
  /** How many bytes are in transit. */
  size: number = 0;
  readonly #rules: () => WireRules;
  readonly #arrive: (parcel: Parcel) => void;
  readonly #queue: { parcel: Parcel; due: number }[] = [];
  /** Whether a run over the queue is scheduled. */
  #awake = false;

  constructor(rules: () => WireRules, arrive: (parcel: Parcel) => void) {
    this.#rules = rules;
    this.#arrive = arrive;
  }

  /** Sends a parcel, whose bytes now belong to the wire. */
  send(parcel: Parcel): void {
    const { delay } = this.#rules();
    this.#queue.push({ parcel, due: delay > 0 ? now() + delay : 0 });
    if (typeof parcel !== "string") this.size += parcel.length;
    this.wake();
  }

  /** Schedules the delivery of what is due, for the next turn. */
  wake(): void {
    if (this.#awake || this.#queue.length === 0) return;
    this.#awake = true;
    after(Math.max(0, Math.ceil(this.#queue[0]!.due - now())), () => this.#run());
  }

  #run(): void {
    this.#awake = false;
    // What is sent during delivery takes a turn of its own.
    for (let left = this.#queue.length; left > 0; left--) {
      const { parcel, due } = this.#queue[0]!;
      if (due > now()) break;
      if (parcel !== "open" && this.#rules().stalled) return;
      this.#queue.shift();
      if (typeof parcel !== "string") this.size -= parcel.length;
      this.#arrive(parcel);
    }
    this.wake();
  }
}
