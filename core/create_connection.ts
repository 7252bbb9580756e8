/** Name resolution and connect in one call. */

import type { InetAddress } from "../adapters/adapter.ts";
import { getAdapter } from "./adapter_choice.ts";
import { type AddressLikeOf, checkInetAddress, type InetRequest } from "./address/address.ts";
import { checkOptions, flag, seconds, signalOf, type WaitOptions } from "./arguments.ts";
import { AF_INET6, SOCK_STREAM } from "./constants.ts";
import { getdefaulttimeout } from "./default_timeout.ts";
import { systemError } from "./errors/errors.ts";
import { getaddrinfo } from "./names/getaddrinfo.ts";
import { connectResolved, Socket } from "./socket.ts";
import { quietly } from "./waiting/quiet.ts";
import { pollTurnOf } from "./waiting/turn.ts";
import { AddressedWait } from "./waiting/wait.ts";

/** The options of `create_connection`. */
export interface ConnectionOptions extends WaitOptions {
  /**
   * Seconds for the whole attempt, then the timeout of the socket; the default timeout if left out. With 0 the call
   * fails with EINPROGRESS, as in Python.
   */
  timeout?: number | null | undefined;
  /** The local address to connect from. */
  source_address?: AddressLikeOf<InetAddress> | null | undefined;
  /** Reject with an `AggregateError` of the errors of all addresses instead of the last one. */
  all_errors?: boolean | undefined;
}

/**
 * Connects to a host and port over TCP. The addresses of a name, of all families, are tried in turn, in the order of
 * the system's resolver (RFC 6724).
 *
 * Source: Python `socket.create_connection`.
 *
 * @param address `[host, port]`; a flowinfo and a scope_id behind it are for addresses of IPv6
 * @throws {GaiError} when the name cannot be resolved
 * @throws {SocketError} the last address's error; with `all_errors` an `AggregateError` of all
 * @throws {TimeoutError} when the timeout passes first
 *
 * @example
 * ```ts
 * import { create_connection, create_server } from "@bsdsock/bsdsock";
 *
 * await using server = await create_server(["127.0.0.1", 0]);
 * const [, port] = server.getsockname();
 * await using s = await create_connection(["localhost", port], { timeout: 5 });
 * await s.sendall("hello");
 * ```
 */
export function create_connection(
  address: readonly [host: string, port: number, flowinfo?: number, scope_id?: number],
  options: ConnectionOptions = {},
): Promise<Socket<InetAddress>> {
  return quietly(async () => {
    // As for AF_INET6, whose addresses may have a flowinfo and a scope: which families the host has is not known yet.
    const request = checkInetAddress(AF_INET6, address, "address");
    checkOptions(options, "{ timeout: 5 }");
    const signal = signalOf(options);
    const { all_errors = false } = options;
    const all = flag(all_errors, "all_errors");
    const source = options.source_address ?? undefined;
    if (source !== undefined) checkInetAddress(AF_INET6, source, "source_address");
    // Null overrides the default: it waits for ever.
    const { timeout: given } = options;
    const timeout = given === undefined ? getdefaulttimeout() : seconds(given, "timeout");
    if (signal?.aborted) throw signal.reason;
    const stop = new AbortController();
    let tried: InetAddress = [request.host, request.port];
    const trying = (address: InetAddress): InetAddress => tried = address;
    const wait = new AddressedWait<Socket<InetAddress>>("connect", () => tried);
    // A non-blocking connect ends by itself.
    const blocking = timeout !== 0;
    const limit = blocking ? timeout : null;
    wait.limit({ timeout: limit, expired: "ETIMEDOUT", signal, turn: pollTurnOf(getAdapter()) }, {
      gaveUp: (_wait, reason) => stop.abort(reason),
    });
    connectInTurn({ request, source, blocking, all_errors: all, signal: stop.signal, trying })
      .then(async (socket) => {
        // Too late: nobody else would close it.
        if (wait.settled) return await socket.close();
        socket.settimeout(timeout);
        wait.done(socket);
      })
      .catch((error) => wait.fail(error));
    return await wait.promise;
  });
}

/** The checked arguments. */
interface Connection {
  readonly request: InetRequest;
  readonly source: AddressLikeOf<InetAddress> | undefined;
  readonly blocking: boolean;
  readonly all_errors: boolean;
  readonly signal: AbortSignal;
  /** Called with each address before it is tried. */
  readonly trying: (address: InetAddress) => void;
}

async function connectInTurn(
  { request, source, blocking, all_errors, signal, trying }: Connection,
): Promise<Socket<InetAddress>> {
  const { host, port } = request;
  const errors: unknown[] = [];
  for (const [family, type, proto, , answer] of await getaddrinfo(host, port, 0, SOCK_STREAM)) {
    if (signal.aborted) throw signal.reason;
    const address = family === AF_INET6 ? scoped(answer, request) : answer;
    trying(address);
    let socket: Socket<InetAddress> | undefined;
    try {
      // Not every adapter has all families.
      socket = new Socket<InetAddress>(family, type, proto);
      // The timeout limits the whole attempt, not each connect.
      socket.settimeout(blocking ? null : 0);
      if (source !== undefined) await socket.bind(source);
      const resolved = { ...checkInetAddress(family, address, "address"), name: host };
      await connectResolved(socket, resolved, { signal });
      return socket;
    } catch (error) {
      errors.push(error);
      await socket?.close().catch(() => {/* The caller hears why it could not connect. */});
    }
  }
  if (all_errors && !signal.aborted) {
    throw new AggregateError(errors, `create_connection failed for ${host} port ${port}`);
  }
  throw errors.at(-1) ?? systemError("EAI_NONAME", "getaddrinfo", { detail: host });
}

/** An address of IPv6 with what was asked for, as of `connect`; a scope in the host itself takes precedence. */
function scoped([host, port, , scope_id]: InetAddress, request: InetRequest): InetAddress {
  return [host, port, request.flowinfo, scope_id || request.scope_id];
}
