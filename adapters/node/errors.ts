/** What the errors of Node's calls mean. */

import { resolverErrorCode } from "../builtin/resolver.ts";

/** What Node says where `--permission` keeps something from the program. */
const DENIED = "ERR_ACCESS_DENIED";

/** The POSIX or EAI code of an error. */
export function errorCode(cause: unknown): string | undefined {
  const { code } = cause as { code?: unknown };
  switch (code) {
    case "ERR_STREAM_DESTROYED":
    case "ERR_STREAM_WRITE_AFTER_END":
      return "EPIPE";
    // It is a socket: that was looked at before.
    case "ERR_INVALID_FD_TYPE":
      return "ESOCKTNOSUPPORT";
    case DENIED:
      return "EACCES";
    default:
      return resolverErrorCode(cause) ?? (typeof code === "string" ? code : undefined);
  }
}

/** What the library has to say of an error, or the flag that Node needs. */
export function errorDetail(cause: unknown): string | undefined {
  const { code, detail, message } = cause as { code?: unknown; detail?: string; message?: string };
  if (code !== DENIED) return detail;
  // The errors of its resolver name none.
  const [flag] = /--allow-[a-z-]+/.exec(message ?? "") ?? ["--allow-net"];
  return `node --permission needs ${flag} for it`;
}
