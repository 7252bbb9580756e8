/** Descriptors of sockets of this process: given away and taken back, known, closed by their number. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  AF_INET,
  AF_UNIX,
  capabilities,
  close,
  create_server,
  createMemoryAdapter,
  errno,
  fromfd,
  type InetAddress,
  IPPROTO_TCP,
  MSG_DONTWAIT,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_ACCEPTCONN,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_RCVTIMEO,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
  socket,
  SocketError,
  SOL_SOCKET,
} from "../mod.ts";
import { receive, receiveAll, text, timeval } from "./support/bytes.ts";
import { noAdopt, noDup, noLibc, test } from "./support/descriptors.ts";
import { checkNothingLeft, noDescriptors, socketDescriptors } from "./support/outside.ts";
import { noPeer } from "./support/peers.ts";
import { pythonFile, start } from "./support/process.ts";
import { launch, runtimeName } from "./support/runtime.ts";
import { bounded, rejection, rejects, sleep, thrown, throws, until } from "./support/scope.ts";
import { native, noUnix } from "./support/tcp.ts";

const able = capabilities();
const noGivenAway = noAdopt || !able.fileno && "this runtime reveals no descriptor";

/** Reads what the system holds, without a turn of the event loop. Returns how many bytes that was. */
function readNow(fd: number): number {
  const buffer = new Uint8Array(1 << 16);
  let total = 0;
  for (;;) {
    try {
      const count = readSync(fd, buffer);
      if (count === 0) return total;
      total += count;
    } catch (error) {
      assert.equal((error as { code?: string }).code, "EAGAIN");
      return total;
    }
  }
}

/** Sends until there is no room. Returns how many bytes that was. */
async function fill(s: Socket<InetAddress>): Promise<number> {
  let total = 0;
  try {
    for (;;) total += await s.send(new Uint8Array(1 << 20), MSG_DONTWAIT);
  } catch (error) {
    assert.equal((error as SocketError).code, "EAGAIN");
    return total;
  }
}

