/**
 * Sets the program's own wall clock forward and back by a day while calls wait, and tells how long each has waited on the
 * clock that nobody sets.
 */

import {
  AF_INET,
  create_connection,
  create_server,
  SO_RCVTIMEO,
  SOCK_DGRAM,
  socket,
  SocketError,
  SOL_SOCKET,
} from "../../mod.ts";

const DAY = 86_400_000;
const RealDate = Date;
let offset = 0;

// What a wall clock that is set looks like from inside.
const now = (): number => RealDate.now() + offset;
globalThis.Date = new Proxy(RealDate, {
  construct: (_, args) => Reflect.construct(RealDate, args.length === 0 ? [now()] : args),
  get: (_, key) => key === "now" ? now : Reflect.get(RealDate, key),
});

const server = await create_server(["127.0.0.1", 0]);
const client = await create_connection(server.getsockname());
const [conn] = await server.accept();
const udp = socket(AF_INET, SOCK_DGRAM);
await udp.bind(["127.0.0.1", 0]);
const waiting: Record<string, (seconds: number) => Promise<unknown>> = {
  async recv(seconds) {
    client.settimeout(seconds);
    await client.recv(1);
  },
  async accept(seconds) {
    server.settimeout(seconds);
    await server.accept();
  },
  async sendall(seconds) {
    conn.settimeout(seconds);
    await conn.sendall(new Uint8Array(32 << 20));
  },
  async datagrams(seconds) {
    udp.settimeout(seconds);
    await udp.recv(1);
  },
  async SO_RCVTIMEO(seconds) {
    conn.settimeout(null);
    const value = new DataView(new ArrayBuffer(16));
    value.setBigInt64(0, 0n, true);
    value.setBigInt64(8, BigInt(seconds * 1e6), true);
    conn.setsockopt(SOL_SOCKET, SO_RCVTIMEO, new Uint8Array(value.buffer));
    await conn.recv(1);
  },
};

const told: Record<string, [code: string, milliseconds: number][]> = {};
for (const [name, wait] of Object.entries(waiting)) {
  told[name] = [];
  for (const jump of [DAY, -DAY, -2 * DAY]) {
    offset = 0;
    const begun = performance.now();
    const ending = wait(0.3).then(
      () => "ok",
      (error) => error instanceof SocketError ? error.code : String(error),
    );
    setTimeout(() => offset = jump, 20);
    const code = await ending;
    told[name].push([code, Math.round(performance.now() - begun)]);
  }
}
await Promise.all([server, client, conn, udp].map((s) => s.close()));
console.log(JSON.stringify(told));
