/**
 * Connecting on Deno: through `Deno.connect`, through `node:net` for what only that can do, by name if only the name is
 * permitted.
 */

import { AF_INET6 } from "../../core/constants.ts";
import type { Address, ConnectAttempt, ConnectTarget, InetAddress, Stream } from "../adapter.ts";
import { nodeModule } from "../builtin/modules.ts";
import { connectSocket } from "../builtin/net_connect.ts";
import { codedError, failedAttempt } from "../coded_error.ts";
import { hostOf, isUnix, scopedLike } from "../endpoints.ts";
import { isKeptOut, unreachable } from "../v6only.ts";
import { nextDescriptor } from "./descriptor.ts";
import { connectedStream, searchedStream } from "./direct_stream.ts";
import { errorCode } from "./errors.ts";
import { hasLibc, libc } from "./ffi.ts";
import { DenoNetStream } from "./net_stream.ts";
import { denied, isPermitted, lookup } from "./resolver.ts";
import { takeConn } from "./taken_conn.ts";
import { addressOf, deno, type DenoConn, denoPathOf } from "./types.ts";

/** connect(2) from an address chosen by the system. */
export function connect(target: ConnectTarget): ConnectAttempt {
  if (isKeptOut(target.address, target.settings)) return unreachable();
  if (target.address[1] === 0) {
    // Deno rejects port 0 as an argument; the kernel refuses the connection.
    return failedAttempt(codedError("ECONNREFUSED", "port 0"));
  }
  if (isForNodeNet(target)) return connectByNodeNet(target, undefined);
  if (needsName(target)) return connectByName(target);
  const abort = new AbortController();
  const host = isUnix(target.address) ? "" : hostOf(target.address);
  return { done: connectNatively(target, host, abort.signal), cancel: () => abort.abort() };
}

async function connectNatively(
  target: ConnectTarget,
  hostname: string,
  signal: AbortSignal,
): Promise<Stream> {
  const { address } = target;
  const c = isUnix(address) ? undefined : libc();
  // Deno 2.9: after an abort, Deno.connect would leave a connection open that is established by then. So it shall return
  // it, for the core to close.
  signal.throwIfAborted = () => {};
  // Deno 2.9 opens the socket during the call.
  const fd = c === undefined ? -1 : nextDescriptor(c);
  const conn = await deno().connect({
    ...(isUnix(address)
      ? { transport: "unix", path: denoPathOf(address) }
      : { transport: "tcp", hostname, port: address[1] }),
    signal,
  }).catch((error) => {
    // Deno 2.9 asks for the peer's name, which is gone if the peer has reset the connection by then.
    throw errorCode(error) === "ENOTCONN" ? Object.assign(error, { code: "ECONNRESET" }) : error;
  });
  return connectedStream(conn, ...addressesOf(conn, target), fd);
}

function addressesOf(
  conn: DenoConn,
  { family, address }: ConnectTarget,
): [local: Address, remote: Address] {
  return [
    scopedLike(addressOf(family, conn.localAddr), address),
    scopedLike(addressOf(family, conn.remoteAddr), address),
  ];
}

/** Whether the connection stays with `node:net`: without FFI, only that can reset one. */
function isForNodeNet({ settings, address }: ConnectTarget): boolean {
  return settings.get("SO_LINGER") === 0 && !isUnix(address) && !hasLibc();
}

/** connect(2) from a given local address, which Deno.connect would ignore. */
export function connectFrom(target: ConnectTarget, local: InetAddress): ConnectAttempt {
  return isKeptOut(target.address, target.settings)
    ? unreachable()
    : connectByNodeNet(target, local);
}

/** Connects through `node:net`, which can do so from a given local address, and can reset the connection. */
function connectByNodeNet(
  target: ConnectTarget,
  local: InetAddress | undefined,
): ConnectAttempt {
  const { family, name } = target;
  const address = target.address as InetAddress;
  const [, port] = address;
  const byName = needsName(target);
  // node:net throws this error where nobody can catch it.
  if (local !== undefined && !isPermitted(hostOf(local), local[1])) {
    return failedAttempt(denied(hostOf(local), local[1]));
  }
  const socket = new (nodeModule("node:net").Socket)({ allowHalfOpen: true });
  const attempt = connectSocket(socket, {
    host: byName ? name : hostOf(address),
    port,
    family: family === AF_INET6 ? 6 : 4,
    autoSelectFamily: false,
    ...(local === undefined ? {} : { localAddress: hostOf(local), localPort: local[1] }),
  });
  return {
    done: attempt.done.then(() => {
      const conn = local === undefined || isForNodeNet(target) ? undefined : takeConn(socket);
      return conn === undefined
        ? new DenoNetStream(socket, family)
        : searchedStream(conn, ...addressesOf(conn, target));
    }),
    byName,
    cancel: attempt.cancel,
  };
}

/** Whether only the name behind a literal is permitted: Deno matches `--allow-net` against strings. */
function needsName({ address, name }: ConnectTarget): boolean {
  if (isUnix(address)) return false;
  const literal = hostOf(address);
  const [, port] = address;
  return name !== literal && !isPermitted(literal, port) && isPermitted(name, port);
}

/**
 * Connects if only the name is permitted. `Deno.connect` tries all addresses of a name, of any family; node:net keeps
 * to one family, but tries one address only.
 */
function connectByName(target: ConnectTarget): ConnectAttempt {
  const { family, address, name } = target;
  const [, port] = address as InetAddress;
  const abort = new AbortController();
  const connecting = async (): Promise<Stream> => {
    const answers = await lookup(name, 0, port);
    const mixed = answers.some((answer) => (answer.family === 6) !== (family === AF_INET6));
    abort.signal.throwIfAborted();
    if (!mixed) return await connectNatively(target, name, abort.signal);
    const attempt = connectByNodeNet(target, undefined);
    abort.signal.addEventListener("abort", attempt.cancel, { once: true });
    return await attempt.done;
  };
  return { done: connecting(), byName: true, cancel: () => abort.abort() };
}
