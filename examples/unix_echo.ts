/**
 * The echo server and its client over a UNIX socket: programs of one machine, which meet at a file.
 *
 * It shows that with AF_UNIX only the address changes: a path instead of host and port. The file's
 * permissions say who may connect. The server removes it when it closes; one that a crash left
 * behind answers "connection refused", and only then may a new server remove it.
 *
 *     node examples/unix_echo.ts server /tmp/echo.sock
 *     deno run --allow-net=unix:/tmp/echo.sock --allow-read=/tmp/echo.sock --allow-write=/tmp/echo.sock examples/unix_echo.ts server /tmp/echo.sock
 *     bun examples/unix_echo.ts server /tmp/echo.sock
 *
 *     node examples/unix_echo.ts client /tmp/echo.sock Hello
 *     deno run --allow-net=unix:/tmp/echo.sock --allow-read=/tmp/echo.sock --allow-write=/tmp/echo.sock examples/unix_echo.ts client /tmp/echo.sock Hello
 *     bun examples/unix_echo.ts client /tmp/echo.sock Hello
 */

import { stat, unlink } from "node:fs/promises";
import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { seconds } from "./support/arguments.ts";
import { Failure, main, reporter } from "./support/main.ts";

const usage = "unix_echo.ts server PATH | unix_echo.ts client PATH MESSAGE [--timeout SECONDS]";

await main(usage, async (signal, usage) => {
  const { values, positionals: [role, path, message, ...more] } = parseArgs({
    options: { timeout: { type: "string", default: "10" } },
    allowPositionals: true,
  });
  const timeout = seconds(values.timeout);
  if (path === undefined || more.length > 0) throw usage();
  if (role === "server" && message === undefined) {
    await serve(path, signal);
  } else if (role === "client" && message !== undefined) {
    if (message === "") throw new Failure("an empty message has no echo", 2);
    await talk(path, message, timeout, signal);
  } else {
    throw usage();
  }
});

async function serve(path: string, signal: AbortSignal): Promise<void> {
  await removeStale(path);
  const server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM);
  try {
    await server.bind(path);
    await server.listen();
    console.log(`listening on ${server.getsockname()}`);
    await socket.serve(server, async (conn) => {
      for (let data; (data = await conn.recv(65536, 0, { signal })).length > 0;) {
        await conn.sendall(data, 0, { signal });
      }
    }, { signal, onerror: reporter(signal) });
  } finally {
    await server.close();
  }
}

/** Removes a socket that nobody listens on, and nothing else. `connect_ex` gives the errno. */
async function removeStale(path: string): Promise<void> {
  const probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM);
  const result = await probe.connect_ex(path);
  await probe.close();
  if (result !== socket.errno.ECONNREFUSED) return;
  // A file of another kind refuses connections, too.
  if ((await stat(path)).isSocket()) await unlink(path);
}

async function talk(
  path: string,
  message: string,
  timeout: number,
  signal: AbortSignal,
): Promise<void> {
  const s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM);
  s.settimeout(timeout);
  try {
    await s.connect(path, { signal });
    const data = new TextEncoder().encode(message);
    // MSG_WAITALL: not what has come, but all that was sent.
    const [echoed] = await Promise.all([
      s.recv(data.length, socket.MSG_WAITALL, { signal }),
      s.sendall(data, 0, { signal }),
    ]);
    if (echoed.length < data.length) {
      throw new Failure(`the server hung up after ${echoed.length} of ${data.length} bytes`);
    }
    console.log(new TextDecoder().decode(echoed));
  } finally {
    await s.close();
  }
}
