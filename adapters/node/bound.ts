/** Streams of Node before they are connected: bound, listening, connecting. */

import type {
  Address,
  Adopted,
  BindRequest,
  Bound,
  ConnectAttempt,
  ConnectTarget,
  InetAddress,
  Listener,
  ListenerSink,
} from "../adapter.ts";
import { addressFrom, isUnix, isWildcard, pathOf } from "../endpoints.ts";
import { takeReleased } from "../released.ts";
import { setImmediate } from "../timers.ts";
import { unlinkPath } from "../unix_path.ts";
import { openDescriptor } from "./adopt.ts";
import { connectSocket, type SocketConnect } from "../builtin/net_connect.ts";
import { libc } from "./ffi.ts";
import { getEarlyOption, setNodeOption } from "./options.ts";
import { checkLink, scopeErrorOf, scopeOf, zonedHostOf } from "../builtin/resolver.ts";
import { NetStream, NodeStream } from "./stream.ts";
import {
  type BoundSocket,
  type HandleAddress,
  type NetServer,
  type NetSocket,
  nodeModule,
  type TcpHandle,
} from "../builtin/modules.ts";

const AF_INET6 = 10;
/** libuv's flags of bind: an IPv6 socket that takes no IPv4, and SO_REUSEPORT. */
const UV_TCP_IPV6ONLY = 1;
const UV_TCP_REUSEPORT = 2;

/** bind(2), at once. */
export function bind(request: BindRequest): Bound {
  const bound = openBound(request);
  try {
    // Some matter before listen or connect only, such as the buffer sizes.
    for (const [name, value] of request.settings) setNodeOption(bound.fd, name, value);
  } catch (error) {
    bound.close();
    throw error;
  }
  return bound;
}

function openBound({ family, address, settings }: BindRequest): NodeBound {
  if (isUnix(address)) return bindPath(family, address);
  checkLink(address);
  const [, port] = address;
  const host = zonedHostOf(address);
  const ipv6Only = settings.get("IPV6_V6ONLY") === 1;
  const reusePort = settings.get("SO_REUSEPORT") === 1;
  const net = nodeModule("node:net");
  if (net.BoundSocket !== undefined) {
    return new NodeBound(
      family,
      new net.BoundSocket({ host, port, ipv6Only, reusePort }),
      undefined,
    );
  }
  // Node 20 and 22, and 24 before 24.21.
  const flags = (ipv6Only ? UV_TCP_IPV6ONLY : 0) | (reusePort ? UV_TCP_REUSEPORT : 0);
  const type = family === AF_INET6 ? 6 : 4;
  const handle = net._createServerHandle(host, port, type, undefined, flags);
  if (typeof handle === "number") throw systemError(handle, "bind");
  return new NodeBound(family, handle, undefined);
}

function bindPath(family: number, address: string | Uint8Array<ArrayBuffer>): NodeBound {
  const path = pathOf(address);
  const net = nodeModule("node:net");
  try {
    if (net.BoundSocket !== undefined) {
      return new NodeBound(family, new net.BoundSocket({ path }), address);
    }
    const handle = net._createServerHandle(path, -1, -1);
    if (typeof handle === "number") throw systemError(handle, "bind");
    return new NodeBound(family, handle, address);
  } catch (error) {
    // libuv makes EACCES of ENOENT: of a missing directory, or one that holds no such files.
    if ((error as { code?: string }).code === "EACCES" && !isDenied(path)) {
      throw Object.assign(new Error("no such directory", { cause: error }), { code: "ENOENT" });
    }
    throw error;
  }
}

/** Whether Node removes the files of its UNIX sockets itself: the handles of older versions leave them. */
function hasBoundSocket(): boolean {
  return nodeModule("node:net").BoundSocket !== undefined;
}

/** What access(2) asks for. */
const W_OK = 2;
const X_OK = 1;

/** Whether the directory of a path is there and may not be written to. */
function isDenied(path: string): boolean {
  const fs = nodeModule("node:fs");
  const directory = path.slice(0, path.lastIndexOf("/") + 1) || ".";
  try {
    fs.accessSync(directory, W_OK | X_OK);
    return false;
  } catch (error) {
    const { code } = error as { code?: string };
    // Nobody but the file system can tell, and the error names the flag.
    if (code === "ERR_ACCESS_DENIED") throw error;
    return code !== "ENOENT";
  }
}

