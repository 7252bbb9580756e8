/**
 * A program that was given a socket by its parent: it takes its argument as a descriptor, and says whether its own
 * children would have it, what keeping it from them says, and then the first again. It waits to be killed, for 10 seconds.
 */

import process from "node:process";
import { socket, type SocketError } from "../../mod.ts";

/** What a call returns, or the code of its error. */
function outcome(call: () => unknown): unknown {
  try {
    return call() ?? null;
  } catch (error) {
    return (error as SocketError).code;
  }
}

const s = socket(undefined, undefined, undefined, { fileno: Number(process.argv[2]) });
const get = (): unknown => outcome(() => s.get_inheritable());
console.log(JSON.stringify([get(), outcome(() => s.set_inheritable(false)), get()]));
setTimeout(() => {}, 10_000);
