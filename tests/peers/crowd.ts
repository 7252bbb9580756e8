/**
 * Holds many connections open at once: `crowd.ts server COUNT` accepts and echoes, `crowd.ts client COUNT PORT` connects,
 * and has each echo several times. Tells what it saw and what memory they take.
 */

import process from "node:process";
import {
  create_connection,
  create_server,
  type InetAddress,
  MSG_WAITALL,
  type Socket,
  SocketError,
} from "../../mod.ts";

const [how, count = "", port = ""] = process.argv.slice(2);
const total = Number(count);
const ROUNDS = 3;
/** How many connect at once. */
const TOGETHER = 100;

/** What a connection takes, in bytes, when so many are there. */
function measure(before: number): number {
  return Math.round((process.memoryUsage().rss - before) / total);
}

async function echo(conn: Socket<InetAddress>): Promise<void> {
  for (;;) {
    const data = await conn.recv(64);
    if (data.length === 0) return;
    await conn.sendall(data);
  }
}

async function serveMany(): Promise<void> {
  const server = await create_server(["127.0.0.1", 0], { backlog: 4096 });
  console.log(server.getsockname()[1]);
  const before = process.memoryUsage().rss;
  const echoing: Promise<void>[] = [];
  const conns: Socket<InetAddress>[] = [];
  let failed = 0;
  while (conns.length < total) {
    const [conn] = await server.accept();
    conns.push(conn);
    echoing.push(
      echo(conn).catch((error) => {
        if (!(error instanceof SocketError)) throw error;
        failed++;
      }),
    );
  }
  console.log(JSON.stringify({ open: conns.length, bytes: measure(before) }));
  await Promise.all(echoing);
  const names = new Set(conns.map((conn) => conn.getpeername()[1]));
  await Promise.all(conns.map((conn) => conn.close()));
  await server.close();
  console.log(JSON.stringify({ failed, names: names.size }));
}

async function connectMany(): Promise<void> {
  const before = process.memoryUsage().rss;
  const conns: Socket<InetAddress>[] = [];
  while (conns.length < total) {
    const some = Math.min(TOGETHER, total - conns.length);
    const address: [string, number] = ["127.0.0.1", Number(port)];
    conns.push(
      ...await Promise.all(Array.from({ length: some }, () => create_connection(address))),
    );
  }
  console.log(JSON.stringify({ open: conns.length, bytes: measure(before) }));
  let failed = 0;
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(conns.map(async (conn, i) => {
      const word = new TextEncoder().encode(`${round} of ${i}`.padEnd(16));
      await conn.sendall(word);
      const answer = await conn.recv(word.length, MSG_WAITALL);
      if (String(answer) !== String(word)) failed++;
    }));
  }
  const names = new Set(conns.map((conn) => conn.getsockname()[1]));
  await Promise.all(conns.map((conn) => conn.close()));
  console.log(JSON.stringify({ failed, names: names.size }));
}

await (how === "server" ? serveMany() : connectMany());
