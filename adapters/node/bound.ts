/** Streams of Node that are bound, but neither connected nor listening yet. */

import { AF_INET6 } from "../../core/constants.ts";
import type {
  Address,
  BindRequest,
  Bound,
  ConnectAttempt,
  ConnectTarget,
  InetAddress,
  Listener,
  ListenerSink,
} from "../adapter.ts";
import {
  type BoundSocket,
  type HandleAddress,
  type NetServer,
  nodeModule,
  type TcpHandle,
} from "../builtin/modules.ts";
import { afterClose } from "../builtin/net_listener.ts";
import { checkLink, scopeOf, zonedHostOf } from "../builtin/resolver.ts";
import { systemError } from "../builtin/system_error.ts";
import { codedError, refusal } from "../coded_error.ts";
import { addressFrom, isUnix, isUnnamed, pathOf } from "../endpoints.ts";
import { unlinkPath } from "../unix_path.ts";
import { connectFrom } from "./connect_from.ts";
import { checkNetAllowed } from "./errors.ts";
import { ffiNeeded, libc } from "./ffi.ts";
import { NodeListener } from "./listener.ts";
import { getEarlyOption, setNodeOption } from "./options.ts";

/** libuv's flags for bind: an IPv6 socket that takes no IPv4, and SO_REUSEPORT. */
const UV_TCP_IPV6ONLY = 1;
const UV_TCP_REUSEPORT = 2;

/** bind(2), at once. */
export function bind(request: BindRequest): Bound {
  const bound = openBound(request);
  try {
    // Some options, such as the buffer sizes, only matter before listen or connect.
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
    return new NodeBound(family, new net.BoundSocket({ host, port, ipv6Only, reusePort }));
  }
  // Node 20 and 22, and 24 before 24.21.
  const flags = (ipv6Only ? UV_TCP_IPV6ONLY : 0) | (reusePort ? UV_TCP_REUSEPORT : 0);
  const type = family === AF_INET6 ? 6 : 4;
  const handle = net._createServerHandle(host, port, type, undefined, flags);
  if (typeof handle === "number") throw systemError(handle, "bind");
  return new NodeBound(family, handle);
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
    // Unlike BoundSocket, the handle leaves its file.
    return new NodeBound(family, handle, address, address);
  } catch (error) {
    // libuv turns ENOENT into EACCES, for a missing directory or one on a file system that cannot hold sockets.
    if ((error as { code?: string }).code === "EACCES" && !isDenied(path)) {
      throw codedError("ENOENT", "no such directory", error);
    }
    throw error;
  }
}

/** Modes of access(2). */
const W_OK = 2;
const X_OK = 1;

/** Whether the directory of a path exists but is not writable. */
function isDenied(path: string): boolean {
  const fs = nodeModule("node:fs");
  const directory = path.slice(0, path.lastIndexOf("/") + 1) || ".";
  try {
    fs.accessSync(directory, W_OK | X_OK);
    return false;
  } catch (error) {
    const { code } = error as { code?: string };
    // Denied by --permission: only the file system could say, and the error names the flag to add.
    if (code === "ERR_ACCESS_DENIED") throw error;
    return code !== "ENOENT";
  }
}

/** A bound descriptor: `net.BoundSocket`, or the older handle. */
export class NodeBound implements Bound {
  readonly local: Address;
  #family: number;
  #handle: BoundSocket | TcpHandle;
  /** The path to remove with the socket; empty if Node does that, or another process has bound it. */
  #path: Address;

  constructor(
    family: number,
    handle: BoundSocket | TcpHandle,
    local?: Address,
    path: Address = "",
  ) {
    this.#family = family;
    this.#handle = handle;
    this.local = local ?? this.#address();
    this.#path = path;
  }

  get fd(): number {
    const { fd } = this.#handle as { fd?: number | (() => number) };
    // A method of BoundSocket, a number on the older handle; Deno has neither.
    return typeof fd === "function" ? fd.call(this.#handle) : fd ?? -1;
  }

  async listen(backlog: number, sink: ListenerSink): Promise<Listener> {
    const server = nodeModule("node:net").createServer({
      pauseOnConnect: true,
      allowHalfOpen: true,
    });
    // Node treats 0 as "not given" and uses 511.
    listenOn(server, this.#handle, Math.max(1, backlog));
    return await new Promise((resolve, reject) => {
      const failed = (error: Error): void => {
        unlinkPath(this.#path);
        reject(error);
      };
      server.once("error", failed);
      server.once("listening", () => {
        server.off("error", failed);
        // One that was taken over unbound has got its port just now.
        const isChosen = !isUnix(this.local) && isUnnamed(this.local);
        const local = isChosen ? this.#address() : this.local;
        resolve(new NodeListener(server, this.#family, local, sink, this.#path));
      });
    });
  }

  connect(target: ConnectTarget): ConnectAttempt {
    const options = { handle: this.#handle, manualStart: true };
    const closed = this.#path === "" ? undefined : () => unlinkPath(this.#path);
    try {
      return connectFrom(target, options, this.local, closed);
    } catch (error) {
      void this.close();
      throw error;
    }
  }

  close(): Promise<void> {
    this.#handle.close();
    unlinkPath(this.#path);
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
      // A port in use shows only here: libuv defers the error of bind(2).
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

/** A descriptor that was taken over before it was bound. */
export class NodeUnbound extends NodeBound {
  #family: number;
  #handle: TcpHandle;

  constructor(family: number, handle: TcpHandle, local: Address) {
    super(family, handle, local);
    this.#family = family;
    this.#handle = handle;
  }

  bind(address: Address): Bound {
    const c = libc();
    if (c !== undefined) {
      checkNetAllowed();
      c.bindStream(this.fd, this.#family, address);
    } else if (isUnix(address)) {
      throw refusal("ENOTSUP", `Node cannot bind a UNIX socket of others without ${ffiNeeded()}`);
    } else {
      this.#bindByNode(address);
    }
    const [local, path] = isUnix(address) ? [address, address] : [];
    return new NodeBound(this.#family, this.#handle, local, path);
  }

  /** Turns IPV6_V6ONLY off, which cannot be read here. */
  #bindByNode(address: InetAddress): void {
    checkLink(address);
    const host = zonedHostOf(address);
    const [, port] = address;
    const failure = this.#family === AF_INET6
      ? this.#handle.bind6(host, port, 0)
      : this.#handle.bind(host, port);
    // libuv defers EADDRINUSE to the next call.
    const either = failure || this.#handle.getsockname({});
    if (either !== 0) throw systemError(either, "bind");
  }
}

/**
 * Listens without `listen()` for a UNIX handle: in a `node:cluster` worker that would request the address again from
 * the primary process.
 */
function listenOn(server: NetServer, handle: BoundSocket | TcpHandle, backlog: number): void {
  if (!("listen" in handle)) return server.listen(handle, backlog);
  server._handle = handle;
  server._listen2(null, -1, -1, backlog);
}
