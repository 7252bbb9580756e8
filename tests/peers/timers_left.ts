/** Counts the timers that are left when all sockets are closed, some of whose calls had a timeout; prints how many. */

import { getBuiltinModule } from "node:process";

type Timers = Pick<typeof globalThis, "setTimeout" | "clearTimeout">;

const armed = new Set<unknown>();

/** Counts those of the globals, or of the module from which Node's are taken. */
function count(timers: Timers): void {
  const { setTimeout, clearTimeout } = timers;
  const arm = (callback: () => void, delay: number): unknown => {
    const timer = setTimeout(() => {
      armed.delete(timer);
      callback();
    }, delay);
    armed.add(timer);
    return timer;
  };
  timers.setTimeout = arm as Timers["setTimeout"];
  timers.clearTimeout = (timer) => {
    armed.delete(timer);
    clearTimeout(timer);
  };
}

count(globalThis);
const timers = getBuiltinModule("node:timers") as unknown as Timers;
if (timers.setTimeout !== globalThis.setTimeout) count(timers);

const { AF_INET, create_connection, create_server, SOCK_DGRAM, socket } = await import(
  "../../mod.ts"
);
const server = await create_server(["127.0.0.1", 0]);
const client = await create_connection(server.getsockname(), { timeout: 60 });
const [conn] = await server.accept();
const received = client.recv(9);
await conn.sendall("hello");
await received;
const datagrams = socket(AF_INET, SOCK_DGRAM);
await datagrams.bind(["127.0.0.1", 0]);
datagrams.settimeout(60);
const waits = [datagrams.recv(9), client.recv(9)].map((wait) => wait.catch(() => {}));
for (const s of [datagrams, client, conn, server]) await s.close();
await Promise.all(waits);
console.log(armed.size);
