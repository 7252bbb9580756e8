/** Takes over a descriptor that a worker thread has detached, ends the thread, and says what its peer receives then. */

import process from "node:process";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { AF_INET, create_connection, create_server, fromfd } from "../../mod.ts";

async function main(): Promise<void> {
  const server = await create_server(["127.0.0.1", 0]);
  const worker = new Worker(new URL(import.meta.url), { workerData: server.getsockname() });
  const fd = await new Promise<number>((resolve) => worker.once("message", resolve));
  const [peer] = await server.accept();
  const s = fromfd(fd, AF_INET);
  await s.sendall("before");
  const before = new TextDecoder().decode(await peer.recv(100));
  await worker.terminate();
  const after = new TextDecoder().decode(await peer.recv(100));
  console.log(JSON.stringify([before, after]));
  // The socket has lost its descriptor: there is nothing to close.
  process.exit();
}

async function detach(): Promise<void> {
  const s = await create_connection(workerData);
  // Keeps the thread.
  parentPort!.on("message", () => {});
  parentPort!.postMessage(s.detach());
}

await (isMainThread ? main() : detach());
