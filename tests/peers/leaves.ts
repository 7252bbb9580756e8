/**
 * A program that uses sockets in the way of its first argument, closes them, and has nothing more
 * to do. It must end by itself. It imports nothing but the library.
 */

import * as socket from "../../mod.ts";

const { AF_INET, SHUT_WR, SOCK_STREAM } = socket;
const how = (globalThis as { process?: { argv: string[] } }).process?.argv[2] ?? "";
const host = "127.0.0.1";

async function listening(): Promise<socket.Socket<socket.InetAddress>> {
  const server = socket.socket(AF_INET, SOCK_STREAM);
  await server.bind([host, 0]);
  await server.listen();
  return server;
}

async function pair() {
  const server = await listening();
  const client = socket.socket(AF_INET, SOCK_STREAM);
  const [[conn]] = await Promise.all([server.accept(), client.connect(server.getsockname())]);
  await server.close();
  return [client, conn] as const;
}

async function expect(promise: Promise<unknown>, what: string): Promise<void> {
  try {
    await promise;
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === what || error === what) return;
    throw error;
  }
  throw new Error(`no ${what}`);
}

const ways: Record<string, () => Promise<void>> = {
  /** Nothing but the import. */
  async import() {},

  /** Sockets that are never used, and one that is only bound. */
  async unused() {
    socket.socket();
    const s = socket.socket();
    await s.close();
    const bound = socket.socket();
    await bound.bind([host, 0]);
    await bound.close();
  },

  /** A whole conversation under long timeouts and a signal that never comes. */
  async conversation() {
    const [client, conn] = await pair();
    const { signal } = new AbortController();
    client.settimeout(600);
    conn.settimeout(500);
    const receiving = conn.recv(9, 0, { signal });
    await client.sendall("question", 0, { signal });
    await receiving;
    await conn.sendall("answer");
    await client.recv(9);
    await client.shutdown(SHUT_WR);
    await conn.recv(9);
    await client.close();
    await conn.close();
  },

  /** A listener that waited, and a receive that waited, both closed. */
  async waiting() {
    const server = await listening();
    server.settimeout(600);
    const accepting = expect(server.accept(), "EBADF");
    const [client, conn] = await pair();
    client.settimeout(600);
    const receiving = expect(client.recv(9), "EBADF");
    await new Promise((resolve) => setTimeout(resolve, 20));
    await Promise.all([server.close(), client.close(), conn.close()]);
    await Promise.all([accepting, receiving]);
  },

  /** Calls that timed out or were aborted, then closed. */
  async late() {
    const [client, conn] = await pair();
    client.settimeout(0.02);
    await expect(client.recv(9), "ETIMEDOUT");
    client.settimeout(600);
    const controller = new AbortController();
    setTimeout(() => controller.abort("enough"), 20);
    await expect(client.recv(9, 0, { signal: controller.signal }), "enough");
    conn.setblocking(false);
    await expect(conn.recv(9), "EAGAIN");
    await client.close();
    await conn.close();
  },

  /** Connections that were refused, also without waiting. */
  async refused() {
    const server = await listening();
    const address = server.getsockname();
    await server.close();
    const s = socket.socket();
    s.settimeout(600);
    await expect(s.connect(address), "ECONNREFUSED");
    await s.close();
    const other = socket.socket();
    other.setblocking(false);
    await expect(other.connect(address), "EINPROGRESS");
    await other.close();
  },

  /** A listener closed with connections that nobody accepted. */
  async unaccepted() {
    const server = await listening();
    const clients = [socket.socket(), socket.socket()];
    for (const client of clients) await client.connect(server.getsockname());
    await server.close();
    for (const client of clients) await client.close();
  },

  /** A reader closed with unread bytes, a writer closed with unsent ones. */
  async full() {
    const [client, conn] = await pair();
    client.settimeout(0.05);
    await expect(client.sendall(new Uint8Array(32 << 20)), "ETIMEDOUT");
    await conn.recv(10);
    await conn.close();
    await client.close();
  },

  /** A name that was resolved. */
  async name() {
    const server = await listening();
    const s = socket.socket();
    await s.connect(["localhost", server.getsockname()[1]]);
    await s.close();
    await server.close();
  },
};

const way = ways[how];
if (way === undefined) throw new Error(`no way ${how}`);
await way();
console.log("done");
