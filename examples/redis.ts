/**
 * A Redis client in a hundred lines: RESP, the protocol, and pipelining.
 *
 * It shows a protocol whose parts say how long they are, read from a `makefile("rb")`, and
 * pipelining: all commands are sent while the answers are read. A client that first sends
 * everything and reads then would wait for ever, with a server that waits for it to read.
 *
 *     node examples/redis.ts SET greeting Hello
 *     deno run --allow-net=127.0.0.1:6379 examples/redis.ts SET greeting Hello
 *     bun examples/redis.ts SET greeting Hello
 *
 * A negative number comes after `--`: `redis.ts INCRBY n -- -5`. Without a command each line of standard input
 * is one: `redis.ts < commands.txt`. `-x` takes the last argument from standard input, as redis-cli does. A single string is
 * printed as it is, for `redis.ts GET picture > picture.png`.
 */

import { Buffer } from "node:buffer";
import process from "node:process";
import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port, seconds } from "./support/arguments.ts";
import { Failure, main } from "./support/main.ts";
import { hangUpOn, print, readInput } from "./support/streams.ts";

const usage =
  "redis.ts [--host HOST] [--port PORT] [--timeout SECONDS] [-x] [COMMAND [ARGUMENT...]]";

/** What the server answers. An error is a value here: in a pipeline the next answer still comes. */
type Reply = string | number | null | Uint8Array | Error | Reply[];

await main(usage, async (signal) => {
  const { values, positionals } = parseArgs({
    options: {
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "6379" },
      timeout: { type: "string", default: "30" },
      stdin: { type: "boolean", short: "x", default: false },
    },
    allowPositionals: true,
  });
  const [address, timeout] = [[values.host, port(values.port)] as const, seconds(values.timeout)];
  const commands: (string | Uint8Array)[][] = values.stdin
    ? [[...positionals, await readInput()]]
    : positionals.length > 0
    ? [positionals]
    : (new TextDecoder().decode(await readInput()).match(/.*\S.*/g) ?? [])
      .map((line) => line.trim().split(/\s+/));

  const s = await socket.create_connection(address, { timeout, signal });
  hangUpOn(signal, s);
  const file = s.makefile("rb", { buffering: 65536 });
  let failures = 0;
  const showReplies = async (): Promise<void> => {
    for (const _ of commands) {
      const reply = await readReply(file);
      if (reply instanceof Error) failures++;
      const raw = reply instanceof Uint8Array && commands.length === 1 && !process.stdout.isTTY;
      await print(raw ? reply : `${show(reply)}\n`);
    }
  };
  try {
    await Promise.all([showReplies(), s.sendall(Buffer.concat(commands.map(encode)))]);
    if (failures > 0) throw new Failure(`${failures} of ${commands.length} commands failed`);
  } finally {
    await file.close();
    await s.close();
  }
});

/** A command is an array of strings, each with its length in bytes. */
function encode(command: (string | Uint8Array)[]): Uint8Array {
  const parts = command.map((argument) => Buffer.from(argument as string)).flatMap((bytes) => [
    Buffer.from(`$${bytes.length}\r\n`),
    bytes,
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([Buffer.from(`*${command.length}\r\n`), ...parts]);
}

/** The first byte tells the kind. */
async function readReply(file: socket.SocketFile<Uint8Array>): Promise<Reply> {
  const line = new TextDecoder().decode(await file.readline());
  if (!line.endsWith("\r\n")) throw new Failure("the server hung up in the middle");
  const [kind, rest] = [line[0], line.slice(1, -2)];
  if (kind === "+") return rest;
  if (kind === "-") return new Error(rest);
  if (kind === ":") return Number(rest);
  if ((kind === "$" || kind === "*") && rest === "-1") return null;
  if (kind === "$") {
    const data = await file.read(Number(rest) + 2);
    if (data.length < Number(rest) + 2) throw new Failure("the server hung up in the middle");
    return data.subarray(0, -2);
  }
  if (kind !== "*") throw new Failure(`not a Redis server: ${JSON.stringify(line.slice(0, 40))}`);
  const items: Reply[] = [];
  while (items.length < Number(rest)) items.push(await readReply(file));
  return items;
}

/** As redis-cli shows it to a person. */
function show(reply: Reply): string {
  if (reply === null) return "(nil)";
  if (typeof reply === "number") return `(integer) ${reply}`;
  if (reply instanceof Error) return `(error) ${reply.message}`;
  if (reply instanceof Uint8Array) return JSON.stringify(new TextDecoder().decode(reply));
  if (typeof reply === "string") return reply;
  return reply.map((item, i) => `${i + 1}) ${show(item)}`).join("\n");
}
