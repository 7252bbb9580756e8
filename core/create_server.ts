/** Socket, bind and listen in one call. */

import type { AddressLikeOf, AddressOf } from "./address/address.ts";
import { checkOptions, flag, int } from "./arguments.ts";
import {
  AF_INET,
  AF_INET6,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./constants.ts";
import { socket } from "./create.ts";
import { SocketError } from "./errors/errors.ts";
import type { Socket } from "./socket.ts";
import { quietly } from "./waiting/quiet.ts";

/** The options of `create_server`. */
export interface ServerOptions<Family extends number = number> {
  /** AF_INET (the default), AF_INET6 or AF_UNIX. */
  family?: Family | undefined;
  /** The length of the accept queue; 128 if left out. */
  backlog?: number | null | undefined;
  /** Let several servers share the port (SO_REUSEPORT). */
  reuse_port?: boolean | undefined;
  /** Accept IPv4 connections too; AF_INET6 only. */
  dualstack_ipv6?: boolean | undefined;
}

/**
 * Creates a listening socket bound to an address. SO_REUSEADDR is set; an AF_INET6 server accepts IPv6 only, unless
 * `dualstack_ipv6` is set.
 *
 * Source: Python `socket.create_server`.
 *
 * @param address `[host, port]` or a path, as of `bind`; host `""` is the wildcard address of the family
 * @throws {RangeError} for `dualstack_ipv6` without AF_INET6, or when the system has no dual stack
 * @throws {SocketError} as of `bind` and `listen`; ENOPROTOOPT when the adapter has no SO_REUSEPORT
 *
 * @example
 * ```ts
 * import { create_server } from "@bsdsock/bsdsock";
 *
 * await using server = await create_server(["", 0]);
 * console.log("listening on", server.getsockname());
 * ```
 */
export function create_server<Family extends number = 2>(
  address: AddressLikeOf<AddressOf<Family>>,
  options: ServerOptions<Family> = {},
): Promise<Socket<AddressOf<Family>>> {
  return quietly(async () => {
    checkOptions(options, "{ backlog: 5 }");
    const { family = AF_INET, reuse_port = false, dualstack_ipv6 = false } = options;
    const shared = flag(reuse_port, "reuse_port");
    const dual = flag(dualstack_ipv6, "dualstack_ipv6");
    // As in Python, whose default is None.
    const backlog = options.backlog ?? undefined;
    if (backlog !== undefined) int(backlog, "backlog");
    if (dual) {
      if (family !== AF_INET6) throw new RangeError("dualstack_ipv6 needs family AF_INET6");
      await checkDualStack();
    }
    const server = socket<Family>(family as Family, SOCK_STREAM);
    try {
      server.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
      if (shared) server.setsockopt(SOL_SOCKET, SO_REUSEPORT, 1);
      if (family === AF_INET6) server.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, dual ? 0 : 1);
      await server.bind(address);
      await server.listen(backlog);
      return server;
    } catch (error) {
      await server.close();
      throw error;
    }
  });
}

/**
 * Whether one socket can accept both IPv4 and IPv6 connections on this system.
 *
 * Source: Python `socket.has_dualstack_ipv6`.
 *
 * @example
 * ```ts
 * import { AF_INET, AF_INET6, create_server, has_dualstack_ipv6 } from "@bsdsock/bsdsock";
 *
 * const both = await has_dualstack_ipv6();
 * await using server = both
 *   ? await create_server(["::", 0], { family: AF_INET6, dualstack_ipv6: true })
 *   : await create_server(["", 0], { family: AF_INET });
 * ```
 */
export function has_dualstack_ipv6(): Promise<boolean> {
  return quietly(async () => {
    try {
      await probeDualStack();
      return true;
    } catch (error) {
      if (error instanceof SocketError) return false;
      throw error;
    }
  });
}

/** Errors that say nothing about the system's dual stack. */
const UNRELATED = ["EACCES", "EPERM", "EMFILE", "ENFILE"];

async function checkDualStack(): Promise<void> {
  try {
    await probeDualStack();
  } catch (cause) {
    if (!(cause instanceof SocketError) || UNRELATED.includes(cause.code)) throw cause;
    throw new RangeError("dualstack_ipv6: this system has none", { cause });
  }
}

async function probeDualStack(): Promise<void> {
  const probe = socket(AF_INET6, SOCK_STREAM);
  try {
    probe.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 0);
    await probe.bind(["::", 0]);
  } finally {
    await probe.close();
  }
}
