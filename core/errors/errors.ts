/**
 * The errors of the library, and the one place that turns a runtime's error into them.
 *
 * The hierarchy is Python's: {@linkcode SocketError} (alias `error`, `OSError`) with the subclasses
 * {@linkcode GaiError}, {@linkcode HostError} and {@linkcode TimeoutError}.
 */

import type { Adapter, Address } from "../../adapters/adapter.ts";
import { escapeControls, formatAddress } from "./address_text.ts";
import { errno, strerror } from "./errno.ts";
import { gai_strerror, gaiCodes, hostCodes, hstrerror } from "./gai.ts";

/** The fields of an error besides its message. */
export interface SocketErrorOptions {
  /** The name of the error, such as `"ECONNREFUSED"`. */
  code?: string | undefined;
  /** The number of the error; derived from `code` if left out. */
  errno?: number | undefined;
  /** The call that failed, such as `"connect"`. */
  syscall?: string | undefined;
  /** The address that the call was about. */
  address?: Address | undefined;
  /** The socket's own address. */
  local?: Address | undefined;
  /** The count of bytes that the system took before a `sendall` or `sendfile` failed. */
  bytes_sent?: number | undefined;
  /** The runtime's own error. */
  cause?: unknown;
}

/**
 * An I/O or state error: Python's `OSError`, also exported as `error` and `OSError`.
 *
 * `instanceof` holds across two copies of the library.
 *
 * Source: Python `OSError`, `socket.error`.
 *
 * @example
 * ```ts
 * import { socket, SocketError } from "@bsdsock/bsdsock";
 *
 * try {
 *   await socket().connect(["127.0.0.1", 1]);
 * } catch (error) {
 *   if (error instanceof SocketError) console.log(error.code, error.errno, error.syscall);
 * }
 * ```
 */
export class SocketError extends Error {
  /** The name of the error: `"ECONNREFUSED"`, `"EAI_NONAME"`. */
  readonly code: string;
  /** The number of the error, with the sign and value of Linux and glibc: 111, -2. */
  readonly errno: number;
  /** The call that failed: `"connect"`, `"recv"`. */
  readonly syscall: string;
  /** The address that the call was about, if any. */
  declare readonly address?: Address;
  /** The socket's own address, if the system reports the error for a connection or for a `connect` after `bind`. */
  declare readonly local?: Address;
  /** The count of bytes that the operating system took before a `sendall` or `sendfile` failed. */
  declare readonly bytes_sent?: number;

  /** Creates an error; for the library and its adapters. */
  constructor(message: string, options: SocketErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code ?? "EIO";
    this.errno = options.errno ?? numberOf(this.code);
    this.syscall = options.syscall ?? "";
    if (options.address !== undefined) this.address = options.address;
    if (options.local !== undefined) this.local = options.local;
    if (options.bytes_sent !== undefined) this.bytes_sent = options.bytes_sent;
  }
}

/**
 * An error of the look-up of a name: Python's `gaierror`. Its `errno` is glibc's EAI number.
 *
 * Source: Python `socket.gaierror`; POSIX getaddrinfo().
 *
 * @example
 * ```ts
 * import { GaiError, getaddrinfo } from "@bsdsock/bsdsock";
 *
 * try {
 *   await getaddrinfo("127.0.0.1", "no-such-service");
 * } catch (error) {
 *   if (!(error instanceof GaiError)) throw error;
 *   console.log(error.code); // "EAI_SERVICE"
 * }
 * ```
 */
export class GaiError extends SocketError {}

/**
 * An error of the look-up of a host by address: Python's `herror`. Its `errno` is the `h_errno` number.
 *
 * Source: Python `socket.herror`; `h_errno` of POSIX.1-2001.
 *
 * @example
 * ```ts
 * import { createMemoryAdapter, gethostbyaddr, HostError, setAdapter } from "@bsdsock/bsdsock";
 *
 * setAdapter(createMemoryAdapter()); // a network without names
 * try {
 *   await gethostbyaddr("192.0.2.1");
 * } catch (error) {
 *   if (!(error instanceof HostError)) throw error;
 *   console.log(error.code); // "HOST_NOT_FOUND"
 * }
 * ```
 */
export class HostError extends SocketError {}

/**
 * A timeout of the socket, or the system's ETIMEDOUT: Python's `timeout`.
 *
 * Source: Python `socket.timeout`, `TimeoutError`.
 *
 * @example
 * ```ts
 * import { socketpair, TimeoutError } from "@bsdsock/bsdsock";
 *
 * const [a] = await socketpair();
 * a.settimeout(0.05);
 * try {
 *   await a.recv(1);
 * } catch (error) {
 *   if (!(error instanceof TimeoutError)) throw error;
 *   console.log("nothing came");
 * }
 * ```
 */
export class TimeoutError extends SocketError {
  /** Creates an error; for the library and its adapters. */
  constructor(message: string, options: SocketErrorOptions = {}) {
    super(message, { ...options, code: options.code ?? "ETIMEDOUT" });
  }
}

