/** A send that has to wait for its turn, or for room. */

import type { SendRequest } from "../requests.ts";
import { Wait } from "../waiting/wait.ts";

/** The call, and how far it has come. */
export class WaitingSend extends Wait<number> {
  readonly all: boolean;
  /** Whether a timeout or a signal can end the call. */
  readonly limited: boolean;
  /** The bytes. The buffer can be transferred or shrunk while the call waits; Python would lock it. */
  data: Uint8Array;
  /** How many bytes to send. */
  readonly length: number;
  sent = 0;
  /** Whether it is the rest of a piece whose call has given up: a copy already. */
  abandoned = false;

  /** @param length Of the data when the call was made */
  constructor(request: SendRequest, limited: boolean, length: number = request.data.byteLength) {
    super(request.syscall);
    this.data = request.data;
    this.length = length;
    this.all = request.all;
    this.limited = limited;
  }

  /** Whether the call has sent what it waits for: a `send` takes what there is room for. */
  get isOver(): boolean {
    return this.sent === this.length || !this.all && this.sent > 0;
  }

  /** Whether bytes that are still to be sent are gone. */
  get isGone(): boolean {
    return this.data.byteLength < this.length;
  }

  /** Whether there is something to send. */
  get isReady(): boolean {
    return this.sent < this.length && !this.isGone;
  }
}
