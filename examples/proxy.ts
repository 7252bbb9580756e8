/**
 * A TCP forwarder: who connects here talks to another server.
 *
 * It shows `serve` with a limit, and the two rules of every proxy. Half-close: the end of one
 * direction is passed on with SHUT_WR, and the other direction goes on. Back-pressure: the next
 * piece is received only when the last one was sent, so that a slow reader slows down the sender
 * and nothing piles up here.
 *
 *     node examples/proxy.ts 7003 127.0.0.1 7000
 *     deno run --allow-net examples/proxy.ts 7003 127.0.0.1 7000
 *     bun examples/proxy.ts 7003 127.0.0.1 7000
 *
 * Ctrl-C ends it and the conversations in it.
 */

import process from "node:process";
import * as socket from "../mod.ts";
import { main } from "./support/main.ts";

type Connection = socket.Socket<socket.InetAddress>;

await main("proxy.ts PORT TARGET_HOST TARGET_PORT [HOST]", async (signal, usage) => {
  const [port, targetHost, targetPort, host = "127.0.0.1", ...more] = process.argv.slice(2);
  if (targetHost === undefined || targetPort === undefined || more.length > 0) throw usage();

  const forward = async (conn: Connection, [host, port]: socket.InetAddress): Promise<void> => {
    const target = await socket.create_connection([targetHost, Number(targetPort)], {
      timeout: 10,
      signal,
    });
    try {
      target.settimeout(null);
      const [there, back] = await Promise.all([
        pump(conn, target, signal),
        pump(target, conn, signal),
      ]);
      console.log(`${host}:${port}: ${there} bytes there, ${back} bytes back`);
    } finally {
      // When one direction fails, this ends the other one, too.
      await target.close();
    }
  };

  const server = await socket.create_server([host, Number(port)]);
  try {
    console.log(`listening on ${server.getsockname().join(" port ")}`);
    await socket.serve(server, forward, {
      signal,
      max_connections: 1000,
      onerror: (error, [host, port]) => {
        const message = error instanceof Error ? error.message : error;
        if (!signal.aborted) console.error(`${host}:${port}: ${message}`);
      },
    });
  } finally {
    await server.close();
  }
});

/** One direction, up to its end. */
async function pump(from: Connection, to: Connection, signal: AbortSignal): Promise<number> {
  let count = 0;
  for (;;) {
    const data = await from.recv(65536, 0, { signal });
    if (data.length === 0) break;
    await to.sendall(data, 0, { signal });
    count += data.length;
  }
  await to.shutdown(socket.SHUT_WR);
  return count;
}
