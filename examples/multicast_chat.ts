/**
 * A chat without a server: every line goes to all members of a multicast group on this network.
 *
 * It shows multicast: joining a group (IP_ADD_MEMBERSHIP with two packed addresses, the group's and
 * the interface's), how far a datagram goes (IP_MULTICAST_TTL), which way (IP_MULTICAST_IF), and
 * SO_REUSEADDR, by which several members on one machine have the same port.
 *
 *     node examples/multicast_chat.ts Ann
 *     deno run --allow-net=0.0.0.0:5007,239.1.2.3:5007 examples/multicast_chat.ts Bob
 *     bun examples/multicast_chat.ts Cid
 *
 * Everybody, the sender included, sees each line. `--interface 127.0.0.1` stays on this machine.
 * Ctrl-D leaves; so does Ctrl-C.
 */

import { createInterface } from "node:readline";
import process from "node:process";
import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port as portOf } from "./support/arguments.ts";
import { Failure, main } from "./support/main.ts";

type Member = socket.Socket<socket.InetAddress>;

const usage = "multicast_chat.ts NAME [--group 239.1.2.3] [--port 5007] [--interface ADDRESS]";

await main(usage, async (signal, usage) => {
  const { values, positionals } = parseArgs({
    options: {
      group: { type: "string", default: "239.1.2.3" },
      port: { type: "string", default: "5007" },
      interface: { type: "string", default: "0.0.0.0" },
    },
    allowPositionals: true,
  });
  const [name, ...more] = positionals;
  if (name === undefined || more.length > 0) throw usage();
  const [group, port, out] = [values.group, portOf(values.port), values.interface];

  const s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
  try {
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1);
    await s.bind(["", port]);
    // struct ip_mreq: the group, then the interface to join it on; 0.0.0.0 lets the system choose.
    const request = new Uint8Array([...socket.inet_aton(group), ...socket.inet_aton(out)]);
    s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, request);
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1); // not past the first router
    if (out !== "0.0.0.0") {
      s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(out));
    }
    console.log(`${name} is in ${group} port ${port}; Ctrl-D leaves`);

    const left = new AbortController();
    // Who stops talking stops listening.
    const talking = talk(s, name, [group, port], signal).finally(() => left.abort());
    await Promise.all([talking, listen(s, AbortSignal.any([signal, left.signal]))]);
  } finally {
    await s.close();
  }
});

async function talk(
  s: Member,
  name: string,
  group: socket.InetAddress,
  signal: AbortSignal,
): Promise<void> {
  const input = createInterface({ input: process.stdin, terminal: false });
  signal.addEventListener("abort", () => input.close());
  try {
    for await (const line of input) {
      if (line === "") continue;
      const text = new TextEncoder().encode(`${name}: ${line}`);
      if (text.length > 1400) throw new Failure("a line must fit into one datagram");
      await s.sendto(text, group);
    }
  } finally {
    input.close();
  }
  // What was said last is still on its way back.
  await new Promise((resolve) => setTimeout(resolve, signal.aborted ? 0 : 200));
}

async function listen(s: Member, signal: AbortSignal): Promise<void> {
  try {
    while (true) {
      const [data, from] = await s.recvfrom(1500, 0, { signal });
      console.log(`${from![0]} ${new TextDecoder().decode(data)}`);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
