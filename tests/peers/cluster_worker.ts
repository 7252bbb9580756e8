/** Talks to itself in a worker of `node:cluster`, over UNIX sockets and TCP, and prints which of them worked. */

import cluster from "node:cluster";
import { AF_INET, AF_UNIX, create_connection, socket, socketpair } from "../../mod.ts";

async function talk(): Promise<void> {
  for (const s of await socketpair(AF_UNIX)) await s.close();
  const unix = socket(AF_UNIX);
  await unix.bind("");
  await unix.listen();
  const client = socket(AF_UNIX);
  await client.connect(unix.getsockname());
  const [conn] = await unix.accept();
  for (const s of [client, conn, unix]) await s.close();
  console.log("AF_UNIX");
  const server = socket(AF_INET);
  await server.bind(["127.0.0.1", 0]);
  await server.listen();
  const tcp = await create_connection(server.getsockname());
  await tcp.close();
  await server.close();
  console.log("AF_INET");
}

if (cluster.isPrimary) {
  cluster.fork();
} else {
  await talk();
  process.exit();
}
