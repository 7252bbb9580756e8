/**
 * A program that leaves a socket open in the way of its first argument, and has nothing more to do. It must end by
 * itself. It imports nothing but the library.
 */

import * as socket from "../../mod.ts";

const { AF_INET, SOCK_DGRAM } = socket;
const host = "127.0.0.1";
const how = (globalThis as { process?: { argv: string[] } }).process?.argv[2] ?? "";

async function pair() {
  const server = await socket.create_server([host, 0]);
  const client = await socket.create_connection(server.getsockname());
  const [conn] = await server.accept();
  return { server, client, conn };
}

async function datagrams() {
  const receiver = socket.socket(AF_INET, SOCK_DGRAM);
  await receiver.bind([host, 0]);
  const sender = socket.socket(AF_INET, SOCK_DGRAM);
  await sender.sendto("x", receiver.getsockname());
  return { receiver, sender };
}

/** Waits until the timeout. */
async function inVain(opened: socket.Socket<socket.InetAddress>, call: () => Promise<unknown>) {
  opened.settimeout(0.02);
  await call().catch(() => {});
  return opened;
}

const ways: Record<string, () => Promise<unknown>> = {
  async "a bound socket"() {
    const bound = socket.socket();
    await bound.bind([host, 0]);
    return bound;
  },
  "a listener": () => socket.create_server([host, 0]),
  async "a listener that waited"() {
    const server = await socket.create_server([host, 0]);
    return await inVain(server, () => server.accept());
  },
  async "a listener with a connection"() {
    const server = await socket.create_server([host, 0]);
    return [server, await socket.create_connection(server.getsockname())];
  },
  "connections": pair,
  async "connections that talked"() {
    const { client, conn } = await pair();
    await client.sendall("question");
    await conn.recv(9);
    await conn.sendall("answer");
    await client.recv(9);
    return [client, conn];
  },
  async "a connection with unread bytes"() {
    const { client, conn } = await pair();
    await client.sendall("question");
    return [client, conn];
  },
  async "a connection that waited"() {
    const { client, conn } = await pair();
    return [await inVain(client, () => client.recv(9)), conn];
  },
  async "a connect that timed out, with a receive behind it"() {
    const adapter = socket.createMemoryAdapter();
    adapter.faults.silence([host, 80]);
    const s = socket.socket(AF_INET, socket.SOCK_STREAM, 0, { adapter });
    s.settimeout(0.02);
    const connecting = s.connect([host, 80]).catch(() => {});
    s.settimeout(600);
    const receiving = s.recv(9).catch(() => {});
    await Promise.all([connecting, receiving]);
    return s;
  },
  async "a stream with a lock"() {
    const { client, conn } = await pair();
    await conn.sendall("answer");
    const reader = client.readable.getReader();
    await reader.read();
    return [client, conn, reader];
  },
  async "a stream whose reader has gone"() {
    const { client, conn } = await pair();
    const reader = client.readable.getReader();
    reader.read().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 20));
    reader.releaseLock();
    return [client, conn];
  },
  "a pair": () => socket.socketpair(),
  "datagram sockets": datagrams,
  async "a datagram socket that waited"() {
    const { receiver } = await datagrams();
    await receiver.recv(9);
    return await inVain(receiver, () => receiver.recv(9));
  },
  async "a closed connection whose send has timed out"() {
    const { client, conn } = await pair();
    client.settimeout(0.02);
    await client.sendall(new Uint8Array(32 << 20)).catch(() => {});
    await client.close();
    return conn;
  },
  async "an aborted send"() {
    const { client, conn } = await pair();
    client.settimeout(0.02);
    await client.send(new Uint8Array(32 << 20));
    await client.send(new Uint8Array(32 << 20)).catch(() => {});
    return [client, conn];
  },
};

const way = ways[how];
if (way === undefined) throw new Error(`no way "${how}"`);
// Not to be collected before the end.
(globalThis as { open?: unknown }).open = await way();
console.log("done");
