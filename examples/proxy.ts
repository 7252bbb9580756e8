/**
 * A TCP forwarder: who connects here talks to another server.
 *
 * It shows `serve` with a limit, and the two rules of every proxy. Half-close: the end of one
 * direction is passed on with SHUT_WR, and the other direction goes on. Back-pressure: the next
 * piece is received only when the last one was sent, so that a slow reader slows down the sender
 * and nothing piles up here.
 *
 *     node examples/proxy.ts 7003 127.0.0.1 7000
 *     deno run --allow-net=127.0.0.1:7003,127.0.0.1:7000 examples/proxy.ts 7003 127.0.0.1 7000
 *     bun examples/proxy.ts 7003 127.0.0.1 7000
 *
 * Ctrl-C ends it and the conversations in it.
 */

import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port as portOf } from "./support/arguments.ts";
import { main, reporter } from "./support/main.ts";

type Connection = socket.Socket<socket.InetAddress>;

await main("proxy.ts PORT TARGET_HOST TARGET_PORT [HOST]", async (signal, usage) => {
  const { positionals } = parseArgs({ allowPositionals: true });
  const [port, targetHost, targetPort, host = "127.0.0.1", ...more] = positionals;
  if (port === undefined || targetHost === undefined || targetPort === undefined) throw usage();
  if (more.length > 0) throw usage();
  const [from, to] = [[host, portOf(port, 0)], [targetHost, portOf(targetPort)]] as const;

  const forward = async (conn: Connection, [host, port]: socket.InetAddress): Promise<void> => {
    const target = await socket.create_connection(to, { timeout: 10, signal });
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

  const server = await socket.create_server(from);
  try {
    console.log(`listening on ${server.getsockname().join(" port ")}`);
    await socket.serve(server, forward, {
      signal,
      max_connections: 1000,
      onerror: reporter(signal),
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
