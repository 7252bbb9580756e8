/**
 * A gopher client: the classic first program, one question and one answer (RFC 1436).
 *
 * It shows how each stage of a conversation fails in its own way, and tells them apart: no socket
 * (exit code 3), no such service or address (4, `gaierror`), no connection (5), sending (6),
 * receiving (7), and a server that answers "does not exist" (8). Bad arguments end with 2.
 *
 *     node examples/gopher.ts gopher.floodgap.com /gopher
 *     deno run --allow-net=gopher.floodgap.com:70 examples/gopher.ts gopher.floodgap.com /gopher
 *     bun examples/gopher.ts gopher.floodgap.com /gopher
 *
 * The answer goes to standard output, who talked to whom to standard error.
 */

import { Buffer } from "node:buffer";
import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port as portOf, seconds } from "./support/arguments.ts";
import { Failure, main, messageOf, say } from "./support/main.ts";
import { print } from "./support/streams.ts";

const usage = "gopher.ts HOST [SELECTOR] [--port PORT] [--timeout SECONDS]";

await main(usage, async (signal, usage) => {
  const { values, positionals } = parseArgs({
    options: { port: { type: "string" }, timeout: { type: "string", default: "30" } },
    allowPositionals: true,
  });
  const [host, selector = ""] = positionals;
  if (host === undefined || positionals.length > 2) throw usage();
  if (/[\r\n\t]/.test(selector)) throw new Failure("a selector is one line without tabs", 2);
  const timeout = seconds(values.timeout);
  const port = values.port === undefined
    ? stage("cannot find the service", 4, () => socket.getservbyname("gopher", "tcp"))
    : portOf(values.port);

  const s = stage(
    "cannot create a socket",
    3,
    () =>
      host.includes(":")
        ? socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        : socket.socket(socket.AF_INET, socket.SOCK_STREAM),
  );
  try {
    s.settimeout(timeout);

    try {
      await s.connect([host, port], { signal });
    } catch (error) {
      // The name's error first: it is a kind of `error`, too.
      if (error instanceof socket.gaierror) throw failed("cannot find the host", 4, error);
      if (error instanceof socket.error) throw failed("cannot connect", 5, error);
      throw failed("bad address", 2, error);
    }
    say(`${s.getsockname().join(" ")} to ${s.getpeername().join(" ")}`);

    try {
      await s.sendall(`${selector}\r\n`, 0, { signal });
    } catch (error) {
      throw failed("cannot send", 6, error);
    }

    const chunks: Uint8Array[] = [];
    try {
      for (;;) {
        const chunk = await s.recv(65536, 0, { signal });
        if (chunk.length === 0) break;
        chunks.push(chunk);
      }
    } catch (error) {
      throw failed("cannot receive", 7, error);
    }
    await show(Buffer.concat(chunks));
  } finally {
    await s.close();
  }
});

/** Shows a menu as a table, and anything else as it came. */
async function show(data: Uint8Array): Promise<void> {
  const answer = new TextDecoder().decode(data);
  if (answer === "") throw new Failure("the server hung up without an answer", 7);
  // An item is a type, then name, selector, host and port with tabs between them.
  const lines = answer.split(/\r?\n/);
  const [first = "", , , port] = lines[0]!.split("\t");
  if (port === undefined || !/^\d+/.test(port)) {
    // Where a text was asked for, some servers answer so.
    if (/^error: .*not (found|exist).*\s*$/i.test(answer)) throw new Failure(lines[0]!, 8);
    return await print(data);
  }
  if (first.startsWith("3")) throw new Failure(first.slice(1) || "does not exist", 8);
  for (const line of lines) {
    if (line === ".") return;
    const [item = "", selector = "", host, port] = line.split("\t");
    const [type, name] = [item.slice(0, 1), item.slice(1)];
    if (type === "i") console.log(`    ${name}`);
    else if (type !== "") console.log(`[${type}] ${name}  ${selector}  ${host}:${port}`);
  }
  throw new Failure("the server hung up in the middle of the menu", 7);
}

function stage<T>(what: string, exitCode: number, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw failed(what, exitCode, error);
  }
}

function failed(what: string, exitCode: number, error: unknown): Failure {
  return new Failure(`${what}: ${messageOf(error)}`, exitCode);
}
