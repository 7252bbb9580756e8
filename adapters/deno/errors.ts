/** The codes of Deno's errors. */

import { nodeModule } from "../builtin/modules.ts";
import { resolverErrorCode } from "../builtin/resolver.ts";

/** The codes of Deno's error classes that have none. */
const CODES: Readonly<Record<string, string>> = {
  NotCapable: "EACCES",
  PermissionDenied: "EACCES",
  BadResource: "EBADF",
  // close() while a read or write is pending.
  Interrupted: "EBADF",
  AddrInUse: "EADDRINUSE",
  AddrNotAvailable: "EADDRNOTAVAIL",
  ConnectionRefused: "ECONNREFUSED",
  ConnectionReset: "ECONNRESET",
  ConnectionAborted: "ECONNABORTED",
  BrokenPipe: "EPIPE",
  NotConnected: "ENOTCONN",
  TimedOut: "ETIMEDOUT",
  NetworkUnreachable: "ENETUNREACH",
  NotFound: "ENOENT",
};

/** The POSIX or EAI code of an error. */
export function errorCode(cause: unknown): string | undefined {
  const { name, code, message } = cause as { name?: string; code?: unknown; message?: string };
  const resolver = resolverErrorCode(cause);
  if (resolver !== undefined) return resolver;
  if (name === "Interrupted") return "EBADF";
  if (code === "ERR_STREAM_DESTROYED") return "EPIPE";
  // Only a string counts: AbortError and TimeoutError have the numeric codes of DOMException.
  if (typeof code === "string") return code;
  const number = /\(os error (\d+)\)/.exec(message ?? "")?.[1];
  if (number !== undefined) return nodeModule("node:util").getSystemErrorName(-Number(number));
  return CODES[name ?? ""];
}

/** The detail of an error: Deno's message for a denied permission names the flag to add. */
export function errorDetail(cause: unknown): string | undefined {
  const { name, detail, message } = cause as { name?: string; detail?: string; message?: string };
  return name === "NotCapable" ? message : detail;
}