brand(SocketError, "SocketError");
brand(GaiError, "GaiError");
brand(HostError, "HostError");
brand(TimeoutError, "TimeoutError");

/** Details of an error besides the call's name and the code. */
export interface ErrorDetails {
  /** The address that the call was about. */
  address?: Address | undefined;
  /** The socket's own address. */
  local?: Address | undefined;
  /** Words after the system's text, in parentheses. */
  detail?: string | undefined;
  /** The runtime's own error. */
  cause?: unknown;
}

/** The error of a call on a socket that is closed, or closes before it ends. */
export function closedError(syscall: string): SocketError {
  return systemError("EBADF", syscall);
}

/** The error of a code, in the form `connect ECONNREFUSED 127.0.0.1:81: Connection refused`. */
export function systemError(
  code: string,
  syscall: string,
  details: ErrorDetails = {},
): SocketError {
  const { address, local, detail, cause } = details;
  const text = `${textOf(code)}${detail === undefined ? "" : ` (${escapeControls(detail)})`}`;
  const Class = classOf(code);
  return new Class(`${syscall} ${code}${placeOf(address)}: ${text}`, {
    code,
    syscall,
    address,
    local,
    cause,
  });
}

/** The error of the socket's own timeout. */
export function timedOut(syscall: string, { address }: ErrorDetails): TimeoutError {
  const message = `${syscall} ETIMEDOUT${placeOf(address)}: timed out`;
  return new TimeoutError(message, { code: "ETIMEDOUT", syscall, address });
}

function placeOf(address: Address | undefined): string {
  return address === undefined || address === "" ? "" : ` ${formatAddress(address)}`;
}

/**
 * Turns an adapter's exception into the library's error; the library's own errors pass unchanged.
 *
 * This is the one translation point: every error of a runtime comes through here.
 */
export function translate(
  adapter: Adapter,
  cause: unknown,
  syscall: string,
  details: ErrorDetails = {},
): SocketError {
  if (cause instanceof SocketError) return cause;
  const code = adapter.errorCode(cause);
  if (code !== undefined && isKnown(code)) {
    const detail = details.detail ?? adapter.errorDetail?.(cause);
    return systemError(code, syscall, { ...details, cause, detail });
  }
  const { message = String(cause) } = (cause ?? {}) as { message?: string };
  return systemError("EIO", syscall, { ...details, cause, detail: details.detail ?? message });
}

function isKnown(code: string): boolean {
  return [errno, gaiCodes, hostCodes].some((table) => Object.hasOwn(table, code));
}

function numberOf(code: string): number {
  return lookUp(errno, code) ?? lookUp(gaiCodes, code) ?? lookUp(hostCodes, code) ?? errno.EIO;
}

function textOf(code: string): string {
  if (Object.hasOwn(gaiCodes, code)) return gai_strerror(numberOf(code));
  if (Object.hasOwn(hostCodes, code)) return hstrerror(numberOf(code));
  return strerror(numberOf(code));
}

function classOf(code: string): typeof SocketError {
  if (Object.hasOwn(gaiCodes, code)) return GaiError;
  if (Object.hasOwn(hostCodes, code)) return HostError;
  return code === "ETIMEDOUT" ? TimeoutError : SocketError;
}

function lookUp(table: Readonly<Record<string, number>>, name: string): number | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

/** Sets the name of a class, and an `instanceof` that also recognises the errors of another copy of the library. */
function brand(errorClass: typeof SocketError, name: string): void {
  const key = Symbol.for(`bsdsock.${name}`);
  Object.defineProperty(errorClass.prototype, key, { value: true });
  Object.defineProperty(errorClass.prototype, "name", { value: name, configurable: true });
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // A user's subclass inherits this method and needs the ordinary check.
      if (this !== errorClass) return Function.prototype[Symbol.hasInstance].call(this, value);
      return typeof value === "object" && value !== null && key in value;
    },
  });
}

/** The same error with this `bytes_sent`. The program's own error may be frozen: it stays as it is. */
export function setBytesSent(error: unknown, value: number): unknown {
  if (!(error instanceof Error) || !Object.isExtensible(error)) return error;
  Object.defineProperty(error, "bytes_sent", { value, enumerable: true, configurable: true });
  return error;
}

/** The same error of a call with `bytes_sent`, unless it has one, or is the reason of a signal and not the library's. */
export function withBytesSent(error: unknown, bytes_sent: number): unknown {
  const lacksIt = error instanceof SocketError && error.bytes_sent === undefined;
  return lacksIt ? setBytesSent(error, bytes_sent) : error;
}

/** The same error of a call; its `bytes_sent` counts what went before, too. */
export function withMoreSent(error: unknown, before: number): unknown {
  const counted = withBytesSent(error, 0) as { readonly bytes_sent?: number } | null | undefined;
  const sent = counted?.bytes_sent;
  return sent === undefined ? error : setBytesSent(error, before + sent);
}