describe("descriptors given away and taken back", () => {
  for (const setting of native) {
    const skip = noGivenAway || setting.skip;

    test(`a connection, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const names = [client.getsockname(), client.getpeername()];
      const fd = client.fileno();
      assert.equal(client.detach(), fd);
      assert.equal(client.detach(), -1);
      await conn.sendall("meanwhile");
      const s = scope.add(fromfd(fd, setting.family, SOCK_STREAM));
      assert.equal(s.fileno(), fd);
      assert.deepEqual([s.getsockname(), s.getpeername()], names);
      assert.equal(text(await receive(s, 9)), "meanwhile");
      await s.sendall("and back");
      assert.equal(text(await receive(conn, 8)), "and back");
      await rejects(() => client.sendall("x"), "EBADF", "send");
      await s.close();
      assert.equal((await conn.recv(1)).length, 0);
    }, skip);

    test(`nothing of a connection is lost, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await conn.sendall("first, second");
      assert.equal(text(await receive(client, 5)), "first");
      let s = scope.add(fromfd(client.detach(), setting.family));
      assert.equal(text(await receive(s, 8)), ", second");
      s.settimeout(0.02);
      assert.equal((await rejection(() => s.recv(1)) as SocketError).code, "ETIMEDOUT");
      const fd = s.detach();
      await conn.sendall("third");
      await conn.shutdown(SHUT_WR);
      await sleep(30);
      s = scope.add(fromfd(fd, setting.family));
      assert.equal(text(await receiveAll(s)), "third");
      s = scope.add(fromfd(s.detach(), setting.family));
      assert.equal((await s.recv(1)).length, 0, "the end is still the end");
      await s.sendall("back");
      assert.equal(text(await receive(conn, 4)), "back");
    }, skip);

    test(`a send that waited has sent what it says, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const sending = rejection(() => client.sendall(new Uint8Array(32 << 20)));
      await sleep(20);
      const fd = client.detach();
      const { bytes_sent } = await sending as SocketError;
      const taken = scope.add(fromfd(fd, AF_INET, SOCK_STREAM));
      const shut = taken.shutdown(SHUT_WR);
      assert.equal((await receiveAll(conn)).length, bytes_sent);
      await shut;
    }, skip);

    test(`what it has counted as sent goes out first, ${setting.name}`, async (scope) => {
      for (const timeout of [0.02, null]) {
        const [client, conn] = await setting.pair(scope);
        client.settimeout(timeout);
        const sending = rejection(() => client.sendall(new Uint8Array(32 << 20).fill(65)));
        await sleep(40);
        const taken = scope.add(fromfd(client.detach(), setting.family));
        const { bytes_sent } = await sending as SocketError;
        // There is room again, before the event loop can tell anybody.
        let got = readNow(conn.fileno());
        assert.ok(got > 0);
        const sends = [taken.sendall("B".repeat(1000)), taken.send("C"), taken.shutdown(SHUT_WR)];
        const rest = await receiveAll(conn);
        await Promise.all(sends);
        got += rest.length;
        assert.equal(got, bytes_sent! + 1001);
        const after = rest.slice(-1001);
        assert.equal(text(after), "B".repeat(1000) + "C");
        assert.ok(rest.subarray(0, -1001).every((byte) => byte === 65));
      }
    }, skip);

    test(`a send that waits sends what it says, ${setting.name}`, async (scope) => {
      for (const timeout of [null, 15]) {
        const [client, conn] = await setting.pair(scope);
        const told = await fill(client);
        client.settimeout(timeout);
        const sends = [client.send(new Uint8Array(4000)), client.send(new Uint8Array(4000))]
          .map((sent) => sent.catch(({ code }: SocketError) => code === "EBADF" ? 0 : NaN));
        await sleep(20);
        const taken = scope.add(fromfd(client.detach(), setting.family));
        const [first = NaN, second = NaN] = await Promise.all(sends);
        let got = readNow(conn.fileno());
        // A send that polls for room would try again by then.
        await sleep(100);
        const shut = taken.shutdown(SHUT_WR);
        got += (await receiveAll(conn)).length;
        await shut;
        assert.equal(got, told + first + second);
      }
    }, skip);

    test(`close() of the number sends what is counted, ${setting.name}`, async (scope) => {
      for (const timeout of [0.02, null]) {
        const [client, conn] = await setting.pair(scope);
        client.settimeout(timeout);
        const sending = rejection(() => client.sendall(new Uint8Array(32 << 20)));
        await sleep(40);
        const fd = client.detach();
        const { bytes_sent } = await sending as SocketError;
        close(fd);
        throws(() => close(fd), "EBADF", "close");
        throws(() => fromfd(fd, setting.family), "EBADF", "socket");
        assert.equal((await receiveAll(conn)).length, bytes_sent);
        await sleep(20);
        throws(() => close(fd), "EBADF", "close");
      }
    }, skip);

    test(`the options go with it, ${setting.name}`, async (scope) => {
      for (const closes of ["socket", "number"]) {
        const [client, conn] = await setting.pair(scope);
        client.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
        client.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
        client.setsockopt(SOL_SOCKET, SO_RCVTIMEO, timeval(20));
        const fd = client.detach();
        if (closes === "number") close(fd);
        else {
          const again = scope.add(fromfd(fd, setting.family));
          for (const option of [SO_LINGER, SO_KEEPALIVE]) {
            assert.equal(again.getsockopt(SOL_SOCKET, option), 1);
          }
          await rejects(() => again.recv(1), "EAGAIN", "recv");
          await again.close();
        }
        await rejects(() => conn.recv(1), "ECONNRESET", "recv");
      }
    }, skip);

    test(`close() of the number with unread bytes resets, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await conn.sendall("first, second");
      assert.equal(text(await receive(client, 5)), "first");
      close(client.detach());
      await rejects(() => conn.recv(1), "ECONNRESET", "recv");
    }, skip);

    test(`a child gets what comes after, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await conn.sendall("x");
      await receive(client, 1);
      const echo = "import socket; s = socket.socket(fileno=3); s.sendall(s.recv(100))";
      const fd = client.detach();
      scope.add({ close: () => close(fd) });
      const stdio = ["ignore", "ignore", "inherit", fd] as const;
      const child = spawn(pythonFile, ["-c", echo], { stdio: [...stdio] });
      scope.add({ close: () => child.kill() });
      await conn.sendall("for the child");
      assert.equal(text(await receive(conn, 13)), "for the child");
    }, skip || noPeer);

    test(`the family, type and protocol are found out, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const fileno = client.detach();
      const s = scope.add(socket(undefined, undefined, undefined, { fileno }));
      assert.deepEqual([s.family, s.type, s.proto], [setting.family, SOCK_STREAM, IPPROTO_TCP]);
      assert.match(String(s), / proto=6,/);
      if (!noLibc) assert.equal(scope.add(s.dup()).proto, IPPROTO_TCP);
      await s.sendall("x");
      assert.equal(text(await conn.recv(1)), "x");
    }, skip);

    test(
      `fromfd finds out the family and type that are left out, ${setting.name}`,
      async (scope) => {
        const [client] = await setting.pair(scope);
        const s = scope.add(fromfd(client.detach()));
        assert.deepEqual([s.family, s.type], [setting.family, SOCK_STREAM]);
      },
      skip,
    );

    test(`a protocol that was given stays, ${setting.name}`, async (scope) => {
      const [client] = await setting.pair(scope);
      const { family } = setting;
      let fileno = client.detach();
      for (
        const [make, proto] of [
          [() => socket(family, SOCK_STREAM, 0, { fileno }), 0],
          [() => fromfd(fileno, family, SOCK_STREAM), 0],
          [() => fromfd(fileno, family, SOCK_STREAM, IPPROTO_TCP), IPPROTO_TCP],
          [() => socket(family, SOCK_STREAM, -1, { fileno }), IPPROTO_TCP],
        ] as const
      ) {
        const s = scope.add(make());
        assert.equal(s.proto, proto);
        fileno = s.detach();
      }
      close(fileno);
    }, skip);

    test(`one that is refused stays its owner's, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const fd = client.detach();
      throws(() => fromfd(fd, 99), "EAFNOSUPPORT", "socket");
      throws(() => fromfd(fd, setting.family, SOCK_DGRAM), "ENOTSUP", "socket");
      throws(() => fromfd(fd, setting.family, SOCK_STREAM, 17), "EPROTONOSUPPORT", "socket");
      const s = scope.add(fromfd(fd, setting.family));
      assert.equal(s.fileno(), fd);
      await s.sendall("x");
      assert.equal(text(await conn.recv(1)), "x");
    }, skip);

    test(
      `nor is a connection whose descriptor the runtime has closed, ${setting.name}`,
      async (scope) => {
        const [client, conn] = await setting.pair(scope);
        client.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
        await client.close();
        await rejects(() => conn.recv(1), "ECONNRESET", "recv");
        throws(() => conn.detach(), "ENOTSUP", "detach");
        assert.equal(conn.closed, false);
      },
      skip,
    );

    test(`a listener is not let go of, ${setting.name}`, async (scope) => {
      const server = await setting.server(scope);
      assert.ok(server.fileno() >= 0);
      throws(() => server.detach(), "ENOTSUP", "detach");
      const client = setting.socket(scope);
      await client.connect(server.getsockname());
      scope.add((await server.accept())[0]);
    }, skip);
  }

  test("a descriptor of a worker thread ends with the thread", async (scope) => {
    const program = new URL("./peers/detaching_worker.ts", import.meta.url);
    const main = scope.add(start(launch(program)));
    assert.deepEqual(await main.json(), ["before", ""]);
    assert.equal((await main.exit()).code, 0);
  }, noGivenAway);

  test("a UNIX connection", async (scope) => {
    const folder = mkdtempSync(join(tmpdir(), "bsdsock-"));
    scope.add({ close: () => rmSync(folder, { recursive: true, force: true }) });
    const server = scope.add(new Socket<string>(AF_UNIX));
    await server.bind(join(folder, "s"));
    await server.listen();
    const client = scope.add(new Socket<string>(AF_UNIX));
    await client.connect(server.getsockname());
    const [conn] = await server.accept();
    scope.add(conn);
    const fileno = client.detach();
    const s = scope.add(socket(-1, -1, -1, { fileno }));
    assert.equal(s.family, AF_UNIX);
    await s.sendall("x");
    assert.equal(text(await conn.recv(1)), "x");
  }, noGivenAway || noUnix);
});

describe("descriptors of open sockets", () => {
  for (const setting of native) {
    const skip = noGivenAway || setting.skip;

    test(`fromfd duplicates, as Python does, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      if (able.options["SOCK_STREAM"]!["SO_RCVBUF"] === undefined) {
        throws(() => fromfd(client.fileno(), setting.family), "ENOTSUP", "dup");
        return;
      }
      const copy = scope.add(fromfd(client.fileno(), setting.family));
      assert.notEqual(copy.fileno(), client.fileno());
      await conn.sendall("one");
      assert.equal(text(await receive(copy, 3)), "one");
      await copy.close();
      await conn.sendall("two");
      assert.equal(text(await receive(client, 3)), "two");
      await client.sendall("back");
      assert.equal(text(await receive(conn, 4)), "back");
      const server = await setting.server(scope);
      const second = scope.add(socket(undefined, undefined, 0, { fileno: server.fileno() }));
      assert.deepEqual(second.getsockname(), server.getsockname());
    }, skip);

    test(`fromfd twice, and close() of what it was given, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const fd = client.detach();
      const one = scope.add(fromfd(fd, setting.family));
      if (noLibc) {
        throws(() => fromfd(fd, setting.family), "ENOTSUP", "dup");
      } else {
        const two = scope.add(fromfd(fd, setting.family));
        await two.close();
      }
      await one.sendall("still there");
      assert.equal(text(await receive(conn, 11)), "still there");
      const receiving = rejection(() => one.recv(1));
      close(fd);
      assert.equal((await receiving as SocketError).code, "EBADF");
      await rejects(() => one.sendall("x"), "EBADF", "send");
      assert.equal((await conn.recv(1)).length, 0);
      await rejection(() => one.close());
    }, skip);

    test(`close() of the number closes the socket, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const receiving = rejection(() => client.recv(1));
      close(client.fileno());
      assert.equal((await receiving as SocketError).code, "EBADF");
      await rejects(() => client.recv(1), "EBADF", "recv");
      await rejects(() => client.sendall("x"), "EBADF", "send");
      assert.equal((await conn.recv(1)).length, 0);
      const bound = new Socket<[string, number]>(setting.family);
      await bound.bind([setting.host, 0]);
      close(bound.fileno());
      await rejects(() => bound.listen(), "EBADF", "listen");
      await rejects(() => bound.close(), "EBADF", "close");
      await rejection(() => client.close());
    }, skip);

    test(`close() of the number of its file closes the socket, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const file = client.makefile("rb");
      const reading = rejection(() => file.read(1));
      close(file.fileno());
      assert.equal((await reading as SocketError).code, "EBADF");
      assert.equal(client.closed, true);
      assert.equal((await conn.recv(1)).length, 0);
      await client.close();
      await rejects(() => file.close(), "EBADF", "close");
    }, skip);

    test(`close() of the number ends a sendfile that waits, ${setting.name}`, async (scope) => {
      const [client] = await setting.pair(scope);
      async function* silent(): AsyncGenerator<string, void, void> {
        yield "some";
        await new Promise(() => {});
      }
      const sending = rejects(() => client.sendfile(silent()), "EBADF", "send");
      await sleep(20);
      close(client.fileno());
      assert.equal((await sending).bytes_sent, 4);
      await rejection(() => client.close());
    }, skip);

    test(`every call after close() of the number is EBADF, ${setting.name}`, async (scope) => {
      const [client] = await setting.pair(scope);
      const server = await setting.server(scope);
      for (const s of [client, server]) {
        close(s.fileno());
        assert.equal(s.closed, true);
        assert.equal(s.fileno(), -1);
        assert.equal(s.detach(), -1);
        for await (const _ of s) assert.fail("nothing is accepted");
        throws(() => s.getsockname(), "EBADF", "getsockname");
        throws(() => s.getpeername(), "EBADF", "getpeername");
        throws(() => s.getsockopt(SOL_SOCKET, SO_TYPE), "EBADF", "getsockopt");
        throws(() => s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1), "EBADF", "setsockopt");
        throws(() => s.settimeout(1), "EBADF", "settimeout");
        throws(() => s.makefile("rb"), "EBADF", "makefile");
        await rejects(() => s.shutdown(SHUT_RDWR), "EBADF", "shutdown");
        await rejects(() => s.accept(), "EBADF", "accept");
        await rejects(() => s.connect([setting.host, 1]), "EBADF", "connect");
        await rejects(() => s.close(), "EBADF", "close");
        await s.close();
      }
    }, skip);

    test(`several accepts of a listener that was taken over, ${setting.name}`, async (scope) => {
      const server = await setting.server(scope);
      const copy = scope.add(server.dup());
      await server.close();
      const accepting = [copy.accept(), copy.accept(), copy.accept()];
      assert.equal(copy.getsockopt(SOL_SOCKET, SO_ACCEPTCONN), 1);
      const clients = [1, 2, 3].map(() => setting.socket(scope));
      for (const client of clients) await client.connect(copy.getsockname());
      const names = await Promise.all(accepting.map(async (accept) => {
        const [conn] = await accept;
        return JSON.stringify(scope.add(conn).getpeername());
      }));
      assert.equal(new Set(names).size, 3);
    }, skip || noLibc);

    test(`a bound socket that was taken over connects, ${setting.name}`, async (scope) => {
      const bound = setting.socket(scope);
      await bound.bind([setting.host, 0]);
      const copy = scope.add(bound.dup());
      await bound.close();
      assert.equal(copy.getsockopt(SOL_SOCKET, SO_ACCEPTCONN), 0);
      const server = await setting.server(scope);
      const address = copy.getsockname();
      await copy.connect(server.getsockname());
      const [conn, from] = await server.accept();
      scope.add(conn);
      assert.deepEqual(from, address);
    }, skip || noLibc);

    test(`it keeps its port after a connect that failed, ${setting.name}`, async (scope) => {
      const bound = setting.socket(scope);
      await bound.bind([setting.host, 0]);
      const copy = scope.add(bound.dup());
      await bound.close();
      const address = copy.getsockname();
      const closed: InetAddress = [setting.host, await setting.freePort()];
      await rejects(() => copy.connect(closed), "ECONNREFUSED", "connect");
      assert.deepEqual(copy.getsockname(), address);
      const server = await setting.server(scope);
      await copy.connect(server.getsockname());
      assert.deepEqual(copy.getsockname(), address);
      const [conn, from] = await server.accept();
      scope.add(conn);
      assert.deepEqual(from, address);
    }, skip || noLibc);

    test(
      `a listener that was taken over is shut down before it accepts, ${setting.name}`,
      async (scope) => {
        const server = await setting.server(scope);
        const copy = scope.add(server.dup());
        await server.close();
        await rejects(() => copy.connect([setting.host, 1]), "EISCONN", "connect");
        await copy.shutdown(SHUT_RD);
        assert.equal(copy.getsockopt(SOL_SOCKET, SO_ACCEPTCONN), 0);
        await rejects(() => copy.accept(), "EINVAL", "accept");
      },
      skip || noLibc,
    );
  }
});

describe("what shows a descriptor", () => {
  test("a socket that is neither bound nor connected has no descriptor", async (scope) => {
    for (const type of [SOCK_STREAM, SOCK_DGRAM]) {
      const s = scope.add(new Socket(AF_INET, type));
      for (const call of [() => s.fileno(), () => s.dup(), () => s.detach()]) {
        throws(call, "ENOTSUP");
      }
      throws(() => s.set_inheritable(true), "ENOTSUP", "fcntl");
      // One that is only bound is not let go of either.
      await s.bind(["127.0.0.1", 0]);
      throws(() => s.detach(), "ENOTSUP", "detach");
    }
  }, false);

  test("a child has what was made inheritable, and nothing else", async (scope) => {
    const server = await native[0].server(scope);
    assert.equal(server.get_inheritable(), false);
    server.set_inheritable(false);
    if (noDup) {
      throws(() => server.set_inheritable(true), "ENOTSUP", "fcntl");
      return;
    }
    const fd = server.fileno();
    // The flag itself: what starts a child may close descriptors that it does not know.
    const flags = (): string =>
      /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1]!;
    const isInheritable = (): boolean => (parseInt(flags(), 8) & 0o2000000) === 0;
    assert.equal(isInheritable(), false);
    server.set_inheritable(true);
    assert.deepEqual([server.get_inheritable(), isInheritable()], [true, true]);
    server.set_inheritable(false);
    assert.deepEqual([server.get_inheritable(), isInheritable()], [false, false]);
  }, false);
});

describe("what is no socket", () => {
  test("a number that is no descriptor is EBADF", () => {
    const error = throws(() => fromfd(1_000_000, AF_INET), "EBADF", "socket");
    assert.equal(error.errno, errno.EBADF);
    throws(() => socket(undefined, undefined, undefined, { fileno: 1_000_000 }), "EBADF");
  }, noAdopt);

  test("a file is ENOTSOCK and stays open", () => {
    const fd = openSync(new URL(import.meta.url), "r");
    try {
      throws(() => fromfd(fd, AF_INET), "ENOTSOCK", "socket");
    } finally {
      closeSync(fd);
    }
  }, noAdopt);

  test("a datagram socket of this process has one owner", async (scope) => {
    const s = scope.add(socket(AF_INET, SOCK_DGRAM));
    await s.bind(["127.0.0.1", 0]);
    const fileno = s.fileno();
    for (const type of [undefined, SOCK_STREAM, SOCK_DGRAM]) {
      throws(() => socket(AF_INET, type, 0, { fileno }), "ENOTSUP", "dup");
    }
    await s.sendto("x", s.getsockname());
    assert.equal(text(await s.recv(1)), "x");
  }, noGivenAway);

  test("wrong arguments", () => {
    const missing = thrown(() => fromfd(undefined as never, AF_INET));
    assert.ok(missing instanceof TypeError, String(missing));
    for (const wrong of [null, "3", 1.5, {}, true]) {
      for (
        const call of [
          () => fromfd(wrong as never, AF_INET),
          () => socket(AF_INET, SOCK_STREAM, 0, { fileno: wrong as never }),
        ]
      ) {
        const error = thrown(call);
        assert.ok(error instanceof TypeError, String(error));
        assert.match(error.message, /fileno|fd/);
      }
    }
    for (const wrong of [-1, 2 ** 31]) {
      const error = thrown(() => fromfd(wrong, AF_INET));
      assert.ok(error instanceof RangeError && !(error instanceof SocketError), String(error));
    }
  }, false);

  test("memory has none", () => {
    const adapter = createMemoryAdapter();
    const init = { adapter, fileno: 3 };
    throws(() => new Socket(AF_INET, SOCK_STREAM, 0, init), "ENOTSUP", "socket");
    throws(() => new Socket(AF_INET, SOCK_DGRAM, 0, init), "ENOTSUP", "socket");
  }, false);
});

describe("a descriptor that Bun itself has open", () => {
  const notBun = runtimeName !== "bun" && "it is about Bun's own sockets";

  it(
    "is EBUSY, and stays as it was",
    { skip: notBun },
    bounded(async (scope) => {
      interface BunSocket {
        readonly fd: number;
        terminate(): void;
      }
      const { Bun } = globalThis as unknown as {
        Bun: { connect(options: object): Promise<BunSocket> };
      };
      const server = scope.add(await create_server(["127.0.0.1", 0]));
      const [hostname, port] = server.getsockname();
      let received = 0;
      const data = (_: unknown, chunk: Uint8Array) => received += chunk.length;
      const own = await Bun.connect({ hostname, port, socket: { data } });
      scope.add({ close: () => own.terminate() });
      const [conn] = await server.accept();
      scope.add(conn);
      throws(() => fromfd(own.fd, AF_INET), "EBUSY", "socket");
      await conn.sendall("hello");
      await until(() => received === 5, "the bytes come");
    }),
  );

  it(
    "of UDP is EBUSY, and stays as it was",
    { skip: notBun },
    bounded(async (scope) => {
      interface BunUdpSocket {
        readonly port: number;
        close(): void;
      }
      const { Bun } = globalThis as unknown as {
        Bun: { udpSocket(options: object): Promise<BunUdpSocket> };
      };
      const before = socketDescriptors();
      let received = "";
      const data = (_: unknown, chunk: Uint8Array) => received += text(chunk);
      const own = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data } });
      scope.add({ close: () => own.close() });
      const [opened = ""] = socketDescriptors().filter((one) => !before.includes(one));
      throws(() => fromfd(parseInt(opened), AF_INET, SOCK_DGRAM), "EBUSY", "socket");
      const s = scope.add(socket(AF_INET, SOCK_DGRAM));
      await s.sendto("hello", ["127.0.0.1", own.port]);
      await until(() => received === "hello", "the datagram comes");
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is left", { skip: noDescriptors }, checkNothingLeft);
});
