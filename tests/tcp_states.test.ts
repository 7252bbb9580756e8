/** The states of a TCP socket: what each call answers before, between and after, as Linux does. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  AF_INET,
  AF_INET6,
  errno,
  GaiError,
  type InetAddress,
  IPPROTO_TCP,
  MSG_DONTWAIT,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_ACCEPTCONN,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_REUSEADDR,
  SO_TYPE,
  SOCK_STREAM,
  Socket,
  socket,
  type SocketError,
  SOL_SOCKET,
  TCP_NODELAY,
} from "../mod.ts";
import { receiveAll, text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { bounded, rejection, rejects, sleep, thrown, throws, until } from "./support/scope.ts";
import { noIPv6, settings } from "./support/tcp.ts";

const runtime = globalThis as {
  Deno?: { inspect(value: unknown): string };
  Bun?: { inspect(value: unknown): string };
};

/** Every call of a socket that waits, by the name that its errors carry. */
function waitingCalls(s: Socket, address: [string, number]): [string, () => Promise<unknown>][] {
  return [
    ["bind", () => s.bind(address)],
    ["listen", () => s.listen()],
    ["accept", () => s.accept()],
    ["connect", () => s.connect(address)],
    ["recv", () => s.recv(1)],
    ["recv", () => s.recv_into(new Uint8Array(1))],
    ["recvfrom", () => s.recvfrom(1)],
    ["recvfrom", () => s.recvfrom_into(new Uint8Array(1))],
    ["send", () => s.send("x")],
    ["send", () => s.sendall("x")],
    ["shutdown", () => s.shutdown(SHUT_RDWR)],
  ];
}

