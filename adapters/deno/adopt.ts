/** Taking over descriptors on Deno, through `node:net`. */

import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOMAXCONN,
} from "../../core/constants.ts";
import type {
  Address,
  Adopted,
  Bound,
  ConnectAttempt,
  Listener,
  ListenerSink,
} from "../adapter.ts";
import { type NetServer, type NetSocket, nodeModule, nodeProcess } from "../builtin/modules.ts";
import { codedError, failedAttempt, refusal } from "../coded_error.ts";
import { addressFrom } from "../endpoints.ts";
import { identify } from "../libc/identify.ts";
import { AcceptingListener } from "./accepting_listener.ts";
import { libc } from "./ffi.ts";
import { LibcBound } from "./libc_bound.ts";
import { DenoNetStream } from "./net_stream.ts";
import { DenoOptions } from "./options.ts";

/**
 * Takes over a descriptor: a listening socket, or a connected TCP socket. What is refused stays its owner's, so it is
 * refused before Deno has it: Deno would close it.
 */
export function adopt(fd: number, type: number | undefined): Adopted {
  const c = libc();
  if (c === undefined) {
    if (type === SOCK_DGRAM) throw refused("a datagram socket");
    return adoptByType(fd);
  }
  const found = identify(c, fd, type);
  if (!("listening" in found)) throw refused("a datagram socket");
  const { family, remote, listening } = found;
  // Deno 2.9 accepts from an inherited UNIX listener, but what is sent on its connections never goes out.
  if (family === AF_UNIX) throw refused("a UNIX socket");
  if (listening) return { family, bound: new LibcBound(c, fd, family), listening };
  if (remote === undefined) throw refused("a TCP socket that is not connected");
  return connection(open(fd));
}

/** Takes over a descriptor of which Deno shows the type before it has it, and the addresses after that. */
function adoptByType(fd: number): Adopted {
  checkType(fd);
  const socket = kept.get(fd) ?? open(fd);
  kept.delete(fd);
  if (socket.remoteAddress !== undefined) return connection(socket);
  if (socket.localPort === 0) throw keep(fd, socket, refused("a TCP socket that is not connected"));
  // To listen, it would have to be opened in another way, and Deno cannot let go of it.
  const copy = socket._handle!.fdForIpc!();
  if (copy < 0) throw keep(fd, socket, refusal("EMFILE", "Deno cannot duplicate it"));
  socket.destroy();
  return takeOver(copy);
}

/** Sockets of descriptors that were refused: Deno would close them with the garbage. */
const kept = new Map<number, NetSocket>();

/** Keeps a socket open, and returns the error. */
function keep(fd: number, socket: NetSocket, error: Error): Error {
  socket.unref();
  kept.set(fd, socket);
  return error;
}

/** Refuses what is no TCP socket. */
function checkType(fd: number): void {
  switch (nodeProcess().binding("util").guessHandleType(fd)) {
    case "TCP":
      return;
    case "PIPE":
      throw refused("a UNIX socket or a pipe");
    case "UNKNOWN":
      throw refusal(
        "EBADF",
        "it is not open, or Deno cannot tell what it is without --allow-ffi",
      );
    default:
      throw refusal("ENOTSOCK", "it is a file or a terminal");
  }
}

function refused(what: string): Error {
  return refusal("ENOTSUP", `Deno cannot take over ${what}`);
}

/** Takes over a socket with an address. Listening on it works, or fails at once: then it is a connection. */
function takeOver(fd: number): Adopted {
  const net = nodeModule("node:net");
  const server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true });
  server.on("error", () => {/* It does not listen: checked below. */});
  server.listen({ fd }, SOMAXCONN);
  if (!server._handle) return connection(open(fd));
  server.unref();
  const { address, port } = server.address() as { address: string; port: number };
  const family = familyOf(address);
  const local = addressFrom(family, address, port);
  return { family, bound: new InheritedListener(server, family, local), listening: true };
}

function open(fd: number): NetSocket {
  return new (nodeModule("node:net").Socket)({ fd, allowHalfOpen: true, pauseOnCreate: true });
}

function connection(socket: NetSocket): Adopted {
  const family = familyOf(socket.localAddress);
  return { family, stream: new DenoNetStream(socket, family) };
}

function familyOf(host: string | undefined): number {
  return host?.includes(":") ? AF_INET6 : AF_INET;
}

/**
 * An inherited listener without libc: Deno shows that it listens only by accepting. So it takes connections before the
 * first `accept`, which wait here.
 */
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
    return failedAttempt(codedError("EISCONN", "it listens"));
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
