/** Functions on bare descriptors and on the sizes of ancillary data. */

import type { Adapter, Adopted } from "../adapters/adapter.ts";
import { getAdapter } from "./adapter_choice.ts";
import { int, INT_MAX, integer } from "./arguments.ts";
import { SOCK_STREAM } from "./constants.ts";
import { systemError, translate } from "./errors/errors.ts";
import { typeName } from "./kind.ts";
import type { Transport } from "./transport.ts";
import { quiet } from "./waiting/quiet.ts";

/** The size of `struct cmsghdr` on 64-bit Linux, and what it is aligned to. */
const CMSG_HEADER = 16;
const CMSG_ALIGNMENT = 8;

/**
 * Closes a descriptor, such as one that `detach()` gave away. Where it belongs to an open socket, every further call of
 * that is EBADF.
 *
 * Source: Python `socket.close`.
 *
 * @throws {TypeError} when it is no integer
 * @throws {RangeError} when it is no 32-bit integer
 * @throws {SocketError} EBADF when it is not open, ENOTSUP where the adapter cannot close one
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
    // The runtime would go on with a descriptor that is gone, or that is somebody else's by then; Node would abort.
    lost.add(holder.transport);
    quiet(holder.transport.close(false));
    return;
  }
  const adapter = getAdapter();
  if (adapter.closeDescriptor === undefined) {
    const detail = `the ${adapter.capabilities().adapter} adapter cannot close a bare descriptor`;
    throw systemError("ENOTSUP", "close", { detail });
  }
  calling(adapter, "close", () => adapter.closeDescriptor!(checked));
}

/** Who has a descriptor that the program has asked for: it may come back with it. */
const holders = new Map<number, { transport: WeakRef<Transport>; type: number }>();

/** Sockets whose descriptor was closed behind their back: by {@linkcode close}, with its number. */
const lost = new WeakSet<Transport>();

/** Remembers whose descriptor the program was told. */
export function told(fd: number, transport: Transport, type: number): void {
  holders.set(fd, { transport: new WeakRef(transport), type });
}

/** The open socket of a descriptor that the program was told. */
function holderOf(fd: number): { transport: Transport; type: number } | undefined {
  const known = holders.get(fd);
  const transport = known?.transport.deref();
  if (known !== undefined && transport?.handle?.fd === fd) return { transport, type: known.type };
  holders.delete(fd);
  return undefined;
}

/** Whether the descriptor was closed by its number, once: closing the socket is then EBADF. */
export function takeLost(transport: Transport): boolean {
  return lost.delete(transport);
}

/** Calls the adapter; its errors become the library's. */
export function calling<T>(adapter: Adapter, syscall: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw translate(adapter, cause, syscall);
  }
}

/** Takes a descriptor over; only streams have one that an adapter can work with. */
export function adopt(adapter: Adapter, fileno: number, type: number): Adopted {
  const fd = integer(fileno, "fileno", 0, INT_MAX);
  if (adapter.adopt === undefined || type !== SOCK_STREAM) {
    const { adapter: name } = adapter.capabilities();
    const detail = `the ${name} adapter cannot take over a descriptor as a ${typeName(type)}`;
    throw systemError("ENOTSUP", "socket", { detail });
  }
  // The adapter says of a datagram socket that it cannot take it over.
  const own = holderOf(fd)?.type === SOCK_STREAM ? duplicate(adapter, fd, type) : fd;
  try {
    return adapter.adopt(own);
  } catch (cause) {
    if (own !== fd) adapter.closeDescriptor?.(own);
    const detail = adapter.errorDetail?.(cause);
    throw translate(adapter, cause, "socket", {
      detail: `fileno ${fd}${detail === undefined ? "" : `: ${detail}`}`,
    });
  }
}

/** dup(2) of the descriptor of an open socket, which no runtime can share; only streams have one that can be taken over. */
export function duplicate(adapter: Adapter, fd: number, type: number): number {
  if (adapter.duplicate === undefined || type !== SOCK_STREAM) {
    const { adapter: name } = adapter.capabilities();
    const detail = `${name} cannot duplicate the descriptor of a ${typeName(type)}`;
    throw systemError("ENOTSUP", "dup", { detail });
  }
  return calling(adapter, "dup", () => adapter.duplicate!(fd));
}

/**
 * The length of an item of ancillary data with `length` bytes, without padding after it, on 64-bit Linux.
 *
 * Source: RFC 3542, Python `socket.CMSG_LEN`.
 *
 * @param length 0 or more bytes
 * @throws {RangeError} when it does not fit C's int
 *
 * @example
 * ```ts
 * import { CMSG_LEN } from "@bsdsock/bsdsock";
 *
 * CMSG_LEN(4); // 20
 * ```
 */
export function CMSG_LEN(length: number): number {
  return CMSG_HEADER + integer(length, "length", 0, INT_MAX - CMSG_HEADER);
}

/**
 * The room that an item of ancillary data with `length` bytes takes, padding included, on 64-bit Linux.
 *
 * Source: RFC 3542, Python `socket.CMSG_SPACE`.
 *
 * @param length 0 or more bytes
 * @throws {RangeError} when it does not fit C's int
 *
 * @example
 * ```ts
 * import { CMSG_SPACE } from "@bsdsock/bsdsock";
 *
 * CMSG_SPACE(4); // 24
 * ```
 */
export function CMSG_SPACE(length: number): number {
  const most = INT_MAX - CMSG_HEADER - CMSG_ALIGNMENT;
  const checked = integer(length, "length", 0, most);
  return CMSG_HEADER + Math.ceil(checked / CMSG_ALIGNMENT) * CMSG_ALIGNMENT;
}
