/**
 * A program that takes over descriptors of its parent. Each argument is a descriptor and what to do with it: `connect`
 * to a port, tell its `options`, `stop` listening and begin again, `read` all, `accept` one and read that, `listen` and greet, `bind` to an address or a
 * path before that, which is first tried with a port that is taken, `abort` an accept or a `serve` at once, `close` it
 * or `shut` it down while it begins to accept, or for a datagram socket `answer` a question, `call` a port, `leave` a
 * group, or `broadcast`; `stream` says that it is one. For each it says what came of it, and it ends when its standard
 * input does.
 */

import process from "node:process";
import {
  AF_INET6,
  AF_UNIX,
  fromfd,
  type InetAddress,
  IP_DROP_MEMBERSHIP,
  IPPROTO_IP,
  IPPROTO_TCP,
  serve,
  SHUT_RD,
  SO_ACCEPTCONN,
  SO_KEEPALIVE,
  SOCK_DGRAM,
  SOCK_STREAM,
  type Socket,
  SocketError,
  SOL_SOCKET,
  TCP_NODELAY,
} from "../../mod.ts";

/** 239.255.0.1 on 127.0.0.1, as `struct ip_mreq`. */
const GROUP = Uint8Array.of(239, 255, 0, 1, 127, 0, 0, 1);

async function use(s: Socket, action: string | undefined, name: string): Promise<unknown> {
  const port = Number(name);
  const listening = s.getsockopt(SOL_SOCKET, SO_ACCEPTCONN) === 1;
  if (action === undefined) return { listening };
  if (action === "options") {
    return [s.getsockopt(SOL_SOCKET, SO_KEEPALIVE), s.getsockopt(IPPROTO_TCP, TCP_NODELAY)];
  }
  if (action === "read") return { peer: s.getpeername(), read: await readAll(s) };
  if (action === "stop") {
    await s.accept({ signal: AbortSignal.timeout(20) }).catch(() => {/* Nobody comes. */});
    await s.shutdown(SHUT_RD);
    return { again: await codeOf(s.listen()) };
  }
  if (action === "accept") return await readAll((await s.accept())[0]);
  if (action === "bind") return await bindAndListen(s, name);
  if (action === "listen") return await listen(s);
  if (action === "abort" || action === "serve") return await abort(s, action);
  if (action === "close") return await end(s, s.accept());
  if (action === "shut") return await end(s, s.shutdown(SHUT_RD));
  if (s.type === SOCK_DGRAM) return await useDatagrams(s, action, port);
  await s.connect(["127.0.0.1", port]);
  await s.sendall("connected");
  return { listening };
}

async function bindAndListen(s: Socket, name: string): Promise<unknown> {
  const isUnix = s.family === AF_UNIX;
  const host = s.family === AF_INET6 ? "::" : "127.0.0.1";
  const refused = await codeOf(isUnix ? s.listen() : s.bind([host, Number(name)]));
  const address = isUnix ? name : [host, 0];
  await s.bind(address as InetAddress);
  return { refused, again: await codeOf(s.bind(address as InetAddress)), ...await listen(s) };
}

async function listen(s: Socket): Promise<{ local: unknown }> {
  await s.listen();
  s.accept().then(async ([conn]) => {
    await conn.sendall("hello");
    await conn.close();
  }, () => {/* Closed before. */});
  return { local: s.getsockname() };
}

async function abort(s: Socket, action: "abort" | "serve"): Promise<unknown> {
  const stop = new AbortController();
  const { signal } = stop;
  const call = action === "abort" ? s.accept({ signal }) : serve(s, () => {}, { signal });
  stop.abort("enough");
  return await call.then(() => "done", (reason) => reason);
}

async function end(s: Socket, call: Promise<unknown>): Promise<unknown> {
  await s.close();
  return await call.then(() => "done", ({ code, syscall }) => ({ code, syscall }));
}

async function codeOf(call: Promise<void>): Promise<string | undefined> {
  return await call.then(() => undefined, (error: SocketError) => error.code);
}

async function useDatagrams(s: Socket, action: string, port: number): Promise<unknown> {
  const { family, type, proto } = s;
  const local = s.getsockname();
  switch (action) {
    case "answer": {
      const [question, from] = await s.recvfrom(100);
      await s.sendto(new TextDecoder().decode(question).toUpperCase(), from!);
      return { family, type, proto, local, peer: peerOf(s) };
    }
    case "call":
      await s.connect(["127.0.0.1", port]);
      await s.send("a call");
      return { local, after: s.getsockname(), peer: peerOf(s) };
    case "leave":
      s.setsockopt(IPPROTO_IP, IP_DROP_MEMBERSHIP, GROUP);
      return "left";
    default:
      return await s.sendto("to all", ["127.255.255.255", port]);
  }
}

function peerOf(s: Socket): InetAddress | null {
  try {
    return s.getpeername();
  } catch (error) {
    if ((error as SocketError).code === "ENOTCONN") return null;
    throw error;
  }
}

async function readAll(s: Socket): Promise<string[]> {
  const parts: string[] = [];
  try {
    for (let part = ""; (part = new TextDecoder().decode(await s.recv(100))) !== "";) {
      parts.push(part);
    }
  } catch (error) {
    parts.push((error as SocketError).code);
  }
  return parts;
}

/** Open until the end. */
const sockets: Socket[] = [];

for (const argument of process.argv.slice(2)) {
  const [fileno, action, name = ""] = argument.split(",");
  try {
    const type = action === "stream" ? SOCK_STREAM : undefined;
    const s = fromfd(Number(fileno), undefined, type, -1) as Socket;
    sockets.push(s);
    console.log(JSON.stringify(await use(s, action, name)));
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    console.log(JSON.stringify({ code: error.code }));
  }
}
for await (const _ of process.stdin);
for (const s of sockets) await s.close();
