/** The unfinished sends and connects of a datagram socket: none overtakes another. */

import type { Address } from "../../adapters/adapter.ts";
import { systemError } from "../errors/errors.ts";
import { InOrder } from "../waiting/in_order.ts";
import { quiet } from "../waiting/quiet.ts";
import { blocking, type Limits, NOBODY, Wait } from "../waiting/wait.ts";

/** Sends and connects in the order of their calls. */
export class DatagramCalls {
  /** Calls that wait for a name, for the socket to open, or for earlier calls, and connects under way. */
  #row: InOrder | undefined;
  /** The calls of `#row`, those that wait and the one under way. */
  #waiting: Set<Pick<Wait<unknown>, "syscall" | "fail">> | undefined;
  /** The latest send that is with the runtime. */
  #flying: Promise<number> | undefined;

  /** Whether the next send need not wait for others; `concurrent` if the runtime keeps the order itself. */
  isFree(concurrent: boolean | undefined): boolean {
    return this.#row?.busy !== true && (this.#flying === undefined || concurrent === true);
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
   * Makes a call once all earlier ones are over and the addresses are known. A call that gives up before then does
   * nothing; after that, its limits no longer count.
   */
  later<T>(
    syscall: string,
    limits: Limits,
    addresses: Address[] | Promise<Address[]>,
    call: (addresses: Address[]) => Promise<T>,
  ): Promise<T> {
    const wait = new Wait<T>(syscall);
    wait.limit(blocking(limits), NOBODY);
    // Before its turn it can only fail.
    const failed = wait.promise as Promise<never>;
    const before = this.#flying?.catch(() => {/* Its caller reports it. */});
    // The look-up may fail before this call's turn.
    if (!Array.isArray(addresses)) quiet(addresses);
    const waiting = this.#waiting ??= new Set();
    waiting.add(wait);
    this.#row ??= new InOrder();
    const made: Promise<T> = this.#row.run(async () => {
      // Whichever comes first: later calls must not wait for a look-up that no call waits for.
      const known = await Promise.race([failed, before?.then(() => addresses) ?? addresses]);
      if (wait.settled) return await failed;
      // It ends with its turn in the row, so that the next send finds the row free.
      wait.follow(made);
      return await call(known);
    });
    made.catch((error) => wait.fail(error)).finally(() => waiting.delete(wait));
    return quiet(wait.promise);
  }

  /** Settles with the last call; absent while there is none. */
  get last(): Promise<unknown> | undefined {
    return this.#row?.last ?? this.#flying;
  }

  /** Fails the calls whose turn has not come: the socket is closed. */
  fail(): void {
    for (const wait of this.#waiting ?? []) wait.fail(systemError("EBADF", wait.syscall));
  }
}
