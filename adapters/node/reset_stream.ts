/** A connection that was reset before it was taken over. */

import type { Address } from "../adapter.ts";
import type { NetSocket } from "../builtin/modules.ts";
import { NodeStream } from "./stream.ts";

/** The stream of a connection of which reading took bytes, or the error, to find out what its descriptor is. */
export class ResetStream extends NodeStream {
  #taken: Uint8Array<ArrayBuffer> | Error | undefined;

  constructor(
    socket: NetSocket,
    local: Address,
    remote: Address,
    taken: Uint8Array<ArrayBuffer> | Error,
  ) {
    super(socket, local, remote);
    this.#taken = taken;
  }

  override resume(into?: Uint8Array): void {
    const taken = this.#taken;
    this.#taken = undefined;
    if (taken === undefined) super.resume(into);
    else if (taken instanceof Error) this.failed(taken);
    else if (this.sink.data(taken, true)) super.resume();
  }
}
