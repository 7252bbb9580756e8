/**
 * Sends three datagrams at once between two bound sockets, from one buffer that changes after each call, and prints what
 * came. The argument is the family: `udp` or `unix`.
 */

import process from "node:process";
import { type Address, AF_INET, AF_UNIX, SOCK_DGRAM, Socket } from "../../mod.ts";

const isUnix = process.argv[2] === "unix";

async function open(): Promise<Socket<Address>> {
  const s = new Socket<Address>(isUnix ? AF_UNIX : AF_INET, SOCK_DGRAM);
  await s.bind(isUnix ? "" : ["127.0.0.1", 0]);
  s.settimeout(15);
  return s;
}

const receiver = await open();
const sender = await open();
const buffer = new Uint8Array(1);
const sends: Promise<number>[] = [];
for (const letter of "abc") {
  buffer[0] = letter.charCodeAt(0);
  sends.push(sender.sendto(buffer, receiver.getsockname()));
}
buffer[0] = "?".charCodeAt(0);
await Promise.all(sends);
let came = "";
while (came.length < sends.length) came += new TextDecoder().decode(await receiver.recv(9));
console.log(came);
await sender.close();
await receiver.close();
