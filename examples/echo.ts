/**
 * An echo server and its client: the first two programs of every sockets book, in one file.
 *
 * It shows the calls that every TCP program is made of (socket, bind, listen, accept and socket,
 * connect, send, recv, shutdown, close), how one program serves many clients at once, and what a
 * half-close is for: the client says "that was all" with `shutdown(SHUT_WR)` and still receives the
 * answer; the server meets the end of the stream as an empty `recv`.
 *
 * The same file runs on each runtime, and they talk to one another:
 *
 *     node examples/echo.ts server 127.0.0.1 7000
 *     deno run --allow-net examples/echo.ts client 127.0.0.1 7000 "Hello from Deno"
 *     bun examples/echo.ts client 127.0.0.1 7000 "Hello from Bun"
 *
 * Usage:
 *
 *     echo.ts server [HOST] [PORT] [--connections N] [--json]
 *     echo.ts client HOST PORT [MESSAGE] [--json]
 *
 * Port 0 lets the system choose one; the server prints which. With `--connections N` it ends after N
 * clients, else on Ctrl-C. With `--json` each prints one line of JSON.
 */

import process from "node:process";
import * as socket from "../mod.ts";

/** A TCP socket of the family that the host is written in. */
function tcp(host: string): socket.Socket<socket.InetAddress> {
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
    for (let served = 0; served < connections; served++) {
      const [client, peer] = await server.accept();
      // Not awaited: the next client need not wait until this one has finished.
      void echo(client, peer);
    }
  } finally {
    await server.close();
  }
}

/** Sends back what one client sends, until it says that it is done. */
async function echo(
  client: socket.Socket<socket.InetAddress>,
  peer: socket.InetAddress,
): Promise<void> {
  try {
    while (true) {
      const data = await client.recv(65536);
      if (data.length === 0) break;
      await client.sendall(data);
    }
  } catch (error) {
    // One client's trouble is no reason to stop serving the others.
    console.error(`${show(peer)}: ${error instanceof Error ? error.message : error}`);
  } finally {
    await client.close();
  }
}

async function talk(host: string, port: number, message: string, json: boolean): Promise<void> {
  const sent = new TextEncoder().encode(message);
  const s = tcp(host);
  try {
    await s.connect([host, port]);
    const start = performance.now();
    // Send and receive at once: with a message larger than the buffers between the two programs, a
    // client that only sends would wait for a server that waits for the client to receive.
    const [, received] = await Promise.all([sendAndFinish(s, sent), receiveAll(s)]);
    const milliseconds = performance.now() - start;

    const echoed = new TextDecoder().decode(received);
    if (echoed !== message) {
      throw new Error(`sent ${sent.length} bytes, got ${received.length} other ones back`);
    }
    const [local, peer] = [show(s.getsockname()), show(s.getpeername())];
    if (json) {
      console.log(JSON.stringify({ echoed, bytes: received.length, local, peer, milliseconds }));
    } else {
      console.log(echoed);
      console.log(
        `${received.length} bytes from ${local} to ${peer} and back in ${
          milliseconds.toFixed(2)
        } ms`,
      );
    }
  } finally {
    await s.close();
  }
}

async function sendAndFinish(
  s: socket.Socket<socket.InetAddress>,
  data: Uint8Array,
): Promise<void> {
  await s.sendall(data);
  await s.shutdown(socket.SHUT_WR);
}

/** Receives until the end of the stream. TCP keeps bytes in order but not messages apart. */
async function receiveAll(s: socket.Socket<socket.InetAddress>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (true) {
    const chunk = await s.recv(65536);
    if (chunk.length === 0) break;
    chunks.push(chunk);
    length += chunk.length;
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

/** Takes `--name value` (or a lone `--name`) out of the arguments. */
function take(args: string[], name: string, hasValue: boolean): string | undefined {
  const at = args.indexOf(name);
  if (at === -1) return undefined;
  const [, value = ""] = args.splice(at, hasValue ? 2 : 1);
  return value;
}

async function main(args: string[]): Promise<void> {
  const json = take(args, "--json", false) !== undefined;
  const connections = Number(take(args, "--connections", true) ?? Infinity);
  const [role, host = "127.0.0.1", port = "7000", message = "Hello, world"] = args;
  if (role === "server") await serve(host, Number(port), connections, json);
  else if (role === "client" && args.length >= 3) await talk(host, Number(port), message, json);
  else throw new Error("usage: echo.ts server [HOST] [PORT] | echo.ts client HOST PORT [MESSAGE]");
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`echo: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
