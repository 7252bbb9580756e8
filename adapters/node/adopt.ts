/** Taking over descriptors on Node, which does not report what they are. */

import type { Address, Adopted } from "../adapter.ts";
import { type NetSocket, nodeModule, type TcpHandle } from "../builtin/modules.ts";
import { scopeOf } from "../builtin/resolver.ts";
import { addressFrom } from "../endpoints.ts";
import { takeReleased } from "../released.ts";
import { NodeBound } from "./bound.ts";
import { libc } from "./ffi.ts";
import { streamOver } from "./stream.ts";

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const SOL_SOCKET = 1;
const SO_ACCEPTCONN = 30;

/** Takes over a descriptor: one that `release()` gave up, or an inherited one. */
export function adopt(fd: number): Adopted {
  const known = takeReleased(fd);
  if (known !== undefined) return known;
  const { socket, handle, family, local, remote, listening } = openDescriptor(fd);
  if (remote !== undefined) return { family, stream: streamOver(socket, local, remote) };
  const bound = new NodeBound(family, handle, local, true);
  return { family, bound, listening };
}

/** Closes a bare descriptor; for one that was given up here, its stream. */
export function closeDescriptor(fd: number): void {
  const known = takeReleased(fd);
  if (known === undefined) nodeModule("node:fs").closeSync(fd);
  else known.stream.close();
}

/** A descriptor opened by the runtime. */
interface OpenedDescriptor {
  readonly socket: NetSocket;
  readonly handle: TcpHandle;
  readonly family: number;
  readonly local: Address;
  /** The peer; `undefined` if it is not connected. */
  readonly remote: Address | undefined;
  readonly listening: boolean;
}

/** Opens a descriptor of a TCP or UNIX stream socket without reading from it. */
function openDescriptor(fd: number): OpenedDescriptor {
  const path = unixState(fd);
  // Throws EINVAL or ERR_INVALID_FD_TYPE if it is not a stream.
  const socket = new (nodeModule("node:net").Socket)({
    fd,
    allowHalfOpen: true,
    pauseOnCreate: true,
  });
  const handle = socket._handle as unknown as TcpHandle;
  if (path !== undefined) {
    const { local, listening, connected } = path;
    return {
      socket,
      handle,
      family: AF_UNIX,
      local,
      remote: connected ? "" : undefined,
      listening,
    };
  }
  const family = socket.localAddress?.includes(":") ? AF_INET6 : AF_INET;
  const local = addressFrom(family, socket.localAddress, socket.localPort, scopeOf);
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined) {
    return { socket, handle, family, local, remote: undefined, listening: isListening(fd) };
  }
  const remote = addressFrom(family, remoteAddress, remotePort, scopeOf);
  return { socket, handle, family, local, remote, listening: false };
}

/**
 * Whether a TCP socket without a peer is listening. Only libc can tell: the kernel's table has the sockets of one
 * network namespace, and a service manager may pass one of another.
 */
function isListening(fd: number): boolean {
  return libc()?.getOption(fd, SOL_SOCKET, SO_ACCEPTCONN) !== 0;
}

/** The state of a UNIX socket in the kernel's table; `undefined` for another kind. */
function unixState(
  fd: number,
): { local: string; listening: boolean; connected: boolean } | undefined {
  const inode = checkSocket(fd).ino;
  for (const line of table("/proc/net/unix")) {
    const [, , , flags, , state, ino, path = ""] = line.trim().split(/\s+/);
    if (Number(ino) !== inode) continue;
    const local = path.startsWith("@") ? `\0${path.slice(1)}` : path;
    return { local, listening: flags === "00010000", connected: state === "03" };
  }
  return undefined;
}

function checkSocket(fd: number): { ino: number } {
  const stat = nodeModule("node:fs").fstatSync(fd);
  if (stat.isSocket()) return stat;
  throw Object.assign(new Error("not a socket"), { code: "ENOTSOCK" });
}

function table(path: string): string[] {
  try {
    return nodeModule("node:fs").readFileSync(path, "utf8").split("\n");
  } catch {
    // No /proc: treat it as TCP.
    return [];
  }
}
