// A name server that does wrong: SERVFAIL for broken.test and 11.in-addr.arpa, no answer to
// anything else. With an argument: a TCP server at that address which accepts and does nothing.

import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import process from "node:process";

const [host] = process.argv.slice(2);
if (host === undefined) {
  const socket = createSocket("udp4");
  socket.on("message", (query, { address, port }) => {
    const text = query.toString("latin1");
    if (!text.includes("\x06broken") && !text.includes("\x0211\x07in-addr")) return;
    const answer = Buffer.from(query);
    answer.writeUInt16BE(answer.readUInt16BE(2) & 0xff00 | 0x8082, 2); // An answer: SERVFAIL.
    socket.send(answer, port, address);
  });
  socket.bind(53, "127.0.0.9", () => console.log("ready"));
} else {
  const server = createServer((conn) => conn.on("error", () => {}));
  server.listen(0, host, () => {
    const address = server.address();
    if (typeof address === "object") console.log(address?.port);
  });
}
