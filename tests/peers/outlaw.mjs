// A name server that does wrong: SERVFAIL for broken.test and 11.in-addr.arpa, a name with a bell in it for
// 12.in-addr.arpa, no answer to anything else. With an argument: a TCP server at that address which accepts and does nothing.

import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import process from "node:process";

const [host] = process.argv.slice(2);
if (host === undefined) {
  const socket = createSocket("udp4");
  socket.on("message", (query, { address, port }) => {
    const text = query.toString("latin1");
    if (text.includes("\x0212\x07in-addr")) return void socket.send(withBell(query), port, address);
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

/**
 * The answer to a question for a pointer.
 *
 * @param {Buffer} query
 */
function withBell(query) {
  const question = query.subarray(0, query.indexOf(0, 12) + 5);
  const name = Buffer.from("\x04be\x07l\x04test\x00", "latin1");
  const record = Buffer.from([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60, 0, name.length]);
  const answer = Buffer.concat([question, record, name]);
  answer.writeUInt16BE(0x8580, 2);
  answer.writeUInt16BE(1, 6);
  answer.writeUInt32BE(0, 8);
  return answer;
}
