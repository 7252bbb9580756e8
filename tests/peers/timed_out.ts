/** Sends more than its peer, on the port of the first argument, receives; then has nothing more to do but is not closed. */

import { create_connection } from "../../mod.ts";

const [, , port = ""] = (globalThis as unknown as { process: { argv: string[] } }).process.argv;
const s = await create_connection(["127.0.0.1", Number(port)]);
s.settimeout(0.05);
await s.sendall(new Uint8Array(32 << 20)).catch((error) =>
  console.log(error.bytes_sent > 0 ? "done" : error)
);
// Not to be collected before the end.
(globalThis as { open?: unknown }).open = s;
