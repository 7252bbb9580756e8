/** Descriptors as numbers: closed, taken over, duplicated, and which socket has which. */

import type { Adapter, Adopted, Stream } from "../adapters/adapter.ts";
import { getAdapter } from "./adapter_choice.ts";
import { int, INT_MAX, integer } from "./arguments.ts";
import { SOCK_STREAM } from "./constants.ts";
import { systemError, translate } from "./errors/errors.ts";
import { typeName } from "./kind.ts";
import type { SocketOptions } from "./options/socket_options.ts";
import { StreamEndpoint } from "./stream/endpoint.ts";
import type { Transport } from "./transport.ts";
import { quiet } from "./waiting/quiet.ts";

/**
 * Closes a descriptor, such as one that `detach()` returned. If it belongs to an open socket, later calls of that
 * socket fail with EBADF.
 *
 * Source: Python `socket.close`.
 *
 * @throws {TypeError} when it is not an integer
 * @throws {RangeError} when it does not fit 32 bits
 * @throws {SocketError} EBADF when it is not open, ENOTSUP when the adapter cannot close one
 *
 * @example
 * ```ts
 * import { capabilities, close, socketpair } from "@bsdsock/bsdsock";
 *
 * const [a] = await socketpair();
 * if (capabilities().fileno) close(a.detach());
 * ```
 */
export function close(fd: number): void {
  const checked = int(fd, "fd");
  if (checked < 0) throw systemError("EBADF", "close");
  const holder = holderOf(checked);
  if (holder !== undefined) {
    // Through the runtime: after a bare close(2) it would go on using the number, which another file may have by then.
    lost.add(holder.transport);
    quiet(holder.transport.close(holder.transport.options.resets));
    return;
  }
  const known = detachedOf(checked, "close");
  if (known !== undefined) return closeDetached(checked, known);
  const adapter = getAdapter();
  if (adapter.closeDescriptor === undefined) {
    const detail = `the ${adapter.capabilities().adapter} adapter cannot close a bare descriptor`;
    throw systemError("ENOTSUP", "close", { detail });
  }
  calling(adapter, "close", () => adapter.closeDescriptor!(checked));
}

/** A descriptor that `detach()` has returned. */
interface Detached {
  readonly adapter: Adapter;
  /** Those of the socket that had it. */
  readonly options: SocketOptions;
  /** Its connection, if closed: the descriptor stays open until what was counted as sent has gone out. */
  readonly closing?: Stream;
}

/** The descriptors that no socket has taken over since. */
const detached = new Map<number, Detached>();

/** Remembers a descriptor that `detach()` returns. */
export function noteDetached(fd: number, adapter: Adapter, options: SocketOptions): void {
  if (adapter.adopt !== undefined) detached.set(fd, { adapter, options });
}

/** The connection of a detached descriptor; `undefined` if it is none. */
function detachedOf(fd: number, syscall: string): Detached | undefined {
  const known = detached.get(fd);
  if (known?.closing === undefined) return known;
  if (known.closing.fd === fd) throw systemError("EBADF", syscall);
  detached.delete(fd);
  return undefined;
}

/** Closes a connection as its socket would: what it has counted as sent goes out, and unread bytes make it a reset. */
function closeDetached(fd: number, { adapter, options }: Detached): void {
  const adopted = calling(adapter, "close", () => adapter.adopt!(fd, SOCK_STREAM));
  detached.delete(fd);
  if ("datagram" in adopted) return void quiet(adopted.datagram.close());
  if ("bound" in adopted) return void quiet(adopted.bound.close());
  const { stream } = adopted;
  quiet(new StreamEndpoint(adapter, stream).close(options.resets));
  if (stream.fd === fd) detached.set(fd, { adapter, options, closing: stream });
}

/** Sockets by the descriptor that the program knows, from `fileno()` or for `fromfd`: it may pass it again. */
const holders = new Map<number, { transport: WeakRef<Transport>; type: number }>();

/** Sockets whose descriptor {@linkcode close} has closed by its number. */
const lost = new WeakSet<Transport>();

/** Remembers the socket of a descriptor that the program knows. */
export function noteHolder(fd: number, transport: Transport, type: number): void {
  holders.set(fd, { transport: new WeakRef(transport), type });
}

/** The open socket of a descriptor that the program knows. */
function holderOf(fd: number): { transport: Transport; type: number } | undefined {
  const known = holders.get(fd);
  const transport = known?.transport.deref();
  if (known !== undefined && transport?.handle?.fd === fd) return { transport, type: known.type };
  holders.delete(fd);
  return undefined;
}

/** Whether the descriptor was closed by its number; true once, for the close of the socket to fail with EBADF. */
export function takeLost(transport: Transport): boolean {
  return lost.delete(transport);
}

/** Calls the adapter and translates its errors. */
export function calling<T>(adapter: Adapter, syscall: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw translate(adapter, cause, syscall);
  }
}

/** What was taken over. */
export interface Taken {
  readonly adopted: Adopted;
  /** Its options, of the socket that has detached it or whose descriptor was duplicated; `undefined` if inherited. */
  readonly options: SocketOptions | undefined;
  /** The open socket whose descriptor was duplicated for it. */
  readonly original: Transport | undefined;
}

/** Takes over a descriptor of a type of socket; `undefined` for any type. */
export function adopt(adapter: Adapter, fileno: number, type: number | undefined): Taken {
  const fd = integer(fileno, "fileno", 0, INT_MAX);
  if (adapter.adopt === undefined) {
    const detail = `the ${adapter.capabilities().adapter} adapter cannot take over a descriptor`;
    throw systemError("ENOTSUP", "socket", { detail });
  }
  const known = detachedOf(fd, "socket");
  const holder = holderOf(fd);
  const own = holder === undefined ? fd : duplicate(adapter, fd, holder.type);
  try {
    const adopted = adapter.adopt(own, type, holder?.transport.remote);
    detached.delete(fd);
    const options = holder?.transport.options ?? known?.options;
    return { adopted, options, original: holder?.transport };
  } catch (cause) {
    if (own !== fd) adapter.closeDescriptor?.(own);
    const detail = adapter.errorDetail?.(cause);
    throw translate(adapter, cause, "socket", {
      detail: `fileno ${fd}${detail === undefined ? "" : `: ${detail}`}`,
    });
  }
}

/**
 * dup(2) of an open socket's descriptor: no runtime lets two sockets share one. Not of a datagram socket: the original
 * would receive what is meant for the duplicate.
 */
function duplicate(adapter: Adapter, fd: number, type: number): number {
  if (adapter.duplicate === undefined || type !== SOCK_STREAM) {
    const { adapter: name } = adapter.capabilities();
    const detail = `${name} cannot duplicate the descriptor of a ${typeName(type)}`;
    throw systemError("ENOTSUP", "dup", { detail });
  }
  return calling(adapter, "dup", () => adapter.duplicate!(fd));
}
