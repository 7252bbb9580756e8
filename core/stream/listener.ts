/** A listening socket: connections that wait for `accept`, and calls of `accept` that wait for connections. */

import type { Adapter, Listener, ListenerSink, Stream } from "../../adapters/adapter.ts";
import { closeHandle } from "../close_handle.ts";
import { SOMAXCONN } from "../constants.ts";
import { systemError, translate } from "../errors/errors.ts";
import { resolved, turned } from "../waiting/turn.ts";
import { type Limits, Wait, type WaitOwner } from "../waiting/wait.ts";
import { WaitQueue } from "../waiting/wait_queue.ts";
import { StreamEndpoint } from "./endpoint.ts";

const SYSCALL = "accept";

/** Creates a call's result from its connection. */
type Make<T> = (endpoint: StreamEndpoint) => T;

/** A call of `accept`. */
class Accept<T> extends Wait<T> {
  #make: Make<T>;

  constructor(make: Make<T>) {
    super(SYSCALL);
    this.#make = make;
  }

  /** Ends the call with a connection. Here, not in another promise, which would cost as much as the rest. */
  take(endpoint: StreamEndpoint): void {
    try {
      this.done(made(this.#make, endpoint));
    } catch (error) {
      this.fail(error);
    }
  }
}

/** The core's side of a {@linkcode Listener}. */
export class ListenerEndpoint implements ListenerSink, WaitOwner {
  #adapter: Adapter;
  #listener: Listener | undefined;
  #queue: StreamEndpoint[] = [];
  /** Whether it is closed: no call accepts any more. */
  #over = false;
  readonly #waits = new WaitQueue<Accept<unknown>>();
  arrivals: number = 0;

  constructor(adapter: Adapter) {
    this.#adapter = adapter;
  }

  /** The adapter's listener, set once it listens. */
  set listener(listener: Listener) {
    this.#listener = listener;
    this.#waits.handle = listener;
    if (this.#waits.first !== undefined) listener.resume();
  }

  /** Waits for the next connection; calls are served in order. */
  accept<T>(limits: Limits, make: Make<T>): Promise<T> {
    if (this.#waits.first === undefined) {
      const endpoint = this.#queue.shift();
      if (endpoint !== undefined) return resolved(made(make, endpoint));
    }
    const wait = new Accept(make);
    this.#waits.push(wait as Accept<unknown>);
    this.#listener?.resume();
    return wait.limit(limits, this).promise;
  }

  /** Fails every wait and drops the connections that were never accepted. */
  async close(code: string): Promise<void> {
    this.#over = true;
    this.#waits.failAll((syscall) => systemError(code, syscall));
    // As in the kernel, connections that were never accepted are reset.
    const dropped = this.#queue.splice(0).map((endpoint) => endpoint.close(true));
    const listener = this.#listener;
    const closing = listener === undefined ? [] : [closeHandle(this.#adapter, listener)];
    await Promise.all([...closing, ...dropped]);
  }

  connection(stream: Stream): boolean {
    turned();
    const endpoint = new StreamEndpoint(this.#adapter, stream);
    this.arrivals++;
    const wait = this.#waits.shift();
    if (wait !== undefined) wait.take(endpoint);
    else if (!this.#over && this.#queue.length < SOMAXCONN) this.#queue.push(endpoint);
    else drop(endpoint);
    return this.#waits.first !== undefined;
  }

  error(cause: unknown): void {
    this.#waits.shift()?.fail(translate(this.#adapter, cause, SYSCALL));
    if (this.#waits.first !== undefined) this.#listener?.resume();
  }

  gaveUp(wait: object): void {
    this.#waits.remove(wait as Accept<unknown>);
  }
}

/** Creates a call's result; if that fails, there is nobody else to close the connection. */
function made<T>(make: Make<T>, endpoint: StreamEndpoint): T {
  try {
    return make(endpoint);
  } catch (error) {
    drop(endpoint);
    throw error;
  }
}

/**
 * Drops a connection that no call gets: if the runtime cannot stop accepting, the queue is bounded like the kernel's;
 * and one may come after a close.
 */
function drop(endpoint: StreamEndpoint): void {
  endpoint.close(true).catch(() => {/* It is gone either way, and no call waits for it. */});
}
