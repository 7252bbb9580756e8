/** AF_UNIX streams and datagrams: this library against itself, and against Python's socket in another process. */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import {
  AF_UNIX,
  capabilities,
  errno,
  IPPROTO_TCP,
  SHUT_RD,
  SHUT_WR,
  SO_DOMAIN,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_PROTOCOL,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
  socket,
  SOL_SOCKET,
  TCP_NODELAY,
  TimeoutError,
} from "../mod.ts";
import { receive, text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { noPeer, pythonProgram } from "./support/peers.ts";
import { type Program, start } from "./support/process.ts";
import { launch, runtimeName } from "./support/runtime.ts";
import { bounded, rejection, rejects, type Scope, sleep, throws, until } from "./support/scope.ts";
import { noUnix } from "./support/tcp.ts";

/** Deno has them with a flag, which the programs below are given. */
const noUnixDatagrams: string | false = process.platform === "linux" &&
    (runtimeName === "deno" || capabilities().types["AF_UNIX"]?.includes("SOCK_DGRAM"))
  ? false
  : "this runtime has no UNIX datagrams";
const noAbstract: string | false = process.platform === "linux"
  ? noUnix
  : "abstract names are Linux's";

function folder(scope: Scope): string {
  const path = mkdtempSync(join(tmpdir(), "bsdsock-"));
  scope.add({ close: () => rmSync(path, { recursive: true, force: true }) });
  return path;
}

function open(scope: Scope): Socket<string> {
  return scope.add(new Socket<string>(AF_UNIX));
}

async function server(scope: Scope, path: string): Promise<Socket<string>> {
  const s = open(scope);
  await s.bind(path);
  await s.listen();
  return s;
}

async function pair(scope: Scope, path: string): Promise<[Socket<string>, Socket<string>]> {
  const listener = await server(scope, path);
  const client = open(scope);
  await client.connect(path);
  const [conn, address] = await listener.accept();
  assert.equal(address, "");
  return [client, scope.add(conn)];
}

describe("UNIX streams", () => {
  const test = (name: string, body: (scope: Scope) => Promise<void>, skip = noUnix): void => {
    it(name, { skip }, bounded(body));
  };

  test("a conversation, half-closed both ways", async (scope) => {
    const [client, conn] = await pair(scope, join(folder(scope), "s"));
    await client.sendall("hello");
    await client.shutdown(SHUT_WR);
    assert.equal(text(await conn.recv(10)), "hello");
    assert.equal((await conn.recv(10)).length, 0);
    await conn.sendall("data flows back");
    assert.equal(text(await client.recv(100)), "data flows back");
    await conn.close();
    assert.equal((await client.recv(10)).length, 0);
  });

  test("every send to a peer that has closed is EPIPE, and what it had sent is received", async (scope) => {
    for (const closes of ["client", "server"]) {
      const [client, conn] = await pair(scope, join(folder(scope), "s"));
      const [peer, s] = closes === "client" ? [client, conn] : [conn, client];
      await peer.sendall("last");
      await peer.close();
      for (let i = 0; i < 3; i++) await rejects(() => s.send("x"), "EPIPE", "send");
      assert.equal(text(await s.recv(9)), "last");
      // Unlike one of TCP, the connection is still there for Linux.
      await s.shutdown(SHUT_WR);
      assert.equal((await s.recv(9)).length, 0);
    }
  });

  test("listen right behind a shutdown of the listener finds its name free", async (scope) => {
    const path = join(folder(scope), "s");
    const s = await server(scope, path);
    const waiting = rejects(() => s.accept(), "EINVAL", "accept");
    await sleep(10);
    const stopping = s.shutdown(SHUT_RD);
    await s.listen();
    await stopping;
    await waiting;
    const client = open(scope);
    await client.connect(path);
    scope.add((await s.accept())[0]);
  });

  test("a shutdown of the listener ends the clients that wait, and removes the path", async (scope) => {
    const path = join(folder(scope), "s");
    const s = await server(scope, path);
    const client = open(scope);
    await client.connect(path);
    await sleep(10);
    await s.shutdown(SHUT_RD);
    assert.equal(existsSync(path), false);
    const ending = client.recv(9).then((data) => data.length, (error) => error.code);
    assert.ok([0, "ECONNRESET"].includes(await ending));
    await rejects(() => s.accept(), "EINVAL", "accept");
  });

  test("names at both ends, and what the options tell", async (scope) => {
    const path = join(folder(scope), "s");
    const fresh = open(scope);
    assert.equal(fresh.getsockname(), "");
    const [client, conn] = await pair(scope, path);
    assert.equal(client.getsockname(), "");
    assert.equal(client.getpeername(), path);
    assert.equal(conn.getsockname(), path);
    assert.equal(conn.getpeername(), "");
    assert.equal(client.getsockopt(SOL_SOCKET, SO_DOMAIN), AF_UNIX);
    assert.equal(client.getsockopt(SOL_SOCKET, SO_PROTOCOL), 0);
    throws(() => client.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1), "EOPNOTSUPP", "setsockopt");
    assert.match(String(conn), /family=AF_UNIX, type=SOCK_STREAM, proto=0, laddr="[^"]+">$/);
    await rejects(() => client.sendto("x", path), "EISCONN", "sendto");
  });

  test("SO_KEEPALIVE is what was set, before and after the connection", async (scope) => {
    const listener = await server(scope, join(folder(scope), "s"));
    const client = open(scope);
    const check = (on: number): void => {
      client.setsockopt(SOL_SOCKET, SO_KEEPALIVE, on);
      assert.equal(client.getsockopt(SOL_SOCKET, SO_KEEPALIVE), on);
    };
    check(1);
    await client.connect(listener.getsockname());
    assert.equal(client.getsockopt(SOL_SOCKET, SO_KEEPALIVE), 1);
    check(0);
    check(1);
    const [conn] = await listener.accept();
    scope.add(conn).setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
    assert.equal(conn.getsockopt(SOL_SOCKET, SO_KEEPALIVE), 1);
  });

  test("a relative path is told as it was bound, by Deno as what it binds", async (scope) => {
    const path = join(folder(scope), "s");
    const near = relative(process.cwd(), path);
    const [client, conn] = await pair(scope, near);
    // Deno takes a path as it is only where it need not look whether it is permitted.
    const expected = runtimeName === "deno" ? path : near;
    assert.equal(client.getpeername(), expected);
    assert.equal(conn.getsockname(), expected);
    await client.sendall("here");
    assert.equal(text(await conn.recv(9)), "here");
  });

  test("a connect through a link is told as it was given, or as it was bound", async (scope) => {
    const path = join(folder(scope), "s");
    const link = `${path}.link`;
    await server(scope, path);
    symlinkSync(path, link);
    const client = open(scope);
    await client.connect(link);
    // docs/differences.md: Node does not ask the kernel.
    assert.equal(client.getpeername(), runtimeName === "node" ? link : path);
  });

  test("the file is there while bound, and gone after close", async (scope) => {
    const path = join(folder(scope), "s");
    const s = open(scope);
    await s.bind(path);
    assert.equal(s.getsockname(), path);
    assert.ok(existsSync(path));
    const other = open(scope);
    await rejects(() => other.bind(path), "EADDRINUSE", "bind");
    await s.close();
    assert.ok(!existsSync(path));
    await other.bind(path);
    await other.listen();
    await other.close();
    assert.ok(!existsSync(path));
  });

  test("a file that is there is EADDRINUSE and stays", async (scope) => {
    const path = join(folder(scope), "plain");
    writeFileSync(path, "not a socket");
    const s = open(scope);
    const error = await rejects(() => s.bind(path), "EADDRINUSE", "bind");
    assert.equal(error.address, path);
    await s.close();
    assert.ok(existsSync(path));
    await rejects(() => open(scope).connect(path), "ECONNREFUSED", "connect");
  });

  test("missing names and folders are ENOENT, long ones ENAMETOOLONG", async (scope) => {
    const path = folder(scope);
    await rejects(() => open(scope).connect(join(path, "none")), "ENOENT", "connect");
    await rejects(() => open(scope).connect(""), "EINVAL", "connect");
    await rejects(() => open(scope).bind(join(path, "none", "s")), "ENOENT", "bind");
    // A directory that holds no such files; Deno asks for --allow-all there, and others than root may not write to it.
    if (process.getuid?.() === 0 && process.platform === "linux" && runtimeName !== "deno") {
      await rejects(() => open(scope).bind("/proc/bsdsock"), "ENOENT", "bind");
    }
    const long = `/${"x".repeat(107)}`;
    const error = await rejects(() => open(scope).bind(long), "ENAMETOOLONG", "bind");
    assert.match(error.message, /AF_UNIX path too long/);
    await rejects(() => open(scope).connect(long), "ENAMETOOLONG", "connect");
    // As in Python: connect(2) was not called.
    await rejects(() => open(scope).connect_ex(long), "ENAMETOOLONG", "connect");
    const name = join(path, "").padEnd(107, "y");
    const s = await server(scope, name);
    assert.equal(s.getsockname().length, 107);
  });

  test("wrong addresses are TypeErrors", async (scope) => {
    for (const wrong of [["x", 1], 5, null, undefined, {}]) {
      const error = await rejection(() => open(scope).bind(wrong as never));
      assert.ok(error instanceof TypeError, String(error));
    }
  });

  test("bytes that are UTF-8 are a name like any other", async (scope) => {
    const path = join(folder(scope), "ü");
    const s = open(scope);
    await s.bind(new TextEncoder().encode(path));
    assert.equal(s.getsockname(), path);
  });

  test("bytes that are not UTF-8 are a name where the runtime takes bytes", async (scope) => {
    const name = Uint8Array.from([...new TextEncoder().encode(join(folder(scope), "x")), 0xff]);
    const s = open(scope);
    if (runtimeName !== "bun") {
      const error = await rejects(() => s.bind(name), "EINVAL", "bind");
      assert.match(error.message, /text only/);
      await rejects(() => s.connect(name), "EINVAL", "connect");
      return;
    }
    await s.bind(name);
    assert.deepEqual(s.getsockname() as unknown, name);
    await s.listen();
    const client = open(scope);
    await client.connect(name);
    assert.deepEqual(client.getpeername() as unknown, name);
    scope.add((await s.accept())[0]);
  });

  test("a bound socket that cannot connect to such a name keeps its own", async (scope) => {
    const path = folder(scope);
    const there = await server(scope, join(path, "there"));
    const own = join(path, "own");
    const s = open(scope);
    await s.bind(own);
    const codes = { node: "EINVAL", deno: "EOPNOTSUPP", bun: "ENOENT" };
    await rejects(() => s.connect(Uint8Array.of(0x2f, 0xff)), codes[runtimeName], "connect");
    assert.equal(s.getsockname(), own);
    // Deno connects no bound UNIX socket.
    if (runtimeName !== "deno") {
      await s.connect(there.getsockname());
      assert.equal(s.getsockname(), own);
    }
    await s.close();
    await until(() => !existsSync(own), "the file is gone");
  });

  test("a single null character is a name where the runtime takes it for one", async (scope) => {
    const s = open(scope);
    if (runtimeName === "deno") {
      await rejects(() => s.bind("\0"), "EINVAL", "bind");
      await rejects(() => s.connect("\0"), "EINVAL", "connect");
      return;
    }
    await s.bind("\0");
    assert.equal(s.getsockname(), "\0");
    await s.listen();
    const client = open(scope);
    await client.connect("\0");
    assert.equal(client.getpeername(), "\0");
    scope.add((await s.accept())[0]);
  });

  test("abstract names, and one of Linux's choice", async (scope) => {
    const name = `\0bsdsock ${process.pid} ${performance.now()}`;
    const [client, conn] = await pair(scope, name);
    assert.equal(client.getpeername(), name);
    assert.equal(conn.getsockname(), name);
    const s = open(scope);
    await s.bind("");
    assert.match(s.getsockname(), /^\0[0-9a-f]{5}$/);
  }, noAbstract);

  test("a name of Linux's choice that is taken is not the last that is tried", async (scope) => {
    const chosen = [0.25, 0.25, 0.25, 0.75];
    const { random } = Math;
    Math.random = () => chosen.shift() ?? 0.5;
    scope.add({ close: () => Math.random = random });
    const names: string[] = [];
    for (let i = 0; i < 2; i++) {
      const s = open(scope);
      await s.bind("");
      names.push(s.getsockname());
    }
    assert.deepEqual(names, ["\x0040000", "\x00c0000"]);
  }, noAbstract);

  test("a path is free again once its file is gone", async (scope) => {
    const path = join(folder(scope), "again");
    const first = await server(scope, path);
    await rejects(() => open(scope).bind(path), "EADDRINUSE", "bind");
    rmSync(path);
    const second = await server(scope, path);
    const client = open(scope);
    const [[conn]] = await Promise.all([second.accept(), client.connect(path)]);
    scope.add(conn);
    assert.equal(first.getsockname(), path);
  });

  test("a path that is no well-formed text is a RangeError", async (scope) => {
    const error = await rejection(() => open(scope).bind("\ud800"));
    assert.ok(error instanceof RangeError, String(error));
  });

  test("datagrams are offered or refused as capabilities says", async (scope) => {
    const offered = capabilities().types["AF_UNIX"]!.includes("SOCK_DGRAM");
    if (offered) scope.add(socket(AF_UNIX, SOCK_DGRAM));
    else {
      const error = throws(() => socket(AF_UNIX, SOCK_DGRAM), "ESOCKTNOSUPPORT", "socket");
      if (runtimeName === "deno") assert.match(error.message, /--unstable-net/);
    }
    scope.add(socket(AF_UNIX, SOCK_STREAM));
    await Promise.resolve();
  });

  test(
    "Python connects to us: names, data, and a bound client's name where the runtime tells",
    async (scope) => {
      const path = join(folder(scope), "s");
      const listener = await server(scope, path);
      const peer = pythonProgram(
        scope,
        `
      import socket, sys
      s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1] + ".client")
      s.connect(sys.argv[1]); s.sendall(b"x" * 1000000); s.shutdown(socket.SHUT_WR)
      n = 0
      while True:
          data = s.recv(65536)
          if not data: break
          n += len(data)
      print(n, s.getpeername(), flush=True)
      `,
        [path],
      );
      const [conn, address] = await listener.accept();
      scope.add(conn);
      // Node knows it through libc only, as it does the options beyond the common ones.
      const { adapter, options } = capabilities();
      const told = adapter !== "node" || options["SOCK_STREAM"]!["SO_RCVBUF"] !== undefined;
      assert.equal(address, told ? `${path}.client` : "");
      let count = 0;
      for (let data; (data = await conn.recv(65536)).length > 0;) count += data.length;
      assert.equal(count, 1_000_000);
      await conn.sendall(new Uint8Array(2_000_000));
      await conn.close();
      assert.equal(await peer.line(), `2000000 ${path}`);
    },
    noUnix || noPeer,
  );

  test("a client whose name is not UTF-8 does not end a server", async (scope) => {
    const path = join(folder(scope), "s");
    const listener = await server(scope, path);
    const peer = pythonProgram(
      scope,
      `
      import os, socket, sys
      for name in b".\\xff", b"":
          s = socket.socket(socket.AF_UNIX)
          if name: s.bind(os.fsencode(sys.argv[1]) + name)
          s.connect(sys.argv[1]); s.settimeout(15)
          try: answer = s.recv(100).decode()
          except ConnectionResetError: answer = ""
          print(answer, flush=True)
      `,
      [path],
    );
    const served = runtimeName !== "deno";
    for (const answer of served ? ["first", "second"] : ["second"]) {
      const [conn] = await listener.accept();
      scope.add(conn);
      await conn.sendall(answer);
    }
    assert.equal(await peer.line(), served ? "first" : "");
    assert.equal(await peer.line(), "second");
  }, noUnix || noPeer);

  for (const before of ["", "hello"]) {
    const title = before === "" ? "nothing" : "something";
    test(`a peer that closes with unread bytes and has sent ${title}`, async (scope) => {
      const path = join(folder(scope), "s");
      const peer = pythonProgram(
        scope,
        `
      import socket, sys
      l = socket.socket(socket.AF_UNIX); l.bind(sys.argv[1]); l.listen(); print("ready", flush=True)
      s, _ = l.accept(); s.sendall(sys.argv[2].encode()); sys.stdin.readline()
      s.close(); print("closed", flush=True); sys.stdin.readline()
      `,
        [path, before],
      );
      await peer.line();
      const s = open(scope);
      await s.connect(path);
      // A socket that has received may go on reading.
      assert.equal(text(await receive(s, before.length)), before);
      await s.sendall("unread");
      peer.write("\n");
      await peer.line();
      await sleep(50);
      for (let i = 0; i < 2; i++) await rejects(() => s.send("x"), "EPIPE", "send");
      await rejects(() => s.recv(1), "ECONNRESET", "recv");
      assert.equal((await s.recv(1)).length, 0);
      await rejects(() => s.send("x"), "EPIPE", "send");
    }, noUnix || noPeer);
  }

  test("a peer that closes with unread bytes while a sendall waits", async (scope) => {
    const [s, peer] = await pair(scope, join(folder(scope), "s"));
    const sending = rejects(() => s.sendall(new Uint8Array(10_000_000)), "EPIPE", "send");
    await sleep(50);
    await peer.close();
    await sending;
    await rejects(() => s.recv(1), "ECONNRESET", "recv");
    assert.equal((await s.recv(1)).length, 0);
    await rejects(() => s.send("x"), "EPIPE", "send");
    assert.equal(s.getsockopt(SOL_SOCKET, SO_ERROR), 0);
  });

  test("we connect to Python", async (scope) => {
    const path = join(folder(scope), "s");
    const peer = pythonProgram(
      scope,
      `
      import socket, sys
      l = socket.socket(socket.AF_UNIX); l.bind(sys.argv[1]); l.listen(); print("ready", flush=True)
      s, address = l.accept(); data = s.recv(100); print(data.decode(), repr(address), flush=True)
      s.sendall(b"answer"); s.close()
      `,
      [path],
    );
    await peer.line();
    const client = open(scope);
    await client.connect(path);
    await client.sendall("question");
    assert.equal(await peer.line(), "question ''");
    assert.equal(text(await client.recv(100)), "answer");
    assert.equal((await client.recv(100)).length, 0);
  }, noUnix || noPeer);
});

