/** The errors of the network in memory. */

import { codedError } from "../coded_error.ts";

/** An error as an operating system reports it, with a POSIX or getaddrinfo code. */
export function failure(code: string, detail?: string): Error & { code: string } {
  const message = detail === undefined ? code : `${code}: ${detail}`;
  return codedError(code, message);
}
