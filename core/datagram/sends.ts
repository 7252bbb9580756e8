/** The unfinished sends of a datagram socket: none overtakes another. */

import type { Address } from "../../adapters/adapter.ts";
import { systemError, withBytesSent } from "../errors/errors.ts";
import type { SendRequest } from "../requests.ts";
import { InOrder } from "../waiting/in_order.ts";
import { quiet } from "../waiting/quiet.ts";
import { type Limits, NOBODY, ofLookUp, Wait } from "../waiting/wait.ts";

/** Sends in the order of their calls. */
export class DatagramSends {
  /** Sends that could not go at once: they wait for a name, for the socket to open, or for earlier sends. */
  #later: InOrder | undefined;
  /** The calls of the sends in `#later`. */
  #waiting: Set<Wait<number>> | undefined;
  /** The latest send that is with the runtime. */
  #flying: Promise<number> | undefined;

  /** Whether the next send need not wait for others; `concurrent` if the runtime keeps the order itself. */
  isFree(concurrent: boolean | undefined): boolean {
    return this.#later?.busy !== true && (this.#flying === undefined || concurrent === true);
  }

  /** A send is now with the runtime. */
  begun(sending: Promise<number>): void {
    this.#flying = sending;
  }

  /** The runtime has settled a send. */
  ended(sending: Promise<number>): void {
    if (this.#flying === sending) this.#flying = undefined;
  }

  /**
   * Sends once all earlier sends are out and the addresses are known; a call that gives up before then sends nothing.
   */
  later(
    request: SendRequest,
    limits: Limits,
    addresses: Address[] | Promise<Address[]>,
    send: (addresses: Address[]) => Promise<number>,
  ): Promise<number> {
    const wait = new Wait<number>(request.syscall);
    wait.limit(ofLookUp(limits), NOBODY);
    const before = this.#flying?.catch(() => {/* Its caller reports it. */});
    // The look-up may fail before this call's turn.
    if (!Array.isArray(addresses)) quiet(addresses);
    const waiting = this.#waiting ??= new Set();
    waiting.add(wait);
    this.#later ??= new InOrder();
    quiet(this.#later.run(async () => {
      try {
        // Whichever comes first: later sends must not wait for a look-up that no call waits for.
        const known = await Promise.race([
          wait.promise,
          before?.then(() => addresses) ?? addresses,
        ]);
        if (Array.isArray(known) && !wait.settled) wait.done(await send(known));
      } catch (error) {
        wait.fail(error);
      }
    }));
    return quiet(
      wait.promise.catch((error) => {
        throw request.all ? withBytesSent(error, 0) : error;
      }).finally(() => waiting.delete(wait)),
    );
  }

  /** Settles with the last send; absent while there is none. */
  get last(): Promise<unknown> | undefined {
    return this.#later?.last ?? this.#flying;
  }

  /** Fails the calls that still wait: the socket is closed. */
  fail(): void {
    for (const wait of this.#waiting ?? []) wait.fail(systemError("EBADF", wait.syscall));
  }
}
