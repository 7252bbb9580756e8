/** SO_REUSEADDR of UDP descriptors that a runtime takes. */

import { int32 } from "../../core/bytes.ts";
import { SO_REUSEADDR, SOL_SOCKET } from "../../core/constants.ts";
import type { OptionCalls } from "./options.ts";

/** Lets the runtime take a descriptor. Node 26 and Bun 1.4 then set the option: other programs could share the port. */
export function keepingReuse<T>(calls: OptionCalls, fd: number, take: () => T): T {
  const before = calls.getOption(fd, SOL_SOCKET, SO_REUSEADDR);
  const taken = take();
  calls.setOption(fd, SOL_SOCKET, SO_REUSEADDR, int32(before));
  return taken;
}
