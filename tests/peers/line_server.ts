/**
 * A server as people write them: `serve`, a file for each connection, a timeout, an answer to each line. Tells its port, then,
 * for each line of its input, what has happened so far.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { create_server, serve, SocketError } from "../../mod.ts";

/** Longer lines are not of this protocol. */
const LONGEST = 1024;
const TIMEOUT = 2;
const MOST = 300;

const lines = { answered: 0 };
const ended: Record<string, number> = {};
const unhandled: string[] = [];
process.on("unhandledRejection", (reason) => unhandled.push(String(reason)));
process.on("uncaughtException", (error) => unhandled.push(String(error)));

const server = await create_server(["127.0.0.1", 0], { backlog: 512 });
const stop = new AbortController();
const served = serve(server, async (conn) => {
  conn.settimeout(TIMEOUT);
  const file = conn.makefile("rw");
  try {
    for (;;) {
      const line = await file.readline(LONGEST);
      if (line === "") break;
      if (!line.endsWith("\n")) {
        ended["no line"] = (ended["no line"] ?? 0) + 1;
        return;
      }
      await file.write(`you said ${line}`);
      await file.flush();
      lines.answered++;
    }
    ended["end"] = (ended["end"] ?? 0) + 1;
  } finally {
    // What could not be sent has nobody to tell.
    await file.close().catch(() => {});
  }
}, {
  signal: stop.signal,
  max_connections: MOST,
  onerror(error) {
    const code = error instanceof SocketError ? error.code : String(error);
    ended[code] = (ended[code] ?? 0) + 1;
  },
});

const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };
async function heap(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    gc?.();
    Bun?.gc(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}

console.log(server.getsockname()[1]);
for await (const _ of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify({ ...lines, ended, unhandled, heap: await heap() }));
}
stop.abort();
await served;
await server.close();
console.log("closed");
