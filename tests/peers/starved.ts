/** Uses up all descriptors, tells what each call says then, and what a listener does before and after some are free. */

import { closeSync, openSync } from "node:fs";
import process from "node:process";
import {
  type Address,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  getaddrinfo,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
  socket,
  SocketError,
} from "../../mod.ts";

const [path = ""] = process.argv.slice(2);
const told: Record<string, string | number> = { path };

async function tell(name: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
    told[name] = "ok";
  } catch (error) {
    // The call, the code and the address, without the texts.
    const [head = ""] = String((error as Error).message).split(": ");
    told[name] = error instanceof SocketError ? head : String(error);
  }
}

/** Opens a socket, calls, and closes it. */
async function using(
  family: number,
  type: number,
  call: (s: Socket<Address>) => Promise<unknown>,
): Promise<void> {
  const s = new Socket<Address>(family, type);
  try {
    s.settimeout(5);
    await call(s);
  } finally {
    await s.close();
  }
}

const server = socket();
await server.bind(["127.0.0.1", 0]);
await server.listen();
server.settimeout(1.5);
const address = server.getsockname();
told["server"] = address.join(":");
// The runtimes load what they need before descriptors are gone.
await tell("before", () => using(AF_INET, SOCK_STREAM, (s) => s.connect(address)));
await (await server.accept())[0].close();

const descriptors: number[] = [];
await tell("all used", () => {
  for (;;) descriptors.push(openSync("/dev/null", "r"));
});
await tell("connect", () => using(AF_INET, SOCK_STREAM, (s) => s.connect(address)));
await tell("bind", () => using(AF_INET, SOCK_STREAM, (s) => s.bind(["127.0.0.1", 0])));
await tell("listen", () => using(AF_INET, SOCK_STREAM, (s) => s.listen()));
await tell("unix", () => using(AF_UNIX, SOCK_STREAM, (s) => s.bind(path)));
await tell("udp", () => using(AF_INET, SOCK_DGRAM, (s) => s.bind(["127.0.0.1", 0])));
await tell("udp connect", () => using(AF_INET, SOCK_DGRAM, (s) => s.connect(["127.0.0.1", 9])));
await tell("udp6", () => using(AF_INET6, SOCK_DGRAM, (s) => s.sendto("x", ["::1", 9])));
await tell("lookup", () => getaddrinfo("localhost", 80));

// One for a client, none for the connection that is accepted.
closeSync(descriptors.pop()!);
const client = socket();
await client.connect(address);
const before = process.cpuUsage();
await tell("accept", async () => await (await server.accept())[0].close());
const { user, system } = process.cpuUsage(before);
told["cpu"] = Math.round((user + system) / 1000);

for (const fd of descriptors) closeSync(fd);
await tell("accept again", async () => {
  await using(AF_INET, SOCK_STREAM, async (s) => {
    await s.connect(address);
    const mine = s.getsockname()[1];
    // The client that came while there were none may still be in the queue.
    for (;;) {
      const [conn, [, port]] = await server.accept();
      await conn.close();
      if (port === mine) return;
    }
  });
});
await client.close();
await server.close();
console.log(JSON.stringify(told));
