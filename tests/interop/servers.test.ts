// The examples that are servers, and those that look, against programs that are not ours.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { AF_INET, SOCK_STREAM, socket } from "../../mod.ts";
import {
  folder,
  freePort,
  interrupt,
  interrupted,
  missing,
  other,
  run,
  server,
} from "../support/examples.ts";
import { checkNothingLeft, noDescriptors } from "../support/outside.ts";
import { noPeer } from "../support/peers.ts";
import { type Program, python } from "../support/process.ts";
import { bounded, type Scope } from "../support/scope.ts";

const noNc = missing("nc");
const noSocat = missing("socat");

/** A script in Python with the port as `port`. */
function client(scope: Scope, port: number | string, source: string): Program {
  const head = `import json, socket, struct, sys\nport = ${JSON.stringify(port)}\n`;
  return scope.add(python(head + source.replace(/^ {6}/gm, "")));
}

describe("upper_server.ts", () => {
  it(
    "talks with several callers at once, and ends on Ctrl-C",
    {
      skip: noPeer,
    },
    bounded(async (scope) => {
      const [program, port] = await server(scope, "upper_server", [0]);
      const peer = client(
        scope,
        port,
        `
      lines = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
      for i, s in reversed(list(enumerate(lines))):
          s.sendall(b"gr\\xc3")
          s.sendall(b"\\xbc\\xc3\\x9fe %d\\n" % i)
          print(json.dumps(s.makefile("r", encoding="utf-8").readline()))
      sys.stdin.read()`,
      );
      for (const i of [2, 1, 0]) assert.equal(await peer.json(), `GRÜSSE ${i}\n`);
      // The callers are still there.
      await interrupted(program);
    }),
  );
});

describe("upper_client.ts", () => {
  it(
    "leaves out empty lines and hangs up at the end",
    bounded(async (scope) => {
      const [, port] = await server(scope, "upper_server", [0]);
      const program = run(scope, "upper_client", ["127.0.0.1", port]);
      program.write("one\n\ntwo\n");
      program.end();
      const { code, stdout, stderr } = await program.exit();
      assert.deepEqual([code, stderr], [0, ""]);
      assert.equal(stdout, "connected; Ctrl-D hangs up\n> ONE\n> > TWO\n> \nbye\n");
    }),
  );
});

describe("welcome_server.ts", () => {
  it(
    "greets nc and answers with the length",
    { skip: noNc },
    bounded(async (scope) => {
      const [program, port] = await server(scope, "welcome_server", [0]);
      const nc = other(scope, ["nc", "127.0.0.1", String(port)]);
      assert.match((await nc.line())!, /^Welcome, 127\.0\.0\.1 port \d+$/);
      nc.write("Grüße\n");
      nc.end();
      assert.equal(await nc.line(), "Please enter a line: You entered 5 characters.");
      assert.equal((await nc.exit()).code, 0);
      await interrupted(program);
    }),
  );

  it(
    "understands telnet's line ends, and ends while somebody hesitates",
    {
      skip: noPeer,
    },
    bounded(async (scope) => {
      const [program, port] = await server(scope, "welcome_server", [0]);
      const peer = client(
        scope,
        port,
        `
      s = socket.create_connection(("127.0.0.1", port))
      other = socket.create_connection(("127.0.0.1", port))
      f = s.makefile("rwb", 0)
      f.readline()
      f.read(21)
      f.write(b"abc\\r\\n")
      print(json.dumps(f.read().decode()))
      sys.stdin.read()`,
      );
      assert.equal(await peer.json(), "You entered 3 characters.\n");
      await interrupted(program);
    }),
  );
});

describe("udp_time.ts", () => {
  it(
    "tells Python the time",
    { skip: noPeer },
    bounded(async (scope) => {
      const [program, port] = await server(scope, "udp_time", ["server", 0]);
      const peer = client(
        scope,
        port,
        `
      s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      s.sendto(b"", ("127.0.0.1", port))
      print(struct.unpack("!I", s.recv(16))[0] - 2208988800)`,
      );
      const seconds = await peer.json<number>();
      assert.ok(Math.abs(Date.now() / 1000 - seconds) < 10);
      await interrupted(program);
    }),
  );

  it(
    "asks again when a datagram was lost",
    { skip: noPeer },
    bounded(async (scope) => {
      const peer = client(
        scope,
        0,
        `
      s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
      s.bind(("127.0.0.1", 0))
      print(s.getsockname()[1])
      s.recvfrom(16)
      _, address = s.recvfrom(16)
      s.sendto(struct.pack("!I", 2208988800 + 86400), address)`,
      );
      const port = await peer.json<number>();
      const args = ["client", "127.0.0.1", port, "--timeout", "0.3"];
      const { code, stdout, stderr } = await run(scope, "udp_time", args).exit();
      assert.deepEqual([code, stdout], [0, "1970-01-02T00:00:00.000Z\n"], stderr);
      assert.equal(stderr, "no answer in 0.3 s (1 of 3)\n");
    }),
  );
});

