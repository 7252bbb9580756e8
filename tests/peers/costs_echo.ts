/**
 * An echo server for one client, to count the system calls of. Its first argument says with what:
 * `recv`, `recv_into`, `timeout` or `recvfrom` of the library, or `raw` or `raw-datagram` of the
 * runtime. A client ends it: by closing the connection, or with an empty datagram.
 */

import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import process from "node:process";
import * as socket from "../../mod.ts";

interface DenoConn {
  read(buffer: Uint8Array): Promise<number | null>;
  write(data: Uint8Array): Promise<number>;
  close(): void;
}

interface Runtimes {
  Deno?: {
    listen(options: object): {
      readonly addr: { readonly port: number };
      accept(): Promise<DenoConn>;
      close(): void;
    };
  };
  Bun?: {
    listen(options: {
      hostname: string;
      port: number;
      socket: {
        binaryType: "uint8array";
        data(socket: { write(data: Uint8Array): number }, chunk: Uint8Array): void;
        close(): void;
      };
    }): { readonly port: number; stop(): void };
  };
}

const way = process.argv[2] ?? "";
const size = 65536;
const host = "127.0.0.1";

/** Whatever the test does, this program ends. */
const limit = setTimeout(() => process.exit(1), 60_000);

function announce(port: number): void {
  console.log(JSON.stringify(port));
}

async function stream(): Promise<void> {
  const server = await socket.create_server([host, 0]);
  announce(server.getsockname()[1]);
  const [conn] = await server.accept();
  if (way === "timeout") conn.settimeout(30);
  const buffer = new Uint8Array(size);
  while (true) {
    const data = way === "recv_into"
      ? buffer.subarray(0, await conn.recv_into(buffer))
      : await conn.recv(size);
    if (data.length === 0) break;
    await conn.sendall(data);
  }
  await conn.close();
  await server.close();
}

async function datagram(): Promise<void> {
  const server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  await server.bind([host, 0]);
  announce(server.getsockname()[1]);
  while (true) {
    const [data, address] = await server.recvfrom(size);
    if (data.length === 0) break;
    await server.sendto(data, address!);
  }
  await server.close();
}

async function raw(): Promise<void> {
  const { Deno, Bun } = globalThis as Runtimes;
  if (Deno !== undefined) {
    const server = Deno.listen({ hostname: host, port: 0 });
    announce(server.addr.port);
    const conn = await server.accept();
    const buffer = new Uint8Array(size);
    for (let count = await conn.read(buffer); count !== null; count = await conn.read(buffer)) {
      await conn.write(buffer.subarray(0, count));
    }
    conn.close();
    server.close();
  } else if (Bun !== undefined) {
    await new Promise<void>((resolve) => {
      const server = Bun.listen({
        hostname: host,
        port: 0,
        socket: {
          binaryType: "uint8array",
          data: (conn, chunk) => void conn.write(chunk),
          close() {
            server.stop();
            resolve();
          },
        },
      });
      announce(server.port);
    });
  } else {
    await new Promise<void>((resolve) => {
      const server = createServer((conn) => {
        conn.on("data", (chunk) => conn.write(chunk));
        conn.on("close", () => server.close(() => resolve()));
      });
      server.listen(0, host, () => announce((server.address() as { port: number }).port));
    });
  }
}

/** `node:dgram`, which is what every runtime has without a flag. */
async function rawDatagram(): Promise<void> {
  await new Promise<void>((resolve) => {
    const server = createSocket("udp4", (data, from) => {
      if (data.length > 0) server.send(data, from.port, from.address);
      else server.close(() => resolve());
    });
    server.bind(0, host, () => announce(server.address().port));
  });
}

const ways: Record<string, () => Promise<void>> = {
  recv: stream,
  recv_into: stream,
  timeout: stream,
  recvfrom: datagram,
  raw,
  "raw-datagram": rawDatagram,
};
await ways[way]!();
clearTimeout(limit);
