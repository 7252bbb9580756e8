/** The sends of a datagram socket that are not over yet: none overtakes another. */

import type { Address } from "../../adapters/adapter.ts";
import { systemError, withBytesSent } from "../errors/errors.ts";
import type { SendRequest } from "../requests.ts";
import { InOrder } from "../waiting/in_order.ts";
import { quiet } from "../waiting/quiet.ts";
import { type Limits, NOBODY, Wait } from "../waiting/wait.ts";

/** Sends in the order of their calls. */
export class DatagramSends {
  /** Those that could not go at once: they wait for a name, for the socket to open, or for those before them. */
  #later: InOrder | undefined;
  /** The waiting calls of these. */
  #waiting: Set<Wait<number>> | undefined;
  /** The last send that is with the runtime. */
  #flying: Promise<number> | undefined;

  /** Whether none is left behind which the next would have to go; `concurrent` where the runtime keeps the order itself. */
  isFree(concurrent: boolean | undefined): boolean {
    return this.#later?.busy !== true && (this.#flying === undefined || concurrent === true);
  }

  /** A send is with the runtime. */
  begun(sending: Promise<number>): void {
    this.#flying = sending;
  }

  /** The runtime has settled it. */
  ended(sending: Promise<number>): void {
    if (this.#flying === sending) this.#flying = undefined;
  }

  /** Sends once all sends before it are out, and its addresses are known; a call that gives up before sends nothing. */
  later(
    request: SendRequest,
    limits: Limits,
    addresses: Address[] | Promise<Address[]>,
    send: (addresses: Address[]) => Promise<number>,
  ): Promise<number> {
    const wait = new Wait<number>(request.syscall);
    // Like a look-up in C, it waits on a non-blocking socket, too.
    wait.limit({ ...limits, timeout: limits.timeout === 0 ? null : limits.timeout }, NOBODY);
    const before = this.#flying?.catch(() => {/* Its caller is told. */});
    // It may fail before it is this call's turn.
    if (!Array.isArray(addresses)) quiet(addresses);
    const waiting = this.#waiting ??= new Set();
    waiting.add(wait);
    this.#later ??= new InOrder();
    quiet(this.#later.run(async () => {
      try {
        // Whichever comes first: those behind it must not wait for a look-up that nobody waits for.
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

  /** Settles with the last of them; absent while there is none. */
  get last(): Promise<unknown> | undefined {
    return this.#later?.last ?? this.#flying;
  }

  /** Ends the calls that still wait: the socket is closed. */
  fail(): void {
    for (const wait of this.#waiting ?? []) wait.fail(systemError("EBADF", wait.syscall));
  }
}
