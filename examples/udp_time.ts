/**
 * The time by UDP, server and client: the Time protocol (RFC 868), a number of four bytes.
 *
 * It shows datagrams: no connection, no order, no promise that one arrives. So the client asks
 * again when no answer comes in time, and gives up after a few times. It `connect`s its socket,
 * which sends nothing but makes the system drop what others send. Numbers cross the network in
 * big-endian order.
 *
 *     node examples/udp_time.ts server 3737
 *     deno run --allow-net=127.0.0.1 examples/udp_time.ts server 3737
 *     bun examples/udp_time.ts server 3737
 *
 *     node examples/udp_time.ts client 127.0.0.1 3737
 *     deno run --allow-net=127.0.0.1:3737,0.0.0.0:0 examples/udp_time.ts client 127.0.0.1 3737
 *     bun examples/udp_time.ts client 127.0.0.1 3737
 *
 * On Deno the server may answer any port, and the client use any of its own. The service's port is
 * `getservbyname("time", "udp")`, 37, which only root may bind.
 */

import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port as portOf, seconds, whole } from "./support/arguments.ts";
import { Failure, main, messageOf, say } from "./support/main.ts";

const usage = "udp_time.ts server [PORT] [HOST] | udp_time.ts client HOST [PORT] " +
  "[--timeout SECONDS] [--tries N]";

/** From 1900, where the protocol begins to count, to 1970, where JavaScript does, in seconds. */
const from1900 = 2_208_988_800;

await main(usage, async (signal, usage) => {
  const { values, positionals } = parseArgs({
    options: {
      timeout: { type: "string", default: "1" },
      tries: { type: "string", default: "3" },
    },
    allowPositionals: true,
  });
  const timeout = seconds(values.timeout);
  const tries = whole(values.tries, "a number of tries", 1);
  const [role, ...rest] = positionals;
  if (role === "server" && rest.length <= 2) {
    const [port = "3737", host = "127.0.0.1"] = rest;
    await serve(host, portOf(port, 0), signal);
  } else if (role === "client" && rest[0] !== undefined && rest.length <= 2) {
    const [host, port] = rest;
    const number = port === undefined ? socket.getservbyname("time", "udp") : portOf(port);
    console.log((await ask(host, number, timeout, tries, signal)).toISOString());
  } else {
    throw usage();
  }
});

async function serve(host: string, port: number, signal: AbortSignal): Promise<void> {
  const s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  try {
    await s.bind([host, port]);
    console.log(`listening on ${s.getsockname().join(" port ")}`);
    while (true) {
      // Any datagram is a question, an empty one too.
      const [, client] = await s.recvfrom(16, 0, { signal });
      const answer = new DataView(new ArrayBuffer(4));
      answer.setUint32(0, Math.floor(Date.now() / 1000) + from1900); // big-endian unless told
      try {
        await s.sendto(answer, client!);
      } catch (error) {
        // One client that cannot be reached is no reason to stop serving the others.
        say(messageOf(error));
      }
    }
  } finally {
    await s.close();
  }
}

async function ask(
  host: string,
  port: number,
  timeout: number,
  tries: number,
  signal: AbortSignal,
): Promise<Date> {
  const s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  try {
    await s.connect([host, port]);
    s.settimeout(timeout);
    for (let i = 1; i <= tries; i++) {
      await s.send(new Uint8Array(0));
      try {
        const answer = await s.recv(16, 0, { signal });
        if (answer.length !== 4) throw new Failure(`an answer of ${answer.length} bytes, not 4`);
        const count = new DataView(answer.buffer, answer.byteOffset, 4).getUint32(0);
        return new Date((count - from1900) * 1000);
      } catch (error) {
        if (!(error instanceof socket.timeout)) throw error;
        say(`no answer in ${timeout} s (${i} of ${tries})`);
      }
    }
    throw new Failure(`no answer from ${host} port ${port}`);
  } finally {
    await s.close();
  }
}
