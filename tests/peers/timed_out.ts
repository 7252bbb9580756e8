/**
 * Sends more than its peer, on the port of the first argument, receives, with the call of the second; then has nothing
 * more to do but is not closed.
 */

import { create_connection, TimeoutError } from "../../mod.ts";

const { argv } = (globalThis as unknown as { process: { argv: string[] } }).process;
const [, , port, call] = argv;
const s = await create_connection(["127.0.0.1", Number(port)]);
s.settimeout(0.05);
const data = new Uint8Array(32 << 20);
try {
  for (;;) await (call === "send" ? s.send(data) : s.sendall(data));
} catch (error) {
  console.log(error instanceof TimeoutError ? "done" : error);
}
// Not to be collected before the end.
(globalThis as { open?: unknown }).open = s;
