/**
 * The client of the "telephone" pair: what you type comes back in capitals.
 *
 * It shows an interactive client: a prompt, a line out, a line in. TCP does not keep messages
 * apart, so that it reads until a whole line is there. An empty line is not sent (the answer to
 * nothing would be nothing, and both would wait). Ctrl-D hangs up; so does Ctrl-C.
 *
 *     node examples/upper_client.ts 127.0.0.1 7001
 *     deno run --allow-net=127.0.0.1:7001 examples/upper_client.ts 127.0.0.1 7001
 *     bun examples/upper_client.ts 127.0.0.1 7001
 */

import { createInterface } from "node:readline";
import process from "node:process";
import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port as portOf, seconds } from "./support/arguments.ts";
import { Failure, main } from "./support/main.ts";
import { hangUpOn } from "./support/streams.ts";

await main("upper_client.ts HOST PORT [--timeout SECONDS]", async (signal, usage) => {
  const { values, positionals: [host, port, ...more] } = parseArgs({
    options: { timeout: { type: "string", default: "10" } },
    allowPositionals: true,
  });
  if (host === undefined || port === undefined || more.length > 0) throw usage();
  const [number, timeout] = [portOf(port), seconds(values.timeout)];
  const s = socket.socket(socket.AF_INET, socket.SOCK_STREAM);
  s.settimeout(timeout);
  try {
    await s.connect([host, number], { signal });
    hangUpOn(signal, s);
    console.log("connected; Ctrl-D hangs up");
    const answers = s.makefile("r");
    // Not in raw mode: the terminal edits the line, and Ctrl-C is the signal that it is elsewhere.
    const input = createInterface({ input: process.stdin, terminal: false });
    signal.addEventListener("abort", () => input.close());
    try {
      prompt();
      for await (const line of input) {
        if (line !== "") {
          await s.sendall(`${line}\n`, 0, { signal });
          const answer = await answers.readline();
          if (!answer.endsWith("\n")) throw new Failure("the server hung up");
          process.stdout.write(answer);
        }
        prompt();
      }
      if (!signal.aborted) console.log("\nbye");
    } finally {
      input.close();
      await answers.close();
    }
  } finally {
    await s.close();
  }
});

function prompt(): void {
  process.stdout.write("> ");
}
