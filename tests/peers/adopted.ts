/**
 * A program that takes over descriptors of its parent. Each argument is a descriptor and what to do with it: `connect`
 * to a port, or `read` all. For each it says what came of it, and it ends when its standard input does.
 */

import process from "node:process";
import { SO_ACCEPTCONN, type Socket, socket, SocketError, SOL_SOCKET } from "../../mod.ts";

async function use(s: Socket, action: string | undefined, port: number): Promise<unknown> {
  const listening = s.getsockopt(SOL_SOCKET, SO_ACCEPTCONN) === 1;
  if (action === undefined) return { listening };
  if (action === "read") return { peer: s.getpeername(), read: await readAll(s) };
  await s.connect(["127.0.0.1", port]);
  await s.sendall("connected");
  return { listening };
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
    const s = socket(undefined, undefined, undefined, { fileno: Number(fileno) }) as Socket;
    sockets.push(s);
    console.log(JSON.stringify(await use(s, action, Number(port))));
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    console.log(JSON.stringify({ code: error.code }));
  }
}
for await (const _ of process.stdin);
for (const s of sockets) await s.close();
