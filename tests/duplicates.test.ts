/** Duplicates: several sockets of one connection. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AF_INET,
  IPPROTO_TCP,
  MSG_PEEK,
  SHUT_RD,
  SHUT_WR,
  SO_ERROR,
  SO_LINGER,
  SO_RCVTIMEO,
  SOCK_DGRAM,
  SOCK_STREAM,
  socket,
  SOL_SOCKET,
  TCP_NODELAY,
} from "../mod.ts";
import { pattern, receive, text, timeval } from "./support/bytes.ts";
import { noDup, test } from "./support/descriptors.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { runtimeName } from "./support/runtime.ts";
import { rejects, type Scope, sleep, throws } from "./support/scope.ts";
import { native } from "./support/tcp.ts";

/** Which socket has waited in vain before, and which is closed before the rest is received; the peer means none. */
const orders = (["peer", "original", "duplicate"] as const).flatMap((one) =>
  (["peer", "original", "duplicate"] as const).map((closes) => [one, closes] as const)
);

describe("dup", () => {
  for (const setting of native) {
    test(
      `a connection lives until both of its sockets are closed, ${setting.name}`,
      async (scope) => {
        const [client, conn] = await setting.pair(scope);
        conn.settimeout(7);
        if (noDup) {
          throws(() => conn.dup(), "ENOTSUP", "dup");
          return;
        }
        const copy = scope.add(conn.dup());
        assert.notEqual(copy.fileno(), conn.fileno());
        assert.deepEqual([copy.family, copy.type, copy.gettimeout()], [
          setting.family,
          SOCK_STREAM,
          7,
        ]);
        assert.deepEqual(
          [copy.getsockname(), copy.getpeername()],
          [conn.getsockname(), conn.getpeername()],
        );
        await conn.close();
        await client.sendall("still open");
        assert.equal(text(await receive(copy, 10)), "still open");
        await copy.sendall("yes");
        await copy.close();
        assert.equal(text(await receive(client, 3)), "yes");
        assert.equal((await client.recv(1)).length, 0);
      },
      setting.skip,
    );
  }

  for (const setting of native) {
    /** A socket with a duplicate, their peer, and what receives from each of them. */
    const trio = async (scope: Scope) => {
      const [peer, original] = await setting.pair(scope);
      const duplicate = scope.add(original.dup());
      return { peer, original, duplicate };
    };

    for (const [one, closes] of orders) {
      const earlier = `the ${one} has waited, ${closes} is closed`;
      test(`what arrives is for either socket, ${earlier}, ${setting.name}`, async (scope) => {
        const sockets = await trio(scope);
        const { peer, original, duplicate } = sockets;
        if (one !== "peer") {
          sockets[one].settimeout(0.02);
          await rejects(() => sockets[one].recv(9), "ETIMEDOUT", "recv");
        }
        await peer.sendall("hello, you");
        await sleep(30);
        if (closes !== "peer") await sockets[closes].close();
        const last = closes === "original" ? duplicate : original;
        const first = closes === "peer" ? duplicate : last;
        assert.equal(text(await receive(first, 5)), "hello");
        assert.equal(text(await receive(last, 5)), ", you");
        // No close was a reset: nothing is unread.
        await last.sendall("bye");
        for (const s of [original, duplicate]) await s.close();
        assert.equal(text(await receive(peer, 3)), "bye");
        assert.equal((await peer.recv(1)).length, 0);
      }, setting.skip || noDup);
    }

    test(`a receive that waits in each socket, ${setting.name}`, async (scope) => {
      const { peer, original, duplicate } = await trio(scope);
      const buffers = [new Uint8Array(70_000), new Uint8Array(70_000)];
      const receiving = [original.recv_into(buffers[0]!), duplicate.recv_into(buffers[1]!)];
      await peer.sendall("A");
      await Promise.race(receiving);
      const [early, late] = buffers[0]![0] === 65 ? [0, 1] : [1, 0];
      assert.equal(await receiving[early], 1);
      await peer.sendall("B");
      assert.equal(await receiving[late], 1);
      assert.deepEqual([buffers[early]![0], buffers[late]![0]], [65, 66]);
      // The memory of a receive that is over belongs to the program.
      buffers.forEach((buffer) => buffer.fill(0));
      await peer.sendall("C");
      await sleep(20);
      assert.ok(buffers.every((buffer) => buffer.every((byte) => byte === 0)));
      assert.equal(text(await original.recv(9, MSG_PEEK)), "C");
      assert.equal(text(await duplicate.recv(9, MSG_PEEK)), "C");
      assert.equal(text(await duplicate.recv(9)), "C");
    }, setting.skip || noDup);

    test(`bulk to a socket and its duplicate, ${setting.name}`, async (scope) => {
      const [peer, original] = await setting.pair(scope);
      const size = 4_000_000;
      const sent = pattern(size);
      const sending = peer.sendall(sent).then(() => peer.close());
      const buffer = new Uint8Array(100_000);
      let count = 0;
      /** Checks that bytes are those that come next. */
      const check = (part: Uint8Array): void => {
        assert.deepEqual(part, sent.subarray(count, count + part.length));
        count += part.length;
      };
      // One waits in the memory of its caller while the other is made.
      const first = original.recv_into(buffer);
      const duplicate = scope.add(original.dup());
      check(buffer.subarray(0, await first));
      const receivers = [[original, 50_000], [duplicate, 1000]] as const;
      await Promise.all(receivers.map(async ([s, most]) => {
        for (let data; (data = await s.recv(most)).length > 0;) check(data);
      }));
      await sending;
      assert.equal(count, size);
    }, setting.skip || noDup);

    for (const open of [true, false]) {
      const which = open ? "that is open" : "that was closed";
      test(`a reset that a socket ${which} has met, ${setting.name}`, async (scope) => {
        const [peer, original] = await setting.pair(scope);
        await original.sendall("unread");
        await peer.sendall("data");
        await sleep(20);
        // From now on it reads ahead.
        assert.equal(text(await original.recv(1)), "d");
        const duplicate = scope.add(original.dup());
        await peer.close();
        await sleep(50);
        if (!open) await original.close();
        assert.equal(text(await duplicate.recv(9)), "ata");
        // The kernel reports it once for all.
        await rejects(() => duplicate.recv(9), "ECONNRESET", "recv");
        for (const s of open ? [original, duplicate] : [duplicate]) {
          assert.equal((await s.recv(9)).length, 0);
          assert.equal(s.getsockopt(SOL_SOCKET, SO_ERROR), 0);
        }
      }, setting.skip || noDup);
    }

    test(`what a reset after the end of the stream leaves, ${setting.name}`, async (scope) => {
      const { peer, original, duplicate } = await trio(scope);
      await peer.close();
      await duplicate.sendall("for nobody").catch((error) => assert.equal(error.code, "EPIPE"));
      await sleep(30);
      for (const s of [original, duplicate]) assert.equal((await s.recv(9)).length, 0);
      for (const s of [duplicate, original]) await rejects(() => s.send("x"), "EPIPE", "send");
    }, setting.skip || noDup);

    test(`a duplicate of a connection that was reset, ${setting.name}`, async (scope) => {
      const [original, conn] = await setting.pair(scope);
      conn.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
      await conn.close();
      await sleep(30);
      if (runtimeName === "bun") {
        // It has closed the descriptor.
        throws(() => original.dup(), "ENOTSUP", "dup");
        return;
      }
      const duplicate = scope.add(original.dup());
      await rejects(() => duplicate.recv(1), "ECONNRESET", "recv");
      for (const s of [original, duplicate]) assert.equal((await s.recv(1)).length, 0);
    }, setting.skip || noDup);

    test(`the options are those of both, ${setting.name}`, async (scope) => {
      const { peer, original, duplicate } = await trio(scope);
      const receiving = duplicate.recv(1);
      await peer.send("x");
      assert.equal(text(await receiving), "x");
      original.setsockopt(SOL_SOCKET, SO_RCVTIMEO, timeval(20));
      await rejects(() => duplicate.recv(1), "EAGAIN", "recv");
      duplicate.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
      assert.equal(original.getsockopt(SOL_SOCKET, SO_LINGER), 1);
      original.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
      const third = scope.add(original.dup());
      for (const s of [original, duplicate, third]) {
        assert.equal(s.getsockopt(IPPROTO_TCP, TCP_NODELAY), 1);
      }
      await third.close();
      // A reset is for the last one.
      await duplicate.close();
      await original.sendall("bye");
      assert.equal(text(await peer.recv(9)), "bye");
      await original.close();
      await rejects(() => peer.recv(9), "ECONNRESET", "recv");
    }, setting.skip || noDup);

    test(`shutdown(SHUT_WR) is for both, ${setting.name}`, async (scope) => {
      const { peer, original, duplicate } = await trio(scope);
      await duplicate.shutdown(SHUT_WR);
      const third = scope.add(original.dup());
      for (const s of [original, duplicate, third]) {
        await rejects(() => s.send("x"), "EPIPE", "send");
      }
      assert.equal((await peer.recv(1)).length, 0);
      await peer.sendall("heard");
      assert.equal(text(await receive(original, 5)), "heard");
    }, setting.skip || noDup);

    test(`shutdown(SHUT_RD) ends both, ${setting.name}`, async (scope) => {
      const { original, duplicate } = await trio(scope);
      const receiving = [original.recv(1), duplicate.recv(1)];
      await original.shutdown(SHUT_RD);
      for (const data of await Promise.all(receiving)) assert.equal(data.length, 0);
      assert.equal((await duplicate.recv(1)).length, 0);
    }, setting.skip || noDup);
  }

  test("a listener's duplicate accepts", async (scope) => {
    const server = await native[0].server(scope);
    if (noDup) {
      throws(() => server.dup(), "ENOTSUP", "dup");
      return;
    }
    const copy = scope.add(server.dup());
    assert.deepEqual(copy.getsockname(), server.getsockname());
    await server.close();
    const accepting = copy.accept();
    const client = native[0].socket(scope);
    await client.connect(copy.getsockname());
    scope.add((await accepting)[0]);
  }, false);

  test("a datagram socket has no duplicate, nor a closed one", async (scope) => {
    const s = scope.add(socket(AF_INET, SOCK_DGRAM));
    await s.bind(["127.0.0.1", 0]);
    throws(() => s.dup(), "ENOTSUP", "dup");
    await s.close();
    throws(() => s.dup(), "EBADF", "dup");
    throws(() => s.get_inheritable(), "EBADF", "get_inheritable");
    throws(() => s.set_inheritable(true), "EBADF", "set_inheritable");
  }, false);
});

describe("after all tests of this file", () => {
  it("no socket is left", { skip: noDescriptors }, checkNothingLeft);
});
