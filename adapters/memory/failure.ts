/** The errors of the network in memory. */

/** An error as an operating system reports it, with a POSIX or getaddrinfo code. */
export function failure(code: string, detail?: string): Error & { code: string } {
  const message = detail === undefined ? code : `${code}: ${detail}`;
  return Object.assign(new Error(message), { code });
}
