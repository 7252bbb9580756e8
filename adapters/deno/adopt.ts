/**
 * Taking over descriptors on Deno, through `node:net`. Deno does not report what a descriptor is: listening on it works
 * or fails at once, and a failure means that it is connected.
 */

import type {
  Address,
  Adopted,
  Bound,
  ConnectAttempt,
  Listener,
  ListenerSink,
  Stream,
} from "../adapter.ts";
import { type NetServer, type NetSocket, nodeModule } from "../builtin/modules.ts";
import { NetListener } from "../builtin/net_listener.ts";
import { addressFrom } from "../endpoints.ts";
import { DenoNetStream } from "./net_stream.ts";
import { DenoOptions } from "./options.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOMAXCONN = 4096;

/** Takes over a descriptor: a listening socket, or a connected TCP socket. */
export function adopt(fd: number): Adopted {
  const net = nodeModule("node:net");
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.on("error", () => {/* It does not listen: checked below. */});
  server.listen({ fd }, SOMAXCONN);
  if (server._handle) {
    const address = server.address();
    if (address === null || typeof address !== "object") {
      // Deno 2.9 accepts from an inherited UNIX listener, but what is sent on its connections never goes out.
      server.close();
      throw Object.assign(new Error("UNIX"), {
        code: "EOPNOTSUPP",
        detail: "Deno cannot take over a UNIX socket",
      });
    }
    server.unref();
    const family = familyOf(address.address);
    const local = addressFrom(family, address.address, address.port);
    return { family, bound: new InheritedListener(server, family, local), listening: true };
  }
  // Throws ERR_INVALID_FD_TYPE if it is not a TCP socket.
  const socket = new net.Socket({ fd, allowHalfOpen: true, pauseOnCreate: true });
  const family = familyOf(socket.localAddress);
  return { family, stream: new DenoNetStream(socket, family) };
}

function familyOf(host: string | undefined): number {
  return host?.includes(":") ? AF_INET6 : AF_INET;
}

/** An inherited listener; connections made before the first `accept` wait here. */
class InheritedListener implements Bound {
  readonly local: Address;
  readonly fd = -1;
  #family: number;
  #server: NetServer;
  #options: DenoOptions;
  #early: NetSocket[] = [];

  constructor(server: NetServer, family: number, local: Address) {
    this.#server = server;
    this.#family = family;
    this.local = local;
    this.#options = new DenoOptions({ type: SOCK_STREAM, local, shared: true });
    server.on("connection", this.#keep);
  }

  listen(_backlog: number, sink: ListenerSink): Promise<Listener> {
    this.#server.off("connection", this.#keep);
    const listener = new AcceptingListener(
      this.#server,
      this.#family,
      this.local,
      sink,
      this.#options,
    );
    for (const socket of this.#early.splice(0)) listener.connected(socket);
    return Promise.resolve(listener);
  }

  connect(): ConnectAttempt {
    const error = Object.assign(new Error("it listens"), { code: "EISCONN" });
    return { done: Promise.reject(error), cancel: () => {} };
  }

  close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#early.splice(0)) socket.destroy();
    return Promise.resolve();
  }

  setOption(name: string, value: number): boolean {
    this.#options.set(name, value);
    return true;
  }

  getOption(name: string): number | undefined {
    return this.#options.get(name);
  }

  #keep = (socket: NetSocket): void => {
    this.#early.push(socket);
  };
}

/** A listener of `node:net` whose connections have their own options. */
export class AcceptingListener extends NetListener {
  #options: DenoOptions;

  constructor(
    server: NetServer,
    family: number,
    local: Address,
    sink: ListenerSink,
    options: DenoOptions,
  ) {
    super(server, family, local, sink);
    this.#options = options;
  }

  protected override streamOf(socket: NetSocket): Stream {
    return new DenoNetStream(socket, this.family);
  }

  override setOption(name: string, value: number): boolean {
    this.#options.set(name, value);
    return true;
  }

  override getOption(name: string): number | undefined {
    return this.#options.get(name);
  }
}
