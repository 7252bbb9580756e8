/** The behaviour that differs between the phases of a stream socket's life. */

import type { Handle } from "../../adapters/adapter.ts";
import type { Received, ReceiveRequest, SendRequest } from "../requests.ts";
import type { Limits } from "../waiting/wait.ts";

/** The error codes of the calls that a phase refuses, by call. */
export type Refusals = Readonly<
  Partial<Record<"bind" | "listen" | "accept" | "connect" | "shutdown", string>>
>;

/** The behaviour of a stream socket in one phase of its life. */
export interface Phase {
  /** The calls that this phase refuses. */
  readonly refusals: Refusals;
  /** The open socket; absent if it is only bound. */
  readonly handle: Handle | undefined;
  /** Whether a send may succeed, at once or later. */
  readonly sends: boolean;
  /** recv(2) */
  receive(request: ReceiveRequest, limits: Limits): Promise<Received>;
  /** send(2) */
  send(request: SendRequest, limits: Limits): Promise<number>;
  /** Takes the pending error's number (SO_ERROR). */
  takeErrno(): number;
  /** Ends the socket's life: waiting calls fail with EBADF. */
  close(reset: boolean): Promise<void>;
}
