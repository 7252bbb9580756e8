/** A program whose sends wait for room in vain, each for its own time. */

import { create_connection, create_server } from "../../mod.ts";

const server = await create_server(["127.0.0.1", 0]);
const s = await create_connection(server.getsockname());
const [peer] = await server.accept();
s.setblocking(false);
for (let full = false; !full;) {
  await s.send(new Uint8Array(100_000)).catch(() => full = true);
}
for (let i = 0; i < 20; i++) {
  s.settimeout(0.001 + 0.003 * i);
  await s.send("x").catch(() => {});
}
for (const one of [s, peer, server]) await one.close();
console.log("done");
