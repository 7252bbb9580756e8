/**
 * A server that greets you and asks for a line: talk to it with telnet or nc.
 *
 * It shows `makefile`: a connection as a text file, with `readline` and `write`, as in the books.
 * Their `makefile("rw", 0)` is Python 2; since Python 3 a text file is not unbuffered but line
 * buffered, with `buffering: 1`: each line goes out when it is complete, and a question without a
 * newline by `flush`.
 *
 *     node examples/welcome_server.ts 7002
 *     deno run --allow-net=127.0.0.1:7002 examples/welcome_server.ts 7002
 *     bun examples/welcome_server.ts 7002
 *
 * Then `nc 127.0.0.1 7002`. Ctrl-C ends it.
 */

import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port as portOf } from "./support/arguments.ts";
import { main, reporter } from "./support/main.ts";
import { hangUpOn } from "./support/streams.ts";

await main("welcome_server.ts [PORT] [HOST]", async (signal, usage) => {
  const { positionals: [port = "7002", host = "127.0.0.1", ...more] } = parseArgs({
    allowPositionals: true,
  });
  if (more.length > 0) throw usage();
  const server = await socket.create_server([host, portOf(port, 0)]);
  try {
    console.log(`listening on ${server.getsockname().join(" port ")}`);
    await socket.serve(server, async (conn, address) => {
      const finished = hangUpOn(signal, conn);
      try {
        await welcome(conn, address);
      } finally {
        finished();
      }
    }, { signal, onerror: reporter(signal) });
  } finally {
    await server.close();
  }
});

async function welcome(
  conn: socket.Socket<socket.InetAddress>,
  [host, port]: socket.InetAddress,
): Promise<void> {
  conn.settimeout(60);
  const file = conn.makefile("rw", { buffering: 1 });
  try {
    await file.write(`Welcome, ${host} port ${port}\n`);
    await file.write("Please enter a line: ");
    await file.flush();
    // Universal newlines: telnet's CR LF arrives as "\n".
    const line = (await file.readline()).replace(/\n$/, "");
    await file.write(`You entered ${[...line].length} characters.\n`);
  } finally {
    await file.close();
  }
}
