/**
 * A program that fills its connection to the port of its argument, tells how many bytes its sends have counted, and goes
 * on until it is killed. With `timed` a sendall that times out comes last.
 */

import { create_connection, type SocketError } from "../../mod.ts";

const { argv } = (globalThis as unknown as { process: { argv: string[] } }).process;
const s = await create_connection(["127.0.0.1", Number(argv[2])]);
s.setblocking(false);
let count = 0;
for (let full = false; !full;) {
  await s.send(new Uint8Array(100_000)).then((sent) => count += sent, () => full = true);
}
if (argv[3] === "timed") {
  s.settimeout(0.2);
  const error: SocketError = await s.sendall(new Uint8Array(1_000_000)).catch((error) => error);
  count += error.bytes_sent ?? NaN;
}
setInterval(() => {}, 1000);
console.log(count);
