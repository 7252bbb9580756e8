// What goes wrong ends an example with one line, no stack trace and an exit code; and Ctrl-C ends it.

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  AF_INET,
  AF_UNIX,
  create_connection,
  create_server,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_STREAM,
  socket,
} from "../../mod.ts";
import { port, seconds } from "../../examples/support/arguments.ts";
import {
  assertOneLine,
  example,
  exampleNames,
  folder,
  freePort,
  interrupt,
  interrupted,
  run,
  server,
} from "../support/examples.ts";
import { Namespace, noNamespace } from "../support/namespace.ts";
import { checkNothingLeft, noDescriptors, noSs, ss } from "../support/outside.ts";
import { noPeer, pythonProgram } from "../support/peers.ts";
import { type Program, pythonFile } from "../support/process.ts";
import { bounded, type Scope, sleep, until } from "../support/scope.ts";

type Argument = string | number;

/** How to call an example. */
interface Row {
  /** As a client of a server there; it waits half a second, or as long as given. */
  client?: (host: string, port: Argument, seconds: Argument) => Argument[];
  /** As a server there. */
  server?: (host: string, port: Argument) => Argument[];
  /** What else must end with exit code 2, beside what is wrong for all clients or servers. */
  bad: Argument[][];
}

const rows: Readonly<Record<string, Row>> = {
  echo: {
    client: (host, port, seconds) => ["client", host, port, "hello", "--timeout", seconds],
    server: (host, port) => ["server", host, port],
    bad: [[], ["nonsense"], ["client"], ["client", "127.0.0.1"], ["server", "--connections", "0"]],
  },
  gopher: {
    client: (host, port, seconds) => [host, "/", "--port", port, "--timeout", seconds],
    bad: [[], ["a", "b", "c"], ["a", "b\tc"], ["a", "--port"], ["a", "--port", "70", "--timeout"]],
  },
  gopher_server: {
    server: (host, port) => [".", port, host],
    bad: [[], [".", 0, "127.0.0.1", "more"]],
  },
  http_get: {
    client: (host, port, seconds) => [`http://${host}:${port}/`, "--timeout", seconds],
    bad: [[], ["nonsense"], ["https://127.0.0.1/"], ["http://127.0.0.1/", "-o"]],
  },
  lookup: { bad: [[]] },
  multicast_chat: {
    bad: [[], ["Ann", "Bob"], ...badPorts(1).map((port) => ["Ann", "--port", port]), [
      "Ann",
      "--port",
    ]],
  },
  nc: {
    client: (host, port, seconds) => ["-w", seconds, host, port],
    server: (host, port) => ["-l", host, port],
    bad: [[], ["127.0.0.1"], ["127.0.0.1", 1, 2], ["-U"], ["-u", "-U", "x"], [
      "127.0.0.1",
      1,
      "-w",
    ]],
  },
  portscan: {
    bad: [
      [],
      ["127.0.0.1"],
      ["127.0.0.1", "1"],
      ["127.0.0.1", "0-1"],
      ["127.0.0.1", "1-65536"],
      ["127.0.0.1", "2-1"],
      ["127.0.0.1", "1-2", "--parallel", "0"],
      ["127.0.0.1", "1-2", "--parallel", "many"],
      ["127.0.0.1", "1-2", "--timeout", "0"],
      ["127.0.0.1", "1-2", "--timeout"],
    ],
  },
  proxy: {
    server: (host, port) => [port, "127.0.0.1", 7, host],
    bad: [[], [0, "127.0.0.1"], ...badPorts(1).map((port) => [0, "127.0.0.1", port])],
  },
  redis: {
    client: (
      host,
      port,
      seconds,
    ) => ["--host", host, "--port", port, "--timeout", seconds, "GET", "x"],
    bad: [["--host"]],
  },
  smtp_send: {
    client: (host, port, seconds) => [host, port, "a@b.test", "c@d.test", "--timeout", seconds],
    bad: [[], ["127.0.0.1", 25, "a@b.test"], ["127.0.0.1", 25, "a@b.test", "x> SIZE=0"]],
  },
  udp_time: {
    client: (host, port, seconds) => ["client", host, port, "--timeout", seconds, "--tries", 1],
    server: (host, port) => ["server", port, host],
    bad: [[], ["nonsense"], ["client"], ["client", "127.0.0.1", 37, "--tries", "0"]],
  },
  unix_echo: {
    bad: [[], ["nonsense", "x"], ["client", "x"], ["server", "x", "y"], ["client", "x", ""]],
  },
  upper_client: {
    client: (host, port, seconds) => [host, port, "--timeout", seconds],
    bad: [[], ["127.0.0.1"], ["127.0.0.1", 1, 2]],
  },
  upper_server: { server: (host, port) => [port, host], bad: [[0, "127.0.0.1", "more"]] },
  welcome_server: { server: (host, port) => [port, host], bad: [[0, "127.0.0.1", "more"]] },
};