describe("unix_echo.ts", () => {
  const paths = (scope: Scope): [string, string[]] => {
    const path = join(folder(scope), "echo.sock");
    return [path, [`--allow-net=unix:${path}`, `--allow-read=${path}`, `--allow-write=${path}`]];
  };

  it(
    "echoes to socat, and takes its file away",
    { skip: noSocat },
    bounded(async (scope) => {
      const [path, permissions] = paths(scope);
      const program = run(scope, "unix_echo", ["server", path], permissions);
      assert.equal(await program.line(), `listening on ${path}`);
      const peer = other(scope, ["socat", "-t5", "-", `UNIX-CONNECT:${path}`]);
      peer.write("Hello, socat");
      peer.end();
      assert.equal((await peer.exit()).stdout, "Hello, socat");
      await interrupted(program);
      assert.equal(existsSync(path), false);
    }),
  );

  it(
    "takes the place of a server that crashed, not of one that runs",
    bounded(async (scope) => {
      const [path, permissions] = paths(scope);
      const crashed = run(scope, "unix_echo", ["server", path], permissions);
      await crashed.line();
      await crashed.stop();
      const program = run(scope, "unix_echo", ["server", path], permissions);
      assert.equal(await program.line(), `listening on ${path}`, program.stderr);
      const second = await run(scope, "unix_echo", ["server", path], permissions).exit();
      assert.equal(second.code, 1);
      assert.match(second.stderr, /^unix_echo: bind EADDRINUSE .*\n$/);
      const done = await run(scope, "unix_echo", ["client", path, "Grüße"], permissions).exit();
      assert.deepEqual([done.code, done.stdout], [0, "Grüße\n"], done.stderr);
    }),
  );
});

describe("multicast_chat.ts", () => {
  it(
    "reaches the other members on this machine",
    bounded(async (scope) => {
      const port = await freePort();
      const args = ["--port", port, "--interface", "127.0.0.1"];
      const ann = run(scope, "multicast_chat", ["Ann", ...args]);
      const bob = run(scope, "multicast_chat", ["Bob", ...args]);
      assert.match((await ann.line())!, /^Ann is in 239\.1\.2\.3 port \d+; Ctrl-D leaves$/);
      assert.match((await bob.line())!, /^Bob is in/);
      ann.write("Hello, all\n");
      for (const member of [ann, bob]) {
        assert.match((await member.line())!, /^[\d.]+ Ann: Hello, all$/);
      }
      bob.write("Hello, Ann\n");
      bob.end();
      assert.match((await ann.line())!, /^[\d.]+ Bob: Hello, Ann$/);
      assert.equal((await bob.exit()).code, 0);
      interrupt(ann);
      assert.equal((await ann.exit(1_000)).stderr, "");
    }),
  );
});

describe("proxy.ts", () => {
  it(
    "passes both directions and their ends on",
    { skip: noPeer },
    bounded(async (scope) => {
      const target = client(
        scope,
        0,
        `
      listener = socket.create_server(("127.0.0.1", 0))
      print(listener.getsockname()[1])
      s, _ = listener.accept()
      count = 0
      while data := s.recv(65536):
          count += len(data)
      s.sendall(b"x" * count + b"end")
      s.close()
      s, _ = listener.accept()
      sys.stdin.read()`,
      );
      const [program, port] = await server(
        scope,
        "proxy",
        [0, "127.0.0.1", await target.json<number>()],
      );
      const peer = client(
        scope,
        port,
        `
      s = socket.create_connection(("127.0.0.1", port))
      s.sendall(b"y" * 3000000)
      s.shutdown(socket.SHUT_WR)
      count = 0
      while data := s.recv(65536):
          count += len(data)
      print(count)
      t = socket.create_connection(("127.0.0.1", port))
      t.settimeout(2)
      total = 0
      try:
          while total < 1 << 28:
              total += t.send(b"z" * 65536)
      except TimeoutError:
          pass
      print(total)
      sys.stdin.read()`,
      );
      assert.equal(await peer.json(), 3_000_003);
      assert.match((await program.line())!, /: 3000000 bytes there, 3000003 bytes back$/);
      // The second conversation's reader does not read: its sender must be stopped.
      assert.ok(await peer.json<number>() < 1 << 27);
      await interrupted(program);
    }),
  );
});

describe("portscan.ts", () => {
  it(
    "finds what is open",
    bounded(async (scope) => {
      const s = scope.add(socket(AF_INET, SOCK_STREAM));
      await s.bind(["127.0.0.1", 0]);
      await s.listen();
      const [, port] = s.getsockname();
      const range = `${port - 20}-${Math.min(port + 20, 65535)}`;
      const permissions = ["--allow-net=127.0.0.1"];
      const done = await run(scope, "portscan", ["127.0.0.1", range], permissions).exit();
      assert.equal(done.code, 0, done.stderr);
      assert.match(done.stdout, new RegExp(`^${port}/tcp open `, "m"));
      assert.match(done.stdout, /^\d+ open, \d+ closed, 0 silent on 127\.0\.0\.1$/m);
      assert.match(done.stderr, /^100% {2}(\d+) of \1$/m);
      assert.ok(!/\r/.test(done.stderr));
    }),
  );
});

describe("lookup.ts", () => {
  it(
    "shows a table",
    bounded(async (scope) => {
      const names = ["localhost", "127.0.0.1", "http", "53", "udp"];
      const { code, stdout, stderr } = await run(scope, "lookup", names).exit();
      assert.deepEqual([code, stderr], [0, ""]);
      for (
        const row of [
          /^localhost$/m,
          /^ {2}getaddrinfo +IPv4 127\.0\.0\.1$/m,
          /^ {2}gethostbyname_ex +localhost 127\.0\.0\.1$/m,
          /^ {2}getnameinfo +127\.0\.0\.1 http$/m,
          /^ {2}getservbyname +80\/tcp$/m,
          /^ {2}getservbyport +domain\/udp$/m,
          /^ {2}getprotobyname +17$/m,
        ]
      ) assert.match(stdout, row);
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
