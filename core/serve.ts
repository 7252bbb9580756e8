/** The accept loop. */

import type { Address } from "../adapters/adapter.ts";
import { clearTimeout, setTimeout } from "../adapters/timers.ts";
import { integer, signalOf } from "./arguments.ts";
import { describe } from "./bytes.ts";
import { SocketError } from "./errors/errors.ts";
import { acceptAnytime, closeWithFiles, Socket } from "./socket.ts";
import { quietly } from "./waiting/quiet.ts";

/** The options of `serve`. */
export interface ServeOptions {
  /** Stops accepting; `serve` then waits for the running handlers and resolves. */
  signal?: AbortSignal | undefined;
  /** The most connections open at once, 1 or more; others wait in the accept queue. No limit if left out. */
  max_connections?: number | undefined;
  /** Called with what a handler threw, or why its files could not be flushed; `console.error` if left out. */
  onerror?: ((error: unknown, address: Address) => unknown) | undefined;
}

/** A handler of one connection, which is closed once it returns or its promise settles; what it gives is ignored. */
export type ConnectionHandler<A extends Address> = (
  conn: Socket<A>,
  address: A,
) => unknown;

/** Milliseconds to wait when descriptors run out; doubled each time, up to a second. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 1000;

/** Errors of accept that leave the listening socket usable. */
const TRANSIENT = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ECONNABORTED", "EPROTO"]);

/**
 * Accepts connections and runs a handler for each, until the server is closed or the signal aborts. The server's
 * timeout does not apply. Each connection is closed with its files when its handler ends; a handler that throws is
 * reported and affects no other. When descriptors run out, `serve` waits and goes on.
 *
 * Files are flushed first, as by Python's `socketserver`. A peer that does not read holds up that flush, and so the end
 * of `serve`, up to the connection's timeout. `conn.settimeout(30)` in the handler sets a bound; data that is unsent by
 * then is reported.
 *
 * @param server a listening socket, which stays open
 * @returns when accepting and all handlers have ended
 * @throws {TypeError} when the arguments are of a wrong kind
 * @throws {SocketError} when accepting fails for good: EINVAL when the socket does not listen
 *
 * @example
 * ```ts
 * import { create_server, serve } from "@bsdsock/bsdsock";
 *
 * const stop = new AbortController();
 * await using server = await create_server(["127.0.0.1", 0]);
 * const served = serve(server, async (conn) => {
 *   for (let data; (data = await conn.recv(4096)).length > 0;) await conn.sendall(data);
 * }, { signal: stop.signal, max_connections: 100 });
 * stop.abort();
 * await served;
 * ```
 */
export function serve<A extends Address>(
  server: Socket<A>,
  handler: ConnectionHandler<A>,
  options: ServeOptions = {},
): Promise<void> {
  return quietly(async () => {
    if (!(server instanceof Socket)) {
      throw new TypeError(`server must be a Socket, not ${describe(server)}`);
    }
    if (typeof handler !== "function") {
      throw new TypeError(`handler must be a function, not ${describe(handler)}`);
    }
    const signal = signalOf(options);
    const { max_connections, onerror = report } = options;
    if (max_connections !== undefined) {
      integer(max_connections, "options.max_connections", 1, Number.MAX_SAFE_INTEGER);
    }
    if (typeof onerror !== "function") {
      throw new TypeError(`options.onerror must be a function, not ${describe(onerror)}`);
    }
    const limit = max_connections ?? Infinity;
    const running = new Set<Promise<void>>();
    let pause = FIRST_PAUSE;
    let wake: (() => void) | undefined;
    try {
      while (!signal?.aborted) {
        if (running.size >= limit) {
          // Promise.race would leave a reaction on every running handler each time.
          await new Promise<void>((resolve) => wake = resolve);
          continue;
        }
        try {
          const [conn, address] = await acceptAnytime(server, signal);
          const task: Promise<void> = handle(conn, address, handler, onerror)
            .finally(() => {
              running.delete(task);
              wake?.();
            });
          running.add(task);
          pause = FIRST_PAUSE;
        } catch (error) {
          if (signal?.aborted || server.closed) break;
          if (!(error instanceof SocketError) || !TRANSIENT.has(error.code)) throw error;
          await sleep(pause, signal);
          pause = Math.min(pause * 2, LONGEST_PAUSE);
        }
      }
    } finally {
      await Promise.all(running);
    }
  });
}

async function handle<A extends Address>(
  conn: Socket<A>,
  address: A,
  handler: ConnectionHandler<A>,
  onerror: (error: unknown, address: Address) => unknown,
): Promise<void> {
  const callOnerror = async (error: unknown): Promise<unknown> => await onerror(error, address);
  // An onerror that fails must not end the other connections.
  const tell = (error: unknown): void => void callOnerror(error).catch(report);
  try {
    await handler(conn, address);
  } catch (error) {
    tell(error);
  }
  await closeWithFiles(conn as Socket<Address>, tell).catch(report);
}

function report(error: unknown): void {
  console.error(error);
}

/** Waits for a time, or until the signal aborts. */
function sleep(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done);
  });
}
