/** TCP with peers in other processes that are not this library: Python's `socket` and `node:net`. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import {
  capabilities,
  type InetAddress,
  IPPROTO_TCP,
  SHUT_WR,
  SO_KEEPALIVE,
  SO_LINGER,
  type Socket,
  type SocketError,
  SOL_SOCKET,
  TCP_NODELAY,
} from "../mod.ts";
import { pattern, Random, receive, receiveAll, sha256, text } from "./support/bytes.ts";
import {
  checkNothingLeft,
  kernelOptions,
  noDescriptors,
  noSpy,
  noSs,
  ss,
} from "./support/outside.ts";
import { nodePeer, noPeer, pythonPeer, pythonProgram, roles } from "./support/peers.ts";
import { hasFfi, runtimeName } from "./support/runtime.ts";
import { bounded, rejects, type Scope, sleep, until } from "./support/scope.ts";
import { native } from "./support/tcp.ts";

const MiB = 1024 * 1024;
const able = capabilities();

for (const setting of native) {
  for (const role of roles) {
    const skip = setting.skip || noPeer;
    const test = (name: string, body: (scope: Scope) => Promise<void>) =>
      it(name, { skip }, bounded(body, 40_000));
    const meet = (scope: Scope, source: string) => pythonPeer(scope, setting, role, source);

    describe(`Python talks to a socket that was ${role}, ${setting.name}`, () => {
      test("both name the same addresses", async (scope) => {
        const [s, peer] = await meet(scope, `say(s.getsockname(), s.getpeername(), peer)`);
        const [theirs, ours, accepted] = await peer.json<InetAddress[]>();
        assert.deepEqual(s.getpeername(), theirs);
        assert.deepEqual(s.getsockname(), ours);
        assert.deepEqual(accepted, ours);
      });

      test("what was sent before FIN arrives, then the end", async (scope) => {
        const [s, peer] = await meet(
          scope,
          `
          s.sendall(b"last words")
          s.close()
          say("closed")`,
        );
        await peer.json();
        await sleep(30);
        assert.equal(text(await receive(s, 10)), "last words");
        assert.equal((await s.recv(10)).length, 0);
        assert.equal((await s.recv(10)).length, 0);
      });

      for (const size of [5, 40_000]) {
        test(`${size} bytes before RST arrive, then ECONNRESET, then the end`, async (scope) => {
          const [s, peer] = await meet(
            scope,
            `
            s.sendall(pattern(${size}))
            settled()
            reset()
            say("reset")`,
          );
          await peer.json();
          await sleep(50);
          const data = await receive(s, size);
          assert.equal(sha256(data), sha256(pattern(size)));
          const error = await rejects(() => s.recv(100), "ECONNRESET", "recv");
          assert.deepEqual(error.address, s.getpeername());
          assert.equal((await s.recv(100)).length, 0, "the error is reported once");
          await rejects(() => s.send("x"), "EPIPE", "send");
        });
      }

      test("bytes before RST arrive where reading had begun and stopped", async (scope) => {
        const [s, peer] = await meet(
          scope,
          `
          s.sendall(pattern(40000))
          settled()
          command()
          reset()
          say("reset")`,
        );
        const first = await receive(s, 100);
        peer.write("\n");
        await peer.json();
        await sleep(50);
        const rest = await receive(s, 39_900);
        assert.equal(sha256(first, rest), sha256(pattern(40_000)));
        await rejects(() => s.recv(100), "ECONNRESET", "recv");
        assert.equal((await s.recv(100)).length, 0);
      });

      test("RST ends a waiting receive, later ones see the end", async (scope) => {
        const [s, peer] = await meet(scope, `command(); reset()`);
        const waiting = rejects(() => s.recv(100), "ECONNRESET", "recv");
        const second = s.recv(100);
        peer.write("\n");
        await waiting;
        assert.equal((await second).length, 0);
        await rejects(() => s.sendall("x"), "EPIPE", "send");
      });

      test("a send that meets the RST first gets the error, the bytes before stay", async (scope) => {
        const [s, peer] = await meet(
          scope,
          `
          s.sendall(pattern(30000))
          settled()
          reset()
          say("reset")`,
        );
        await peer.json();
        await sleep(50);
        await rejects(() => s.send("x"), "ECONNRESET", "send");
        const data = await receive(s, 30_000);
        assert.equal(sha256(data), sha256(pattern(30_000)));
        assert.equal((await s.recv(100)).length, 0);
        await rejects(() => s.send("x"), "EPIPE", "send");
      });

      test("sending to a peer that has closed is a broken pipe", async (scope) => {
        const [s, peer] = await meet(scope, `s.close(); say("closed"); command()`);
        await peer.json();
        assert.equal((await s.recv(9)).length, 0);
        assert.equal(await s.send("first"), 5, "the system learns of it by this one");
        await sleep(50);
        const error = await rejects(() => s.sendall("second"), "EPIPE", "send");
        assert.equal(error.bytes_sent, 0);
        assert.equal((await s.recv(9)).length, 0);
        await rejects(() => s.send("third"), "EPIPE", "send");
        await rejects(() => s.send(""), "EPIPE", "send");
        await rejects(() => s.shutdown(SHUT_WR), "ENOTCONN", "shutdown");
        assert.equal((await s.recv(9)).length, 0);
      });

      test("the peer half-closes and reads on for long", async (scope) => {
        const [s, peer] = await meet(
          scope,
          `
          s.sendall(b"question")
          s.shutdown(socket.SHUT_WR)
          say(*read_all())`,
        );
        assert.equal(text(await receiveAll(s)), "question");
        for (let i = 0; i < 30; i++) {
          await s.sendall(pattern(5_000, i * 5_000));
          await sleep(5);
        }
        await s.shutdown(SHUT_WR);
        assert.deepEqual(await peer.json(), [150_000, sha256(pattern(150_000))]);
      });

      test("the peer half-closes while a sendall waits for room", async (scope) => {
        const [s, peer] = await meet(
          scope,
          `
          s.shutdown(socket.SHUT_WR)
          say("half-closed")
          command()
          say(*read_all())`,
        );
        await peer.json();
        const data = pattern(16 * MiB);
        const sending = s.sendall(data);
        await sleep(50);
        peer.write("\n");
        await sending;
        await s.shutdown(SHUT_WR);
        assert.deepEqual(await peer.json(), [data.length, sha256(data)]);
      });

      test("we half-close and read on for long", async (scope) => {
        const [s, peer] = await meet(
          scope,
          `
          say(*read_all())
          for i in range(30):
              s.sendall(pattern(5000, i * 5000))
              time.sleep(0.005)
          s.close()`,
        );
        await s.sendall("question");
        await s.shutdown(SHUT_WR);
        assert.deepEqual(await peer.json(), [8, sha256(new TextEncoder().encode("question"))]);
        assert.equal(sha256(await receiveAll(s)), sha256(pattern(150_000)));
      });

      test("a killed peer that had read everything is an end of stream", async (scope) => {
        const [s, peer] = await meet(scope, `say(s.recv(9).decode()); command()`);
        await s.sendall("read this");
        await peer.json();
        const waiting = s.recv(9);
        peer.kill();
        assert.equal((await waiting).length, 0);
      });

      test("a killed peer that had unread bytes is a reset", async (scope) => {
        const [s, peer] = await meet(scope, `say("here"); command()`);
        await peer.json();
        await s.sendall("never read");
        await sleep(30);
        const waiting = rejects(() => s.recv(9), "ECONNRESET", "recv");
        peer.kill();
        await waiting;
        assert.equal((await s.recv(9)).length, 0);
      });

      test("a reset that a send has met is told once, then the connection is gone", async (scope) => {
        const [s, peer] = await meet(scope, `say("here"); command()`);
        await peer.json();
        await s.sendall("never read");
        await sleep(30);
        peer.kill();
        await sleep(100);
        await rejects(() => s.send("x"), "ECONNRESET", "send");
        await rejects(() => s.shutdown(SHUT_WR), "ENOTCONN", "shutdown");
        await rejects(() => s.send("x"), "EPIPE", "send");
        assert.equal((await s.recv(9)).length, 0);
      });

      test("a killed peer ends a sendall that waits", async (scope) => {
        const [s, peer] = await meet(scope, `say("here"); command()`);
        await peer.json();
        const data = new Uint8Array(32 * MiB);
        const waiting = rejects(() => s.sendall(data), "ECONNRESET", "send");
        await sleep(50);
        peer.kill();
        const { bytes_sent = -1 } = await waiting;
        assert.ok(bytes_sent > 0 && bytes_sent < data.length, `bytes_sent ${bytes_sent}`);
      });

      it(
        "SO_LINGER [1, 0] gives the peer a reset",
        {
          skip: skip ||
            (able.reset === "never" || (able.reset === "before-open" && role === "accepted")
              ? `${able.adapter} ${able.version} cannot reset this connection`
              : false),
        },
        bounded(async (scope) => {
          const linger = (s: Socket<InetAddress>) => s.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
          const [s, peer] = await pythonPeer(
            scope,
            setting,
            role,
            `
            say("here")
            try:
                say("received", len(s.recv(9)))
            except ConnectionResetError:
                say("reset")`,
            able.reset === "before-open" ? linger : undefined,
          );
          await peer.json();
          if (able.reset === "always") linger(s);
          await s.close();
          assert.deepEqual(await peer.json(), ["reset"]);
        }),
      );

      test("without SO_LINGER close sends what was queued, then FIN", async (scope) => {
        const [s, peer] = await meet(scope, `command(); say(*read_all())`);
        const data = pattern(200_000);
        s.settimeout(10);
        const sending = s.sendall(data);
        peer.write("\n");
        await sending;
        await s.close();
        assert.deepEqual(await peer.json(), [data.length, sha256(data)]);
      });

      it(
        "TCP_NODELAY is off until it is set, and then the kernel has it",
        { skip: skip || noSpy },
        bounded(async (scope) => {
          const [s] = await meet(scope, `command()`);
          const look = () => kernelOptions(s.getsockname(), s.getpeername());
          assert.deepEqual(look(), { nodelay: 0, keepalive: 0 });
          s.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
          assert.deepEqual(look(), { nodelay: 1, keepalive: 0 });
          s.setsockopt(IPPROTO_TCP, TCP_NODELAY, 0);
          s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
          assert.deepEqual(look(), { nodelay: 0, keepalive: 1 });
          s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 0);
          assert.deepEqual(look(), { nodelay: 0, keepalive: 0 });
        }),
      );

      it(
        "options are set while a receive and a send wait",
        { skip: skip || noSpy },
        bounded(async (scope) => {
          const [s, peer] = await meet(scope, `command(); say(*read_all()); s.sendall(b"x")`);
          const data = pattern(16 * MiB);
          const receiving = s.recv(1);
          const sending = s.sendall(data);
          await sleep(50);
          s.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
          s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
          assert.equal(s.getsockopt(IPPROTO_TCP, TCP_NODELAY), 1);
          assert.equal(s.getsockopt(SOL_SOCKET, SO_KEEPALIVE), 1);
          const look = () => kernelOptions(s.getsockname(), s.getpeername());
          // docs/differences.md: Deno sets them later.
          const isLater = runtimeName === "deno" && !hasFfi && role !== "bound and connected";
          if (isLater) peer.write("\n");
          await until(() => Object.values(look()).join() === "1,1", "the kernel has both options");
          if (!isLater) peer.write("\n");
          await sending;
          await s.shutdown(SHUT_WR);
          assert.deepEqual(await peer.json(), [data.length, sha256(data)]);
          assert.equal((await receiving).length, 1);
        }),
      );

      it(
        "SO_KEEPALIVE starts the kernel's timer",
        { skip: skip || noSs },
        bounded(async (scope) => {
          const [s] = await meet(scope, `command()`);
          const [, port] = s.getsockname();
          const [, remote] = s.getpeername();
          const mine = () => ss(port).find(({ rest }) => rest.includes(`:${remote}`))?.rest;
          assert.doesNotMatch(mine() ?? "", /keepalive/);
          s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, true);
          assert.match(mine() ?? "", /timer:\(keepalive/);
        }),
      );
    });
  }

  const skip = setting.skip || noPeer;

  describe(`other processes and TCP, ${setting.name}`, () => {
    it(
      "options set before connect and inherited from a listener are the kernel's",
      { skip: skip || noSpy },
      bounded(async (scope) => {
        const server = setting.socket(scope);
        server.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
        server.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
        await server.bind([setting.host, 0]);
        await server.listen();
        const client = setting.socket(scope);
        client.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
        await client.connect(server.getsockname());
        const [conn] = await server.accept();
        scope.add(conn);
        const look = (s: Socket<InetAddress>) => kernelOptions(s.getsockname(), s.getpeername());
        assert.deepEqual(look(client), { nodelay: 1, keepalive: 0 });
        assert.deepEqual(look(conn), { nodelay: 1, keepalive: 1 });
      }),
    );

    it(
      "bind then connect keeps source address and port as the peer sees them",
      { skip },
      bounded(async (scope) => {
        const peer = pythonProgram(
          scope,
          `
          import json, socket, sys
          listener = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
          listener.bind((sys.argv[1], 0))
          listener.listen()
          print(listener.getsockname()[1])
          for i in range(2):
              s, address = listener.accept()
              print(json.dumps(address))`,
          [setting.host],
        );
        const port = await peer.json<number>();
        // IPv4 has more than one loopback address, so that the address shows too.
        const source = setting.host === "127.0.0.1" ? "127.0.0.2" : setting.host;
        for (const host of [source, ""]) {
          const s = setting.socket(scope);
          await s.bind([host, 0]);
          const [, chosen] = s.getsockname();
          await s.connect([setting.host, port]);
          const seen = await peer.json<InetAddress>();
          assert.deepEqual(seen, setting.address(host === "" ? setting.host : host, chosen));
          assert.deepEqual(s.getsockname(), seen);
        }
      }),
    );

    it(
      "listen(n) is the kernel's backlog",
      {
        skip: setting.skip || noSs ||
          (able.backlog ? false : `${able.adapter} ${able.version} sets no backlog`),
      },
      bounded(async (scope) => {
        for (const backlog of [5, 1, 300]) {
          const server = await setting.server(scope, backlog);
          const [line] = ss(server.getsockname()[1]);
          assert.equal(line?.state, "LISTEN");
          assert.equal(line.sending, backlog);
        }
        const server = await setting.server(scope);
        assert.equal(ss(server.getsockname()[1])[0]?.sending, 128, "the default");
        if (runtimeName === "deno" && !hasFfi) {
          await rejects(() => server.listen(7), "EOPNOTSUPP", "listen");
        } else {
          await server.listen(7);
          assert.equal(ss(server.getsockname()[1])[0]?.sending, 7, "listen again");
        }
      }),
    );

    it(
      "a bound socket holds its port, and others cannot have it",
      { skip },
      bounded(async (scope) => {
        const s = await setting.bound(scope);
        await s.listen();
        const peer = pythonProgram(
          scope,
          `
          import socket, sys
          s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
          try:
              s.bind((sys.argv[1], int(sys.argv[2])))
              print('"bound"')
          except OSError as error:
              print(error.errno)`,
          [setting.host, String(s.getsockname()[1])],
        );
        assert.equal(await peer.json(), 98);
      }),
    );

    it(
      "connections are not lost while nobody is in accept",
      { skip },
      bounded(async (scope) => {
        const server = await setting.server(scope, 50);
        const peer = pythonProgram(
          scope,
          `
          import json, socket, sys
          family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
          clients = []
          for i in range(30):
              s = socket.socket(family)
              s.settimeout(10)
              s.connect((sys.argv[1], int(sys.argv[2])))
              s.sendall(b"%d" % i)
              clients.append(s)
          print('"connected"')
          print(json.dumps([s.recv(9).decode() for s in clients]))`,
          [setting.host, String(server.getsockname()[1])],
        );
        await peer.json();
        await sleep(200);
        for (let i = 0; i < 30; i++) {
          const [conn] = await server.accept();
          scope.add(conn);
          assert.equal(text(await conn.recv(9)), String(i), "in the order they came");
          await conn.sendall(`re ${i}`);
          await conn.close();
        }
        assert.deepEqual(await peer.json(), Array.from({ length: 30 }, (_, i) => `re ${i}`));
      }),
    );

    it(
      "connections that went away before accept are still accepted, then read as such",
      { skip },
      bounded(async (scope) => {
        const server = await setting.server(scope);
        const peer = pythonProgram(
          scope,
          `
          import socket, struct, sys
          family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
          for i in range(2):
              s = socket.socket(family)
              s.connect((sys.argv[1], int(sys.argv[2])))
              s.sendall(b"gone %d" % i)
              s.close()
          print('"done"')`,
          [setting.host, String(server.getsockname()[1])],
        );
        await peer.json();
        await peer.exit();
        for (let i = 0; i < 2; i++) {
          const [conn, address] = await server.accept();
          scope.add(conn);
          assert.deepEqual(conn.getpeername(), address);
          assert.equal(address[0], setting.host);
          assert.equal(text(await receiveAll(conn)), `gone ${i}`);
        }
      }),
    );

    it(
      "clients that reset before accept do not end accepting",
      { skip },
      bounded(async (scope) => {
        const server = await setting.server(scope);
        const peer = pythonProgram(
          scope,
          `
          import socket, struct, sys
          family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
          for i in range(3):
              s = socket.socket(family)
              s.connect((sys.argv[1], int(sys.argv[2])))
              s.sendall(b"gone")
              s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
              s.close()
          s = socket.socket(family)
          s.connect((sys.argv[1], int(sys.argv[2])))
          s.sendall(b"here")
          print('"done"', flush=True)
          s.recv(1)`,
          [setting.host, String(server.getsockname()[1])],
        );
        await peer.json();
        // Deno loses those that are gone; elsewhere they are accepted, as by the kernel.
        for (let received = ""; received !== "here";) {
          const [conn] = await server.accept();
          scope.add(conn);
          try {
            received = text(await conn.recv(9));
          } catch (error) {
            assert.equal((error as SocketError).code, "ECONNRESET");
          }
        }
      }),
    );

    it(
      "a detached descriptor stays open and is the caller's",
      {
        skip: skip ||
          (able.fileno ? false : `${able.adapter} ${able.version} reveals no descriptor`),
      },
      bounded(async (scope) => {
        const { closeSync } = await import("node:fs");
        const [s, peer] = await pythonPeer(
          scope,
          setting,
          "connected",
          `
          s.settimeout(0.2)
          try:
              say("received", len(s.recv(9)))
          except TimeoutError:
              say("open")
          s.settimeout(30)
          say("received", len(s.recv(9)))`,
        );
        const fd = s.fileno();
        assert.equal(s.detach(), fd);
        assert.equal(s.closed, true);
        assert.equal(s.fileno(), -1);
        await rejects(() => s.recv(1), "EBADF", "recv");
        await s.close();
        assert.deepEqual(await peer.json(), ["open"]);
        closeSync(fd);
        assert.deepEqual(await peer.json(), ["received", 0]);
      }),
    );

    it(
      "100 MiB each way at once with Python, in random sizes",
      { skip },
      bounded(async (scope) => {
        const size = 100 * MiB;
        const [s, peer] = await pythonPeer(
          scope,
          setting,
          "accepted",
          `
          size = ${size}
          randomly = random.Random(7)
          received = None
          def receive():
              global received
              count, sha = 0, hashlib.sha256()
              while data := s.recv(randomly.randint(1, 300000)):
                  count += len(data)
                  sha.update(data)
              received = count, sha.hexdigest()
          thread = threading.Thread(target=receive)
          thread.start()
          block = random.Random(1).randbytes(1 << 20)
          sha = hashlib.sha256()
          while size > 0:
              n = min(size, random.randint(1, 300000))
              at = random.randint(0, len(block) - n)
              part = block[at:at + n]
              s.sendall(part)
              sha.update(part)
              size -= len(part)
          s.shutdown(socket.SHUT_WR)
          thread.join()
          say(*received, sha.hexdigest())`,
        );
        const [sent, received] = await exchange(s, size);
        assert.equal(received.count, size);
        assert.deepEqual(await peer.json(40_000), [size, sent, received.sha]);
      }, 60_000),
    );
  });

  describe(`node:net and TCP, ${setting.name}`, () => {
    for (const role of roles) {
      it(
        `an echo of random sizes, ${role}`,
        { skip: setting.skip },
        bounded(async (scope) => {
          const [s] = await nodePeer(scope, setting, role, "echo");
          const data = new Random(3).bytes(3 * MiB);
          const random = new Random(4);
          const receiving = receiveAll(s, 50_000);
          for (let i = 0; i < data.length;) {
            i += await s.send(data.subarray(i, i + random.integer(1, 90_000)));
          }
          await s.shutdown(SHUT_WR);
          assert.equal(sha256(await receiving), sha256(data));
        }),
      );

      it(
        `bytes before a reset, then ECONNRESET, then the end, ${role}`,
        { skip: setting.skip },
        bounded(async (scope) => {
          const [s, peer] = await nodePeer(scope, setting, role, "reset", "20000");
          await receive(s, 1);
          await sleep(50);
          peer.write("\n");
          await peer.json();
          await sleep(50);
          assert.equal((await receive(s, 19_999)).length, 19_999);
          await rejects(() => s.recv(9), "ECONNRESET", "recv");
          assert.equal((await s.recv(9)).length, 0);
        }),
      );

      it(
        `half-close, and the answer for long after, ${role}`,
        { skip: setting.skip },
        bounded(async (scope) => {
          const [s, peer] = await nodePeer(scope, setting, role, "late");
          await s.sendall("the whole question");
          await s.shutdown(SHUT_WR);
          const expected = sha256(new TextEncoder().encode("the whole question"));
          assert.equal(await peer.json(), expected);
          assert.equal(text(await receiveAll(s)), "y".repeat(20_000));
        }),
      );
    }

    it(
      "100 MiB each way at once, in random sizes",
      { skip: setting.skip },
      bounded(async (scope) => {
        const size = 100 * MiB;
        const [s, peer] = await nodePeer(scope, setting, "connected", "exchange", String(size));
        const [sent, received] = await exchange(s, size);
        assert.equal(received.count, size);
        const told: Record<string, unknown> = {};
        while (told["sent"] === undefined || told["received"] === undefined) {
          Object.assign(told, await peer.json<object>());
        }
        assert.deepEqual(told, { count: size, received: sent, sent: received.sha });
      }, 60_000),
    );
  });
}

/** Sends so many bytes in random sizes and receives until the end, at once. */
async function exchange(
  s: Socket<InetAddress>,
  size: number,
): Promise<[sent: string, received: { count: number; sha: string }]> {
  const block = new Random(99).bytes(4 * MiB);
  const sending = (async () => {
    const random = new Random(5);
    const hash = createHash("sha256");
    for (let left = size; left > 0;) {
      const at = random.integer(0, 3 * MiB);
      const part = block.subarray(at, at + Math.min(left, random.integer(1, 300_000)));
      hash.update(part);
      left -= part.length;
      if (random.integer(0, 1) === 0) {
        await s.sendall(part);
      } else {
        for (let i = 0; i < part.length;) i += await s.send(part.subarray(i));
      }
    }
    await s.shutdown(SHUT_WR);
    return hash.digest("hex");
  })();
  const receiving = (async () => {
    const random = new Random(6);
    const hash = createHash("sha256");
    const buffer = new Uint8Array(300_000);
    let count = 0;
    for (;;) {
      const length = random.integer(1, buffer.length);
      const chunk = random.integer(0, 1) === 0
        ? await s.recv(length)
        : buffer.subarray(0, await s.recv_into(buffer, length));
      if (chunk.length === 0) break;
      hash.update(chunk);
      count += chunk.length;
    }
    return { count, sha: hash.digest("hex") };
  })();
  return await Promise.all([sending, receiving]);
}

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
