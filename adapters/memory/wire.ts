/** One direction of a connection: what was sent, on its way. */

import { now } from "../timers.ts";
import { after } from "./failure.ts";
import type { WireRules } from "./faults.ts";

/** What goes over a wire: bytes, the handshake's answer, FIN or RST. */
export type Parcel = Uint8Array<ArrayBuffer> | "open" | "fin" | "reset";

/**
 * A wire. Parcels arrive in the order they were sent, each on a turn of the event loop after its
 * sending.
 */
export class Wire {
  /** How many bytes are on their way. */
  size: number = 0;
  readonly #rules: () => WireRules;
  readonly #arrive: (parcel: Parcel) => void;
  readonly #queue: { parcel: Parcel; due: number }[] = [];
  /** A look at the queue is scheduled. */
  #awake = false;

  constructor(rules: () => WireRules, arrive: (parcel: Parcel) => void) {
    this.#rules = rules;
    this.#arrive = arrive;
  }

  /** Sends; the bytes belong to the wire. */
  send(parcel: Parcel): void {
    const { delay } = this.#rules();
    this.#queue.push({ parcel, due: delay > 0 ? now() + delay : 0 });
    if (typeof parcel !== "string") this.size += parcel.length;
    this.wake();
  }

  /** Looks on the next turn at what can arrive. */
  wake(): void {
    if (this.#awake || this.#queue.length === 0) return;
    this.#awake = true;
    after(Math.max(0, Math.ceil(this.#queue[0]!.due - now())), () => this.#run());
  }

  #run(): void {
    this.#awake = false;
    // What is sent meanwhile takes a turn of its own.
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
