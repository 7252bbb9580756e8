/** What a descriptor is, on a Node without the C library. */

import { AF_INET, AF_INET6, AF_UNIX } from "../../core/constants.ts";
import { type NetSocket, nodeModule, nodeProcess, type TcpHandle } from "../builtin/modules.ts";
import { READ_AHEAD } from "../builtin/net_stream.ts";
import { scopeOf } from "../builtin/resolver.ts";
import { codedError } from "../coded_error.ts";
import type { StreamSocket } from "../descriptor.ts";
import { addressFrom } from "../endpoints.ts";

/** What was found out. */
export interface Found extends StreamSocket {
  /** What reading took of a connection that was reset: its next bytes, or its error. */
  readonly taken?: Uint8Array<ArrayBuffer> | Error;
}

/** The inode of a descriptor that is a socket. */
export function inodeOf(fd: number): number {
  const stat = nodeModule("node:fs").fstatSync(fd);
  if (stat.isSocket()) return stat.ino;
  throw codedError("ENOTSOCK", "not a socket");
}

/** Finds out what a stream socket is that Node has opened. */
export function identifyOpened(socket: NetSocket, fd: number, inode: number): Found {
  return findUnix(inode) ?? (isPipe(socket) ? guessUnix(fd) : identifyTcp(socket, fd));
}

/** Whether a socket is a UNIX socket, by the class of Node's handle. */
function isPipe(socket: NetSocket): boolean {
  return socket._handle?.constructor.name === "Pipe";
}

/** A UNIX socket that the table does not show: one without a peer is more likely to listen than only bound. */
function guessUnix(fd: number): StreamSocket {
  const remote = hasPeer(fd) ? "" : undefined;
  return { family: AF_UNIX, local: "", remote, listening: remote === undefined };
}

/** Whether a UNIX socket is connected: Linux checks that before it writes nothing. */
function hasPeer(fd: number): boolean {
  try {
    nodeModule("node:fs").writeSync(fd, new Uint8Array(0));
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === "ENOTCONN") return false;
    throw error;
  }
}

/** Num, RefCount, Protocol, Flags, Type, St, Inode and Path, which may contain spaces. */
const UNIX_LINE = /^\S+ \S+ \S+ (\S+) \S+ (\S+) +(\d+)(?: (.*))?$/;

/** A UNIX socket in the kernel's table; `undefined` for another kind. */
function findUnix(inode: number): StreamSocket | undefined {
  for (const line of table("/proc/net/unix")) {
    const [, flags, state, ino, path = ""] = UNIX_LINE.exec(line) ?? [];
    if (Number(ino) !== inode) continue;
    const local = path.startsWith("@") ? `\0${path.slice(1)}` : path;
    const remote = state === "03" ? "" : undefined;
    return { family: AF_UNIX, local, remote, listening: flags === "00010000" };
  }
  return undefined;
}

function table(path: string): string[] {
  try {
    return nodeModule("node:fs").readFileSync(path, "utf8").split("\n");
  } catch {
    // No /proc, or --permission does not let it be read.
    return [];
  }
}

function identifyTcp(socket: NetSocket, fd: number): Found {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  const family = localAddress?.includes(":") ? AF_INET6 : AF_INET;
  const local = addressFrom(family, localAddress, localPort, scopeOf);
  if (remoteAddress !== undefined) {
    const remote = addressFrom(family, remoteAddress, remotePort, scopeOf);
    return { family, local, remote, listening: false };
  }
  if (localPort === 0) return { family, local, remote: undefined, listening: false };
  // Not from the kernel's table of TCP sockets: a service manager may pass one of another network namespace.
  const next = readNext(fd);
  if ((next as { code?: string } | undefined)?.code === "ENOTCONN") {
    const listening = !mayConnect(socket._handle as unknown as TcpHandle, family);
    return { family, local, remote: undefined, listening };
  }
  const lost = addressFrom(family, undefined, undefined);
  return { family, local, remote: lost, listening: false, ...(next && { taken: next }) };
}

/**
 * Whether the kernel would connect a TCP socket that never had a peer: it would not if that listens. An address of the
 * wrong family shows it without further effect.
 */
function mayConnect(handle: TcpHandle, family: number): boolean {
  let request: object;
  try {
    request = new (nodeProcess().binding("tcp_wrap").TCPConnectWrap)();
  } catch {
    // Denied by --permission: a listening socket is more likely than one that is only bound.
    return false;
  }
  const failure = family === AF_INET6
    ? handle.connect(request, "127.0.0.1", 1)
    : handle.connect6(request, "::1", 1);
  return ["EAFNOSUPPORT", "EINVAL"].includes(nodeModule("node:util").getSystemErrorName(failure));
}

/** The next bytes of a socket that cannot wait for some, or the error; `undefined` at its end. */
function readNext(fd: number): Uint8Array<ArrayBuffer> | Error | undefined {
  const chunk = new Uint8Array(READ_AHEAD);
  try {
    const count = nodeModule("node:fs").readSync(fd, chunk);
    return count === 0 ? undefined : chunk.slice(0, count);
  } catch (error) {
    return error as Error;
  }
}
