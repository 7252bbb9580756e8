/** Errors from the numbers of libuv. */

import { nodeModule } from "./modules.ts";

/** The error of a native call that returned a number below 0. */
export function systemError(failure: number, syscall: string): Error {
  const code = nodeModule("node:util").getSystemErrorName(failure);
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno: failure, syscall });
}
