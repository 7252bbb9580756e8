// The interactive programs and the progress bars as somebody sees them, on a terminal's screen.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { create_server, SHUT_WR } from "../../mod.ts";
import { example, folder, freePort, run, server } from "../support/examples.ts";
import { checkNothingLeft, noDescriptors } from "../support/outside.ts";
import { noPeer } from "../support/peers.ts";
import { bounded, type Scope } from "../support/scope.ts";
import { Terminal } from "../support/terminal.ts";

const skip = noPeer;
const [ctrlC, ctrlD, backspace] = ["\x03", "\x04", "\x7f"];

describe("upper_client.ts on a terminal", () => {
  const call = async (scope: Scope): Promise<Terminal> => {
    const [, port] = await server(scope, "upper_server", [0]);
    const terminal = new Terminal(scope, 80, example("upper_client", ["127.0.0.1", port]));
    await terminal.shows("connected; Ctrl-D hangs up\n> ");
    return terminal;
  };

  it(
    "prompts, answers, leaves out empty lines, and Ctrl-D hangs up",
    { skip },
    bounded(async (scope) => {
      const terminal = await call(scope);
      terminal.type("Grx");
      terminal.type(`${backspace}üße\r`);
      await terminal.shows("connected; Ctrl-D hangs up\n> Grüße\nGRÜSSE\n>");
      terminal.type("\r");
      await terminal.shows("connected; Ctrl-D hangs up\n> Grüße\nGRÜSSE\n> \n>");
      terminal.type(ctrlD);
      const { code, lines, row, column } = await terminal.end();
      assert.equal(code, 0);
      assert.deepEqual(lines, [
        "connected; Ctrl-D hangs up",
        "> Grüße",
        "GRÜSSE",
        "> ",
        "> ",
        "bye",
        "",
      ]);
      // Where the shell's prompt comes.
      assert.deepEqual([row, column], [6, 0]);
    }),
  );

  it(
    "Ctrl-C ends it on a new line",
    { skip },
    bounded(async (scope) => {
      const terminal = await call(scope);
      terminal.type("half a li");
      await terminal.shows("connected; Ctrl-D hangs up\n> half a li");
      terminal.type(ctrlC);
      const { code, lines, row, column } = await terminal.end();
      assert.equal(code, 130);
      assert.deepEqual(lines, ["connected; Ctrl-D hangs up", "> half a li^C", ""]);
      assert.deepEqual([row, column], [2, 0]);
    }),
  );

  it(
    "Ctrl-C ends it while it waits for an answer",
    { skip },
    bounded(async (scope) => {
      const silent = scope.add(await create_server(["127.0.0.1", 0]));
      const args = ["127.0.0.1", silent.getsockname()[1]];
      const terminal = new Terminal(scope, 80, example("upper_client", args));
      await terminal.shows("connected; Ctrl-D hangs up\n> ");
      terminal.type("hello\r");
      await terminal.shows("connected; Ctrl-D hangs up\n> hello");
      const [conn] = await silent.accept();
      scope.add(conn);
      await conn.recv(6);
      terminal.type(ctrlC);
      const { code, lines } = await terminal.end();
      assert.equal(code, 130);
      assert.deepEqual(lines, ["connected; Ctrl-D hangs up", "> hello", "^C", ""]);
    }),
  );

  it(
    "says when the server has hung up",
    { skip },
    bounded(async (scope) => {
      const listener = scope.add(await create_server(["127.0.0.1", 0]));
      const args = ["127.0.0.1", listener.getsockname()[1]];
      const terminal = new Terminal(scope, 80, example("upper_client", args));
      const [conn] = await listener.accept();
      await conn.close();
      await terminal.shows("connected; Ctrl-D hangs up\n> ");
      terminal.type("hello\r");
      const { code, lines } = await terminal.end();
      assert.equal(code, 1);
      assert.deepEqual(lines.slice(0, 2), ["connected; Ctrl-D hangs up", "> hello"]);
      assert.match(lines[2]!, /^upper_client: /);
      assert.deepEqual(lines.slice(3), [""]);
    }),
  );
});

describe("multicast_chat.ts on a terminal", () => {
  it(
    "shows what was said, and Ctrl-D leaves",
    { skip },
    bounded(async (scope) => {
      const port = await freePort();
      const args = ["Ann", "--port", port, "--interface", "127.0.0.1"];
      const terminal = new Terminal(scope, 80, example("multicast_chat", args));
      const first = `Ann is in 239.1.2.3 port ${port}; Ctrl-D leaves`;
      await terminal.shows(first);
      terminal.type("Hello\r");
      await terminal.shows(`${first}\nHello\n127.0.0.1 Ann: Hello`);
      terminal.type(ctrlD);
      const { code, column } = await terminal.end();
      assert.deepEqual([code, column], [0, 0]);
    }),
  );
});

