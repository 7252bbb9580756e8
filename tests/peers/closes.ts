/**
 * A program that closes its connection to the port of its argument while a send waits. It tells how much was sent, and
 * must end by itself.
 */

import { create_connection, type SocketError } from "../../mod.ts";

const port = Number((globalThis as { process?: { argv: string[] } }).process?.argv[2]);
const s = await create_connection(["127.0.0.1", port]);
const sending = s.sendall(new Uint8Array(64 << 20)).catch((error: SocketError) => error.bytes_sent);
await new Promise((resolve) => setTimeout(resolve, 100));
await s.close();
console.log(await sending);
