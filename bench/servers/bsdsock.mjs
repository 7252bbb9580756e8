/**
 * The library itself. `--into` receives with `recv_into`, `--timeout=30` sets a timeout on each socket,
 * `--library=PATH` takes another build than the sources.
 */

import {
  announce,
  block,
  collect,
  done,
  flag,
  lineLength,
  lines,
  noDelay,
  piece,
  task,
} from "./announce.mjs";

/** @typedef {import("../../mod.ts").Socket<Address>} Connection */
/** @typedef {import("../../mod.ts").InetAddress} Address */
/** @typedef {() => Promise<Uint8Array>} Receive */

const library = flag("library");
/** @type {typeof import("../../mod.ts")} */
const socket = await (library === undefined ? import("../../mod.ts") : import(library));

const into = flag("into") !== undefined;
const timeout = flag("timeout");
const size = 65536;

/**
 * A receive of either kind; it gives no bytes at the end.
 *
 * @param {Connection} conn
 * @returns {Receive}
 */
function receiver(conn) {
  if (!into) return () => conn.recv(size);
  const buffer = new Uint8Array(size);
  return async () => buffer.subarray(0, await conn.recv_into(buffer));
}

/** @param {Connection} conn */
async function echo(conn) {
  if (into) {
    const buffer = new Uint8Array(size);
    while (true) {
      const count = await conn.recv_into(buffer);
      if (count === 0) return;
      await conn.sendall(buffer.subarray(0, count));
    }
  }
  while (true) {
    const data = await conn.recv(size);
    if (data.length === 0) return;
    if (task === "idle" && data.length === 1) collect();
    await conn.sendall(data);
  }
}

/** @type {Record<string, (conn: Connection) => Promise<void>>} */
const tasks = {
  echo,
  connect: echo,
  idle: echo,

  async sink(conn) {
    const receive = receiver(conn);
    for (let left = block;;) {
      const data = await receive();
      if (data.length === 0) return;
      left -= data.length;
      if (left > 0) continue;
      left += block;
      await conn.sendall(done);
    }
  },

  async source(conn) {
    while ((await conn.recv(1)).length > 0) {
      for (let sent = 0; sent < block; sent += piece.length) await conn.sendall(piece);
    }
  },

  async lines(conn) {
    let count = 0;
    for await (const line of conn.makefile("r")) {
      if (line.length !== lineLength + 1) throw new Error(`a line of ${line.length} characters`);
      if (++count % lines === 0) await conn.sendall(done);
    }
  },
};

async function serve() {
  const talk = tasks[task] ?? echo;
  const server = await socket.create_server(["127.0.0.1", 0], { backlog: 1024 });
  announce(server.getsockname()[1]);
  while (true) {
    const [conn] = await server.accept();
    if (noDelay) conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1);
    if (timeout !== undefined) conn.settimeout(Number(timeout));
    talk(conn).then(() => conn.close(), console.error);
  }
}

async function serveDatagrams() {
  const server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  await server.bind(["127.0.0.1", 0]);
  announce(server.getsockname()[1]);
  if (into) {
    const buffer = new Uint8Array(size);
    while (true) {
      const [count, address] = await server.recvfrom_into(buffer);
      await server.sendto(buffer.subarray(0, count), /** @type {Address} */ (address));
    }
  }
  while (true) {
    const [data, address] = await server.recvfrom(size);
    await server.sendto(data, /** @type {Address} */ (address));
  }
}

await (task === "udp" ? serveDatagrams() : serve());