/** A server of a body, so many pieces of 64 KiB, with its length or without. */
async function web(scope: Scope, pieces: number, withLength: boolean): Promise<string> {
  const listener = scope.add(await create_server(["127.0.0.1", 0]));
  void (async () => {
    const [conn] = await listener.accept();
    scope.add(conn);
    await conn.recv(4096);
    const length = withLength ? `Content-Length: ${pieces * 65536}\r\n` : "";
    await conn.sendall(`HTTP/1.1 200 OK\r\n${length}\r\n`);
    for (let i = 0; i < pieces; i++) await conn.sendall(new Uint8Array(65536));
    await conn.shutdown(SHUT_WR);
  })().catch(() => {});
  return `http://127.0.0.1:${listener.getsockname()[1]}/`;
}

/** Checks that a bar stays in its line, grows, and is full in the end. */
function assertBar(terminal: Terminal, last: RegExp): void {
  const { lines } = terminal.screens.at(-1)!;
  assert.match(lines[0]!, last);
  let [before, drawn] = [0, 0];
  for (const screen of terminal.screens.slice(0, -1)) {
    const line = screen.lines[0]!;
    const percent = Number(/(\d+)%/.exec(line)?.[1] ?? before);
    assert.ok(percent >= before, `${percent} after ${before}`);
    if (percent > before) drawn++;
    before = percent;
    // The last column is free.
    assert.ok(line.length < 40, line);
  }
  assert.equal(before, 100);
  assert.ok(drawn > 3, `drawn ${drawn} times`);
}

describe("progress bars on a terminal of 40 columns", () => {
  it(
    "http_get.ts",
    { skip },
    bounded(async (scope) => {
      const output = join(folder(scope), "file");
      const args = [await web(scope, 320, true), "-o", output];
      const permissions = ["--allow-net", `--allow-write=${output}`];
      const terminal = new Terminal(scope, 40, example("http_get", args, permissions));
      const { code, lines, row, column } = await terminal.end();
      assertBar(terminal, /^\[#{10}\] 100% {2}20\.0 MiB of 20\.0 MiB$/);
      assert.deepEqual([code, lines.length, row, column], [0, 2, 1, 0]);
    }),
  );

  it(
    "http_get.ts of a body without length",
    { skip },
    bounded(async (scope) => {
      const output = join(folder(scope), "file");
      const args = [await web(scope, 160, false), "-o", output];
      const permissions = ["--allow-net", `--allow-write=${output}`];
      const terminal = new Terminal(scope, 40, example("http_get", args, permissions));
      const { code, lines } = await terminal.end();
      assert.deepEqual([code, lines], [0, ["10.0 MiB", ""]]);
    }),
  );

  it(
    "portscan.ts",
    { skip },
    bounded(async (scope) => {
      const args = ["127.0.0.1", "1-1000", "--parallel", 10];
      const terminal = new Terminal(scope, 40, example("portscan", args));
      const { code, lines } = await terminal.end();
      assertBar(terminal, /^\[#+\] 100% {2}1000 of 1000$/);
      assert.equal(code, 0);
      // Other output wraps at the edge, as everywhere.
      assert.match(lines.slice(1).join(""), /\d+ open, \d+ closed, 0 silent on 127\.0\.0\.1$/);
    }),
  );

  it(
    "leave room for the text on one of 20",
    { skip },
    bounded(async (scope) => {
      const args = ["127.0.0.1", "1-1000", "--parallel", 10];
      const terminal = new Terminal(scope, 20, example("portscan", args));
      const { lines } = await terminal.end();
      assert.equal(lines[0], "100%  1000 of 1000");
    }),
  );

  it(
    "stay as they are on Ctrl-C",
    { skip },
    bounded(async (scope) => {
      const listener = scope.add(await create_server(["127.0.0.1", 0]));
      const output = join(folder(scope), "file");
      const args = [`http://127.0.0.1:${listener.getsockname()[1]}/`, "-o", output];
      const permissions = ["--allow-net", `--allow-write=${output}`];
      const terminal = new Terminal(scope, 40, example("http_get", args, permissions));
      const [conn] = await listener.accept();
      scope.add(conn);
      await conn.recv(4096);
      await conn.sendall("HTTP/1.1 200 OK\r\nContent-Length: 4194304\r\n\r\n");
      await conn.sendall(new Uint8Array(2097152));
      await terminal.shows("[######......]  50%  2.0 MiB of 4.0 MiB");
      terminal.type(ctrlC);
      const { code, lines, column } = await terminal.end();
      assert.equal(code, 130);
      assert.match(lines[0]!, /^\[#+\.+\] {2}50% {2}2\.0 MiB of 4\.0 MiB/);
      assert.deepEqual([lines.at(-1), column], ["", 0]);
      // Perhaps once more below the ^C.
      assert.ok(lines.length <= 4, lines.join("\n"));
    }),
  );
});

describe("progress without a terminal", () => {
  it(
    "is plain lines",
    bounded(async (scope) => {
      const { code, stderr } = await run(scope, "http_get", [await web(scope, 100, true)]).exit();
      assert.equal(code, 0);
      assert.match(stderr, /^(\d+% {2}\d\.\d MiB of 6\.3 MiB\n){5,11}$/);
      assert.match(stderr, /\n100% {2}6\.3 MiB of 6\.3 MiB\n$/);
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
