/** Connecting a new or bound socket of `node:net`. */

import type { Address, ConnectAttempt, ConnectTarget } from "../adapter.ts";
import { type NetSocket, nodeModule } from "../builtin/modules.ts";
import { connectSocket, type SocketConnect } from "../builtin/net_connect.ts";
import { scopeErrorOf, zonedHostOf } from "../builtin/resolver.ts";
import { codedError, failedAttempt } from "../coded_error.ts";
import { isUnix, pathOf } from "../endpoints.ts";
import { inetStream, streamOver } from "./stream.ts";

/**
 * Connects. `options` are those of the socket, and `local` is its address if it is bound. `closed` is called when the
 * socket is closed, and absent if nobody needs it: a listener costs each connection memory.
 */
export function connectFrom(
  { family, address }: ConnectTarget,
  options: Record<string, unknown>,
  local: Address,
  closed?: () => void,
): ConnectAttempt {
  // May throw, which is before the socket takes the caller's handle.
  const target = isUnix(address)
    ? { path: pathOf(address) }
    : { host: zonedHostOf(address), port: address[1], autoSelectFamily: false };
  const { Socket } = nodeModule("node:net");
  const socket = new Socket({ allowHalfOpen: true, ...options });
  if (closed !== undefined) socket.once("close", closed);
  const attempt = connectUnlessRefused(socket, target, address, local);
  const done = attempt.done.then(() =>
    isUnix(address) ? streamOver(socket, local, address) : inetStream(socket, family)
  );
  return { done, cancel: attempt.cancel };
}

/** Connects, unless Linux would refuse a link-local address at once: Node 26 waits forever then. */
function connectUnlessRefused(
  socket: NetSocket,
  target: Record<string, unknown>,
  address: Address,
  local: Address,
): SocketConnect {
  // A socket that is bound on a link stays there.
  const isOnLink = !isUnix(local) && local[3];
  const code = isUnix(address) || isOnLink ? undefined : scopeErrorOf(address);
  if (code === undefined) return connectSocket(socket, target);
  socket.destroy();
  return failedAttempt(codedError(code, "no such scope"));
}
