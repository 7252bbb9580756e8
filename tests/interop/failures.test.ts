// What goes wrong ends an example with one line, no stack trace and an exit code; and Ctrl-C ends it.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { create_server } from "../../mod.ts";
import { freePort, run } from "../support/examples.ts";
import type { Exit } from "../support/process.ts";
import { bounded, sleep } from "../support/scope.ts";

/** One line, of the program itself, and an exit code that is not 0. */
function assertOneLine(name: string, { code, stderr }: Exit): void {
  assert.ok(code !== null && code > 0, `exit code ${code}: ${stderr}`);
  const own = stderr.split("\n").filter((line) => line.startsWith(`${name}: `));
  assert.equal(own.length, 1, stderr);
  assert.doesNotMatch(stderr, /^\s+at |\n\s*\n|Uncaught|file:\/\//m);
}

/** The programs that connect, with the arguments that lead to a host and port. */
const clients: readonly [
  name: string,
  args: (host: string, port: number) => (string | number)[],
][] = [
  ["gopher", (host, port) => [host, "/", "--port", port, "--timeout", "0.5"]],
  ["upper_client", (host, port) => [host, port]],
  ["nc", (host, port) => [host, port]],
  ["http_get", (host, port) => [`http://${host}:${port}/`, "--timeout", "0.5"]],
  ["redis", (host, port) => ["--host", host, "--port", port, "--timeout", "0.5", "GET", "x"]],
  ["smtp_send", (host, port) => [host, port, "a@b.test", "c@d.test", "--timeout", "0.5"]],
];

describe("refused", () => {
  for (const [name, args] of clients) {
    it(
      name,
      bounded(async (scope) => {
        const program = run(scope, name, args("127.0.0.1", await freePort()));
        program.end();
        const done = await program.exit();
        assertOneLine(name, done);
        assert.match(done.stderr, /ECONNREFUSED/);
      }),
    );
  }
});

describe("unknown host", () => {
  for (const [name, args] of clients) {
    it(
      name,
      bounded(async (scope) => {
        const program = run(scope, name, args("nowhere.invalid", 7));
        program.end();
        assertOneLine(name, await program.exit());
      }),
    );
  }
});

describe("a silent server", () => {
  // upper_client waits longer, nc as long as it takes.
  for (const [name, args] of clients.filter(([name]) => !/^(upper_client|nc)$/.test(name))) {
    it(
      name,
      bounded(async (scope) => {
        const server = scope.add(await create_server(["127.0.0.1", 0]));
        const program = run(scope, name, args("127.0.0.1", server.getsockname()[1]));
        program.end();
        const done = await program.exit();
        assertOneLine(name, done);
        assert.match(done.stderr, /ETIMEDOUT/);
      }),
    );
  }
});

describe("a server that hangs up at once", () => {
  // For nc that is how a conversation ends.
  for (const [name, args] of clients.filter(([name]) => name !== "nc")) {
    it(
      name,
      bounded(async (scope) => {
        const server = scope.add(await create_server(["127.0.0.1", 0]));
        const program = run(scope, name, args("127.0.0.1", server.getsockname()[1]));
        program.write("hello\n");
        program.end();
        const [conn] = await server.accept();
        await conn.close();
        assertOneLine(name, await program.exit());
      }),
    );
  }
});

describe("bad arguments", () => {
  const programs = [
    ...clients.map(([name]) => name).filter((name) => name !== "redis"),
    ...["gopher_server", "lookup", "multicast_chat", "portscan", "proxy", "udp_time", "unix_echo"],
  ];
  for (const name of programs) {
    it(
      name,
      bounded(async (scope) => {
        const program = run(scope, name, []);
        program.end();
        const done = await program.exit();
        assertOneLine(name, done);
        assert.equal(done.code, 2);
        assert.match(done.stderr, /usage: /);
      }),
    );
  }
});

describe("Ctrl-C while waiting", () => {
  for (const [name, args] of clients) {
    it(
      name,
      bounded(async (scope) => {
        const server = scope.add(await create_server(["127.0.0.1", 0]));
        const patient = args("127.0.0.1", server.getsockname()[1])
          .map((arg) => arg === "0.5" ? "60" : arg);
        const program = run(scope, name, patient);
        if (name === "smtp_send") program.end();
        scope.add((await server.accept())[0]);
        await sleep(100);
        // By another program: Deno 2.9 takes every child that it sent a signal for one that died of it.
        spawnSync("kill", ["-INT", String(program.pid)]);
        const { stderr } = await program.exit(1_000);
        assert.equal(stderr.replace(/^127.*\n/, ""), "");
      }),
    );
  }
});
