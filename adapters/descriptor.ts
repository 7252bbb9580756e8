/** What the descriptors are that can be taken over. */

/** Why another socket is refused. */
export const NOT_A_STREAM = "only stream sockets can be taken over";

/** The error for another socket. */
export function notAStream(): Error {
  return Object.assign(new Error(NOT_A_STREAM), { code: "ENOTSUP", detail: NOT_A_STREAM });
}
