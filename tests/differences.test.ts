/** Rows of docs/differences.md that no other test shows; each test has the name of its row. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers";
import { inspect } from "node:util";
import {
  AF_INET,
  AF_UNIX,
  capabilities,
  create_connection,
  create_server,
  type InetAddress,
  IPPROTO_TCP,
  MSG_DONTWAIT,
  MSG_PEEK,
  SHUT_RD,
  SHUT_WR,
  SO_ERROR,
  SO_LINGER,
  SO_RCVBUF,
  SO_REUSEADDR,
  SOCK_DGRAM,
  type Socket,
  socket,
  SocketError,
  socketpair,
  SOL_SOCKET,
  TCP_NODELAY,
} from "../mod.ts";
import * as library from "../mod.ts";
import { receive, receiveAll, text } from "./support/bytes.ts";
import { noDup } from "./support/descriptors.ts";
import { endsByItself } from "./support/endings.ts";
import { Namespace, noNamespace } from "./support/namespace.ts";
import { checkNothingLeft, noDescriptors, noSs, ss } from "./support/outside.ts";
import { helpers, noPeer, pythonProgram } from "./support/peers.ts";
import { type Program, pythonFile, start } from "./support/process.ts";
import { hasFfi, launch, runtimeName } from "./support/runtime.ts";
import { bounded, rejects, type Scope, sleep, throws, until } from "./support/scope.ts";

const host = "127.0.0.1";
const able = capabilities();
const notLinux = process.platform !== "linux" && "the row is about Linux";
const notDeno = runtimeName !== "deno" && "the row is about Deno";

function path(scope: Scope): string {
  const folder = mkdtempSync(join(tmpdir(), "bsdsock-"));
  scope.add({ close: () => rmSync(folder, { recursive: true, force: true }) });
  return join(folder, "s");
}

/** What a program in Python says, whose socket module is that of the system; it runs while nothing else does here. */
function linux<T>(source: string, ...args: (string | number)[]): T {
  const program = `${helpers}\n${source}`;
  const done = spawnSync(pythonFile, ["-c", program, ...args.map(String)], {
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.equal(done.status, 0, done.stderr);
  return JSON.parse(done.stdout) as T;
}

const test = (
  row: string,
  body: (scope: Scope) => Promise<void>,
  skip: string | false = false,
): void => {
  it(row, { skip: notLinux || noPeer || skip }, bounded(body));
};

async function server(scope: Scope): Promise<Socket<InetAddress>> {
  return scope.add(await create_server([host, 0]));
}

async function accepted(scope: Scope, from: Socket<InetAddress>): Promise<Socket<InetAddress>> {
  const [conn] = await from.accept();
  return scope.add(conn);
}

describe("other than Python's", () => {
  test("bind without listen, two processes", async (scope) => {
    const s = scope.add(socket());
    await s.bind([host, 0]);
    const peer = pythonProgram(
      scope,
      `${helpers}
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
try:
    s.bind((sys.argv[1], int(sys.argv[2])))
    s.listen()
    say("listens")
except OSError as error:
    say(error.errno)
command()
`,
      [host, String(s.getsockname()[1])],
    );
    const said = await peer.json();
    if (runtimeName === "deno") {
      assert.deepEqual(said, [98], "it listens as soon as it is bound");
      await s.listen();
    } else {
      assert.deepEqual(said, ["listens"]);
      await rejects(() => s.listen(), "EADDRINUSE", "listen");
    }
  });

  test("`send` that had to wait, and `write` of a file without a buffer", async (scope) => {
    const size = 32 << 20;
    const receiver = await server(scope);
    const peer = pythonProgram(
      scope,
      `${helpers}
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
say(s.send(bytes(${size})))
`,
      [host, String(receiver.getsockname()[1])],
    );
    await receive(await accepted(scope, receiver), size);
    assert.deepEqual(await peer.json(), [size], "Linux waits until all is taken");

    const a = scope.add(await create_connection(receiver.getsockname()));
    const b = await accepted(scope, receiver);
    const out = a.makefile("wb", { buffering: 0 });
    for (
      const call of [() => a.send(new Uint8Array(size)), () => out.write(new Uint8Array(size))]
    ) {
      const count = await call();
      assert.ok(count !== null && count > 0 && count < size, `${count}`);
      await receive(b, count);
    }
    await out.close();
  });

  test("`connect` to a peer that resets at once", async (scope) => {
    const peer = pythonProgram(
      scope,
      `${helpers}
listener = socket.create_server(("127.0.0.1", 0))
say(listener.getsockname()[1])
while True:
    s, _ = listener.accept()
    s.sendall(b"hello")
    reset()
`,
    );
    const [port = 0] = await peer.json<number[]>();
    for (let i = 0; i < 200; i++) {
      const s = scope.add(socket());
      try {
        await s.connect([host, port]);
      } catch (error) {
        assert.ok(error instanceof SocketError && error.code === "ECONNRESET", String(error));
        assert.equal(error.syscall, "connect");
        continue;
      }
      assert.equal(text(await receive(s, 5)), "hello");
      await s.close();
    }
  });

  test("SO_LINGER with seconds", async (scope) => {
    const lingering = `
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen()
s = socket.create_connection(l.getsockname()); c, _ = l.accept()
s.setblocking(False)
try:
    while True: s.send(bytes(100000))
except BlockingIOError: pass
s.setblocking(True)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 1))
begun = time.monotonic(); s.close(); say(time.monotonic() - begun)
`;
    const [seconds = 0] = linux<number[]>(lingering);
    assert.ok(seconds > 0.9, `Linux waits, here ${seconds} s`);

    const listener = await server(scope);
    const s = scope.add(socket());
    s.setsockopt(SOL_SOCKET, SO_LINGER, [1, 5]);
    await s.connect(listener.getsockname());
    const conn = await accepted(scope, listener);
    let sent = 0;
    await until(async () => {
      const count = await s.send(new Uint8Array(100_000), MSG_DONTWAIT).catch(() => 0);
      sent += count;
      return count === 0;
    }, "no room");
    const begun = performance.now();
    await s.close();
    const took = performance.now() - begun;
    assert.ok(took < 2_000, `close took ${took} ms`);
    await receive(conn, sent);
    assert.equal((await conn.recv(1)).length, 0);
  });

  test("names of a `socketpair`", async (scope) => {
    assert.deepEqual(
      linux(`a, b = socket.socketpair(); say(a.getsockname(), b.getpeername())`),
      ["", ""],
    );
    const [a, b] = await socketpair();
    for (const s of [a, b]) scope.add(s);
    const named = [a.getsockname(), b.getsockname()].filter((name) => name !== "");
    assert.equal(named.length, 1);
    assert.match(String(named[0]), /^\0[0-9a-f]{5}$/);
    const [c, d] = await socketpair(AF_INET);
    for (const s of [c, d]) assert.equal(scope.add(s).getsockname()[0], host);
  });

  test("an option of a listener, set while connections wait", async (scope) => {
    const listener = await server(scope);
    scope.add(await create_connection(listener.getsockname()));
    await sleep(20);
    listener.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
    const conn = await accepted(scope, listener);
    assert.equal(conn.getsockopt(IPPROTO_TCP, TCP_NODELAY), 1);
  });

  test("`dup()` of a bound socket", async (scope) => {
    const listener = await server(scope);
    const s = scope.add(socket());
    await s.bind(["127.0.0.1", 0]);
    const copy = scope.add(s.dup());
    assert.deepEqual(copy.getsockname(), s.getsockname());
    await s.connect(listener.getsockname());
    await accepted(scope, listener);
    throws(() => copy.getpeername(), "ENOTCONN", "getpeername");
  }, noDup);

  test("`dup()` of a listening socket", async (scope) => {
    const original = await server(scope);
    const copy = scope.add(original.dup());
    // Both have to have waited once: from then on the runtime accepts for them.
    for (const one of [original, copy]) {
      one.settimeout(0.01);
      await rejects(() => one.accept(), "ETIMEDOUT", "accept");
    }
    const clients = 40;
    for (let i = 0; i < clients; i++) {
      scope.add(await create_connection(original.getsockname()));
    }
    await sleep(50);
    const counts = [];
    for (const one of [original, copy]) {
      let count = 0;
      while (
        await one.accept().then(([conn]) => scope.add(conn), () => undefined) !== undefined
      ) count++;
      counts.push(count);
    }
    assert.equal(counts[0]! + counts[1]!, clients, String(counts));
    assert.ok(counts[0]! < clients, String(counts));
    await original.shutdown(SHUT_RD);
    scope.add(await create_connection(copy.getsockname()));
    const unix = scope.add(socket(AF_UNIX));
    await unix.bind(path(scope));
    await unix.listen();
    const other = scope.add(unix.dup());
    await unix.close();
    const lost = scope.add(socket(AF_UNIX));
    await rejects(() => lost.connect(other.getsockname()), "ENOENT", "connect");
  }, noDup);

  test("`connect` of a UDP socket to port 0", async (scope) => {
    const source = `
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", 0))
say(s.send(b"x"))
`;
    assert.deepEqual(linux(source), [1]);
    const s = scope.add(socket(AF_INET, SOCK_DGRAM));
    await rejects(() => s.connect([host, 0]), "EINVAL", "connect");
  });
});

describe("files without some of Python's methods", () => {
  test("functions and classes of Python's module that are not there", () => {
    const names = ["sethostname", "dup", "SocketType", "AddressFamily", "SocketKind", "MsgFlag"];
    for (const name of [...names, "AddressInfo"]) assert.equal(name in library, false, name);
    return Promise.resolve();
  });

  test("of a file, `readall` and others", async (scope) => {
    const [a, b] = await socketpair(AF_INET);
    scope.add(a);
    scope.add(b);
    const file = b.makefile("rb", { buffering: 0 });
    scope.add(file);
    const names = ["readall", "detach", "isatty", "raw", "buffer", "seek", "tell", "truncate"];
    const ofText = ["encoding", "errors", "newlines", "line_buffering"];
    for (const name of [...names, ...ofText]) assert.equal(name in file, false, name);
    await a.sendall("hello");
    assert.equal(text(await b.recv(3, MSG_PEEK)), "hel");
    assert.equal(text((await file.read(100))!), "hello");
  });
});

describe("not the same on every runtime", () => {
  test("a connection between `bind` and `listen`", async (scope) => {
    const CONNECT = `
s = socket.socket(); s.settimeout(5)
say(s.connect_ex((sys.argv[1], int(sys.argv[2]))))
try: say(s.recv(9).decode())
except OSError as error: say(error.errno)
`;
    for (const backlog of [128, 5]) {
      const s = scope.add(socket());
      await s.bind([host, 0]);
      const peer = pythonProgram(scope, helpers + CONNECT, [host, String(s.getsockname()[1])]);
      const connected = await peer.json();
      await s.listen(backlog);
      if (runtimeName !== "deno") {
        assert.deepEqual(connected, [111]);
        continue;
      }
      assert.deepEqual(connected, [0]);
      if (backlog === 128 || hasFfi) {
        await (await accepted(scope, s)).sendall("accepted");
        assert.deepEqual(await peer.json(), ["accepted"]);
      } else assert.deepEqual(await peer.json(), [104]);
    }
  });

  test("`listen(0)`", async (scope) => {
    const s = scope.add(socket());
    await s.bind([host, 0]);
    await s.listen(0);
    assert.equal(ss(s.getsockname()[1])[0]?.sending, runtimeName === "node" ? 1 : 0);
  }, noSs);

  test("a full backlog", async (scope) => {
    const s = scope.add(socket());
    await s.bind([host, 0]);
    await s.listen(1);
    let connected = 0;
    for (let i = 0; i < 5; i++) {
      const client = scope.add(socket());
      client.settimeout(0.2);
      await client.connect(s.getsockname()).then(
        () => connected++,
        () => {/* The queue is full. */},
      );
      await sleep(20);
    }
    // On Linux, one more than the backlog.
    assert.equal(connected, runtimeName === "deno" ? 2 : 5);
  });

  test("connecting a bound UNIX socket", async (scope) => {
    const name = path(scope);
    const listener = scope.add(socket(AF_UNIX));
    await listener.bind(name);
    await listener.listen();
    const s = scope.add(socket(AF_UNIX));
    await s.bind(`${name}.client`);
    if (runtimeName === "deno") {
      await rejects(() => s.connect(name), "EOPNOTSUPP", "connect");
    } else {
      await s.connect(name);
      assert.equal(s.getsockname(), `${name}.client`);
      scope.add((await listener.accept())[0]);
    }
  });

  test("options of one of several UNIX connections to one path", async (scope) => {
    const name = path(scope);
    const listener = scope.add(socket(AF_UNIX));
    await listener.bind(name);
    await listener.listen();
    const clients = [scope.add(socket(AF_UNIX)), scope.add(socket(AF_UNIX))];
    for (const s of clients) {
      await s.connect(name);
      scope.add((await listener.accept())[0]);
    }
    for (const s of clients) {
      const set = (): void => s.setsockopt(SOL_SOCKET, SO_RCVBUF, 20_000);
      if (runtimeName !== "deno") set();
      else await rejects(async () => await set(), "ENOPROTOOPT", "setsockopt");
    }
  }, able.options["SOCK_STREAM"]!["SO_RCVBUF"] === undefined && "the option needs libc");

  test("two binds to one port, both with SO_REUSEADDR", async (scope) => {
    const [first, second] = [scope.add(socket()), scope.add(socket())];
    for (const s of [first, second]) s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    await first.bind([host, 0]);
    const bind = async (): Promise<void> => await second.bind(first.getsockname());
    if (runtimeName === "deno") return void await rejects(bind, "EADDRINUSE", "bind");
    await bind();
    await first.listen();
    await rejects(() => second.listen(), "EADDRINUSE", "listen");
  });

  test("`connect` from a bound port to a peer that another socket of the port has", async (scope) => {
    const listener = await server(scope);
    const connect = async (port: number): Promise<Socket<InetAddress>> => {
      const s = scope.add(socket());
      s.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
      await s.bind([host, port]);
      await s.connect(listener.getsockname());
      return s;
    };
    const first = await connect(0);
    await accepted(scope, listener);
    const code = runtimeName === "deno" ? "EINVAL" : "EADDRNOTAVAIL";
    await rejects(() => connect(first.getsockname()[1]), code, "connect");
  });

  test("SO_RCVBUF before it is set", async (scope) => {
    const source = `
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
say(s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
`;
    const s = scope.add(socket(AF_INET, SOCK_DGRAM));
    await s.bind([host, 0]);
    const here = s.getsockopt(SOL_SOCKET, SO_RCVBUF);
    const kernels = linux<number[]>(source);
    assert.deepEqual([here], runtimeName === "deno" && !hasFfi ? [65536] : kernels);
  });

  test("a non-blocking call that finds nothing", async (scope) => {
    const [a, b] = await socketpair(AF_INET);
    for (const s of [a, b]) scope.add(s).setblocking(false);
    let turns = 0;
    let isOver = false;
    const count = (): void => {
      turns++;
      if (!isOver) setImmediate(count);
    };
    count();
    scope.add({ close: () => isOver = true });
    const calls: { ms: number; turns: number }[] = [];
    for (let i = 0; i < 30; i++) {
      const [begun, before] = [performance.now(), turns];
      await rejects(() => a.recv(1), "EAGAIN", "recv");
      calls.push({ ms: performance.now() - begun, turns: turns - before });
    }
    // Not the milliseconds of the others, which are those of the machine.
    if (runtimeName === "deno") assert.ok(calls.every(({ ms }) => ms >= 1), inspect(calls));
    else assert.ok(calls.some(({ turns }) => turns <= 3), inspect(calls));
  });

  test("a reset that nobody has received: SO_ERROR, then `recv`", async (scope) => {
    const PEER = `
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
command(); reset(); say("reset")
command()
`;
    const listener = await server(scope);
    const peer = pythonProgram(scope, helpers + PEER, [host, String(listener.getsockname()[1])]);
    const conn = await accepted(scope, listener);
    peer.write("\n");
    await peer.json();
    await sleep(50);
    const pending = conn.getsockopt(SOL_SOCKET, SO_ERROR);
    if (runtimeName === "bun") {
      assert.equal(pending, 104);
      assert.equal((await conn.recv(1)).length, 0);
    } else {
      assert.equal(pending, 0);
      await rejects(() => conn.recv(1), "ECONNRESET", "recv");
    }
    const KERNEL = `
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen()
s = socket.create_connection(l.getsockname()); c, _ = l.accept(); reset(); time.sleep(0.05)
say(c.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), len(c.recv(1)))
`;
    assert.deepEqual(linux(KERNEL), [104, 0]);
  });

  test(
    "a send that meets a reset, with SO_LINGER `[1, 0]` set before `connect`",
    async (scope) => {
      const listener = await server(scope);
      const s = scope.add(socket());
      s.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
      await s.connect(listener.getsockname());
      const conn = await accepted(scope, listener);
      await conn.sendall("still read");
      await s.sendall("never read");
      await sleep(20);
      await conn.close();
      await sleep(20);
      const code = runtimeName === "deno" && !hasFfi ? "EPIPE" : "ECONNRESET";
      await rejects(() => s.send("x"), code, "send");
      await rejects(() => s.send("x"), "EPIPE", "send");
      await rejects(() => s.shutdown(SHUT_WR), "ENOTCONN", "shutdown");
      assert.equal(text(await receive(s, 10)), "still read");
      assert.equal((await s.recv(9)).length, 0);
    },
  );

  test("the buffer of a `recv_into` that `shutdown(SHUT_RD)` or `close` has ended", async (scope) => {
    const [a, b] = await socketpair(AF_INET);
    for (const s of [a, b]) scope.add(s);
    const buffer = new Uint8Array(6);
    const receiving = b.recv_into(buffer);
    await sleep(20);
    await b.shutdown(SHUT_RD);
    assert.equal(await receiving, 0);
    buffer.fill(7);
    await a.sendall("hello");
    assert.equal(text(await receive(b, 5)), "hello");
    const written = runtimeName === "deno" ? [104, 101, 108, 108, 111, 7] : [7, 7, 7, 7, 7, 7];
    assert.deepEqual([...buffer], written);
  });

  test("a duplicate of a socket whose `sendall` has timed out", async (scope) => {
    const listener = await server(scope);
    const s = scope.add(await create_connection(listener.getsockname()));
    const conn = await accepted(scope, listener);
    s.settimeout(0.05);
    const error = await rejects(() => s.sendall(new Uint8Array(32 << 20)), "ETIMEDOUT", "send");
    const copy = scope.add(s.dup());
    // There is room again, before the event loop can tell anybody.
    const got = readSync(conn.fileno(), new Uint8Array(4 << 20));
    const sending = copy.send(Uint8Array.of(7));
    const rest = await receive(conn, error.bytes_sent! + 1 - got);
    await sending;
    assert.equal(rest.indexOf(7), rest.length - (runtimeName === "bun" ? 1 : 2));
  }, noDup);

  test("a `sendall` that waits while a duplicate shuts sending down", async (scope) => {
    const listener = await server(scope);
    const s = scope.add(await create_connection(listener.getsockname()));
    const conn = await accepted(scope, listener);
    const copy = scope.add(s.dup());
    const sending = rejects(() => s.sendall(new Uint8Array(32 << 20)), "ECONNRESET", "send");
    await sleep(20);
    await copy.shutdown(SHUT_WR);
    const { bytes_sent } = await sending;
    assert.equal((await receiveAll(conn)).length, bytes_sent);
    await conn.sendall("heard");
    const receiver = runtimeName === "node" ? copy : s;
    assert.equal(text(await receive(receiver, 5)), "heard");
    if (runtimeName === "node") assert.equal((await s.recv(1)).length, 0);
  }, noDup);

  test("the descriptor of a connection that is over", async (scope) => {
    const listener = await server(scope);
    const s = scope.add(await create_connection(listener.getsockname()));
    const conn = await accepted(scope, listener);
    const before = s.fileno();
    await s.shutdown(SHUT_WR);
    await conn.sendall("unread");
    await conn.shutdown(SHUT_WR);
    await receive(s, 1);
    await sleep(50);
    if (runtimeName === "node") assert.equal(s.fileno(), before);
    else for (const call of [() => s.fileno(), () => s.detach()]) throws(call, "ENOTSUP");
    assert.equal(text(await receive(s, 5)), "nread");
    assert.equal((await s.recv(1)).length, 0);
    const reset = scope.add(await create_connection(listener.getsockname()));
    const unread = await accepted(scope, listener);
    await reset.sendall("unread");
    await sleep(20);
    await unread.close();
    await rejects(() => reset.recv(1), "ECONNRESET", "recv");
    throws(() => reset.fileno(), "ENOTSUP");
  }, !able.fileno && "this runtime reveals no descriptor");

  test(
    "a program whose `sendall` has timed out, and whose socket is still open",
    async (scope) => {
      const listener = await server(scope);
      const program = new URL("./peers/timed_out.ts", import.meta.url);
      const port = String(listener.getsockname()[1]);
      for (const call of ["sendall", "send"]) {
        const peer = scope.add(start(launch(program, [port, call])));
        const conn = await accepted(scope, listener);
        const lives = call === "sendall"
          ? runtimeName !== "bun"
          : runtimeName === "deno" && !hasFfi;
        if (!lives) {
          await endsByItself(peer);
          continue;
        }
        assert.equal(await peer.line(), "done", peer.stderr);
        let ended = false;
        const exit = peer.exit().then(({ code }) => {
          ended = true;
          return code;
        });
        await sleep(700);
        assert.equal(ended, false, "it lives");
        for (let count = -1; count !== 0;) count = (await conn.recv(1 << 20)).length;
        assert.equal(await exit, 0, peer.stderr);
      }
    },
  );

  test("a connection that was reset before `accept`", async (scope) => {
    const listener = await server(scope);
    listener.settimeout(0.5);
    // Nothing happens here while it runs.
    linux(
      `
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
s.sendall(b"lost"); reset(); say()
`,
      host,
      listener.getsockname()[1],
    );
    if (runtimeName === "deno") {
      await rejects(() => listener.accept(), "ETIMEDOUT", "accept");
      return;
    }
    const [conn, address] = await listener.accept();
    scope.add(conn);
    assert.deepEqual(address, ["0.0.0.0", 0]);
  });
});

describe("datagrams, with all of Deno's", () => {
  const command = (
    how: string,
    args: readonly string[],
    net: string = "--allow-net",
  ): [string, ...string[]] =>
    launch(new URL("./peers/differing_datagrams.ts", import.meta.url), [how, ...args], {
      permissions: [
        net,
        "--allow-read",
        "--allow-write",
        ...(hasFfi ? ["--allow-ffi"] : []),
      ],
      flags: runtimeName === "deno" ? ["--unstable-net"] : [],
    });
  const program = (scope: Scope, how: string, ...args: string[]): Program =>
    scope.add(start(command(how, args)));
  const PYTHON = `${helpers}
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.settimeout(15); s.bind(sys.argv[1])
`;

  test("a UNIX datagram socket that was not bound", async (scope) => {
    const name = path(scope);
    const peer = pythonProgram(
      scope,
      `${PYTHON}
n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); n.sendto(b"x", sys.argv[1])
say(s.recvfrom(9)[1])
_, address = s.recvfrom(9)
say(address.decode() if isinstance(address, bytes) else address)
`,
      [name],
    );
    assert.deepEqual(await peer.json(), [null], "Linux has it unnamed");
    const NAME = /^\0[0-9a-f-]{36}$/;
    const ours = program(scope, "unbound", name, name);
    assert.equal(await ours.json(), "1");
    assert.match(String(await ours.json()), NAME);
    assert.match(String(await peer.json()), NAME);
  }, notDeno);

  test("`connect` of a UNIX datagram socket to a missing path", async (scope) => {
    const name = path(scope);
    const source = `
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
say(s.connect_ex(sys.argv[1] + ".missing"))
`;
    assert.deepEqual(linux(source, name), [2]);
    assert.deepEqual(await program(scope, "missing", name).json(), ["ok", "ENOENT"]);
  }, notDeno);

  test("a UNIX datagram to a socket connected elsewhere; to one that closed", async (scope) => {
    const name = path(scope);
    const source = `
def bound(name):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1] + name)
    return s
s, other, gone, peer = map(bound, (".1", ".2", ".3", ".4"))
other.connect(sys.argv[1] + ".4"); gone.close()
codes = []
for name in ".2", ".3":
    try: s.sendto(b"x", sys.argv[1] + name)
    except OSError as error: codes.append(error.errno)
say(codes)
`;
    assert.deepEqual(linux(source, name), [[1, 111]]);
    const peer = pythonProgram(scope, `${PYTHON}say("ready"); command()`, [`${name}.peer`]);
    await peer.json();
    const ours = program(scope, "elsewhere", name, `${name}.peer`);
    assert.deepEqual(await ours.json(), ["1", "ENOENT"]);
  }, notDeno);

  test("a UNIX datagram that waits for room at its receiver", async (scope) => {
    const name = path(scope);
    const peer = pythonProgram(
      scope,
      `${PYTHON}say("ready"); command()
for i in range(40): s.recv(9)
say("received")
`,
      [`${name}.peer`],
    );
    await peer.json();
    const ours = program(scope, "full", name, `${name}.peer`);
    assert.deepEqual(await ours.json(), [true, "ETIMEDOUT"]);
    peer.write("\n");
    assert.deepEqual(await ours.json(), ["sent", "meanwhile"]);
    assert.deepEqual(await peer.json(), ["received"]);
  }, notDeno);

  test(
    "a send of a UNIX datagram socket that receives, or whose receive has timed out",
    async (scope) => {
      const name = path(scope);
      const peer = pythonProgram(scope, `${PYTHON}say("ready"); command()`, [`${name}.peer`]);
      await peer.json();
      const ours = program(scope, "receiving", name, `${name}.peer`);
      assert.deepEqual(await ours.json(), ["1", "EBUSY", "EBUSY", "ETIMEDOUT", "EBADF"]);
      const net = `--allow-net=unix:${name},unix:${name}.peer`;
      const confined = scope.add(start(command("receiving", [name, `${name}.peer`], net)));
      assert.deepEqual(await confined.json(), ["EBUSY", "EBADF"]);
    },
    notDeno,
  );

  test("a UNIX datagram of more than 416 KiB", async (scope) => {
    const name = path(scope);
    const ours = program(scope, "long", name);
    assert.equal(await ours.json(), "ready");
    const source = `
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
def send(size):
    try:
        return s.sendto(bytes(size), sys.argv[1])
    except OSError as error:
        return error.errno
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 212992)
longest = send(425_952)
SO_SNDBUFFORCE = 32
try:
    s.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 1000000)
except PermissionError:
    pass
say(longest, send(500_000))
`;
    const [most, more] = linux<number[]>(source, name);
    assert.equal(most, 425_952, "the limit of Linux, unless an administrator raises it");
    assert.deepEqual(await ours.json(), [425_952, false]);
    const EMSGSIZE = 90;
    if (more !== EMSGSIZE) assert.deepEqual(await ours.json(), [425_984, false], "cut, unnoticed");
  }, notDeno);

  test("a datagram that comes before `connect` fixes another peer", async (scope) => {
    const inet = await program(scope, "early").json();
    assert.equal(inet, runtimeName === "deno" && hasFfi ? "later" : "early");
    if (runtimeName !== "deno") return;
    assert.equal(await program(scope, "early", path(scope)).json(), "later");
  });

  test("`connect` of UDP to a network's broadcast address", async (scope) => {
    const space = await Namespace.open(
      scope,
      ["sh", "-c", "ip address add 10.7.0.1/24 broadcast 10.7.0.255 dev lo; echo up >&2; exec cat"],
      "",
      "",
    );
    await space.said("up");
    const peer = scope.add(space.start(command("broadcast", ["", "10.7.0.255"])));
    const said = await peer.json<string[]>();
    if (runtimeName === "deno") assert.deepEqual(said, ["ok", "EACCES"]);
    else assert.equal(said[0], "EACCES");
  }, noNamespace("ip"));

  test("a UNIX datagram socket whose receive has timed out", async (scope) => {
    const ours = program(scope, "idle", path(scope));
    assert.equal(await ours.json(), "ETIMEDOUT");
    assert.equal(await ours.json(), "closed");
    assert.equal((await ours.exit()).stderr, "");
  }, notDeno);
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