/** What the other side of the datagrams begins with: a socket bound to the first argument. */
const PYTHON_DATAGRAM = `
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.settimeout(15); s.bind(sys.argv[1])
def say(*values):
    print(json.dumps(values), flush=True)
`;

/** Accepts twenty clients, slowly; then no one more, and lets its queue be full, so that a client would wait. */
const SLOW = `
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen(0)
print("listening", flush=True)
for i in range(20):
    conn, _ = s.accept()
    conn.sendall(b"x")
    time.sleep(0.005)
last = socket.socket(socket.AF_UNIX)
last.connect(sys.argv[1])
print("full", flush=True)
sys.stdin.readline()
s.accept()
s.accept()
`;

describe("a program whose process object is frozen", () => {
  it(
    "accepts UNIX connections",
    bounded(async (scope) => {
      const program = new URL("./peers/frozen_process.ts", import.meta.url);
      const { stdout, stderr } = await scope.add(start(launch(program))).exit();
      assert.equal(stdout, "hello\n", stderr);
    }),
  );
});

describe("a worker of node:cluster", () => {
  it(
    "listens on UNIX sockets and TCP",
    { skip: runtimeName !== "node" && "node:cluster is Node's" },
    bounded(async (scope) => {
      const program = new URL("./peers/cluster_worker.ts", import.meta.url);
      const { stdout, stderr } = await scope.add(start(launch(program))).exit();
      assert.equal(stdout, "AF_UNIX\nAF_INET\n", stderr);
    }),
  );
});

