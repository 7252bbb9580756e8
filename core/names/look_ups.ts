/** Waiting for names: no runtime can stop a look-up, but the call that waits for it ends by its limits or a close. */

import type { Address } from "../../adapters/adapter.ts";
import { systemError } from "../errors/errors.ts";
import { type Limits, NOBODY, Wait } from "../waiting/wait.ts";

/** The look-ups that calls of one socket wait for. */
export class LookUps {
  #waits: Set<Wait<Address[]>> = new Set();

  /** Waits for addresses as long as the limits allow. Like a look-up in C it waits on a non-blocking socket, too. */
  async wait(
    addresses: Address[] | Promise<Address[]>,
    syscall: string,
    limits: Limits,
  ): Promise<Address[]> {
    if (Array.isArray(addresses)) return addresses;
    const wait = new Wait<Address[]>(syscall);
    this.#waits.add(wait);
    wait.limit({ ...limits, timeout: limits.timeout === 0 ? null : limits.timeout }, NOBODY);
    addresses.then((found) => wait.done(found), (error) => wait.fail(error));
    try {
      return await wait.promise;
    } finally {
      this.#waits.delete(wait);
    }
  }

  /** The socket is closed. */
  fail(): void {
    for (const wait of this.#waits) wait.fail(systemError("EBADF", wait.syscall));
  }
}
