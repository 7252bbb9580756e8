/** The codes of Node's errors. */

import { nodeProcess } from "../builtin/modules.ts";
import { resolverErrorCode } from "../builtin/resolver.ts";
import { codedError } from "../coded_error.ts";
import { ffiNeeded } from "./ffi.ts";

/** The code for what `--permission` denies. */
const DENIED = "ERR_ACCESS_DENIED";

/** The code for a descriptor that is no stream. */
const INVALID_TYPE = "ERR_INVALID_FD_TYPE";

/** What cannot be taken over, without the C library. */
export function streamsOnly(): string {
  return `only stream sockets can be taken over without ${ffiNeeded()}`;
}

/** Throws what Node throws if `--permission` denies the network: system calls through libc do not ask. */
export function checkNetAllowed(): void {
  if (nodeProcess().permission?.has("net") === false) throw codedError(DENIED, "no network");
}

/** The POSIX or EAI code of an error. */
export function errorCode(cause: unknown): string | undefined {
  const { code } = cause as { code?: unknown };
  switch (code) {
    case "ERR_STREAM_DESTROYED":
    case "ERR_STREAM_WRITE_AFTER_END":
      return "EPIPE";
    // A socket, as checked before, but not a stream.
    case INVALID_TYPE:
      return "ENOTSUP";
    case DENIED:
      return "EACCES";
    default:
      return resolverErrorCode(cause) ?? (typeof code === "string" ? code : undefined);
  }
}

/** The detail of an error of the library, or the flag that Node needs. */
export function errorDetail(cause: unknown): string | undefined {
  const { code, detail, message } = cause as { code?: unknown; detail?: string; message?: string };
  if (code === INVALID_TYPE) return streamsOnly();
  if (code !== DENIED) return detail;
  // The resolver's errors name no flag.
  const [flag] = /--allow-[a-z-]+/.exec(message ?? "") ?? ["--allow-net"];
  return `node --permission needs ${flag} for it`;
}
