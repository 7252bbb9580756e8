/** The local address of a stream socket: claimed, and held by a descriptor until `listen` or `connect` takes that. */

import type { Adapter, Address, Bound } from "../../adapters/adapter.ts";
import type { Destination } from "../address/address.ts";
import { type Claim, claim, settle, unclaim } from "../address/claims.ts";
import { closeHandle } from "../close_handle.ts";
import { type ErrorDetails, translate } from "../errors/errors.ts";
import { bindLocal, resolveLocal } from "../names/resolve.ts";
import type { SocketOptions } from "../options/socket_options.ts";

/** The socket that owns an address. */
export interface Owner {
  readonly adapter: Adapter;
  readonly family: number;
  readonly options: SocketOptions;
  /** Binds the descriptor that was taken over unbound, if there is one. */
  bindTaken(address: Address): Bound | undefined;
}

/** A local address. */
export class OwnAddress {
  /** The address; it outlives the handle that held it. */
  address: Address;
  #owner: Owner;
  /** Whether it was requested; else it is the one that the system chose for a listener. */
  #isRequested: boolean;
  #bound: Bound | undefined;
  #claim: Claim | undefined;
  /** Settles when a listener that was shut down is closed; until then the address is in use. */
  #free: Promise<unknown> | undefined;

  constructor(
    owner: Owner,
    address: Address,
    isRequested: boolean,
    bound?: Bound,
    claim?: Claim,
  ) {
    this.#owner = owner;
    this.address = address;
    this.#isRequested = isRequested;
    this.#bound = bound;
    this.#claim = claim;
  }

  /** bind(2) */
  static bind(owner: Owner, destination: Destination): Promise<OwnAddress> {
    const { adapter, family, options } = owner;
    return bindLocal(destination, async () => {
      const address = await resolveLocal(adapter, family, destination);
      const mine = claim(adapter, "stream", address, options.settings, "bind");
      try {
        const bound = await bindTo(owner, address, "bind", { address });
        settle(mine, bound.local);
        return new OwnAddress(owner, bound.local, true, bound, mine);
      } catch (error) {
        unclaim(mine);
        throw error;
      }
    });
  }

  /** The address of a descriptor that was taken over. */
  static adopt(owner: Owner, bound: Bound): OwnAddress {
    const { local } = bound;
    // Only a port can be bound again: the file of a path stays, for the process that bound it.
    const isRequested = Array.isArray(local) && local[1] !== 0;
    return new OwnAddress(owner, local, isRequested, bound);
  }

  /** The handle that holds the address, until it is taken. */
  get bound(): Bound | undefined {
    return this.#bound;
  }

  /** Takes the handle that holds the address, to listen there; binds if there is none. */
  async takeToListen(): Promise<Bound> {
    return this.#takeBound() ?? await this.#bindFor("listen", { address: this.address });
  }

  /**
   * Takes the handle to connect from there, binds again if it was taken before; `undefined` if the address was never
   * requested, so that the system chooses one.
   */
  async takeToConnect(address: Address): Promise<Bound | undefined> {
    const bound = this.#takeBound();
    if (bound !== undefined || !this.#isRequested) return bound;
    return await this.#bindFor("connect", { address, local: this.address });
  }

  /** The listener that took the handle is being closed. */
  isFreeAfter(closing: Promise<void>): void {
    this.#free = closing.catch(() => {/* The call that closes it reports it. */});
  }

  /** Releases the address. */
  async close(): Promise<void> {
    if (this.#claim !== undefined) unclaim(this.#claim);
    this.#claim = undefined;
    const bound = this.#takeBound();
    if (bound !== undefined) await closeHandle(this.#owner.adapter, bound);
    await this.#free;
  }

  /** Binds, for another call than bind: `about` is what the error of that call tells. */
  async #bindFor(syscall: string, about: ErrorDetails): Promise<Bound> {
    await this.#free;
    return await bindTo(this.#owner, this.address, syscall, about);
  }

  #takeBound(): Bound | undefined {
    const bound = this.#bound;
    this.#bound = undefined;
    return bound;
  }
}

async function bindTo(
  owner: Owner,
  address: Address,
  syscall: string,
  about: ErrorDetails,
): Promise<Bound> {
  const { adapter, family, options } = owner;
  try {
    return owner.bindTaken(address) ??
      await adapter.bind({ family, address, settings: options.settings });
  } catch (cause) {
    options.dropRefused(cause);
    throw translate(adapter, cause, syscall, about);
  }
}
