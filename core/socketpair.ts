/** Two sockets that are connected to each other. */

import type { Address } from "../adapters/adapter.ts";
import { type AddressOf, sameAddress } from "./address/address.ts";
import { AF_INET6, AF_UNIX, SOCK_DGRAM, SOCK_STREAM } from "./constants.ts";
import { socket } from "./create.ts";
import { systemError } from "./errors/errors.ts";
import type { Socket } from "./socket.ts";
import { quietly } from "./waiting/quiet.ts";

/**
 * Creates two connected sockets. No runtime has the system call: they connect over an abstract name or loopback, so
 * their addresses are not empty.
 *
 * Source: POSIX socketpair(), Python `socket.socketpair`.
 *
 * @param family AF_UNIX (the default), AF_INET or AF_INET6
 * @param type SOCK_STREAM (the default) or SOCK_DGRAM
 * @throws {SocketError} EAFNOSUPPORT, ESOCKTNOSUPPORT or EPROTONOSUPPORT when the adapter has no such socket
 *
 * @example
 * ```ts
 * import { socketpair } from "@bsdsock/bsdsock";
 *
 * const [a, b] = await socketpair();
 * await a.sendall("hello");
 * console.log(await b.recv(5));
 * ```
 */
export function socketpair<Family extends number = 1>(
  family?: Family,
  type: number = SOCK_STREAM,
  proto: number = 0,
): Promise<[Socket<AddressOf<Family>>, Socket<AddressOf<Family>>]> {
  return quietly(async () => {
    const chosen = family ?? AF_UNIX;
    const make = (): Socket<AddressOf<Family>> => socket<Family>(chosen as Family, type, proto);
    const first = make();
    return await (first.type === SOCK_DGRAM
      ? pairOfDatagrams(first, make())
      : pairOfStreams(first, make));
  });
}

async function pairOfStreams<A extends Address>(
  client: Socket<A>,
  make: () => Socket<A>,
): Promise<[Socket<A>, Socket<A>]> {
  const server = make();
  // Creating the pair waits for nobody else: a default timeout of 0 must not fail it.
  const timeout = client.gettimeout();
  for (const socket of [server, client]) socket.settimeout(null);
  try {
    await server.bind(anywhere(server));
    await server.listen(1);
    const [[conn]] = await Promise.all([server.accept(), client.connect(server.getsockname())]);
    // Another client may have connected first.
    if (client.family !== AF_UNIX && !sameAddress(conn.getpeername(), client.getsockname())) {
      await conn.close();
      throw systemError("ECONNABORTED", "socketpair");
    }
    client.settimeout(timeout);
    return [client, conn];
  } catch (error) {
    await client.close();
    throw error;
  } finally {
    await server.close();
  }
}

async function pairOfDatagrams<A extends Address>(
  a: Socket<A>,
  b: Socket<A>,
): Promise<[Socket<A>, Socket<A>]> {
  try {
    await a.bind(anywhere(a));
    await b.bind(anywhere(b));
    await a.connect(b.getsockname());
    await b.connect(a.getsockname());
    return [a, b];
  } catch (error) {
    await Promise.all([a.close(), b.close()]);
    throw error;
  }
}

/** An address of the socket's family that only this machine can reach. */
function anywhere<A extends Address>({ family }: Socket<A>): A {
  const address: Address = family === AF_UNIX
    ? ""
    : family === AF_INET6
    ? ["::1", 0, 0, 0]
    : ["127.0.0.1", 0];
  return address as A;
}