/** What is no port, and for a client 0. */
function badPorts(least: 0 | 1): string[] {
  return least === 1 ? ["0", "7x"] : ["65536"];
}

/** The rows of clients, of all or of those by TCP. */
const clients = Object.entries(rows).filter(([, row]) => row.client !== undefined);
const tcpClients = clients.filter(([name]) => name !== "udp_time");
const servers = Object.entries(rows).filter(([, row]) => row.server !== undefined);

/** Does it for all of them, some side by side, and tells which one failed. */
async function each<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item; (item = left.shift()) !== undefined;) {
      try {
        await action(item);
      } catch (cause) {
        const name = Array.isArray(item) ? item.join(" ") : item;
        throw new Error(`${name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      }
    }
  };
  await Promise.all([worker(), worker(), worker()]);
}

it("every example has a row", () => assert.deepEqual(exampleNames, Object.keys(rows)));

/** Starts an example that is told something on standard input, as some wait for it. */
function tell(scope: Scope, name: string, args: readonly Argument[], keepOpen = false): Program {
  const program = run(scope, name, args);
  program.write("hello\n");
  if (!keepOpen) program.end();
  return program;
}

/** Runs a client against an address, and checks how it complains. */
async function fails(
  scope: Scope,
  name: string,
  address: readonly [string, Argument],
  message: RegExp,
): Promise<void> {
  const done = await tell(scope, name, rows[name]!.client!(...address, "0.5")).exit();
  assertOneLine(name, done);
  assert.match(done.stderr, message);
}

/** A server that is there and takes nobody. */
async function silent(scope: Scope): Promise<readonly [string, number]> {
  return scope.add(await create_server(["127.0.0.1", 0])).getsockname() as [string, number];
}

describe("refused", () => {
  for (const [name] of clients) {
    it(
      name,
      bounded(async (scope) => {
        // Deno does not tell a UDP socket of it.
        const message = name === "udp_time" ? /ECONNREFUSED|no answer/ : /ECONNREFUSED/;
        await fails(scope, name, ["127.0.0.1", await freePort()], message);
      }),
    );
  }

  it(
    "unix_echo",
    bounded(async (scope) => {
      const path = join(folder(scope), "socket");
      const done = await run(scope, "unix_echo", ["client", path, "x"], unixAllowed(path)).exit();
      assertOneLine("unix_echo", done);
      assert.match(done.stderr, /ENOENT/);
    }),
  );

  it(
    "proxy, by its target: it says so and goes on",
    bounded(async (scope) => {
      const args = [0, "127.0.0.1", await freePort()];
      const [program, port] = await server(scope, "proxy", args);
      for (const _ of "12") {
        await tell(scope, "nc", ["127.0.0.1", port]).exit();
      }
      assert.match(program.stderr, /^(127\.0\.0\.1:\d+: connect ECONNREFUSED .*\n){2}$/);
    }),
  );
});

function unixAllowed(path: string): string[] {
  return [`--allow-net=unix:${path}`, `--allow-read=${path}`, `--allow-write=${path}`];
}

describe("an address in use", () => {
  for (const [name, row] of servers) {
    it(
      name,
      bounded(async (scope) => {
        const tcp = scope.add(await create_server(["127.0.0.1", 0]));
        const udp = scope.add(socket(AF_INET, SOCK_DGRAM));
        await udp.bind(["127.0.0.1", 0]);
        const [host, port] = (name === "udp_time" ? udp : tcp).getsockname();
        const permissions = ["--allow-net", "--allow-read"];
        const done = await run(scope, name, row.server!(host, port), permissions).exit();
        assertOneLine(name, done);
        assert.match(done.stderr, /EADDRINUSE/);
      }),
    );
  }
});

describe("unknown host", () => {
  const calls: [name: string, args: Argument[]][] = [
    ...clients.map(([name, row]): [string, Argument[]] => [
      name,
      row.client!("nowhere.invalid", 7, "0.5"),
    ]),
    ...servers.map(([name, row]): [string, Argument[]] => [
      name,
      row.server!("nowhere.invalid", 0),
    ]),
    ["portscan", ["nowhere.invalid", "1-2"]],
    ["lookup", ["nowhere.invalid"]],
  ];
  for (const name of new Set(calls.map(([name]) => name))) {
    it(
      name,
      bounded(async (scope) => {
        for (const [, args] of calls.filter(([other]) => other === name)) {
          const program = run(scope, name, args, ["--allow-net", "--allow-read"]);
          program.end();
          const done = await program.exit();
          assertOneLine(name, done);
          assert.match(done.stderr, /EAI_|not found: nowhere\.invalid/);
        }
      }),
    );
  }
});

describe("a silent server", () => {
  it(
    "all clients by TCP",
    bounded(async (scope) => {
      const address = await silent(scope);
      await each(tcpClients.map(([name]) => name), async (name) => {
        if (name !== "nc") return await fails(scope, name, address, /ETIMEDOUT/);
        // As nc itself: when nothing has come for so long, that was all.
        const { code, stderr } = await tell(scope, name, rows[name]!.client!(...address, "0.5"))
          .exit();
        assert.deepEqual([code, stderr], [0, ""]);
      });
    }),
  );

  it(
    "udp_time",
    bounded(async (scope) => {
      const s = scope.add(socket(AF_INET, SOCK_DGRAM));
      await s.bind(["127.0.0.1", 0]);
      await fails(scope, "udp_time", ["127.0.0.1", s.getsockname()[1]], /no answer/);
    }),
  );

  it(
    "unix_echo",
    bounded(async (scope) => {
      const path = join(folder(scope), "socket");
      const s = scope.add(socket(AF_UNIX, SOCK_STREAM));
      await s.bind(path);
      await s.listen();
      const args = ["client", path, "x", "--timeout", "0.5"];
      const done = await run(scope, "unix_echo", args, unixAllowed(path)).exit();
      assertOneLine("unix_echo", done);
      assert.match(done.stderr, /ETIMEDOUT/);
    }),
  );
});

/** A server in Python whose queue is full, with what does not fit waiting outside. */
async function full(scope: Scope): Promise<readonly [string, number]> {
  const program = pythonProgram(
    scope,
    `
    import socket, sys
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(0)
    waiting = []
    while True:
        s = socket.socket()
        s.settimeout(0.3)
        waiting.append(s)
        try:
            s.connect(server.getsockname())
        except TimeoutError:
            break
    print(server.getsockname()[1])
    sys.stdin.read()`,
  );
  return ["127.0.0.1", await program.json<number>()];
}

describe("a server with a full queue", () => {
  // Elsewhere than on Linux it refuses.
  it(
    "all clients",
    { skip: noPeer },
    bounded(async (scope) => {
      const address = await full(scope);
      await each(tcpClients.map(([name]) => name), async (name) => {
        await fails(scope, name, address, /ETIMEDOUT|ECONNREFUSED/);
      });
    }),
  );

  it(
    "portscan: it is silent",
    { skip: noPeer },
    bounded(async (scope) => {
      const [host, port] = await full(scope);
      const args = [host, `${port}-${port}`, "--timeout", "0.5"];
      const { stdout } = await run(scope, "portscan", args).exit();
      assert.equal(stdout, "0 open, 0 closed, 1 silent on 127.0.0.1\n");
    }),
  );
});

/** What a server says before it goes away in the middle. */
const beginnings: Readonly<Record<string, string>> = {
  echo: "he",
  gopher: "0Hello\t/hello\thost\t70\r\n",
  http_get: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHel",
  nc: "he",
  redis: "$5\r\nHel",
  smtp_send: "220 here\r\n250-hel",
  upper_client: "HEL",
};

describe("a server that goes away", () => {
  for (const [name] of tcpClients) {
    for (const how of ["at once", "in the middle", "with a reset"]) {
      it(
        `${how}: ${name}`,
        bounded(async (scope) => {
          const server = scope.add(await create_server(["127.0.0.1", 0]));
          const reset = how === "with a reset";
          // Deno can only choose to reset before the connection is there.
          const peer = reset && noPeer === false ? await resetter(scope, beginnings[name]!) : null;
          const port = peer ?? server.getsockname()[1];
          const program = tell(scope, name, rows[name]!.client!("127.0.0.1", port, 5));
          if (peer === null) {
            const [conn] = await server.accept();
            scope.add(conn);
            if (how !== "at once") await conn.sendall(beginnings[name]!);
            await conn.shutdown(SHUT_WR);
          }
          const done = await program.exit();
          // For nc the end is an end.
          if (name === "nc" && !reset) assert.deepEqual([done.code, done.stderr], [0, ""]);
          else assertOneLine(name, done);
          if (reset) assert.match(done.stderr, /ECONNRESET|EPIPE/);
        }),
      );
    }
  }
});

/** A server in Python that sends something, waits for a word, and resets the connection. */
async function resetter(scope: Scope, text: string): Promise<number> {
  const program = pythonProgram(
    scope,
    `
    import socket, struct, sys, time
    server = socket.create_server(("127.0.0.1", 0))
    print(server.getsockname()[1])
    conn, _ = server.accept()
    conn.sendall(sys.argv[1].encode())
    conn.recv(1)
    time.sleep(0.05)
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    conn.close()`,
    [text],
  );
  return await program.json<number>();
}

describe("a client that goes away", () => {
  const tcpServers = servers.filter(([name]) => !["nc", "udp_time"].includes(name));
  for (const [name, row] of tcpServers) {
    it(
      `${name} goes on`,
      { skip: noPeer },
      bounded(async (scope) => {
        const target = await silent(scope);
        const args = name === "proxy" ? [0, ...target] : row.server!("127.0.0.1", 0);
        const [program, port] = await serving(scope, name, args);
        const peer = pythonProgram(
          scope,
          `
          import socket, struct, sys
          for i in range(20):
              s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
              s.sendall(b"hello" if i % 4 else b"\\xff" * 5000)
              if i % 2:
                  s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
              s.close()
          s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
          s.sendall(b"hello\\r\\n")
          s.shutdown(socket.SHUT_WR)
          s.settimeout(10)
          print(len(s.recv(100)) if sys.argv[2] != "proxy" else 1)`,
          [String(port), name],
        );
        assert.ok(await peer.json<number>() > 0);
        interrupt(program);
        const { code, stderr } = await program.exit();
        assert.equal(code, 130);
        // At most a line for each of them, the last one included.
        assert.match(stderr, /^([\d.]+:\d+: .*\n){0,21}$/);
      }),
    );
  }
});

/** Starts a server and reads the port, which each announces at the end of its line. */
async function serving(
  scope: Scope,
  name: string,
  args: readonly Argument[],
): Promise<[Program, number]> {
  const program = run(scope, name, args, ["--allow-net", "--allow-read=."]);
  const line = await program.line();
  const port = Number(/[ :](\d+)$/.exec(line ?? "")?.[1]);
  assert.ok(port > 0, program.stderr);
  return [program, port];
}

describe("bad arguments", () => {
  it("are told by what all programs share", () => {
    for (const text of ["-1", "65536", "1.5", "7x", "0x7", "1e3", "", " 7"]) {
      assert.throws(() => port(text, 0), { message: `not a port: ${text}`, exitCode: 2 });
    }
    assert.throws(() => port("0"), { exitCode: 2 });
    assert.deepEqual([port("0", 0), port("65535")], [0, 65535]);
    for (const text of ["-1", "0", "0.0", "abc", "1e3", "Infinity", "2000001", "", "."]) {
      assert.throws(() => seconds(text), { exitCode: 2 });
    }
    assert.deepEqual([seconds("0.5"), seconds(".5"), seconds("60")], [0.5, 0.5, 60]);
  });

  for (const [name, { client, server, bad }] of Object.entries(rows)) {
    it(
      name,
      bounded(async (scope) => {
        const good: Argument[] = client?.("127.0.0.1", 7, 1) ?? server?.("127.0.0.1", 0) ??
          ["127.0.0.1", "1-2"];
        const calls = [
          ...bad,
          [...good, "--nonsense"],
          ...client === undefined ? [] : [
            ...badPorts(1).map((port) => client("127.0.0.1", port, 1)),
            client("127.0.0.1", 7, "abc"),
          ],
          ...server === undefined ? [] : badPorts(0).map((port) => server("127.0.0.1", port)),
        ];
        await each(calls, async (args) => {
          const program = run(scope, name, args, ["--allow-net", "--allow-read"]);
          program.end();
          const done = await program.exit();
          assertOneLine(name, done);
          assert.equal(done.code, 2, `${args.join(" ")}: ${done.stderr}`);
          assert.equal(done.stdout, "");
        });
      }, 60_000),
    );
  }
});

/** Connects to a server, which may say nothing when it listens: as soon as it does. */
async function dial(scope: Scope, port: number): Promise<void> {
  const connects = (): Promise<boolean> =>
    create_connection(["127.0.0.1", port], { timeout: 5 }).then((client) => {
      scope.add(client);
      return true;
    }, () => false);
  await until(connects, `a connection to port ${port}`, 10_000);
}

describe("Ctrl-C", () => {
  for (const [name, row] of tcpClients) {
    it(
      `${name} that waits for an answer`,
      bounded(async (scope) => {
        const server = scope.add(await create_server(["127.0.0.1", 0]));
        const args = row.client!("127.0.0.1", server.getsockname()[1], 60);
        const program = tell(scope, name, args, name !== "smtp_send");
        scope.add((await server.accept())[0]);
        await sleep(100);
        await interrupted(program);
      }),
    );
  }

  it(
    "all clients that wait for a connection",
    { skip: noPeer },
    bounded(async (scope) => {
      const address = await full(scope);
      await each(tcpClients.map(([name]) => name), async (name) => {
        const args = rows[name]!.client!(...address, 60);
        const program = tell(scope, name, args, name !== "smtp_send");
        await sleep(700);
        await interrupted(program);
      });
    }),
  );

  for (const [name, row] of servers) {
    it(
      `${name} that waits for clients`,
      bounded(async (scope) => {
        if (name === "nc") {
          const port = await freePort();
          const program = run(scope, name, row.server!("127.0.0.1", port));
          if (noSs === false) {
            await until(() => ss(port).some(({ state }) => state === "LISTEN"), "nc", 10_000);
          } else {
            await sleep(1000);
          }
          return await interrupted(program);
        }
        const [program] = await serving(scope, name, row.server!("127.0.0.1", 0));
        await interrupted(program);
      }),
    );
  }

  for (const [name, row] of servers.filter(([name]) => name !== "udp_time")) {
    it(
      `${name} that talks to a client`,
      bounded(async (scope) => {
        const target = await silent(scope);
        const port = name === "nc" ? await freePort() : 0;
        const args = name === "proxy" ? [port, ...target] : row.server!("127.0.0.1", port);
        const [program, at] = name === "nc"
          ? [run(scope, name, args), port]
          : await serving(scope, name, args);
        await dial(scope, at);
        await sleep(100);
        await interrupted(program);
      }),
    );
  }

  it(
    "udp_time that waits for an answer",
    bounded(async (scope) => {
      const s = scope.add(socket(AF_INET, SOCK_DGRAM));
      await s.bind(["127.0.0.1", 0]);
      const args = rows["udp_time"]!.client!("127.0.0.1", s.getsockname()[1], 60);
      const program = run(scope, "udp_time", args);
      await s.recvfrom(16);
      await interrupted(program);
    }),
  );

  it(
    "unix_echo, both",
    bounded(async (scope) => {
      const path = join(folder(scope), "socket");
      const server = run(scope, "unix_echo", ["server", path], unixAllowed(path));
      await server.line();
      await interrupted(server);
      const s = scope.add(socket(AF_UNIX, SOCK_STREAM));
      await s.bind(path);
      await s.listen();
      const args = ["client", path, "x", "--timeout", 60];
      const client = run(scope, "unix_echo", args, unixAllowed(path));
      scope.add((await s.accept())[0]);
      await sleep(100);
      await interrupted(client);
    }),
  );

  it(
    "multicast_chat",
    bounded(async (scope) => {
      const args = ["Ann", "--port", await freePort(), "--interface", "127.0.0.1"];
      const program = run(scope, "multicast_chat", args);
      await program.line();
      await interrupted(program);
    }),
  );

  it(
    "portscan",
    { skip: noPeer },
    bounded(async (scope) => {
      const [host, port] = await full(scope);
      const program = run(scope, "portscan", [host, `${port}-${port}`, "--timeout", 60]);
      await sleep(500);
      await interrupted(program);
    }),
  );

  it(
    "lookup that waits for a name server",
    { skip: noPeer || noNamespace(pythonFile) },
    bounded(async (scope) => {
      const nameServer = "import socket, sys\ns = socket.socket(type=socket.SOCK_DGRAM)\n" +
        's.bind(("127.0.0.1", 53))\nprint("bound", file=sys.stderr)\n' +
        'print(s.recv(9) and "asked", file=sys.stderr)\n' +
        "sys.stdin.read()";
      const holder: [string, ...string[]] = [pythonFile, "-u", "-c", nameServer];
      const resolv = "nameserver 127.0.0.1\n";
      const space = await Namespace.open(scope, holder, "", resolv);
      await space.said("bound");
      const program = scope.add(space.start(example("lookup", ["silent.test"])));
      await space.said("asked");
      await interrupted(program);
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
