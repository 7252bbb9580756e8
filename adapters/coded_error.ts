/** The errors that adapters make themselves. */

import type { ConnectAttempt } from "./adapter.ts";

/** An error with a code, as those of the runtimes have. */
export interface CodedError extends Error {
  /** A POSIX (`ECONNREFUSED`) or getaddrinfo (`EAI_NONAME`) name. */
  readonly code: string;
}

/** An error that the runtime did not report as such; its message is only seen as that of a cause. */
export function codedError(code: string, message: string, cause?: unknown): CodedError {
  const error = cause === undefined ? new Error(message) : new Error(message, { cause });
  return Object.assign(error, { code });
}

/** An error for what the adapter refuses: the library's own error tells the reason. `option` is the one to blame. */
export function refusal(code: string, detail: string, option?: string): CodedError {
  return Object.assign(codedError(code, detail), { detail, option });
}

/** An attempt to connect that has failed before it began. */
export function failedAttempt(error: unknown): ConnectAttempt & { done: Promise<never> } {
  return { done: Promise.reject(error), cancel: () => {} };
}
