/**
 * A Redis client in a hundred lines: RESP, the protocol, and pipelining.
 *
 * It shows a protocol whose parts say how long they are, read from a `makefile("rb")`, and
 * pipelining: all commands are sent while the answers are read. A client that first sends
 * everything and reads then would wait for ever, with a server that waits for it to read.
 *
 *     node examples/redis.ts SET greeting Hello
 *     deno run --allow-net=127.0.0.1 examples/redis.ts GET greeting
 *     bun examples/redis.ts --port 6379 < commands.txt
 *
 * A command with a negative number comes after `--`. Without a command each line of standard input
 * is one. `-x` takes the last argument from standard input, as redis-cli does. A single string is
 * printed as it is, for `redis.ts GET picture > picture.png`.
 */

import process from "node:process";
import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { Failure, main, seconds, write } from "./support/main.ts";

const usage =
  "redis.ts [--host HOST] [--port PORT] [--timeout SECONDS] [-x] [COMMAND [ARGUMENT...]]";

type File = socket.SocketFile<Uint8Array>;
type Argument = string | Uint8Array;
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
  const command: Argument[] = [...positionals];
  let commands = [command];
  if (values.stdin) command.push(await readInput());
  else if (command.length === 0) {
    const lines = new TextDecoder().decode(await readInput()).split("\n");
    commands = lines.map((line) => line.split(/\s+/).filter((word) => word !== ""))
      .filter((words) => words.length > 0);
  }

  const s = await socket.create_connection([values.host, Number(values.port)], {
    timeout: seconds(values.timeout),
    signal,
  });
  signal.addEventListener("abort", () => void s.shutdown(socket.SHUT_RDWR).catch(() => {}));
  const file = s.makefile("rb", { buffering: 65536 });
  try {
    let failures = 0;
    for (const reply of await pipeline(s, file, commands)) {
      if (reply instanceof Error) failures++;
      if (reply instanceof Uint8Array) await write(process.stdout, reply);
      if (!(reply instanceof Uint8Array) || commands.length > 1 || process.stdout.isTTY) {
        await write(process.stdout, `${reply instanceof Uint8Array ? "" : show(reply)}\n`);
      }
    }
    if (failures > 0) throw new Failure(`${failures} of ${commands.length} commands failed`);
  } finally {
    await file.close();
    await s.close();
  }
});

/** Sends all commands and reads all answers, both at once. */
async function pipeline(
  s: socket.Socket<socket.InetAddress>,
  file: File,
  commands: Argument[][],
): Promise<Reply[]> {
  const read = async (): Promise<Reply[]> => {
    const replies: Reply[] = [];
    for (const _ of commands) replies.push(await readReply(file));
    return replies;
  };
  const [replies] = await Promise.all([read(), s.sendall(encode(commands))]);
  return replies;
}

/** Each command is an array of strings, each with its length in bytes. */
function encode(commands: Argument[][]): Uint8Array {
  const encoder = new TextEncoder();
  const parts: Uint8Array[] = [];
  for (const command of commands) {
    parts.push(encoder.encode(`*${command.length}\r\n`));
    for (const argument of command) {
      const bytes = typeof argument === "string" ? encoder.encode(argument) : argument;
      parts.push(encoder.encode(`$${bytes.length}\r\n`), bytes, encoder.encode("\r\n"));
    }
  }
  return join(parts);
}

/** The first byte tells the kind. */
async function readReply(file: File): Promise<Reply> {
  const line = new TextDecoder().decode(await file.readline());
  if (!line.endsWith("\r\n")) throw new Failure("the server hung up in the middle");
  const rest = line.slice(1, -2);
  switch (line[0]) {
    case "+":
      return rest;
    case "-":
      return new Error(rest);
    case ":":
      return Number(rest);
    case "$": {
      if (rest === "-1") return null;
      const length = Number(rest);
      const data = await file.read(length + 2);
      if (data.length < length + 2) throw new Failure("the server hung up in the middle");
      return data.subarray(0, length);
    }
    case "*": {
      if (rest === "-1") return null;
      const items: Reply[] = [];
      for (let i = 0; i < Number(rest); i++) items.push(await readReply(file));
      return items;
    }
    default:
      throw new Failure(`not a Redis server: ${JSON.stringify(line.slice(0, 40))}`);
  }
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

async function readInput(): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return join(chunks);
}

function join(parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