for (const setting of settings) {
  const { skip } = setting;
  const test = (name: string, body: Parameters<typeof bounded>[0]) =>
    it(name, { skip }, bounded(body));

  describe(`states of a TCP socket, ${setting.name}`, () => {
    test("a new socket has the wildcard address and no peer", async (scope) => {
      const s = setting.socket(scope);
      assert.equal(s.family, setting.family);
      assert.equal(s.type, SOCK_STREAM);
      assert.equal(s.proto, 0);
      assert.equal(s.closed, false);
      assert.equal(s.timeout, null);
      assert.deepEqual(s.getsockname(), setting.address(setting.wildcard, 0));
      throws(() => s.getpeername(), "ENOTCONN", "getpeername");
      assert.equal(s.getsockopt(SOL_SOCKET, SO_TYPE), SOCK_STREAM);
      assert.equal(s.getsockopt(SOL_SOCKET, SO_ACCEPTCONN), 0);
      assert.equal(s.getsockopt(SOL_SOCKET, SO_ERROR), 0);
      await s.close();
    });

    test("an unconnected socket cannot send, receive, accept or shut down", async (scope) => {
      const fresh = setting.socket(scope);
      const bound = await setting.bound(scope);
      for (const s of [fresh, bound]) {
        await rejects(() => s.recv(1), "ENOTCONN", "recv");
        await rejects(() => s.recv_into(new Uint8Array(1)), "ENOTCONN", "recv");
        await rejects(() => s.recvfrom(1), "ENOTCONN", "recvfrom");
        await rejects(() => s.recvfrom_into(new Uint8Array(1)), "ENOTCONN", "recvfrom");
        await rejects(() => s.recv(1, MSG_DONTWAIT), "ENOTCONN", "recv");
        await rejects(() => s.send("x"), "EPIPE", "send");
        await rejects(() => s.sendall("x"), "EPIPE", "send");
        await rejects(() => s.accept(), "EINVAL", "accept");
        for (const how of [SHUT_RD, SHUT_WR, SHUT_RDWR]) {
          await rejects(() => s.shutdown(how), "ENOTCONN", "shutdown");
        }
        throws(() => s.getpeername(), "ENOTCONN", "getpeername");
      }
    });

    test("a bound socket cannot be bound again", async (scope) => {
      const s = await setting.bound(scope);
      const address = s.getsockname();
      await rejects(() => s.bind([setting.host, 0]), "EINVAL", "bind");
      await rejects(() => s.bind(address), "EINVAL", "bind");
      assert.deepEqual(s.getsockname(), address);
    });

    test("a listening socket cannot connect, send or receive", async (scope) => {
      const server = await setting.server(scope);
      const other = await setting.server(scope);
      assert.equal(server.getsockopt(SOL_SOCKET, SO_ACCEPTCONN), 1);
      await rejects(() => server.connect(other.getsockname()), "EISCONN", "connect");
      assert.equal(await server.connect_ex(other.getsockname()), errno.EISCONN);
      await rejects(() => server.recv(1), "ENOTCONN", "recv");
      await rejects(() => server.send("x"), "EPIPE", "send");
      await rejects(() => server.bind([setting.host, 0]), "EINVAL", "bind");
      throws(() => server.getpeername(), "ENOTCONN", "getpeername");
      // None of it has harmed the listener.
      const client = setting.socket(scope);
      await client.connect(server.getsockname());
      scope.add((await server.accept())[0]);
    });

    test("a connected socket cannot connect, bind, listen or accept", async (scope) => {
      const other = await setting.server(scope);
      for (const s of await setting.pair(scope)) {
        await rejects(() => s.connect(other.getsockname()), "EISCONN", "connect");
        assert.equal(await s.connect_ex(other.getsockname()), errno.EISCONN);
        await rejects(() => s.bind([setting.host, 0]), "EINVAL", "bind");
        await rejects(() => s.listen(), "EINVAL", "listen");
        await rejects(() => s.accept(), "EINVAL", "accept");
        assert.equal(s.getsockopt(SOL_SOCKET, SO_ACCEPTCONN), 0);
      }
    });

    test("connect_ex gives 0 and the errors' numbers", async (scope) => {
      const server = await setting.server(scope);
      const client = setting.socket(scope);
      assert.equal(await client.connect_ex(server.getsockname()), 0);
      scope.add((await server.accept())[0]);
      assert.equal(await client.connect_ex(server.getsockname()), errno.EISCONN);
      const refused = setting.socket(scope);
      const closed: [string, number] = [setting.host, await setting.freePort()];
      assert.equal(await refused.connect_ex(closed), errno.ECONNREFUSED);
      await refused.close();
      assert.equal(await refused.connect_ex(closed), errno.EBADF);
    });

    test("connects after it was refused", async (scope) => {
      const server = await setting.server(scope);
      const client = setting.socket(scope);
      const closed: [string, number] = [setting.host, await setting.freePort()];
      for (let i = 0; i < 3; i++) {
        await rejects(() => client.connect(closed), "ECONNREFUSED", "connect");
      }
      throws(() => client.getpeername(), "ENOTCONN");
      await client.connect(server.getsockname());
      const [conn] = await server.accept();
      scope.add(conn);
      await client.sendall("at last");
      assert.equal(text(await conn.recv(10)), "at last");
    });

    test("keeps a bound address when it is refused", async (scope) => {
      const server = await setting.server(scope);
      const client = await setting.bound(scope);
      const local = client.getsockname();
      const closed: [string, number] = [setting.host, await setting.freePort()];
      await rejects(() => client.connect(closed), "ECONNREFUSED", "connect");
      assert.deepEqual(client.getsockname(), local);
      await client.connect(server.getsockname());
      const [conn, peer] = await server.accept();
      scope.add(conn);
      assert.deepEqual(peer, local);
    });

    test("sending after SHUT_WR is a broken pipe, receiving goes on", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.shutdown(SHUT_WR);
      await rejects(() => client.send("x"), "EPIPE", "send");
      const error = await rejects(() => client.sendall("x"), "EPIPE", "send");
      assert.equal(error.bytes_sent, 0);
      await client.shutdown(SHUT_WR);
      await conn.sendall("open");
      assert.equal(text(await client.recv(9)), "open");
    });

    test("recvfrom of no bytes waits for one and leaves it, as the kernel does", async (scope) => {
      await rejects(() => setting.socket(scope).recvfrom(0), "ENOTCONN", "recvfrom");
      const [client, conn] = await setting.pair(scope);
      client.settimeout(0);
      await rejects(() => client.recvfrom(0), "EAGAIN", "recvfrom");
      await rejects(() => client.recvmsg(0), "EAGAIN", "recvmsg");
      client.settimeout(5);
      const receiving = client.recvfrom_into(new Uint8Array(0));
      await conn.sendall("x");
      assert.deepEqual(await receiving, [0, null]);
      assert.deepEqual(await client.recvmsg(0), [new Uint8Array(0), [], 0, null]);
      assert.equal(text(await client.recv(9)), "x");
    });

    test("sendto looks its name up, though the peer is fixed", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const error = await rejection(() => client.sendto("x", ["-.invalid.", 1]));
      assert.ok(error instanceof GaiError, String(error));
      await client.sendto("y", [setting.host, 1]);
      assert.equal(text(await conn.recv(9)), "y");
    });

    test("close during a sendall tells how much went out", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const sending = client.sendall(new Uint8Array(32 * 1024 * 1024));
      await sleep(50);
      const closing = client.close();
      const error = await rejection(() => sending);
      const received = await receiveAll(conn);
      await closing;
      assert.equal((error as SocketError).bytes_sent, received.length);
    });

    test("keeps both names after the peer has gone", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const [local, remote] = [client.getsockname(), client.getpeername()];
      await conn.close();
      assert.equal((await client.recv(1)).length, 0);
      assert.deepEqual(client.getsockname(), local);
      assert.deepEqual(client.getpeername(), remote);
    });

    test("names are the caller's to change", async (scope) => {
      const [client] = await setting.pair(scope);
      const [local, remote] = [client.getsockname(), client.getpeername()];
      client.getsockname()[1] = 0;
      client.getpeername().fill(0 as never);
      assert.deepEqual(client.getsockname(), local);
      assert.deepEqual(client.getpeername(), remote);
    });

    test("listen again changes the backlog, or says that it cannot", async (scope) => {
      const server = await setting.server(scope, 5);
      await server.listen(5);
      try {
        await server.listen(10);
      } catch (error) {
        await rejects(() => Promise.reject(error), "EOPNOTSUPP", "listen");
      }
      const client = setting.socket(scope);
      await client.connect(server.getsockname());
      scope.add((await server.accept())[0]);
    });

    test("listen and connect right behind a shutdown of the listener find its address free", async (scope) => {
      const other = await setting.server(scope);
      const s = await setting.server(scope);
      const address = s.getsockname();
      for (const again of [() => s.listen(), () => s.connect(other.getsockname())]) {
        const waiting = rejects(() => s.accept(), "EINVAL", "accept");
        await sleep(10);
        const stopping = s.shutdown(SHUT_RD);
        await again();
        await stopping;
        await waiting;
        assert.deepEqual(s.getsockname(), address);
      }
      const [conn, peer] = await other.accept();
      scope.add(conn);
      assert.deepEqual(peer, address);
    });

    for (const state of ["new", "bound", "listening", "connected", "accepted"]) {
      test(`after close every call of a socket that was ${state} is EBADF`, async (scope) => {
        const s = state === "new"
          ? setting.socket(scope)
          : state === "bound"
          ? await setting.bound(scope)
          : state === "listening"
          ? await setting.server(scope)
          : (await setting.pair(scope))[state === "connected" ? 0 : 1];
        s.settimeout(7);
        await s.close();
        assert.equal(s.closed, true);
        for (const [syscall, call] of waitingCalls(s, [setting.host, 9])) {
          await rejects(call, "EBADF", syscall);
        }
        assert.equal(await s.connect_ex([setting.host, 9]), errno.EBADF);
        throws(() => s.getsockname(), "EBADF", "getsockname");
        throws(() => s.getpeername(), "EBADF", "getpeername");
        throws(() => s.getsockopt(SOL_SOCKET, SO_TYPE), "EBADF", "getsockopt");
        throws(() => s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1), "EBADF", "setsockopt");
        throws(() => s.settimeout(1), "EBADF");
        throws(() => s.setblocking(true), "EBADF");
        // What can still be read.
        assert.equal(s.fileno(), -1);
        assert.equal(s.detach(), -1);
        assert.equal(s.gettimeout(), 7);
        assert.equal(s.timeout, 7);
        assert.equal(s.getblocking(), true);
        assert.equal(s.family, setting.family);
        assert.equal(s.type, SOCK_STREAM);
        assert.equal(s.proto, 0);
        await s.close();
        await s.close();
      });
    }

    test("close during bind, listen or connect leaves a closed socket", async (scope) => {
      const server = await setting.server(scope);
      const binding = setting.socket(scope);
      const listening = await setting.bound(scope);
      const connecting = setting.socket(scope);
      const calls = [
        binding.bind([setting.host, 0]),
        listening.listen(),
        connecting.connect(server.getsockname()),
      ];
      await Promise.all([binding.close(), listening.close(), connecting.close()]);
      for (const result of await Promise.allSettled(calls)) {
        // Each was either done before the close or ended by it.
        if (result.status === "rejected") {
          await rejects(() => Promise.reject(result.reason), "EBADF");
        }
      }
      for (const s of [binding, listening, connecting]) {
        assert.equal(s.closed, true);
        await rejects(() => s.recv(1), "EBADF");
      }
    });

    test("a closed listener resets the connections that nobody accepted", async (scope) => {
      const server = await setting.server(scope);
      const client = setting.socket(scope);
      await client.connect(server.getsockname());
      await server.close();
      const end = await client.recv(1).catch((error) => error);
      if (!(end instanceof Uint8Array)) {
        await rejects(() => Promise.reject(end), "ECONNRESET", "recv");
      } else {
        // A runtime that accepts eagerly may be able to close only.
        assert.equal(end.length, 0);
      }
    });
  });

  describe(`options of a TCP socket, ${setting.name}`, () => {
    test("are off at first and can be set and read in every state", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const states = [
        setting.socket(scope),
        await setting.bound(scope),
        await setting.server(scope),
        client,
        conn,
      ];
      const options = setting.adapter.capabilities().options["SOCK_STREAM"]!;
      for (const s of states) {
        for (
          const [level, option, name] of [
            [SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE"],
            [IPPROTO_TCP, TCP_NODELAY, "TCP_NODELAY"],
          ] as const
        ) {
          assert.equal(options[name], "set", `every adapter sets ${name}`);
          assert.equal(s.getsockopt(level, option), 0, `${name} is off at first`);
          s.setsockopt(level, option, 1);
          assert.equal(s.getsockopt(level, option), 1, `${name} set`);
          s.setsockopt(level, option, false);
          assert.equal(s.getsockopt(level, option), 0, `${name} cleared`);
          s.setsockopt(level, option, new Uint8Array([1, 0, 0, 0]));
          assert.equal(s.getsockopt(level, option), 1, `${name} set by bytes`);
          assert.deepEqual(Array.from(s.getsockopt(level, option, 4)), [1, 0, 0, 0]);
        }
      }
    });

    test("SO_REUSEADDR tells what was set", async (scope) => {
      const s = setting.socket(scope);
      assert.equal(s.getsockopt(SOL_SOCKET, SO_REUSEADDR), 0);
      s.setsockopt(SOL_SOCKET, SO_REUSEADDR, true);
      assert.equal(s.getsockopt(SOL_SOCKET, SO_REUSEADDR), 1);
      await s.bind([setting.host, 0]);
      assert.equal(s.getsockopt(SOL_SOCKET, SO_REUSEADDR), 1);
    });

    test("SO_LINGER is a pair", async (scope) => {
      const s = setting.socket(scope);
      assert.deepEqual(Array.from(s.getsockopt(SOL_SOCKET, SO_LINGER, 8)), Array(8).fill(0));
      s.setsockopt(SOL_SOCKET, SO_LINGER, [1, 3]);
      assert.deepEqual(
        Array.from(s.getsockopt(SOL_SOCKET, SO_LINGER, 8)),
        [1, 0, 0, 0, 3, 0, 0, 0],
      );
      s.setsockopt(SOL_SOCKET, SO_LINGER, [0, 3]);
      assert.equal(s.getsockopt(SOL_SOCKET, SO_LINGER, 8)[0], 0);
      s.setsockopt(SOL_SOCKET, SO_LINGER, new Uint8Array([1, 0, 0, 0, 5, 0, 0, 0]));
      assert.equal(s.getsockopt(SOL_SOCKET, SO_LINGER, 8)[4], 5);
      await s.close();
    });

    test("a value of a wrong kind is told before all else", async (scope) => {
      const s = setting.socket(scope);
      await s.close();
      for (const option of [SO_KEEPALIVE, 9999]) {
        const error = thrown(() => s.setsockopt(SOL_SOCKET, option, "1" as unknown as number));
        assert.ok(error instanceof TypeError, String(error));
      }
    });

    test("what is only an answer cannot be set", async (scope) => {
      const s = setting.socket(scope);
      for (const option of [SO_TYPE, SO_ERROR, SO_ACCEPTCONN]) {
        throws(() => s.setsockopt(SOL_SOCKET, option, 1), "ENOPROTOOPT", "setsockopt");
      }
      throws(() => s.getsockopt(SOL_SOCKET, 12345), "ENOPROTOOPT", "getsockopt");
      throws(() => s.setsockopt(4321, 1, 1), "ENOPROTOOPT", "setsockopt");
      await s.close();
    });

    test("of a listener are those of the sockets it accepts", async (scope) => {
      const server = await setting.server(scope);
      server.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
      server.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
      server.setsockopt(SOL_SOCKET, SO_LINGER, [1, 9]);
      const client = setting.socket(scope);
      await client.connect(server.getsockname());
      const [conn] = await server.accept();
      scope.add(conn);
      assert.equal(conn.getsockopt(SOL_SOCKET, SO_KEEPALIVE), 1);
      assert.equal(conn.getsockopt(IPPROTO_TCP, TCP_NODELAY), 1);
      assert.equal(conn.getsockopt(SOL_SOCKET, SO_LINGER, 8)[4], 9);
      assert.equal(client.getsockopt(SOL_SOCKET, SO_KEEPALIVE), 0);
      conn.setsockopt(IPPROTO_TCP, TCP_NODELAY, 0);
      assert.equal(server.getsockopt(IPPROTO_TCP, TCP_NODELAY), 1, "each has its own from then on");
    });

    test("SO_LINGER [1, 0] resets instead of closing", async (scope) => {
      const { reset } = setting.adapter.capabilities();
      const server = await setting.server(scope);
      const client = setting.socket(scope);
      if (reset !== "never") client.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
      await client.connect(server.getsockname());
      const [conn] = await server.accept();
      scope.add(conn);
      await client.sendall("before");
      assert.equal(text(await conn.recv(9)), "before");
      const waiting = conn.recv(9);
      await client.close();
      if (reset === "never") assert.equal((await waiting).length, 0);
      else await rejects(() => waiting, "ECONNRESET", "recv");
      assert.equal((await conn.recv(9)).length, 0);
    });

    test("closing with unread bytes resets, also where the library holds them", async (scope) => {
      const { reset } = setting.adapter.capabilities();
      const [client, conn] = await setting.pair(scope);
      await client.sendall("read and unread");
      assert.equal(text(await conn.recv(4)), "read");
      await conn.close();
      if (reset === "always") await rejects(() => client.recv(9), "ECONNRESET", "recv");
      else assert.equal((await client.recv(9)).length, 0);
    });

    test("closing with bytes that no receive has asked for resets", async (scope) => {
      const { reset } = setting.adapter.capabilities();
      const [client, conn] = await setting.pair(scope);
      await client.sendall("never read");
      await sleep(20);
      await conn.close();
      if (reset === "always") await rejects(() => client.recv(9), "ECONNRESET", "recv");
      else assert.equal((await client.recv(9)).length, 0);
    });
  });

  describe(`a TCP socket as an object, ${setting.name}`, () => {
    test("a listener is iterated until it is closed", async (scope) => {
      const server = await setting.server(scope);
      const seen: string[] = [];
      const iterating = (async () => {
        for await (const [conn, address] of server) {
          scope.add(conn);
          assert.deepEqual(address, conn.getpeername());
          seen.push(text(await conn.recv(9)));
          await conn.close();
        }
      })();
      for (let i = 0; i < 3; i++) {
        const client = setting.socket(scope);
        await client.connect(server.getsockname());
        await client.sendall(`n${i}`);
        assert.equal((await client.recv(9)).length, 0);
      }
      await server.close();
      await iterating;
      assert.deepEqual(seen, ["n0", "n1", "n2"]);
    });

    test("leaving the iteration closes nothing", async (scope) => {
      const server = await setting.server(scope);
      for (let i = 0; i < 2; i++) {
        const client = setting.socket(scope);
        const connecting = client.connect(server.getsockname());
        for await (const [conn] of server) {
          scope.add(conn);
          break;
        }
        await connecting;
        assert.equal(server.closed, false);
      }
    });

    test("iterating over a socket that does not listen is EINVAL", async (scope) => {
      const s = setting.socket(scope);
      await rejects(
        async () => {
          for await (const _ of s) break;
        },
        "EINVAL",
        "accept",
      );
    });

    test("is closed by await using and by using", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      // What the declarations call; Node 22 does not know them yet.
      await client[Symbol.asyncDispose]();
      assert.equal(client.closed, true);
      assert.equal((await conn.recv(1)).length, 0);
      conn[Symbol.dispose]();
      assert.equal(conn.closed, true);
    });

    test("shows itself as Python's does", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const family = setting.family === AF_INET ? "AF_INET" : "AF_INET6";
      const kind = `family=${family}, type=SOCK_STREAM, proto=0`;
      const show = (address: readonly unknown[]) =>
        `(${address.map((member) => JSON.stringify(member)).join(", ")})`;
      for (const s of [client, conn]) {
        const expected = `${kind}, laddr=${show(s.getsockname())}, raddr=${show(s.getpeername())}>`;
        const shown = String(s).replace(/^<socket\.socket fd=(-1|\d+), /, "");
        assert.equal(shown, expected);
      }
      const server = await setting.server(scope);
      assert.match(
        String(server),
        new RegExp(`^<socket\\.socket fd=(-1|\\d+), ${kind}, laddr=\\(.*\\)>$`),
      );
      await client.close();
      assert.equal(String(client), `<socket.socket [closed] fd=-1, ${kind}>`);
    });

    test("is inspected as its text", async (scope) => {
      const [s] = await setting.pair(scope);
      const file = s.makefile("rb");
      for (const shown of [s, file]) {
        assert.equal(inspect(shown), String(shown));
        if (runtime.Deno !== undefined) assert.equal(runtime.Deno.inspect(shown), String(shown));
        if (runtime.Bun !== undefined) assert.equal(runtime.Bun.inspect(shown), String(shown));
      }
      assert.equal(String(file), `<socket.SocketFile name=${file.name} mode="rb">`);
      await file.close();
      assert.equal(String(file), '<socket.SocketFile [closed] name=-1 mode="rb">');
    });

    it("what is like a socket but none can be inspected", () => {
      const { prototype } = Socket;
      for (const like of [prototype, new Proxy(new Socket(), {}), Object.create(new Socket())]) {
        // Each runtime shows it in its own way, which must not throw.
        for (const show of [inspect, runtime.Deno?.inspect, runtime.Bun?.inspect]) show?.(like);
      }
    });

    test("tells its descriptor where the runtime does", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const { fileno } = setting.adapter.capabilities();
      if (!fileno) {
        throws(() => client.fileno(), "ENOTSUP", "fileno");
        throws(() => client.detach(), "ENOTSUP", "detach");
        assert.equal(client.closed, false, "it is still open");
        await client.sendall("usable");
        assert.equal(text(await conn.recv(9)), "usable");
        return;
      }
      const server = await setting.server(scope);
      const descriptors = [client, conn, server].map((s) => s.fileno());
      assert.ok(descriptors.every((fd) => Number.isInteger(fd) && fd > 2), String(descriptors));
      assert.equal(new Set(descriptors).size, 3);
      assert.match(String(client), new RegExp(`fd=${descriptors[0]},`));
      await client.close();
      assert.equal(client.fileno(), -1);
    });

    test("waits for as long as the default timeout says", async (scope) => {
      const { getdefaulttimeout, setdefaulttimeout } = await import("../mod.ts");
      assert.equal(getdefaulttimeout(), null);
      const server = await setting.server(scope);
      server.settimeout(9);
      try {
        setdefaulttimeout(1.5);
        assert.equal(getdefaulttimeout(), 1.5);
        const client = setting.socket(scope);
        assert.equal(client.gettimeout(), 1.5);
        await client.connect(server.getsockname());
        const [conn] = await server.accept();
        scope.add(conn);
        assert.equal(conn.gettimeout(), 1.5, "the default, not the listener's");
        setdefaulttimeout(0);
        assert.equal(setting.socket(scope).getblocking(), false);
        assert.equal(client.gettimeout(), 1.5, "an open socket keeps its own");
      } finally {
        setdefaulttimeout(null);
      }
      const late = setting.socket(scope);
      assert.equal(late.gettimeout(), null);
      server.setblocking(false);
      await late.connect(server.getsockname());
      await until(async () => {
        const [conn] = await server.accept().catch(() => []);
        if (conn !== undefined) assert.equal(scope.add(conn).gettimeout(), null);
        return conn !== undefined;
      }, "a non-blocking listener accepts");
    });
  });
}

describe("a listener on the mapped wildcard address", () => {
  it(
    "accepts connections that know their address",
    { skip: noIPv6 },
    bounded(async (scope) => {
      const server = scope.add(new Socket<InetAddress>(AF_INET6));
      await server.bind(["::ffff:0.0.0.0", 0]);
      await server.listen();
      const [, port] = server.getsockname();
      const client = scope.add(new Socket<InetAddress>(AF_INET));
      await client.connect(["127.0.0.1", port]);
      const [conn] = await server.accept();
      scope.add(conn);
      assert.deepEqual(conn.getsockname(), ["::ffff:127.0.0.1", port, 0, 0]);
    }),
  );
});

describe("socket()", () => {
  it("takes -1 for the defaults and SOCK_CLOEXEC in the type", async () => {
    const { SOCK_CLOEXEC } = await import("../mod.ts");
    for (
      const s of [
        socket(),
        socket(-1, -1, -1),
        new Socket(),
        socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC),
      ]
    ) {
      assert.equal(s.family, AF_INET);
      assert.equal(s.type, SOCK_STREAM);
      assert.equal(s.proto, 0);
      await s.close();
    }
    const s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
    assert.equal(s.proto, IPPROTO_TCP);
    await s.close();
  });
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
