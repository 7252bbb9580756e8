/**
 * A server that greets you and asks for a line: talk to it with telnet or nc.
 *
 * It shows `makefile`: a connection as a text file, with `readline` and `write`, as in the books.
 * Their `makefile("rw", 0)` is Python 2; since Python 3 a text file is not unbuffered but line
 * buffered, with `buffering: 1`: each line goes out when it is complete, and a question without a
 * newline by `flush`.
 *
 *     node examples/welcome_server.ts 7002
 *     deno run --allow-net examples/welcome_server.ts 7002
 *     bun examples/welcome_server.ts 7002
 *
 * Then `nc 127.0.0.1 7002`. Ctrl-C ends it.
 */

import process from "node:process";
import * as socket from "../mod.ts";
import { main } from "./support/main.ts";

await main("welcome_server.ts [PORT] [HOST]", async (signal, usage) => {
  const [port = "7002", host = "127.0.0.1", ...more] = process.argv.slice(2);
  if (more.length > 0) throw usage();
  const server = await socket.create_server([host, Number(port)]);
  try {
    console.log(`listening on ${server.getsockname().join(" port ")}`);
    await socket.serve(server, async (conn, address) => {
      // A file's calls take no signal: the end of the stream is what ends them on Ctrl-C.
      const hangUp = (): void => void conn.shutdown(socket.SHUT_RDWR).catch(() => {});
      signal.addEventListener("abort", hangUp);
      try {
        await welcome(conn, address);
      } finally {
        signal.removeEventListener("abort", hangUp);
      }
    }, {
      signal,
      onerror: (error, [host, port]) => {
        const message = error instanceof Error ? error.message : error;
        if (!signal.aborted) console.error(`${host}:${port}: ${message}`);
      },
    });
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
