/** What is different from phase to phase of a stream socket's life. */

import type { Handle } from "../../adapters/adapter.ts";
import type { Received, ReceiveRequest, SendRequest } from "../requests.ts";
import type { Limits } from "../waiting/wait.ts";

/** Why a call is wrong, by the call: the code of its error. */
export type Refusals = Readonly<
  Partial<Record<"bind" | "listen" | "accept" | "connect" | "shutdown", string>>
>;

/** What a stream socket does in one phase of its life. */
export interface Phase {
  /** The calls that are wrong in it. */
  readonly refusals: Refusals;
  /** The open socket, unless it is only bound. */
  readonly handle: Handle | undefined;
  /** recv(2) */
  receive(request: ReceiveRequest, limits: Limits): Promise<Received>;
  /** send(2) */
  send(request: SendRequest, limits: Limits): Promise<number>;
  /** The pending error's number, which is then no longer pending (SO_ERROR). */
  takeErrno(): number;
  /** Ends it for good: waiting calls are EBADF. */
  close(reset: boolean): Promise<void>;
}
