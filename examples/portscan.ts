/**
 * A port scanner: which TCP ports of a host are open. Scan only what is yours.
 *
 * It shows `connect_ex`, which gives the errno instead of throwing: 0 is open, ECONNREFUSED closed,
 * and silence a firewall; many connects at once, but no more than the descriptors
 * allow; and service names beside the ports.
 *
 *     node examples/portscan.ts 127.0.0.1 1-1024
 *     deno run --allow-net=127.0.0.1 examples/portscan.ts 127.0.0.1 1-1024
 *     bun examples/portscan.ts 127.0.0.1 1-1024
 */

import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port, seconds, whole } from "./support/arguments.ts";
import { Failure, main } from "./support/main.ts";
import { Progress } from "./support/progress.ts";

const usage = "portscan.ts HOST FIRST-LAST [--timeout SECONDS] [--parallel N]";

/** What there may be instead of a connection: no, silence (EAGAIN: the timeout), or no way there. */
const answers: readonly number[] = [
  socket.errno.ECONNREFUSED,
  socket.errno.EAGAIN,
  socket.errno.ETIMEDOUT,
  socket.errno.EHOSTUNREACH,
  socket.errno.ENETUNREACH,
];

await main(usage, async (signal, usage) => {
  const { values, positionals } = parseArgs({
    options: {
      timeout: { type: "string", default: "1" },
      parallel: { type: "string", default: "100" },
    },
    allowPositionals: true,
  });
  const [host, range = "", ...more] = positionals;
  const [, from, to] = /^(\d+)-(\d+)$/.exec(range) ?? [];
  if (host === undefined || from === undefined || more.length > 0) throw usage();
  const [first, last] = [port(from), port(to!)];
  if (first > last) throw new Failure(`not a range of ports: ${range}`, 2);
  const parallel = whole(values.parallel, "a number of connections", 1);
  const timeout = seconds(values.timeout);

  // Once, not for each port.
  const address = await socket.gethostbyname(host);
  const progress = new Progress(last - first + 1);
  const open: number[] = [];
  let [next, done, silent] = [first, 0, 0];

  /** One of many that take the next port until there are no more. */
  const worker = async (): Promise<void> => {
    while (next <= last && !signal.aborted) {
      const port = next++;
      const result = await probe(address, port, timeout, signal);
      if (result === 0) open.push(port);
      else if (result !== socket.errno.ECONNREFUSED) silent++;
      progress.update(++done);
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(parallel, last - first + 1) }, worker));
  } finally {
    progress.end(done);
  }
  signal.throwIfAborted();

  for (const port of open.sort((a, b) => a - b)) console.log(`${port}/tcp open ${service(port)}`);
  const closed = done - open.length - silent;
  console.log(`${open.length} open, ${closed} closed, ${silent} silent on ${address}`);
});

/** 0 for an open port, or the errno. */
async function probe(
  host: string,
  port: number,
  timeout: number,
  signal: AbortSignal,
): Promise<number> {
  const s = socket.socket(socket.AF_INET, socket.SOCK_STREAM);
  try {
    s.settimeout(timeout);
    const result = await s.connect_ex([host, port], { signal });
    // Anything else is not the port's trouble but ours, a permission for example: `connect` says what.
    if (result !== 0 && !answers.includes(result)) await s.connect([host, port], { signal });
    return result;
  } finally {
    await s.close();
  }
}

function service(port: number): string {
  try {
    return socket.getservbyport(port, "tcp");
  } catch {
    return "";
  }
}