/** A bound descriptor: `net.BoundSocket`, or the older handle. */
class NodeBound implements Bound {
  readonly local: Address;
  #family: number;
  #handle: BoundSocket | TcpHandle;
  /** The path to remove with the socket: none where another process has bound it. */
  #path: Address;

  constructor(
    family: number,
    handle: BoundSocket | TcpHandle,
    path: Address | undefined,
    inherited: boolean = false,
  ) {
    this.#family = family;
    this.#handle = handle;
    this.local = path ?? this.#address();
    this.#path = inherited ? "" : this.local;
  }

  get fd(): number {
    const { fd } = this.#handle as { fd?: number | (() => number) };
    // A method of BoundSocket, a number of the older handle; Deno has neither.
    return typeof fd === "function" ? fd.call(this.#handle) : fd ?? -1;
  }

  async listen(backlog: number, sink: ListenerSink): Promise<Listener> {
    const server = nodeModule("node:net").createServer({
      pauseOnConnect: true,
      allowHalfOpen: true,
    });
    // Node takes 0 as "not given" and makes it 511.
    listenOn(server, this.#handle, Math.max(1, backlog));
    return await new Promise((resolve, reject) => {
      server.once("error", reject);
      server.once("listening", () => {
        server.off("error", reject);
        resolve(new NodeListener(server, this.#family, this.local, sink, this.#path));
      });
    });
  }

  connect(target: ConnectTarget): ConnectAttempt {
    const options = { handle: this.#handle, manualStart: true };
    const leavesPath = isUnix(this.local) && !hasBoundSocket();
    return connectFrom(
      target,
      options,
      this.local,
      leavesPath ? () => unlinkPath(this.#path) : undefined,
    );
  }

  close(): Promise<void> {
    this.#handle.close();
    if (!hasBoundSocket()) unlinkPath(this.#path);
    return afterClose();
  }

  setOption(name: string, value: number): boolean {
    return setNodeOption(this.fd, name, value);
  }

  getOption(name: string): number | undefined {
    return getEarlyOption(this.fd, name);
  }

  #address(): Address {
    if ("getsockname" in this.#handle) {
      const out: HandleAddress = {};
      // A port in use shows only here: libuv puts off the error of bind(2).
      const failure = this.#handle.getsockname(out);
      if (failure !== 0) {
        this.#handle.close();
        throw systemError(failure, "bind");
      }
      return addressFrom(this.#family, out.address, out.port, scopeOf);
    }
    const { address, port } = this.#handle.address() as { address: string; port: number };
    return addressFrom(this.#family, address, port, scopeOf);
  }
}

/** In a worker of `node:cluster`, `listen()` would ask the primary process for a UNIX handle's address anew. */
function listenOn(server: NetServer, handle: BoundSocket | TcpHandle, backlog: number): void {
  if (!("listen" in handle)) return server.listen(handle, backlog);
  server._handle = handle;
  server._listen2(null, -1, -1, backlog);
}

/** Node accepts by itself and cannot be stopped; connections wait in the core's queue. */
export class NodeListener implements Listener {
  readonly local: Address;
  #server: NetServer;
  #family: number;
  #sink: ListenerSink;
  #path: Address;

  /** `path` is removed with the socket, where Node does not do it. */
  constructor(
    server: NetServer,
    family: number,
    local: Address,
    sink: ListenerSink,
    path: Address = "",
  ) {
    this.#path = path;
    this.#server = server;
    this.#family = family;
    this.#sink = sink;
    this.local = local;
    server.unref();
    server.on("connection", (socket: NetSocket) => this.connected(socket));
    server.on("error", (error: Error) => sink.error(error));
  }

  get fd(): number {
    return this.#server._handle?.fd ?? -1;
  }

  /** A connection was accepted. */
  connected(socket: NetSocket): void {
    const { local } = this;
    const family = this.#family;
    this.#sink.connection(
      isUnix(local)
        ? streamOver(socket, local, unixPeer(socket))
        : inetStream(socket, family, isWildcard(local) ? undefined : local),
    );
  }

  resume(): void {
    // It accepts from the start.
  }

  ref(): void {
    this.#server.ref();
  }

  unref(): void {
    this.#server.unref();
  }

  setBacklog(backlog: number): void {
    const failure = this.#server._handle?.listen(Math.max(1, backlog)) ?? 0;
    if (failure !== 0) throw systemError(failure, "listen");
  }

  setOption(name: string, value: number): boolean {
    return setNodeOption(this.fd, name, value);
  }

  getOption(name: string): number | undefined {
    return getEarlyOption(this.fd, name);
  }

  close(): Promise<void> {
    // Its callback would wait for the connections too.
    this.#server.close();
    if (!hasBoundSocket()) unlinkPath(this.#path);
    return afterClose();
  }
}

/** The name of a UNIX client, which Node alone does not tell. */
function unixPeer(socket: NetSocket): Address {
  const fd = socket._handle?.fd ?? -1;
  return (fd < 0 ? undefined : libc()?.getpeername(fd)) ?? "";
}

/** Takes a descriptor over: one that `release()` gave away, or one that was inherited. */
export function adopt(fd: number): Adopted {
  const known = takeReleased(fd);
  if (known !== undefined) return known;
  const { socket, handle, family, local, remote, listening } = openDescriptor(fd);
  if (remote !== undefined) return { family, stream: streamOver(socket, local, remote) };
  const bound = new NodeBound(family, handle, local, true);
  return { family, bound, listening };
}

/** Closes a bare descriptor; of one that was given away here, its stream. */
export function closeDescriptor(fd: number): void {
  const known = takeReleased(fd);
  if (known === undefined) nodeModule("node:fs").closeSync(fd);
  else known.stream.close();
}

/** Options that a socket must have before it connects. */
const EARLY = [
  "SO_REUSEPORT",
  "IPV6_V6ONLY",
  "SO_RCVBUF",
  "SO_SNDBUF",
  "SO_MARK",
  "SO_DONTROUTE",
  "TCP_MAXSEG",
  "TCP_SYNCNT",
  "TCP_WINDOW_CLAMP",
];

/** connect(2) from an address of the system's choice. */
export function connect(target: ConnectTarget): ConnectAttempt {
  const { family, address, settings } = target;
  if (isUnix(address) || !EARLY.some((name) => settings.has(name))) {
    return connectFrom(target, {}, "");
  }
  const any: InetAddress = family === AF_INET6 ? ["::", 0, 0, 0] : ["0.0.0.0", 0];
  return bind({ family, address: any, settings }).connect(target);
}

/** `closed` is called when the socket is, where somebody needs to know: a listener costs each connection its memory. */
function connectFrom(
  { family, address }: ConnectTarget,
  options: Record<string, unknown>,
  local: Address,
  closed?: () => void,
): ConnectAttempt {
  const { Socket } = nodeModule("node:net");
  const socket = new Socket({ allowHalfOpen: true, ...options });
  if (closed !== undefined) socket.once("close", closed);
  const target = isUnix(address)
    ? { path: pathOf(address) }
    : { host: zonedHostOf(address), port: address[1], autoSelectFamily: false };
  const attempt = connectUnlessRefused(socket, target, address, local);
  const done = attempt.done.then(() =>
    isUnix(address) ? streamOver(socket, local, address) : inetStream(socket, family)
  );
  return { done, cancel: attempt.cancel };
}

/** Node 26 waits for ever where Linux refuses a link-local address at once. */
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
  const error = Object.assign(new Error("no such scope"), { code });
  return { done: Promise.reject(error), cancel: () => {} };
}

/** `known` is the local address where it need not be asked for. */
function inetStream(socket: NetSocket, family: number, known?: InetAddress): NetStream {
  const local = known ?? nameOf(socket, "getsockname", family);
  return streamOver(socket, local, nameOf(socket, "getpeername", family));
}

/** An address of a connection. Not by `remoteAddress` and its like: the socket would keep an object for each. */
function nameOf(
  socket: NetSocket,
  call: "getsockname" | "getpeername",
  family: number,
): InetAddress {
  const out: HandleAddress = {};
  socket._handle?.[call]?.(out);
  return addressFrom(family, out.address, out.port, scopeOf);
}

function streamOver(socket: NetSocket, local: Address, remote: Address): NetStream {
  // Windows has no descriptors.
  const hasDescriptor = (socket._handle?.fd ?? -1) >= 0;
  return hasDescriptor
    ? new NodeStream(socket, local, remote)
    : new NetStream(socket, local, remote);
}

/** Handles are closed in the loop's next turn. */
function afterClose(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function systemError(failure: number, syscall: string): Error {
  const code = nodeModule("node:util").getSystemErrorName(failure);
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno: failure, syscall });
}
