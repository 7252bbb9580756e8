/**
 * Sends and receives as much as its arguments say, both at once, through calls that time out again and again: `transfer.ts
 * HOST PORT BYTES`, port 0 to listen. Or waits for one end: `transfer.ts HOST PORT end`. Tells what it saw.
 */

import { createHash } from "node:crypto";
import process from "node:process";
import {
  create_connection,
  create_server,
  SHUT_WR,
  socket,
  SocketError,
  TimeoutError,
} from "../../mod.ts";

const [host = "", port = "", bytes = ""] = process.argv.slice(2);

async function connection() {
  if (port !== "0") return await create_connection([host, Number(port)]);
  const server = await create_server([host, 0]);
  console.log(server.getsockname()[1]);
  const [conn] = await server.accept();
  await server.close();
  return conn;
}

/** How a call ends. */
async function end(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "ok";
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    return `${error.name} ${error.code} ${error.errno} ${error.syscall}`;
  }
}

if (bytes === "connect") {
  const s = socket();
  console.log(JSON.stringify(await end(s.connect([host, Number(port)]))));
  await s.close();
} else if (bytes === "end") {
  const s = await connection();
  console.log(JSON.stringify([await end(s.recv(1)), await end(s.recv(1)), await end(s.send("x"))]));
  await s.close();
} else if (bytes === "send") {
  const s = await connection();
  console.log("connected");
  const block = new Uint8Array(1 << 20);
  const ending = end((async () => {
    for (;;) await s.sendall(block);
  })());
  console.log(JSON.stringify([await ending, await end(s.send("x")), await end(s.recv(1))]));
  await s.close();
} else {
  const total = Number(bytes);
  const s = await connection();
  let timeouts = 0;
  s.settimeout(0.2);
  const timedOut = (error: unknown): SocketError => {
    if (!(error instanceof TimeoutError)) throw error;
    timeouts++;
    return error;
  };
  const sending = (async () => {
    const hash = createHash("sha256");
    const block = new Uint8Array(50_000);
    for (let sent = 0; sent < total;) {
      for (let i = 0; i < block.length; i++) block[i] = (sent + i) * 7 >>> 3;
      let part = block.subarray(0, total - sent);
      hash.update(part);
      sent += part.length;
      while (part.length > 0) {
        const taken = await s.sendall(part).then(
          () => part.length,
          (error) => timedOut(error).bytes_sent!,
        );
        part = part.subarray(taken);
      }
    }
    await s.shutdown(SHUT_WR);
    return hash.digest("hex");
  })();
  const receiving = (async () => {
    const hash = createHash("sha256");
    let count = 0;
    for (;;) {
      const part = await s.recv(65536).catch((error) => void timedOut(error));
      if (part?.length === 0) return [count, hash.digest("hex")];
      if (part === undefined) continue;
      count += part.length;
      hash.update(part);
    }
  })();
  const [sent, received] = await Promise.all([sending, receiving]);
  await s.close();
  console.log(JSON.stringify({ sent, received, timeouts }));
}
