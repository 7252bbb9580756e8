/** Streams of Bun before they are connected, on descriptors from libc: bound and listening. */

import type {
  Address,
  BindRequest,
  Bound,
  ConnectAttempt,
  ConnectTarget,
  Listener,
  ListenerSink,
} from "../adapter.ts";
import { addressFrom, isWildcard } from "../endpoints.ts";
import { getDescriptorOption, setDescriptorOption } from "../libc/options.ts";
import { unlinkPath } from "../unix_path.ts";
import { connectDescriptor, openSocket, streamOver } from "./connect.ts";
import type { BunLibc } from "./libc.ts";
import { type BunStream, streamHandlers } from "./stream.ts";
import { bun, type BunHandlers, type BunListener } from "./types.ts";

/** bind(2), at once. */
export function bind(c: BunLibc, { family, address, settings }: BindRequest): Bound {
  const fd = openSocket(c, family, settings);
  try {
    c.bindStream(fd, family, address);
    return new BunBound(c, fd, family);
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/** A descriptor bound by bind(2). */
export class BunBound implements Bound {
  readonly fd: number;
  readonly local: Address;
  protected readonly libc: BunLibc;
  protected readonly family: number;
  /** The path to remove with the socket; empty if another process has bound it. */
  #path: Address;

  constructor(c: BunLibc, fd: number, family: number, inherited: boolean = false) {
    this.libc = c;
    this.fd = fd;
    this.family = family;
    this.local = c.getsockname(fd);
    this.#path = inherited ? "" : this.local;
  }

  listen(backlog: number, sink: ListenerSink): Promise<Listener> {
    let listener: LibcListener;
    try {
      // Called here: Bun reports an address in use without a code.
      this.libc.listen(this.fd, backlog);
      listener = new LibcListener(this.libc, this.fd, this.family, this.#path, sink);
    } catch (error) {
      // Bun leaves a descriptor that it rejects open.
      this.close();
      throw error;
    }
    // Bun calls listen(2) again with its own backlog.
    listener.setBacklog(backlog);
    return Promise.resolve(listener);
  }

  connect(target: ConnectTarget): ConnectAttempt {
    const attempt = connectDescriptor(this.libc, this.fd, target);
    attempt.done.then(
      (stream) => stream.closed.then(() => unlinkPath(this.#path)),
      () => unlinkPath(this.#path),
    );
    return attempt;
  }

  close(): Promise<void> {
    this.libc.close(this.fd);
    unlinkPath(this.#path);
    return Promise.resolve();
  }

  setOption(name: string, value: number): boolean {
    return setDescriptorOption(this.libc, this.fd, name, value);
  }

  getOption(name: string): number | undefined {
    return getDescriptorOption(this.libc, this.fd, name);
  }
}

/** A descriptor that was taken over before it was bound. */
export class BunUnbound extends BunBound {
  bind(address: Address): Bound {
    this.libc.bindStream(this.fd, this.family, address);
    return new BunBound(this.libc, this.fd, this.family);
  }
}

/** A listener of Bun, which accepts by itself and cannot be stopped; connections wait in the core's queue. */
class LibcListener implements Listener {
  readonly local: Address;
  #libc: BunLibc;
  #listener: BunListener;
  #path: Address;

  /** `path` is removed with the socket. */
  constructor(c: BunLibc, fd: number, family: number, path: Address, sink: ListenerSink) {
    this.#libc = c;
    const local = this.local = c.getsockname(fd);
    this.#path = path;
    const handlers: BunHandlers<BunStream> = {
      ...streamHandlers,
      open(socket) {
        // A connection that was already reset has lost its address.
        const remote = c.getpeername(socket.fd) ?? addressFrom(family, undefined, undefined);
        const own = isWildcard(local) ? c.getsockname(socket.fd) : local;
        socket.data = streamOver(c, socket, own, remote);
        sink.connection(socket.data);
      },
    };
    this.#listener = bun().listen({
      fd,
      allowHalfOpen: true,
      pauseOnConnect: true,
      socket: handlers,
    });
    this.#listener.unref();
  }

  get fd(): number {
    return this.#listener.fd;
  }

  resume(): void {
    // It accepts from the start.
  }

  ref(): void {
    this.#listener.ref();
  }

  unref(): void {
    this.#listener.unref();
  }

  setBacklog(backlog: number): void {
    this.#libc.listen(this.fd, backlog);
  }

  close(): Promise<void> {
    this.#listener.stop(false);
    unlinkPath(this.#path);
    return Promise.resolve();
  }

  setOption(name: string, value: number): boolean {
    return setDescriptorOption(this.#libc, this.fd, name, value);
  }

  getOption(name: string): number | undefined {
    return getDescriptorOption(this.#libc, this.fd, name);
  }
}
