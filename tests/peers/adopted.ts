/**
 * A program that takes over descriptors of its parent. Each argument is a descriptor and what to do with it: `connect`
 * to a port, `read` all, `accept` one and read that, or for a datagram socket `answer` a question, `call` a port,
 * `leave` a group, or `broadcast`; `stream` says that it is one. For each it says what came of it, and it ends when its
 * standard input does.
 */

import process from "node:process";
import {
  type InetAddress,
  IP_DROP_MEMBERSHIP,
  IPPROTO_IP,
  SO_ACCEPTCONN,
  SOCK_DGRAM,
  SOCK_STREAM,
  type Socket,
  socket,
  SocketError,
  SOL_SOCKET,
} from "../../mod.ts";

/** 239.255.0.1 on 127.0.0.1, as `struct ip_mreq`. */
const GROUP = Uint8Array.of(239, 255, 0, 1, 127, 0, 0, 1);

async function use(s: Socket, action: string | undefined, port: number): Promise<unknown> {
  const listening = s.getsockopt(SOL_SOCKET, SO_ACCEPTCONN) === 1;
  if (action === undefined) return { listening };
  if (action === "read") return { peer: s.getpeername(), read: await readAll(s) };
  if (action === "accept") return await readAll((await s.accept())[0]);
  if (s.type === SOCK_DGRAM) return await useDatagrams(s, action, port);
  await s.connect(["127.0.0.1", port]);
  await s.sendall("connected");
  return { listening };
}

async function useDatagrams(s: Socket, action: string, port: number): Promise<unknown> {
  const { family, type } = s;
  const local = s.getsockname();
  switch (action) {
    case "answer": {
      const [question, from] = await s.recvfrom(100);
      await s.sendto(new TextDecoder().decode(question).toUpperCase(), from!);
      return { family, type, local, peer: peerOf(s) };
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
  const [fileno, action, port] = argument.split(",");
  try {
    const type = action === "stream" ? SOCK_STREAM : undefined;
    const s = socket(undefined, type, undefined, { fileno: Number(fileno) }) as Socket;
    sockets.push(s);
    console.log(JSON.stringify(await use(s, action, Number(port))));
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    console.log(JSON.stringify({ code: error.code }));
  }
}
for await (const _ of process.stdin);
for (const s of sockets) await s.close();
