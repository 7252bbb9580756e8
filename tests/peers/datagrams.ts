/** Receives datagrams that begin with the hash of the rest, until its input ends; tells how many were whole, how many not. */

import { createHash } from "node:crypto";
import process from "node:process";
import { AF_INET, SOCK_DGRAM, socket } from "../../mod.ts";

const s = socket(AF_INET, SOCK_DGRAM);
await s.bind([process.argv[2] ?? "", 0]);
console.log(s.getsockname()[1]);
const stop = new AbortController();
process.stdin.on("end", () => stop.abort()).resume();
const counts = [0, 0];
try {
  for (;;) {
    const data = await s.recv(65536, 0, { signal: stop.signal });
    const hash = createHash("sha256").update(data.subarray(32)).digest();
    counts[hash.equals(data.subarray(0, 32)) ? 0 : 1]!++;
  }
} catch (error) {
  if (!stop.signal.aborted) throw error;
}
await s.close();
console.log(JSON.stringify(counts));
