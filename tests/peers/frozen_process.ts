/** Accepts a UNIX connection where the program's `process` cannot be changed, and prints what comes. */

import process from "node:process";
import { AF_INET, AF_UNIX, capabilities, socketpair } from "../../mod.ts";

// As of a program that has hardened itself.
Object.defineProperty(process, "emitWarning", { value: () => {}, writable: false });
const family = capabilities().types["AF_UNIX"] === undefined ? AF_INET : AF_UNIX;
const [a, b] = await socketpair(family);
await a.sendall("hello");
console.log(new TextDecoder().decode(await b.recv(9)));
await Promise.all([a.close(), b.close()]);