describe("a UNIX listener whose queue is full", () => {
  it(
    "has connect wait, until its timeout, its signal or close ends it",
    { skip: noUnix || noPeer },
    bounded(async (scope) => {
      const path = join(folder(scope), "s");
      const peer = pythonProgram(scope, SLOW, [path]);
      assert.equal(await peer.line(), "listening");
      await Promise.all(Array.from({ length: 20 }, async (_, i) => {
        const client = open(scope);
        if (i % 2 > 0) client.settimeout(10);
        await client.connect(path);
        assert.equal((await client.recv(9)).length, 1);
      }));
      assert.equal(await peer.line(), "full");

      const late = open(scope);
      late.settimeout(0.1);
      const begun = performance.now();
      assert.ok(await rejection(() => late.connect(path)) instanceof TimeoutError);
      assert.ok(performance.now() - begun >= 95);
      const reason = new Error("enough");
      const stop = new AbortController();
      const aborted = rejection(() => open(scope).connect(path, stop));
      const closed = open(scope);
      const closing = rejects(() => closed.connect(path), "EBADF", "connect");
      await sleep(20);
      stop.abort(reason);
      assert.equal(await aborted, reason);
      await closed.close();
      await closing;

      const now = open(scope);
      now.setblocking(false);
      await rejects(() => now.connect(path), "EINPROGRESS", "connect");
      await until(() => now.getsockopt(SOL_SOCKET, SO_ERROR) === errno.EAGAIN, "EAGAIN is told");

      const patient = open(scope);
      const bound = runtimeName !== "deno";
      if (bound) await patient.bind(join(folder(scope), "client"));
      const connecting = patient.connect(path);
      await sleep(50);
      peer.write("\n");
      await connecting;
      assert.equal(patient.getpeername(), path);
      assert.equal((await peer.exit()).stderr, "");
    }),
  );
});

