/**
 * A small netcat: the network as a pipe, in both directions.
 *
 * It shows reading and writing at once, and the ways in which a conversation ends: the peer says
 * "that was all" (an empty `recv`), we say it at the end of our input (`-N`, SHUT_WR) and still
 * read the answer, or nothing happens for a while (`-w`).
 *
 *     node examples/nc.ts -l 127.0.0.1 7000 > received.txt
 *     deno run --allow-net=127.0.0.1:7000 examples/nc.ts -l 127.0.0.1 7000 > received.txt
 *     bun examples/nc.ts -l 127.0.0.1 7000 > received.txt
 *
 *     node examples/nc.ts -N 127.0.0.1 7000 < question.txt
 *     deno run --allow-net=127.0.0.1:7000 examples/nc.ts -N 127.0.0.1 7000 < question.txt
 *     bun examples/nc.ts -N 127.0.0.1 7000 < question.txt
 *
 * UDP, `-u`, needs `--allow-net` on Deno. With -U Deno needs `--allow-net=unix:PATH --allow-read=PATH --allow-write=PATH`. The port may be
 * a service's name. `-w` limits connecting, which then fails, and idleness, after which it ends
 * well, as nc does. A reset connection is a failure, other than with nc.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port as portOf, seconds } from "./support/arguments.ts";
import { main } from "./support/main.ts";
import { print } from "./support/streams.ts";

const usage = "nc.ts [-l] [-u] [-N] [-w SECONDS] HOST PORT | nc.ts [-l] [-N] [-w SECONDS] -U PATH";

type Any = socket.Socket<socket.Address>;

await main(usage, async (signal, usage) => {
  const { values: options, positionals } = parseArgs({
    options: {
      listen: { type: "boolean", short: "l", default: false },
      udp: { type: "boolean", short: "u", default: false },
      unix: { type: "boolean", short: "U", default: false },
      shutdown: { type: "boolean", short: "N", default: false },
      wait: { type: "string", short: "w" },
    },
    allowPositionals: true,
  });
  // `nc -l PORT` has no host.
  if (options.listen && !options.unix && positionals.length === 1) positionals.unshift("");
  if (positionals.length !== (options.unix ? 1 : 2) || options.unix && options.udp) throw usage();
  const [host = "", port = ""] = positionals;
  const type = options.udp ? socket.SOCK_DGRAM : socket.SOCK_STREAM;
  const family = options.unix
    ? socket.AF_UNIX
    : host.includes(":")
    ? socket.AF_INET6
    : socket.AF_INET;
  const address = options.unix ? host : [host, number(port, options)] as const;
  const wait = options.wait === undefined ? null : seconds(options.wait);

  let s: Any = new socket.Socket<socket.Address>(family, type);
  try {
    s.settimeout(wait);
    if (options.listen) s = await firstCaller(s, address, signal);
    else await s.connect(address, { signal });
    s.settimeout(null);
    await converse(s, options.shutdown, options.listen, wait, signal);
  } finally {
    await s.close();
  }
});

/** A port may be given by the name of its service. */
function number(port: string, { udp, listen }: { udp: boolean; listen: boolean }): number {
  if (/^[a-z]/i.test(port)) return socket.getservbyname(port, udp ? "udp" : "tcp");
  return portOf(port, listen ? 0 : 1);
}

/** Waits for one caller and is connected to it. The first datagram shows who calls. */
async function firstCaller(
  s: Any,
  address: string | readonly [string, number],
  signal: AbortSignal,
): Promise<Any> {
  if (s.type === socket.SOCK_STREAM) s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1);
  await s.bind(address);
  s.settimeout(null);
  if (s.type === socket.SOCK_DGRAM) {
    const [, caller] = await s.recvfrom(1, socket.MSG_PEEK, { signal });
    await s.connect(caller!);
    return s;
  }
  await s.listen();
  const [conn] = await s.accept({ signal });
  await s.close();
  return conn;
}

/** Input to the network and the network to output, until both, or theirs, have ended. */
async function converse(
  s: Any,
  halfClose: boolean,
  listened: boolean,
  wait: number | null,
  signal: AbortSignal,
): Promise<void> {
  const idle = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const active = (): void => {
    clearTimeout(timer);
    if (wait !== null) timer = setTimeout(() => idle.abort(), wait * 1000);
  };
  const stop = { signal: AbortSignal.any([signal, idle.signal]) };

  const fromInput = async (): Promise<void> => {
    for await (const chunk of process.stdin) {
      for (let at = 0; at < chunk.length; at += 16384) {
        active();
        await s.sendall(chunk.subarray(at, at + 16384), 0, stop);
      }
    }
    if (halfClose && s.type === socket.SOCK_STREAM) await s.shutdown(socket.SHUT_WR);
  };
  const toOutput = async (): Promise<void> => {
    for (;;) {
      const data = await s.recv(65536, 0, stop);
      if (data.length === 0 && s.type === socket.SOCK_STREAM) return;
      active();
      await print(data);
    }
  };

  active();
  try {
    // Who called ends when both sides have; who was called when the caller has, as with nc.
    const [input, output] = [fromInput(), toOutput()];
    await (listened
      ? Promise.race([output, input.then(() => output)])
      : Promise.all([input, output]));
  } catch (error) {
    if (!idle.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
  }
}
