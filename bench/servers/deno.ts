/** Deno's own API. */

import { announce, block, collect, done, noDelay, piece, task } from "./announce.mjs";

interface Conn {
  read(buffer: Uint8Array): Promise<number | null>;
  write(data: Uint8Array): Promise<number>;
  setNoDelay(on: boolean): void;
  close(): void;
}

interface Address {
  readonly port: number;
}

interface DatagramConn {
  readonly addr: Address;
  receive(buffer: Uint8Array): Promise<[data: Uint8Array, from: Address]>;
  send(data: Uint8Array, to: Address): Promise<number>;
}

interface Deno {
  listen(
    options: { hostname: string; port: number; tcpBacklog: number },
  ): AsyncIterable<Conn> & { readonly addr: Address };
  listenDatagram(
    options: { transport: "udp"; hostname: string; port: number },
  ): DatagramConn;
}

const { Deno } = globalThis as unknown as { Deno: Deno };

async function writeAll(conn: Conn, data: Uint8Array): Promise<void> {
  for (let sent = 0; sent < data.length;) {
    sent += await conn.write(sent === 0 ? data : data.subarray(sent));
  }
}

async function echo(conn: Conn): Promise<void> {
  const buffer = new Uint8Array(65536);
  for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
    if (task === "idle" && count === 1) collect();
    await writeAll(conn, buffer.subarray(0, count));
  }
}

const tasks: Record<string, (conn: Conn) => Promise<void>> = {
  echo,
  connect: echo,
  idle: echo,

  async sink(conn) {
    const buffer = new Uint8Array(65536);
    let left = block;
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      left -= count;
      if (left > 0) continue;
      left += block;
      await writeAll(conn, done);
    }
  },

  async source(conn) {
    const request = new Uint8Array(1);
    while (await conn.read(request) !== null) {
      for (let sent = 0; sent < block; sent += piece.length) await writeAll(conn, piece);
    }
  },
};

async function serve(): Promise<void> {
  const talk = tasks[task]!;
  const server = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1024 });
  announce(server.addr.port);
  for await (const conn of server) {
    if (noDelay) conn.setNoDelay(true);
    talk(conn).then(() => conn.close(), console.error);
  }
}

async function serveDatagrams(): Promise<void> {
  const server = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  announce(server.addr.port);
  const buffer = new Uint8Array(65536);
  while (true) {
    const [data, from] = await server.receive(buffer);
    await server.send(data, from);
  }
}

await (task === "udp" ? serveDatagrams() : serve());
