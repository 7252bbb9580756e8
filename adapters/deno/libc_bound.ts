/**
 * Binding on Deno through libc, if `--allow-ffi` was granted: for options that work only before bind(2) and for which
 * Deno 2.9 has no call. To listen, `node:net` takes over the descriptor.
 */

import { SOCK_STREAM } from "../../core/constants.ts";
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
import { type NetServer, nodeModule } from "../builtin/modules.ts";
import { hostOf } from "../endpoints.ts";
import type { Libc } from "../libc/libc.ts";
import { getDescriptorOption, setDescriptorOption } from "../libc/options.ts";
import { AcceptingListener } from "./accepting_listener.ts";
import { connectFrom } from "./connect.ts";
import { DenoOptions } from "./options.ts";
import { denied, isPermitted } from "./resolver.ts";

/** bind(2) of a TCP socket, after setting all its options. */
export function bindByLibc(c: Libc, { family, address, settings }: BindRequest): Bound {
  const [host, port] = [hostOf(address as InetAddress), (address as InetAddress)[1]];
  // The system call would bypass Deno's permissions.
  if (!isPermitted(host, port)) throw denied(host, port);
  const fd = c.socket(family, SOCK_STREAM);
  try {
    for (const [name, value] of settings) setDescriptorOption(c, fd, name, value);
    c.bindStream(fd, family, address);
    return new LibcBound(c, fd, family);
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/**
 * A TCP socket with a known descriptor: one that was bound here, or an inherited listener, whose connections stay in the
 * kernel's queue until `listen`.
 */
export class LibcBound implements Bound {
  readonly local: Address;
  readonly fd = -1;
  #libc: Libc;
  #fd: number;
  #family: number;

  constructor(c: Libc, fd: number, family: number) {
    this.#libc = c;
    this.#fd = fd;
    this.#family = family;
    this.local = c.getsockname(fd);
  }

  listen(backlog: number, sink: ListenerSink): Promise<Listener> {
    try {
      // Called here: node:net would report an address in use later.
      this.#libc.listen(this.#fd, backlog);
    } catch (error) {
      this.#libc.close(this.#fd);
      throw error;
    }
    const server = nodeModule("node:net")
      .createServer({ pauseOnConnect: true, allowHalfOpen: true });
    server.listen({ fd: this.#fd });
    const listener = new LibcListener(this.#libc, this.#fd, server, this.#family, this.local, sink);
    // Deno calls listen(2) again with its own backlog.
    listener.setBacklog(backlog);
    return Promise.resolve(listener);
  }

  connect(target: ConnectTarget): ConnectAttempt {
    this.#libc.close(this.#fd);
    return connectFrom(target, this.local as InetAddress);
  }

  close(): Promise<void> {
    this.#libc.close(this.#fd);
    return Promise.resolve();
  }

  setOption(name: string, value: number): boolean {
    return setDescriptorOption(this.#libc, this.#fd, name, value);
  }

  getOption(name: string): number | undefined {
    return getDescriptorOption(this.#libc, this.#fd, name);
  }
}

/** A listener with a known descriptor, whose backlog can be changed. */
class LibcListener extends AcceptingListener {
  #libc: Libc;
  #fd: number;

  constructor(
    c: Libc,
    fd: number,
    server: NetServer,
    family: number,
    local: Address,
    sink: ListenerSink,
  ) {
    const options = new DenoOptions({ type: SOCK_STREAM, local, shared: true }, fd);
    super(server, family, local, sink, options);
    this.#libc = c;
    this.#fd = fd;
  }

  override setBacklog(backlog: number): void {
    this.#libc.listen(this.#fd, backlog);
  }
}
