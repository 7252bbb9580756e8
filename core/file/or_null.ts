/** Calls of a non-blocking socket, as Python's raw files handle them. */

import { SocketError } from "../errors/errors.ts";

/** The result, or `null` if the call would block. */
export async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof SocketError && error.code === "EAGAIN") return null;
    throw error;
  }
}
