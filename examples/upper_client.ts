/**
 * The client of the "telephone" pair: what you type comes back in capitals.
 *
 * It shows an interactive client: a prompt, a line out, a line in. TCP does not keep messages
 * apart, so that it reads until a whole line is there. An empty line is not sent (the answer to
 * nothing would be nothing, and both would wait). Ctrl-D hangs up; so does Ctrl-C.
 *
 *     node examples/upper_client.ts 127.0.0.1 7001
 *     deno run --allow-net examples/upper_client.ts 127.0.0.1 7001
 *     bun examples/upper_client.ts 127.0.0.1 7001
 */

import { createInterface } from "node:readline";
import process from "node:process";
import * as socket from "../mod.ts";
import { Failure, main } from "./support/main.ts";

await main("upper_client.ts HOST PORT", async (signal, usage) => {
  const [host, port, ...more] = process.argv.slice(2);
  if (host === undefined || port === undefined || more.length > 0) throw usage();
  const s = socket.socket(socket.AF_INET, socket.SOCK_STREAM);
  s.settimeout(10);
  try {
    await s.connect([host, Number(port)], { signal });
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
          if (answer === "") throw new Failure("the server hung up");
          process.stdout.write(answer);
        }
        prompt();
      }
      console.log(signal.aborted ? "" : "\nbye");
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
