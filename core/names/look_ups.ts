/** Waits for names: no runtime can stop a look-up, but the waiting call ends by its limits or a close. */

import type { Address } from "../../adapters/adapter.ts";
import { systemError } from "../errors/errors.ts";
import { blocking, type Limits, NOBODY, Wait } from "../waiting/wait.ts";

/** The pending look-ups of one socket. */
export class LookUps {
  #waits: Set<Wait<Address[]>> = new Set();

  /** Waits for addresses within the limits. */
  async wait(
    addresses: Address[] | Promise<Address[]>,
    syscall: string,
    limits: Limits,
  ): Promise<Address[]> {
    if (Array.isArray(addresses)) return addresses;
    const wait = new Wait<Address[]>(syscall);
    this.#waits.add(wait);
    wait.limit(blocking(limits), NOBODY);
    addresses.then((found) => wait.done(found), (error) => wait.fail(error));
    try {
      return await wait.promise;
    } finally {
      this.#waits.delete(wait);
    }
  }

  /** Fails all of them, for a closed socket. */
  fail(): void {
    for (const wait of this.#waits) wait.fail(systemError("EBADF", wait.syscall));
  }
}
