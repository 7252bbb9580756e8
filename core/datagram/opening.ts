/** The runtime's socket under a datagram socket: opened by `bind`, or by the first call that needs it. */

import type { Adapter, Address, Datagram, DatagramSink } from "../../adapters/adapter.ts";
import { type Claim, claim, settle, unclaim } from "../address/claims.ts";
import { closeHandle } from "../close_handle.ts";
import { systemError, translate } from "../errors/errors.ts";
import type { SocketOptions } from "../options/socket_options.ts";

/** The socket that it is opened for. */
export interface Owner extends DatagramSink {
  readonly adapter: Adapter;
  readonly family: number;
  readonly options: SocketOptions;
  /** What is open, to be used from now on. */
  readonly handle: Datagram | undefined;
  /** Takes the socket, which is bound to an address. */
  opened(socket: Datagram, address: Address): void;
}

/** Opens the runtime's socket once, and holds its address. */
export class Opening {
  #owner: Owner;
  #opening: Promise<Datagram> | undefined;
  #claim: Claim | undefined;
  #closed = false;

  constructor(owner: Owner) {
    this.#owner = owner;
  }

  /** Whether a call is opening the socket. */
  get underWay(): boolean {
    return this.#opening !== undefined;
  }

  /** Opens the socket on an address, unless a call before this one does. */
  async open(
    address: () => Address | Promise<Address>,
    syscall: string,
    toward?: Address,
  ): Promise<Datagram> {
    while (this.#opening !== undefined) {
      await this.#opening.catch(() => {/* That call reports it. */});
    }
    const { handle } = this.#owner;
    if (handle !== undefined) return handle;
    this.#opening = this.#openOn(address, syscall, toward)
      .finally(() => this.#opening = undefined);
    return await this.#opening;
  }

  /** Releases the address. What is being opened is closed as soon as it is there. */
  close(): void {
    this.#closed = true;
    if (this.#claim !== undefined) unclaim(this.#claim);
  }

  async #openOn(
    chooseAddress: () => Address | Promise<Address>,
    syscall: string,
    toward: Address | undefined,
  ): Promise<Datagram> {
    const { adapter, options } = this.#owner;
    const address = await chooseAddress();
    const mine = claim(adapter, "datagram", address, options.settings, syscall);
    try {
      return await this.#openAt(address, mine, syscall, toward);
    } catch (error) {
      unclaim(mine);
      throw error;
    }
  }

  async #openAt(
    address: Address,
    mine: Claim,
    syscall: string,
    toward: Address | undefined,
  ): Promise<Datagram> {
    const { adapter, family, options } = this.#owner;
    if (adapter.datagram === undefined) {
      const detail = `the ${adapter.capabilities().adapter} adapter has no datagram sockets`;
      throw systemError("ENOTSUP", syscall, { detail });
    }
    let socket: Datagram;
    try {
      socket = await adapter.datagram({ family, address, settings: options.settings, toward });
    } catch (cause) {
      options.dropRefused(cause);
      throw translate(adapter, cause, syscall, { address: toward ?? address });
    }
    try {
      if (this.#closed) throw systemError("EBADF", syscall);
      options.apply(socket);
    } catch (error) {
      await closeHandle(adapter, socket);
      throw error;
    }
    settle(mine, socket.local);
    this.#claim = mine;
    this.#owner.opened(socket, address);
    return socket;
  }
}
