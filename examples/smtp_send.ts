/**
 * Sends a mail by SMTP, from EHLO to QUIT (RFC 5321).
 *
 * It shows a dialogue in lines with `makefile("rw", { newline: "\r\n" })`, which turns each "\n"
 * written into the network's CR LF; answers of several lines; and dot-stuffing: a line that begins
 * with a dot gets another one, because a dot alone ends the mail.
 *
 *     node examples/smtp_send.ts 127.0.0.1 25 ann@example.org bob@example.org < mail.txt
 *     deno run --allow-net=127.0.0.1:25 examples/smtp_send.ts 127.0.0.1 25 ann@example.org bob@example.org < mail.txt
 *     bun examples/smtp_send.ts 127.0.0.1 25 ann@example.org bob@example.org < mail.txt
 *
 * The mail, headers, an empty line and text, comes from standard input. `--verbose` shows the
 * dialogue.
 */

import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port as portOf, seconds } from "./support/arguments.ts";
import { Failure, main, say } from "./support/main.ts";
import { hangUpOn, readInput } from "./support/streams.ts";

const usage = "smtp_send.ts HOST PORT SENDER RECIPIENT... [--timeout SECONDS] [--verbose] < MAIL";

/** One side speaks, the other answers with a number. */
class Dialogue {
  readonly #file: socket.SocketFile<string>;
  readonly #verbose: boolean;

  constructor(s: socket.Socket<socket.InetAddress>, verbose: boolean) {
    this.#file = s.makefile("rw", { newline: "\r\n" });
    this.#verbose = verbose;
  }

  /** Sends a line, or several, and reads the answer, which must have this number. */
  async command(line: string, expected: number): Promise<void> {
    if (this.#verbose) say(`> ${line.replaceAll("\n", "\n> ")}`);
    await this.#file.write(`${line}\n`);
    await this.#file.flush();
    await this.answer(expected);
  }

  /** Reads an answer: `250-` begins a line that is not the last one, `250 ` the last one. */
  async answer(expected: number): Promise<void> {
    for (;;) {
      const line = await this.#file.readline();
      if (!line.endsWith("\r\n")) throw new Failure("the server hung up in the middle");
      const text = line.slice(0, -2);
      if (this.#verbose) say(`< ${text}`);
      if (!text.startsWith(String(expected))) throw new Failure(`the server says: ${text}`);
      if (text[3] !== "-") return;
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

await main(usage, async (signal, usage) => {
  const { values, positionals } = parseArgs({
    options: {
      timeout: { type: "string", default: "60" },
      verbose: { type: "boolean", default: false },
    },
    allowPositionals: true,
  });
  const [host, port, sender, ...recipients] = positionals;
  if (host === undefined || port === undefined || sender === undefined || recipients.length === 0) {
    throw usage();
  }
  for (const address of [sender, ...recipients]) {
    // A line break in an address would be a command of its own.
    if (!/^[^\s<>]+$/.test(address)) throw new Failure(`not an address: ${address}`, 2);
  }
  const to = [host, portOf(port)] as const;
  const timeout = seconds(values.timeout);
  const mail = new TextDecoder().decode(await readInput());

  const s = await socket.create_connection(to, { timeout, signal });
  hangUpOn(signal, s);
  try {
    const dialogue = new Dialogue(s, values.verbose);
    await dialogue.answer(220);
    // A client without a name of its own gives its address.
    const [address] = s.getsockname();
    const literal = address.includes(":") ? `IPv6:${address}` : address;
    await dialogue.command(`EHLO [${literal}]`, 250);
    await dialogue.command(`MAIL FROM:<${sender}>`, 250);
    for (const recipient of recipients) await dialogue.command(`RCPT TO:<${recipient}>`, 250);
    await dialogue.command("DATA", 354);
    await dialogue.command(`${stuffed(mail)}.`, 250);
    await dialogue.command("QUIT", 221);
    await dialogue.close();
  } finally {
    await s.close();
  }
});

/** The mail with dots doubled at the beginning of lines, and a newline at its end. */
function stuffed(mail: string): string {
  return mail.replace(/\r\n?/g, "\n").replace(/\n*$/, "\n").replace(/^\./gm, "..");
}
