/**
 * A program that was given sockets by its parent, as systemd gives them: it takes each of its
 * arguments as a descriptor and says what it is. A listener serves one connection with a greeting;
 * a connection is answered with what it says, turned to capitals.
 */

import process from "node:process";
import { SO_ACCEPTCONN, type Socket, socket, SOL_SOCKET } from "../../mod.ts";

async function greet(server: Socket): Promise<unknown> {
  const [conn] = await server.accept();
  const question = new TextDecoder().decode(await conn.recv(100));
  await conn.sendall(`welcome ${question}`);
  const facts = { local: conn.getsockname(), family: conn.family, proto: conn.proto };
  await conn.close();
  await server.close();
  return facts;
}

async function answer(conn: Socket): Promise<unknown> {
  const question = new TextDecoder().decode(await conn.recv(100));
  await conn.sendall(question.toUpperCase());
  const facts = { rest: (await conn.recv(100)).length, remote: conn.getpeername() };
  await conn.close();
  return facts;
}

for (const argument of process.argv.slice(2)) {
  const s = socket(undefined, undefined, undefined, { fileno: Number(argument) }) as Socket;
  const listening = s.getsockopt(SOL_SOCKET, SO_ACCEPTCONN) === 1;
  const { family, type, proto } = s;
  console.log(JSON.stringify({ family, type, proto, listening, local: s.getsockname() }));
  s.settimeout(15);
  console.log(JSON.stringify(await (listening ? greet(s) : answer(s))));
}
