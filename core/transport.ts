/** The interface of a socket's state machine: one for streams, one for datagrams. */

import type { Address } from "../adapters/adapter.ts";
import type { Destination } from "./address/address.ts";
import type { OptionSource, SocketOptions } from "./options/socket_options.ts";
import type { Received, ReceiveRequest, SendRequest } from "./requests.ts";
import type { StreamEndpoint } from "./stream/endpoint.ts";
import type { Limits } from "./waiting/wait.ts";

/**
 * Makes the result of a call from a message. A further promise for it would cost as much as the rest.
 *
 * @param data the bytes, or their count if they went into the caller's buffer
 * @param address the sender; `null` on a connected stream
 * @param flags MSG_TRUNC and MSG_EOR, as recvmsg(2) returns them
 */
export type FromMessage<T> = (data: Received, address: Address | null, flags: number) => T;

/** send(2) */
export type Send = (request: SendRequest, limits: Limits) => Promise<number>;

/** The state machine of one socket. */
export interface Transport extends OptionSource {
  /** The socket's options, which duplicates share. */
  readonly options: SocketOptions;
  /** Whether it is closed or detached: each further call fails with EBADF. */
  readonly closed: boolean;
  /** The address that `getsockname` returns. */
  readonly local: Address;
  /** The address that `getpeername` returns, if there is a peer. */
  readonly remote: Address | undefined;
  /** bind(2) */
  bind(destination: Destination): Promise<void>;
  /** listen(2) */
  listen(backlog: number): Promise<void>;
  /** accept(2); returns what `make` makes of the connection. */
  accept<T>(limits: Limits, make: (endpoint: StreamEndpoint) => T): Promise<T>;
  /** connect(2) */
  connect(destination: Destination, limits: Limits): Promise<void>;
  /** recv(2); a peek of 0 bytes waits until there is something. */
  receive(request: ReceiveRequest, limits: Limits): Promise<Received>;
  /** recv(2) without waiting: `undefined` if there is nothing. */
  receiveNow(request: ReceiveRequest): Uint8Array<ArrayBuffer> | undefined;
  /** recvfrom(2) and recvmsg(2) */
  receiveFrom<T>(request: ReceiveRequest, limits: Limits, make: FromMessage<T>): Promise<T>;
  /** send(2) */
  send(request: SendRequest, limits: Limits): Promise<number>;
  /**
   * Runs sends that belong together, on a stream, with the function it passes; other sends go out after them. The
   * limits apply to the wait for earlier groups.
   */
  sendTogether?<T>(
    limits: Limits,
    sends: (send: Send, closed: AbortSignal) => Promise<T>,
  ): Promise<T>;
  /** sendto(2) */
  sendTo(request: SendRequest, destination: Destination, limits: Limits): Promise<number>;
  /** shutdown(2) */
  shutdown(how: number): Promise<void>;
  /** close(2); `reset` resets the connection, as SO_LINGER [1, 0] does. */
  close(reset: boolean): Promise<void>;
  /** Returns the descriptor and gives it up without closing it. */
  detach(): number;
}
