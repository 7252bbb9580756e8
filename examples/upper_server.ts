/**
 * The server of the "telephone" pair: it says back in capitals what a caller says.
 *
 * It shows the two loops of every server: the outer one waits for a link (`accept`), the inner one
 * talks over it until the caller hangs up (an empty `recv`). The inner loop is not awaited, so that
 * many can call at once; SO_REUSEADDR lets the server start again at once on the same port.
 *
 *     node examples/upper_server.ts 7001
 *     deno run --allow-net=127.0.0.1:7001 examples/upper_server.ts 7001
 *     bun examples/upper_server.ts 7001
 *
 * Call it with upper_client.ts. Port 0 lets the system choose one. Ctrl-C ends it.
 */

import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port as portOf } from "./support/arguments.ts";
import { main, messageOf } from "./support/main.ts";

await main("upper_server.ts [PORT] [HOST]", async (signal, usage) => {
  const { positionals: [port = "7001", host = "127.0.0.1", ...more] } = parseArgs({
    allowPositionals: true,
  });
  if (more.length > 0) throw usage();
  const server = socket.socket(socket.AF_INET, socket.SOCK_STREAM);
  try {
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1);
    await server.bind([host, portOf(port, 0)]);
    await server.listen(5);
    console.log(`listening on ${server.getsockname().join(" port ")}`);

    // The link loop.
    while (true) {
      const [conn, address] = await server.accept({ signal });
      console.log(`${address.join(" port ")} called`);
      void communicate(conn, address, signal);
    }
  } finally {
    await server.close();
  }
});

async function communicate(
  conn: socket.Socket<socket.InetAddress>,
  address: socket.InetAddress,
  signal: AbortSignal,
): Promise<void> {
  // A character may be cut by the network; the decoder keeps its first part for the next turn.
  const decoder = new TextDecoder();
  try {
    // The communication loop.
    while (true) {
      const data = await conn.recv(4096, 0, { signal });
      if (data.length === 0) break;
      await conn.sendall(decoder.decode(data, { stream: true }).toUpperCase(), 0, { signal });
    }
    console.log(`${address.join(" port ")} hung up`);
  } catch (error) {
    if (signal.aborted) return;
    // A broken line is the end of this call, not of the server.
    console.log(`${address.join(" port ")}: ${messageOf(error)}`);
  } finally {
    await conn.close();
  }
}
