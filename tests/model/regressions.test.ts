/** Bugs that generated programs and arguments have found, each as a test of its own. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import {
  AF_INET,
  AF_UNIX,
  createMemoryAdapter,
  MSG_DONTWAIT,
  MSG_WAITALL,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SOCK_DGRAM,
  SOCK_STREAM,
  socket,
  SOL_SOCKET,
} from "../../mod.ts";
import { text } from "../support/bytes.ts";
import { checkNothingLeft, noDescriptors, socketDescriptors } from "../support/outside.ts";
import { bounded, rejection, rejects, type Scope, sleep } from "../support/scope.ts";
import { settings } from "../support/tcp.ts";

for (const setting of settings) {
  const { adapter } = setting;
  const test = (name: string, body: (scope: Scope) => Promise<void>): void => {
    it(name, { skip: setting.skip }, bounded(body));
  };

  describe(`TCP, ${setting.name}`, () => {
    test("shutdown(SHUT_RD) loses nothing that has arrived, whether fetched or not", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await conn.sendall("arrived");
      await sleep(20);
      await client.shutdown(SHUT_RD);
      assert.equal(text(await client.recv(3)), "arr");
      assert.equal(text(await client.recv(100)), "ived");
      assert.equal((await client.recv(100)).length, 0);
    });

    test("MSG_WAITALL takes what there is where it may not wait", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await conn.sendall("some");
      await sleep(20);
      assert.equal(text(await client.recv(100, MSG_WAITALL | MSG_DONTWAIT)), "some");
      await rejects(() => client.recv(100, MSG_WAITALL | MSG_DONTWAIT), "EAGAIN", "recv");
    });

    test("a reset after the end of the stream is for sends only", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await conn.close();
      await sleep(20);
      await client.sendall("for nobody");
      await sleep(20);
      assert.equal((await client.recv(100)).length, 0);
      await rejects(() => client.send("more"), "EPIPE", "send");
    });

    test("an error that a send has told is pending no more, also where it was bound first", async (scope) => {
      const server = await setting.server(scope);
      const client = await setting.bound(scope);
      await client.connect(server.getsockname());
      const [conn] = await server.accept();
      await conn.close();
      await client.sendall("for nobody");
      await sleep(20);
      await rejects(() => client.send("more"), "EPIPE", "send");
      await sleep(20);
      assert.equal(client.getsockopt(SOL_SOCKET, SO_ERROR), 0);
      await rejects(() => client.send("more"), "EPIPE", "send");
    });

    test("an option can be set on a connection that is over", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await conn.close();
      assert.equal((await client.recv(100)).length, 0);
      await client.send("for nobody");
      await sleep(20);
      client.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
      assert.equal(client.getsockopt(SOL_SOCKET, SO_KEEPALIVE), 1);
    });

    test("shutdown ends, though close or a reset comes before its FIN", async (scope) => {
      const [client] = await setting.pair(scope);
      const shutting = client.shutdown(SHUT_WR);
      await client.close();
      await shutting;
      const [sender] = await setting.pair(scope);
      const sending = rejects(() => sender.sendall(new Uint8Array(32 << 20)), "EBADF");
      const queued = rejects(() => sender.shutdown(SHUT_WR), "EBADF", "shutdown");
      await sender.close();
      await sending;
      await queued;
      const [reset, resetting] = await setting.pair(scope);
      await reset.sendall("unread");
      // Deno cannot reset this connection: docs/differences.md.
      const failing = rejection(() => reset.sendall(new Uint8Array(32 << 20)));
      const late = reset.shutdown(SHUT_WR);
      await resetting.recv(1);
      await resetting.close();
      await failing;
      await late;
    });

    it(
      "a connect to the wildcard address leads to the address that the client is bound to",
      { skip: setting.skip || (setting.family !== AF_INET && "it is so for IPv4 only") },
      bounded(async (scope) => {
        const server = setting.socket(scope);
        await server.listen();
        const client = setting.socket(scope);
        await client.bind(["127.0.0.1", 0]);
        await client.connect(server.getsockname());
        assert.deepEqual(client.getpeername(), ["127.0.0.1", server.getsockname()[1]]);
        const other = setting.socket(scope);
        await other.bind(["127.0.0.2", 0]);
        await other.connect(server.getsockname());
        assert.deepEqual(other.getpeername(), ["127.0.0.2", server.getsockname()[1]]);
      }),
    );

    test("a signal that throws ends its own call only, and loses nothing", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const fails = (): never => {
        throw new Error("the signal's own error");
      };
      const signal = (add: () => void): AbortSignal =>
        ({
          aborted: false,
          addEventListener: add,
          removeEventListener: fails,
        }) as unknown as AbortSignal;
      await assert.rejects(client.recv(1, 0, { signal: signal(fails) }), /own error/);
      client.settimeout(0.02);
      // The timeouts of others go on.
      const waiting = [client.recv(1, 0, { signal: signal(() => {}) }), client.recv(1)];
      for (const call of waiting) await rejects(() => call, "ETIMEDOUT", "recv");
      client.settimeout(null);
      await conn.sendall("x");
      assert.equal(text(await client.recv(1)), "x");
    });

    test("datagrams that have arrived outlive shutdown(SHUT_RD)", async (scope) => {
      const open = () => scope.add(socket(setting.family, SOCK_DGRAM, 0, { adapter }));
      const [a, b] = [open(), open()];
      await a.bind([setting.host, 0]);
      await b.bind([setting.host, 0]);
      await a.connect(b.getsockname());
      await b.sendto("one", a.getsockname());
      await sleep(20);
      await a.shutdown(SHUT_RDWR);
      assert.equal(text(await a.recv(10)), "one");
      assert.equal((await a.recv(10)).length, 0);
      await rejects(() => a.recv(10, MSG_DONTWAIT), "EAGAIN", "recv");
    });

    test("port 0 is nobody's: EINVAL from UDP's send and connect", async (scope) => {
      const s = scope.add(socket(setting.family, SOCK_DGRAM, 0, { adapter }));
      await rejects(() => s.sendto("x", [setting.host, 0]), "EINVAL", "sendto");
      await rejects(() => s.connect([setting.host, 0]), "EINVAL", "connect");
    });
  });
}

for (
  const [name, makeAdapter] of [["system", undefined], ["memory", createMemoryAdapter]] as const
) {
  const skip = name === "system" && process.platform === "win32" && "Windows has other paths";
  const adapter = makeAdapter?.();
  const open = (scope: Scope) => scope.add(socket(AF_UNIX, SOCK_STREAM, 0, { adapter }));

  describe(`AF_UNIX, ${name}`, () => {
    it(
      "errors of the state are those of Linux",
      { skip },
      bounded(async (scope) => {
        const dir = mkdtempSync(join(tmpdir(), "bsdsock-regressions-"));
        scope.add({ close: () => rmSync(dir, { recursive: true }) });
        const s = open(scope);
        await rejects(() => s.send("x"), "ENOTCONN", "send");
        await rejects(() => s.listen(), "EINVAL", "listen");
        await s.bind(join(dir, "s"));
        await s.listen();
        await rejects(() => s.connect(join(dir, "other")), "EINVAL", "connect");
        await s.close();
        await rejects(() => s.sendto("x", join(dir, "other")), "EBADF", "sendto");
      }),
    );

    it(
      "an accepted socket has no option of the listener",
      { skip },
      bounded(async (scope) => {
        const dir = mkdtempSync(join(tmpdir(), "bsdsock-regressions-"));
        scope.add({ close: () => rmSync(dir, { recursive: true }) });
        const [server, client] = [open(scope), open(scope)];
        await server.bind(join(dir, "s"));
        server.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
        await server.listen();
        const [[conn]] = await Promise.all([server.accept(), client.connect(join(dir, "s"))]);
        scope.add(conn);
        assert.equal(conn.getsockopt(SOL_SOCKET, SO_KEEPALIVE), 0);
        assert.equal(conn.getsockopt(SOL_SOCKET, SO_LINGER), 0);
      }),
    );
  });
}

describe("what fails", () => {
  it(
    "a listen that fails leaves no descriptor",
    { skip: noDescriptors },
    bounded(async (scope) => {
      const before = socketDescriptors().length;
      const s = scope.add(socket());
      s.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
      await s.bind(["127.0.0.1", 0]);
      // Deno without libc cannot reset what it accepts.
      await s.listen().catch((error) => assert.equal(error.code, "ENOPROTOOPT"));
      await s.close();
      await sleep(50);
      assert.equal(socketDescriptors().length, before);
    }),
  );

  it(
    "a UDP bind that fails leaves no descriptor",
    { skip: noDescriptors },
    bounded(async (scope) => {
      const s = scope.add(socket(AF_INET, SOCK_DGRAM));
      const before = socketDescriptors().length;
      for (let i = 0; i < 5; i++) await rejects(() => s.bind(["192.0.2.1", 0]), "EADDRNOTAVAIL");
      await sleep(50);
      assert.equal(socketDescriptors().length, before);
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
