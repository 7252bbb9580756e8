/** Calls of a non-blocking socket, as Python's raw files have them. */

import { SocketError } from "../errors/errors.ts";

/** The result, or `null` where the call would have to wait. */
export async function orNull<T>(call: Promise<T>): Promise<T | null> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof SocketError && error.code === "EAGAIN") return null;
    throw error;
  }
}
