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

/** A UDP socket, as its descriptor shows it. */
export interface UdpSocket {
  /** AF_INET or AF_INET6. */
  readonly family: number;
  readonly local: Address;
  /** The peer, if it is connected. */
  readonly remote: Address | undefined;
}
