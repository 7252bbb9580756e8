/** Whether child processes inherit a descriptor on Node. */

import { nodeModule } from "../builtin/modules.ts";
import { libc } from "./ffi.ts";

const O_CLOEXEC = 0o2000000;

/** Whether child processes inherit a descriptor; `undefined` if neither libc nor /proc can tell. */
export function isInheritable(fd: number): boolean | undefined {
  const c = libc();
  if (c !== undefined) return c.isInheritable(fd);
  try {
    const info = nodeModule("node:fs").readFileSync(`/proc/self/fdinfo/${fd}`, "utf8");
    const flags = /^flags:\s*(\d+)/m.exec(info)?.[1];
    return flags === undefined ? undefined : (parseInt(flags, 8) & O_CLOEXEC) === 0;
  } catch {
    // Missing, or not permitted (node --permission).
    return undefined;
  }
}
