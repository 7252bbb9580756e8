/** Sends that belong together, as those of one `sendfile`: what others send meanwhile goes after them. */

import { InOrder } from "./in_order.ts";
import { type Limits, NOBODY, Wait } from "./wait.ts";

/** The groups of one socket, one after the other. */
export class SendGroups extends InOrder {
  /** Waits for the groups that are under way. */
  async ended(syscall: string, limits: Limits): Promise<void> {
    const wait = new Wait<void>(syscall).limit(limits, NOBODY);
    this.last?.then(() => wait.done());
    await wait.promise;
  }
}