describe("UNIX datagrams with Python", () => {
  const test = (name: string, body: (scope: Scope) => Promise<void>): void => {
    it(name, { skip: noUnixDatagrams || noPeer }, bounded(body));
  };

  /** Starts a program on this runtime, which Deno gives `--unstable-net`. */
  const program = (scope: Scope, how: string, ...args: string[]): Program => {
    const url = new URL("./peers/unix_datagrams.ts", import.meta.url);
    return scope.add(start(launch(url, [how, ...args], {
      permissions: ["--allow-net", "--allow-read", "--allow-write"],
      flags: runtimeName === "deno" ? ["--unstable-net"] : [],
    })));
  };

  test("a conversation, with names, sizes and a sender that is unnamed", async (scope) => {
    const [ours, theirs] = [join(folder(scope), "ours"), join(folder(scope), "theirs")];
    const echo = program(scope, "echo", ours);
    assert.equal(await echo.json(), ours);
    const peer = pythonProgram(
      scope,
      `${PYTHON_DATAGRAM}
for size in 0, 1, 70000, 200000:
    data = bytes(n % 251 for n in range(size))
    s.sendto(data, sys.argv[2])
    back, address = s.recvfrom(300000)
    say(back == data[::-1], address)
nameless = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
nameless.sendto(b"quit", sys.argv[2])
`,
      [theirs, ours],
    );
    for (let i = 0; i < 4; i++) assert.deepEqual(await peer.json(), [true, ours]);
    assert.deepEqual(await echo.json(), [theirs, theirs, theirs, theirs, ""]);
    assert.equal((await echo.exit()).stderr, "");
    assert.ok(!existsSync(ours), "close removes the file");
  });

  test("a connected socket hears its peer only; sends go out while a receive waits", async (scope) => {
    const [ours, theirs] = [join(folder(scope), "ours"), join(folder(scope), "theirs")];
    const peer = pythonProgram(
      scope,
      `${PYTHON_DATAGRAM}
say("ready")
names = []
for i in range(20):
    data, address = s.recvfrom(100)
    names.append(data.decode())
say(address, names == [str(i) for i in range(20)])
for end in b"", b"\\xff":
    stranger = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    if end: stranger.bind(os.fsencode(sys.argv[1]) + end)
    stranger.sendto(b"stranger", address)
s.sendto(b"peer", address)
`,
      [theirs],
    );
    await peer.json();
    const client = program(scope, "connected", ours, theirs);
    assert.deepEqual(await peer.json(), [ours, true]);
    assert.deepEqual(await client.json(), { received: "peer", peer: theirs });
    assert.equal((await client.exit()).stderr, "");
  });

  test("sends go out while others keep the socket's own queue full", async (scope) => {
    const [ours, theirs] = [join(folder(scope), "ours"), join(folder(scope), "theirs")];
    const peer = pythonProgram(
      scope,
      `${PYTHON_DATAGRAM}
import threading
say("ready")
sys.stdin.readline()
def flood():
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        while True: sender.sendto(b"x", sys.argv[2])
    except OSError:
        pass
threading.Thread(target=flood, daemon=True).start()
say([s.recv(100).decode() for _ in range(300)] == [str(i) for i in range(300)])
`,
      [theirs, ours],
    );
    await peer.json();
    const busy = program(scope, "busy", ours, theirs);
    assert.equal(await busy.json(), "ready");
    peer.write("\n");
    assert.equal(await busy.json(), "sent");
    assert.equal(await busy.json(), true);
    assert.deepEqual(await peer.json(), [true]);
    assert.equal((await busy.exit()).stderr, "");
  });

  test("nothing is lost between a fast sender and a slow receiver", async (scope) => {
    const [ours, theirs] = [join(folder(scope), "ours"), join(folder(scope), "theirs")];
    const slow = program(scope, "slow", ours, "2000");
    assert.equal(await slow.json(), ours);
    pythonProgram(
      scope,
      `${PYTHON_DATAGRAM}
for i in range(2000):
    s.sendto(str(i).encode() + bytes(1000), sys.argv[2])
`,
      [theirs, ours],
    );
    assert.equal(await slow.json(), 2000);
    assert.equal((await slow.exit()).stderr, "");
  });

  test("errors, abstract names and names of the system's choice", async (scope) => {
    const path = folder(scope);
    writeFileSync(join(path, "plain"), "");
    const facts = await program(scope, "errors", path).json<Record<string, unknown>>();
    assert.deepEqual(facts, {
      missing: "sendto ENOENT",
      plain: "sendto ECONNREFUSED",
      folder: "bind ENOENT",
      taken: "bind EADDRINUSE",
      long: "bind ENAMETOOLONG",
      stream: "sendto EPROTOTYPE",
      unconnected: "send ENOTCONN",
      timeout: "recv ETIMEDOUT",
      nonblocking: "recv EAGAIN",
      closed: "recv EBADF",
      abstract: true,
      chosen: true,
      unbound: "y",
    });
  });
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
