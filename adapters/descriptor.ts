/** What the descriptors are that can be taken over. */

import type { Address } from "./adapter.ts";

/** A stream socket, as its descriptor shows it. */
export interface StreamSocket {
  /** AF_INET, AF_INET6 or AF_UNIX. */
  readonly family: number;
  readonly local: Address;
  /** The peer, whose address is lost if it has reset the connection; `undefined` if there is no connection. */
  readonly remote: Address | undefined;
  readonly listening: boolean;
}

/** Why another socket is refused. */
export const NOT_A_STREAM = "only stream sockets can be taken over";

/** The error for another socket. */
export function notAStream(): Error {
  return Object.assign(new Error(NOT_A_STREAM), { code: "ENOTSUP", detail: NOT_A_STREAM });
}
