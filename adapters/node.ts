/** Sockets of Node, over `node:net`. */

import type {
  Adapter,
  Address,
  BindRequest,
  Bound,
  Capabilities,
  ConnectAttempt,
  ConnectTarget,
  InetAddress,
  Listener,
  ListenerSink,
} from "./adapter.ts";
import { addressFrom, hostOf } from "./endpoints.ts";
import { connectSocket } from "./node_connect.ts";
import { hostname, interfaces, lookup, lookupService, resolverErrorCode } from "./node_resolver.ts";
import { NetStream, NodeStream } from "./node_stream.ts";
import {
  type BoundSocket,
  type NetServer,
  type NetSocket,
  nodeModule,
  nodeProcess,
  type TcpHandle,
} from "./node_types.ts";

const AF_INET6 = 10;
/** libuv's flag of bind for an IPv6 socket that takes no IPv4. */
const UV_TCP_IPV6ONLY = 1;

/** The adapter of Node 20.16 and newer. */
export function createNodeAdapter(): Adapter {
  return nodeAdapter;
}

const nodeAdapter: Adapter = {
  capabilities: () => capabilities,
  bind,
  connect: (target) => connectFrom(target, undefined),
  lookup,
  lookupService,
  hostname,
  interfaces,
  errorCode,
};

const capabilities: Capabilities = {
  adapter: "node",
  version: nodeProcess().version?.replace(/^v/, "") ?? "",
  types: { AF_INET: ["SOCK_STREAM"], AF_INET6: ["SOCK_STREAM"] },
  options: {
    SO_REUSEADDR: "set",
    SO_KEEPALIVE: "set",
    SO_LINGER: "set",
    TCP_NODELAY: "set",
    SO_TYPE: "get",
    SO_DOMAIN: "get",
    SO_PROTOCOL: "get",
    SO_ERROR: "get",
    SO_ACCEPTCONN: "get",
  },
  optionsReason: "node:net has no call for it",
  fileno: true,
  adopt: false,
  backlog: true,
  reset: "always",
  datagramRefused: true,
  oob: false,
  ancillary: false,
};

function bind({ family, address, settings }: BindRequest): Bound {
  const [, port] = address as InetAddress;
  const host = hostOf(address as InetAddress);
  const v6only = settings.get("IPV6_V6ONLY") === 1;
  const net = nodeModule("node:net");
  if (net.BoundSocket !== undefined) {
    return new NodeBound(family, new net.BoundSocket({ host, port, ipv6Only: v6only }));
  }
  // Node 20 and 22, and 24 before 24.21.
  const handle = net._createServerHandle(
    host,
    port,
    family === AF_INET6 ? 6 : 4,
    undefined,
    v6only ? UV_TCP_IPV6ONLY : 0,
  );
  if (typeof handle === "number") throw systemError(handle, "bind");
  return new NodeBound(family, handle);
}

/** A bound descriptor: `net.BoundSocket`, or the older handle. */
class NodeBound implements Bound {
  readonly local: Address;
  #family: number;
  #handle: BoundSocket | TcpHandle;

  constructor(family: number, handle: BoundSocket | TcpHandle) {
    this.#family = family;
    this.#handle = handle;
    this.local = this.#address();
  }

  get fd(): number {
    return "fd" in this.#handle && typeof this.#handle.fd === "number"
      ? this.#handle.fd
      : (this.#handle as BoundSocket).fd();
  }

  async listen(backlog: number, sink: ListenerSink): Promise<Listener> {
    const server = nodeModule("node:net").createServer({
      pauseOnConnect: true,
      allowHalfOpen: true,
    });
    const local = this.local;
    // Node takes 0 as "not given" and makes it 511.
    server.listen(this.#handle, Math.max(1, backlog));
    await new Promise<void>((resolve, reject) => {
      server.once("listening", resolve);
      server.once("error", reject);
    });
    return new NodeListener(server, this.#family, local, sink);
  }

  connect(target: ConnectTarget): ConnectAttempt {
    return connectFrom(target, this.#handle);
  }

  close(): Promise<void> {
    this.#handle.close();
    return afterClose();
  }

  setOption(_name: string, _value: number): boolean {
    return true;
  }

  getOption(_name: string): number | undefined {
    return undefined;
  }

  #address(): Address {
    if ("getsockname" in this.#handle) {
      const out: { address?: string; port?: number } = {};
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

/** Node accepts by itself and cannot be stopped; connections wait in the core's queue. */
class NodeListener implements Listener {
  readonly local: Address;
  #server: NetServer;

  constructor(server: NetServer, family: number, local: Address, sink: ListenerSink) {
    this.#server = server;
    this.local = local;
    server.on("connection", (socket: NetSocket) => {
      sink.connection(streamOver(socket, family));
    });
    server.on("error", (error: Error) => sink.error(error));
  }

  get fd(): number {
    return this.#server._handle?.fd ?? -1;
  }

  resume(): void {
    // It accepts from the start.
  }

  setBacklog(backlog: number): void {
    const failure = this.#server._handle?.listen(Math.max(1, backlog)) ?? 0;
    if (failure !== 0) throw systemError(failure, "listen");
  }

  setOption(_name: string, _value: number): boolean {
    return true;
  }

  getOption(_name: string): number | undefined {
    return undefined;
  }

  close(): Promise<void> {
    // Its callback would wait for the connections too.
    this.#server.close();
    return afterClose();
  }
}

function connectFrom(
  { family, address }: ConnectTarget,
  handle: BoundSocket | TcpHandle | undefined,
): ConnectAttempt {
  const { Socket } = nodeModule("node:net");
  const socket = new Socket({
    allowHalfOpen: true,
    ...(handle === undefined ? {} : { handle, manualStart: true }),
  });
  const [, port] = address as InetAddress;
  const attempt = connectSocket(socket, {
    host: hostOf(address as InetAddress),
    port,
    autoSelectFamily: false,
  });
  return { done: attempt.done.then(() => streamOver(socket, family)), cancel: attempt.cancel };
}

function streamOver(socket: NetSocket, family: number): NetStream {
  const local = addressFrom(family, socket.localAddress, socket.localPort, scopeOf);
  const remote = addressFrom(family, socket.remoteAddress, socket.remotePort, scopeOf);
  const known = (socket._handle?.fd ?? -1) >= 0;
  return known ? new NodeStream(socket, local, remote) : new NetStream(socket, local, remote);
}

function scopeOf(name: string): number {
  return interfaces().find((entry) => entry.name === name)?.index ?? 0;
}

/** Handles are closed in the loop's next turn. */
function afterClose(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

declare function setImmediate(callback: () => void): void;

function systemError(failure: number, syscall: string): Error {
  const code = nodeModule("node:util").getSystemErrorName(failure);
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno: failure, syscall });
}

function errorCode(cause: unknown): string | undefined {
  const { code } = cause as { code?: unknown };
  switch (code) {
    case "ERR_STREAM_DESTROYED":
    case "ERR_STREAM_WRITE_AFTER_END":
      return "EPIPE";
    case "ERR_ACCESS_DENIED":
      return "EACCES";
    default:
      return resolverErrorCode(cause) ?? (typeof code === "string" ? code : undefined);
  }
}
