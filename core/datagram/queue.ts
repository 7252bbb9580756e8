/** Received datagrams that no call has taken yet, and the receives that wait for one. */

import type { Address, Handle } from "../../adapters/adapter.ts";
import { copyAddress } from "../address/address.ts";
import { MSG_TRUNC } from "../constants.ts";
import { Fifo } from "../fifo.ts";
import { gone, isGone, type ReceiveRequest } from "../requests.ts";
import type { FromMessage } from "../transport.ts";
import { resolved } from "../waiting/turn.ts";
import { type Limits, Wait, type WaitOwner } from "../waiting/wait.ts";
import { WaitQueue } from "../waiting/wait_queue.ts";

/** Roughly the kernel's overhead per datagram in bytes, so that empty ones fill the queue, too. */
const OVERHEAD = 512;

interface Datagram {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly from: Address;
}

class Receive<T> extends Wait<T> {
  readonly request: ReceiveRequest;
  readonly #make: FromMessage<T>;
  constructor(request: ReceiveRequest, make: FromMessage<T>) {
    super(request.syscall);
    this.request = request;
    this.#make = make;
  }

  take(datagram: Datagram): void {
    this.done(messageOf(datagram, this.request, this.#make));
  }

  /** Ends the wait with nothing, as shutdown(SHUT_RD) does. */
  takeNothing(): void {
    this.done(nothing(this.request, this.#make));
  }
}

/** The receive queue of a datagram socket: bounded, and datagrams that do not fit are dropped, as in a kernel. */
export class DatagramQueue implements WaitOwner {
  readonly #queue = new Fifo<Datagram>();
  #size = 0;
  readonly #waits = new WaitQueue<Receive<unknown>>();
  #limit: () => number;
  arrivals: number = 0;

  /** `limit` returns the bound in bytes: SO_RCVBUF. */
  constructor(limit: () => number) {
    this.#limit = limit;
  }

  /** The socket of these datagrams, set once it is open. */
  set handle(handle: Handle) {
    this.#waits.handle = handle;
  }

  /** Takes the first datagram, or waits for it. */
  receive<T>(request: ReceiveRequest, limits: Limits, make: FromMessage<T>): Promise<T> {
    if (this.#waits.first === undefined) {
      const datagram = this.#next(request.peek);
      if (datagram !== undefined) return resolved(messageOf(datagram, request, make));
    }
    const wait = new Receive(request, make);
    this.#waits.push(wait as Receive<unknown>);
    return wait.limit(limits, this).promise;
  }

  /**
   * Takes the first datagram for a stream of bytes; `undefined` if there is none. It returns the whole datagram, since
   * a stream keeps what a read leaves of it. It skips empty ones, which a stream would take for its end.
   */
  receiveNow(): Uint8Array<ArrayBuffer> | undefined {
    let datagram = this.#next(false);
    while (datagram?.data.length === 0) datagram = this.#next(false);
    return datagram?.data;
  }

  /** Whether a receive waits. */
  get isAwaited(): boolean {
    return this.#waits.first !== undefined;
  }

  /** Takes a datagram that arrived. */
  push(data: Uint8Array<ArrayBuffer>, from: Address, owned: boolean): void {
    this.arrivals++;
    for (let wait = this.#waits.shift(); wait !== undefined; wait = this.#waits.shift()) {
      const { request } = wait;
      if (isGone(request)) {
        wait.fail(gone());
        continue;
      }
      if (!request.peek) {
        wait.take({ data: owned ? data : data.slice(), from });
        return;
      }
      wait.take({ data, from });
    }
    // As in Linux, the first datagram over the bound still gets in.
    if (this.#size > this.#limit()) return;
    this.#size += data.length + OVERHEAD;
    this.#queue.push({ data: owned ? data : data.slice(), from });
  }

  /** Fails the first waiting receive, if any, with an error that the system reported. */
  failFirst(makeError: (syscall: string) => unknown): void {
    const wait = this.#waits.shift();
    wait?.fail(makeError(wait.syscall));
  }

  /** Fails every wait. */
  failAll(makeError: (syscall: string) => unknown): void {
    this.#waits.failAll(makeError);
  }

  /** Ends every wait as shutdown(SHUT_RD) does: with nothing. */
  endAll(): void {
    for (const wait of this.#waits.takeAll()) wait.takeNothing();
  }

  gaveUp(wait: object): void {
    this.#waits.remove(wait as Receive<unknown>);
  }

  #next(peek: boolean): Datagram | undefined {
    if (peek) return this.#queue.at(0);
    const datagram = this.#queue.shift();
    if (datagram !== undefined) this.#size -= datagram.data.length + OVERHEAD;
    return datagram;
  }
}

/** The result of a receive after reading was shut down. */
export function nothing<T>({ into }: ReceiveRequest, make: FromMessage<T>): T {
  return make(into === undefined ? new Uint8Array(0) : 0, null, 0);
}

/**
 * The result of a receive: the datagram cut to `max`. In the result MSG_TRUNC means that it was longer; in the request
 * (`whole`) it asks for the whole length.
 */
function messageOf<T>({ data, from }: Datagram, request: ReceiveRequest, make: FromMessage<T>): T {
  const { max, into, peek, whole } = request;
  const flags = data.length > max ? MSG_TRUNC : 0;
  const part = data.length > max ? data.subarray(0, max) : data;
  // What is returned has a buffer of its own.
  const address = peek ? copyAddress(from) : from;
  if (into === undefined) {
    return make(peek || part !== data ? part.slice() : data, address, flags);
  }
  into.set(part);
  return make(whole ? data.length : part.length, address, flags);
}
