/** Two sockets that are connected to each other. */

import type { Address } from "../adapters/adapter.ts";
import { type AddressOf, sameAddress } from "./address/address.ts";
import { AF_INET6, AF_UNIX, MSG_WAITALL, SOCK_DGRAM, SOCK_STREAM } from "./constants.ts";
import { socket } from "./create.ts";
import { SocketError, systemError, TimeoutError } from "./errors/errors.ts";
import type { Socket } from "./socket.ts";
import { quietly } from "./waiting/quiet.ts";
import { limited, UNLIMITED } from "./waiting/wait.ts";

/**
 * Creates two connected sockets. No runtime has the system call: they connect over an abstract name or loopback, so
 * their addresses are not empty.
 *
 * Source: POSIX socketpair(), Python `socket.socketpair`.
 *
 * @param family AF_UNIX (the default), AF_INET or AF_INET6
 * @param type SOCK_STREAM (the default) or SOCK_DGRAM
 * @param proto 0 (the default), or the default protocol of the family and type
 * @throws {SocketError} EAFNOSUPPORT, ESOCKTNOSUPPORT or EPROTONOSUPPORT when the adapter has no such socket;
 *   ECONNABORTED when another process has got in between
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
    const conn = await connected(server, client);
    // Another client may have connected first.
    if (!await arePeers(client, conn)) {
      await conn.close();
      throw systemError("ECONNABORTED", "socketpair");
    }
    for (const socket of [client, conn]) socket.settimeout(timeout);
    return [client, conn];
  } catch (error) {
    await client.close();
    throw error;
  } finally {
    await server.close();
  }
}

/** Connects a client to a listening socket, and returns the first connection that this accepts. */
async function connected<A extends Address>(
  server: Socket<A>,
  client: Socket<A>,
): Promise<Socket<A>> {
  const connecting = client.connect(server.getsockname());
  const accepting = server.accept();
  try {
    await Promise.race([connecting, accepting]);
    // The other ends at the same time, unless others fill the accept queue.
    const [[conn]] = await withinSteps(MOST_STEPS, Promise.all([accepting, connecting]));
    return conn;
  } catch (error) {
    await server.close();
    await accepting.then(([conn]) => conn.close(), () => {/* It has accepted nobody. */});
    throw error;
  }
}

/** How many seconds are a step, and how many steps one of two ends of a connection may come after the other. */
const STEP = 0.1;
const MOST_STEPS = 30;

/** The result, if it comes within so many steps; one in which the program stalls is only one. */
async function withinSteps<T>(steps: number, result: Promise<T>): Promise<T> {
  for (let step = 0; step < steps; step++) {
    try {
      return await limited("socketpair", result, { ...UNLIMITED, timeout: STEP });
    } catch (error) {
      if (!(error instanceof TimeoutError)) throw error;
    }
  }
  throw systemError("ECONNABORTED", "socketpair");
}

/** How long the first bytes of the peer may take, in seconds: they are on their way. */
const LONGEST_PROOF = 1;

/** Whether two sockets are connected to each other. */
async function arePeers<A extends Address>(client: Socket<A>, conn: Socket<A>): Promise<boolean> {
  if (client.family !== AF_UNIX) return sameAddress(conn.getpeername(), client.getsockname());
  // A UNIX client has no name, and any process can find and connect to the server's: bytes that it cannot know are the
  // proof.
  const proof = crypto.getRandomValues(new Uint8Array(16));
  await client.sendall(proof);
  conn.settimeout(LONGEST_PROOF);
  try {
    const received = await conn.recv(proof.length, MSG_WAITALL);
    return received.join() === proof.join();
  } catch (error) {
    if (error instanceof SocketError) return false;
    throw error;
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
