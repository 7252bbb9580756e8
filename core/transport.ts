/** What a socket does below its arguments: one state machine for streams, one for datagrams. */

import type { Address } from "../adapters/adapter.ts";
import type { Destination } from "./address/address.ts";
import type { OptionSource } from "./options/socket_options.ts";
import type { Received, ReceiveRequest, SendRequest } from "./requests.ts";
import type { StreamEndpoint } from "./stream/endpoint.ts";
import type { Limits } from "./waiting/wait.ts";

/**
 * What a call makes of what arrived, here and not in a promise of its own, which would cost as much as the rest.
 *
 * @param data the bytes, or their count where they went into the caller's buffer
 * @param address the sender; `null` on a connected stream
 * @param flags MSG_TRUNC and MSG_EOR, as recvmsg(2) gives them
 */
export type FromMessage<T> = (data: Received, address: Address | null, flags: number) => T;

/** send(2) */
export type Send = (request: SendRequest, limits: Limits) => Promise<number>;

/** The state machine of one socket. */
export interface Transport extends OptionSource {
  /** Whether it was closed, or its descriptor given away: each further call is EBADF. */
  readonly closed: boolean;
  /** The address that `getsockname` gives. */
  readonly local: Address;
  /** The address that `getpeername` gives, if there is a peer. */
  readonly remote: Address | undefined;
  /** bind(2) */
  bind(destination: Destination): Promise<void>;
  /** listen(2) */
  listen(backlog: number): Promise<void>;
  /** accept(2); gives what `make` makes of the connection. */
  accept<T>(limits: Limits, make: (endpoint: StreamEndpoint) => T): Promise<T>;
  /** connect(2) */
  connect(destination: Destination, limits: Limits): Promise<void>;
  /** recv(2); a request of no bytes that peeks waits until there is something. */
  receive(request: ReceiveRequest, limits: Limits): Promise<Received>;
  /** The same for bytes that are there, or the end; `undefined` where it would have to wait. */
  receiveNow(request: ReceiveRequest): Uint8Array<ArrayBuffer> | undefined;
  /** recvfrom(2) and recvmsg(2) */
  receiveFrom<T>(request: ReceiveRequest, limits: Limits, make: FromMessage<T>): Promise<T>;
  /** send(2) */
  send(request: SendRequest, limits: Limits): Promise<number>;
  /**
   * Of a stream: makes sends that belong together, with the function that it gives: what others send goes after them. The limits are
   * for the waiting behind other such sends.
   */
  sendTogether?<T>(limits: Limits, sends: (send: Send) => Promise<T>): Promise<T>;
  /** sendto(2) */
  sendTo(request: SendRequest, destination: Destination, limits: Limits): Promise<number>;
  /** shutdown(2) */
  shutdown(how: number): Promise<void>;
  /** close(2), with `reset` as SO_LINGER [1, 0] has it. */
  close(reset: boolean): Promise<void>;
  /** Gives up the descriptor without closing it. */
  detach(): number;
}
