/**
 * An echo server and its client: the first two programs of every sockets book, in one file.
 *
 * It shows the calls that every TCP program is made of (socket, bind, listen, accept and socket,
 * connect, send, recv, shutdown, close), how one program serves many clients at once, and what a
 * half-close is for: the client says "that was all" with `shutdown(SHUT_WR)` and still receives the
 * answer; the server meets the end of the stream as an empty `recv`.
 *
 * The same file runs on each runtime, and they talk to one another. In one terminal:
 *
 *     node examples/echo.ts server 127.0.0.1 7000
 *     deno run --allow-net=127.0.0.1:7000 examples/echo.ts server 127.0.0.1 7000
 *     bun examples/echo.ts server 127.0.0.1 7000
 *
 * and in another one:
 *
 *     node examples/echo.ts client 127.0.0.1 7000 "Hello from Node"
 *     deno run --allow-net=127.0.0.1:7000 examples/echo.ts client 127.0.0.1 7000 "Hello from Deno"
 *     bun examples/echo.ts client 127.0.0.1 7000 "Hello from Bun"
 *
 * Port 0 lets the system choose one; the server prints which. With `--connections N` it ends after N
 * clients, else on Ctrl-C. With `--json` each prints one line of JSON.
 */

import { Buffer } from "node:buffer";
import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port, seconds, whole } from "./support/arguments.ts";
import { main, messageOf, say } from "./support/main.ts";

type Connection = socket.Socket<socket.InetAddress>;

const usage = "echo.ts server [HOST] [PORT] [--connections N] [--json] | " +
  "echo.ts client HOST PORT [MESSAGE] [--timeout SECONDS] [--json]";

await main(usage, async (signal, usage) => {
  const { values, positionals } = parseArgs({
    options: {
      connections: { type: "string" },
      timeout: { type: "string", default: "10" },
      json: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const [role, host = "127.0.0.1", where = "7000", message = "Hello, world"] = positionals;
  if (role === "server" && positionals.length <= 3) {
    const connections = values.connections === undefined
      ? Infinity
      : whole(values.connections, "a number of clients", 1);
    await serve(host, port(where, 0), connections, values.json, signal);
  } else if (role === "client" && positionals.length >= 3 && positionals.length <= 4) {
    const timeout = seconds(values.timeout);
    await talk(host, port(where), message, timeout, values.json, signal);
  } else {
    throw usage();
  }
});

/** A TCP socket of the family that the host is written in. */
function tcp(host: string): Connection {
  return host.includes(":")
    ? socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    : socket.socket(socket.AF_INET, socket.SOCK_STREAM);
}

/** "127.0.0.1:7000", "[::1]:7000". */
function show([host, port]: socket.InetAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

async function serve(
  host: string,
  port: number,
  connections: number,
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const server = tcp(host);
  try {
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1);
    await server.bind([host, port]);
    await server.listen();
    const address = server.getsockname();
    console.log(
      json
        ? JSON.stringify({ host: address[0], port: address[1] })
        : `listening on ${show(address)}`,
    );
    const talks = new Set<Promise<void>>();
    for (let served = 0; served < connections; served++) {
      const [client, peer] = await server.accept({ signal });
      // Not awaited here: the next client need not wait until this one has finished.
      const talk = echo(client, peer, signal).finally(() => talks.delete(talk));
      talks.add(talk);
    }
    await Promise.all(talks);
  } finally {
    await server.close();
  }
}

/** Sends back what one client sends, until it says that it is done. */
async function echo(
  client: Connection,
  peer: socket.InetAddress,
  signal: AbortSignal,
): Promise<void> {
  try {
    while (true) {
      const data = await client.recv(65536, 0, { signal });
      if (data.length === 0) break;
      await client.sendall(data, 0, { signal });
    }
  } catch (error) {
    // One client's trouble is no reason to stop serving the others.
    if (!signal.aborted) say(`${show(peer)}: ${messageOf(error)}`);
  } finally {
    await client.close();
  }
}

async function talk(
  host: string,
  port: number,
  message: string,
  timeout: number,
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  const sent = new TextEncoder().encode(message);
  const s = tcp(host);
  s.settimeout(timeout);
  try {
    await s.connect([host, port], { signal });
    const start = performance.now();
    // Send and receive at once: with a message larger than the buffers between the two programs, a
    // client that only sends would wait for a server that waits for the client to receive.
    const [received] = await Promise.all([receiveAll(s, signal), sendAndFinish(s, sent, signal)]);
    const milliseconds = performance.now() - start;

    const echoed = new TextDecoder().decode(received);
    if (echoed !== message) {
      throw new Error(`sent ${sent.length} bytes, got ${received.length} other ones back`);
    }
    const [local, peer] = [show(s.getsockname()), show(s.getpeername())];
    if (json) {
      console.log(JSON.stringify({ echoed, bytes: received.length, local, peer, milliseconds }));
    } else {
      const time = `${milliseconds.toFixed(2)} ms`;
      console.log(echoed);
      console.log(`${received.length} bytes from ${local} to ${peer} and back in ${time}`);
    }
  } finally {
    await s.close();
  }
}

async function sendAndFinish(s: Connection, data: Uint8Array, signal: AbortSignal): Promise<void> {
  await s.sendall(data, 0, { signal });
  await s.shutdown(socket.SHUT_WR);
}

/** Receives until the end of the stream. TCP keeps bytes in order but not messages apart. */
async function receiveAll(s: Connection, signal: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  while (true) {
    const chunk = await s.recv(65536, 0, { signal });
    if (chunk.length === 0) return Buffer.concat(chunks);
    chunks.push(chunk);
  }
}
