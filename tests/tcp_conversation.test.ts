/** What flows over a TCP connection when both ends are the library's, on the network and in memory. */

import assert from "node:assert/strict";
import fs from "node:fs";
import { describe, it } from "node:test";
import { MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, SHUT_RD, SHUT_RDWR, SHUT_WR } from "../mod.ts";
import { concat, pattern, Random, receive, receiveAll, sha256, text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { bounded, rejects, sleep, until } from "./support/scope.ts";
import { settings } from "./support/tcp.ts";

const KiB = 1024;
const MiB = 1024 * KiB;

for (const setting of settings) {
  const { skip } = setting;
  const test = (name: string, body: Parameters<typeof bounded>[0], limit?: number) =>
    it(name, { skip }, bounded(body, limit));

  describe(`a TCP conversation, ${setting.name}`, () => {
    test("carries bytes both ways between the addresses that both ends name", async (scope) => {
      const server = setting.socket(scope);
      await server.bind([setting.host, 0]);
      const address = server.getsockname();
      assert.deepEqual(address, setting.address(setting.host, address[1]));
      assert.ok(address[1] > 0, "port 0 became a real port at bind, before listen");
      await server.listen();
      assert.deepEqual(server.getsockname(), address, "listen keeps the address");

      const client = setting.socket(scope);
      const accepting = server.accept();
      await client.connect(address);
      const [conn, peer] = await accepting;
      scope.add(conn);
      assert.deepEqual(client.getpeername(), address);
      assert.deepEqual(conn.getsockname(), address);
      assert.deepEqual(peer, client.getsockname());
      assert.deepEqual(conn.getpeername(), peer);
      assert.equal(peer[0], setting.host);

      await client.sendall("question");
      assert.equal(text(await conn.recv(100)), "question");
      await conn.sendall("answer");
      assert.equal(text(await client.recv(100)), "answer");
      await conn.close();
      assert.equal((await client.recv(100)).length, 0);
      assert.equal((await client.recv(100)).length, 0, "the end of the stream stays");
    });

    test("resolves names in bind and connect", async (scope) => {
      if (setting.name === "IPv6") return await literalsOnly();
      const server = setting.socket(scope);
      await server.bind(["localhost", 0]);
      assert.equal(server.getsockname()[0], "127.0.0.1");
      await server.listen();
      const client = setting.socket(scope);
      await client.connect(["localhost", server.getsockname()[1]]);
      assert.deepEqual(client.getpeername(), server.getsockname());

      // "localhost" need not have an IPv6 address.
      async function literalsOnly(): Promise<void> {
        const s = setting.socket(scope);
        await s.bind(["0:0:0:0:0:0:0:1", 0]);
        assert.deepEqual(s.getsockname(), ["::1", s.getsockname()[1], 0, 0]);
      }
    });

    test("binds the wildcard address with an empty host", async (scope) => {
      const server = setting.socket(scope);
      await server.bind(["", 0]);
      assert.equal(server.getsockname()[0], setting.wildcard);
      await server.listen();
      const client = setting.socket(scope);
      const [[conn]] = await Promise.all([
        server.accept(),
        client.connect([setting.host, server.getsockname()[1]]),
      ]);
      scope.add(conn);
      assert.equal(conn.getsockname()[0], setting.host, "the connection has the real address");
    });

    test("keeps the address of bind in connect", async (scope) => {
      const server = await setting.server(scope);
      const client = await setting.bound(scope);
      const local = client.getsockname();
      await client.connect(server.getsockname());
      const [conn, peer] = await server.accept();
      scope.add(conn);
      assert.deepEqual(client.getsockname(), local);
      assert.deepEqual(peer, local);
    });

    test("listens on an address of the system's choice without bind", async (scope) => {
      const server = setting.socket(scope);
      await server.listen();
      const [host, port] = server.getsockname();
      assert.equal(host, setting.wildcard);
      assert.ok(port > 0);
      const client = setting.socket(scope);
      await client.connect([setting.host, port]);
      scope.add((await server.accept())[0]);
    });

    test("listens with a backlog of 0 and with a negative one", async (scope) => {
      for (const backlog of [0, -1]) {
        const server = await setting.server(scope, backlog);
        const client = setting.socket(scope);
        await client.connect(server.getsockname());
        scope.add((await server.accept())[0]);
      }
    });

    test("gives at most bufsize bytes and keeps the rest", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.sendall("abcdefghij");
      assert.equal(text(await conn.recv(3)), "abc");
      assert.equal(text(await conn.recv(1)), "d");
      assert.equal(text(await receive(conn, 6)), "efghij");
      assert.equal((await conn.recv(0)).length, 0, "no bytes asked, none given, no wait");
    });

    test("takes every kind of bytes", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const words = new Uint16Array([0x4241, 0x4443, 0x4645]);
      await client.sendall("ä€😀");
      await client.sendall(new Uint8Array([97, 98]));
      await client.sendall(words.subarray(1, 2));
      await client.sendall(new DataView(words.buffer, 4, 2));
      await client.sendall(new TextEncoder().encode("xyz").buffer);
      await client.sendall(new Uint8Array(0));
      await client.sendall("");
      assert.equal(await client.send(new Uint8Array(0)), 0);
      await client.shutdown(SHUT_WR);
      const bytes = await receiveAll(conn);
      const little = new Uint8Array(words.buffer);
      assert.deepEqual(
        Array.from(bytes),
        Array.from(
          concat([
            new TextEncoder().encode("ä€😀ab"),
            little.subarray(2, 6),
            new TextEncoder().encode("xyz"),
          ]),
        ),
      );
    });

    test("send tells how many bytes were taken", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const data = pattern(4 * MiB);
      const receiving = receiveAll(conn);
      let sent = 0;
      while (sent < data.length) {
        const count = await client.send(data.subarray(sent));
        assert.ok(count >= 1 && count <= data.length - sent, `send gave ${count}`);
        sent += count;
      }
      await client.shutdown(SHUT_WR);
      assert.equal(sha256(await receiving), sha256(data));
    });

    test("sendmsg takes buffers of every size in parts, in order", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const sizes = [10, 300_000, 0, 5, 256 * KiB, ...Array<number>(50).fill(70_001), 2 * MiB, 0];
      let start = 0;
      let buffers = sizes.map((size) => pattern(size, (start += size) - size));
      const received = receiveAll(conn);
      while (buffers.length > 0) {
        let left = await client.sendmsg(buffers);
        assert.ok(left > 0 || buffers.every(({ length }) => length === 0), "nothing was taken");
        buffers = buffers.map((buffer) => {
          const taken = Math.min(left, buffer.length);
          left -= taken;
          return buffer.subarray(taken);
        }).filter(({ length }) => length > 0);
      }
      await client.close();
      assert.equal(sha256(await received), sha256(pattern(start)));
    });

    test("sendmsg takes no less at once than send", async (scope) => {
      const [first] = await setting.pair(scope);
      const [second] = await setting.pair(scope);
      const parts = Array.from({ length: 100 }, () => new Uint8Array(100 * KiB));
      const bySend = await first.send(concat(parts));
      const bySendmsg = await second.sendmsg(parts);
      // A system may grow its buffers in another moment.
      assert.ok(bySendmsg >= bySend / 2, `${bySendmsg} bytes, and by send ${bySend}`);
    });

    test("sends where the program has a stub of fs.writeSync", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const { writeSync } = fs;
      fs.writeSync = () => NaN;
      try {
        assert.equal(await client.send("hello"), 5);
        await client.sendall(" there");
      } finally {
        fs.writeSync = writeSync;
      }
      assert.equal(text(await receive(conn, 11)), "hello there");
    });

    test("receives into buffers of every kind", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.sendall("abcdefghijklmnopqrst");
      await until(async () => (await conn.recv(99, MSG_PEEK)).length === 20, "all arrives");

      const bytes = new Uint8Array(8).fill(33);
      assert.equal(await conn.recv_into(bytes.subarray(2, 5)), 3);
      assert.equal(text(bytes), "!!abc!!!", "only the view's part is written");
      assert.equal(await conn.recv_into(bytes, 2), 2);
      assert.equal(text(bytes), "deabc!!!", "only nbytes are written");

      const words = new Uint16Array(2);
      assert.equal(await conn.recv_into(words), 4);
      assert.equal(text(new Uint8Array(words.buffer)), "fghi");
      const buffer = new ArrayBuffer(3);
      assert.equal(await conn.recv_into(buffer), 3);
      assert.equal(text(new Uint8Array(buffer)), "jkl");
      assert.equal(await conn.recv_into(new DataView(buffer, 1, 1)), 1);
      assert.equal(text(new Uint8Array(buffer)), "jml");

      assert.equal(await conn.recv_into(new Uint8Array(0)), 0, "an empty buffer gives 0 at once");
      assert.deepEqual(await conn.recvfrom_into(bytes, 3), [3, null]);
      assert.equal(text(bytes), "nopbc!!!");
      const [data, address] = await conn.recvfrom(2);
      assert.equal(text(data), "qr");
      assert.equal(address, null, "the sender of a stream is its peer");
      const rest = new Uint8Array(9);
      assert.equal(await conn.recv_into(rest), 2, "fewer bytes than asked are given at once");
      await client.close();
      assert.equal(await conn.recv_into(rest), 0, "0 is the end");
      assert.deepEqual(await conn.recvfrom_into(rest), [0, null]);
      assert.deepEqual((await conn.recvfrom(9))[0].length, 0);
    });

    test("fills several buffers in order, with each flag", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const [a, b, c] = [new Uint8Array(3), new Uint16Array(2), new Uint8Array(MiB)];
      const joined = (): string => text(concat([a, new Uint8Array(b.buffer), c.subarray(0, 4)]));
      const buffers = [a, new Uint8Array(0), b, c];
      const waiting = conn.recvmsg_into(buffers);
      await client.sendall("0123456789");
      assert.deepEqual(await waiting, [10, [], 0, null]);
      assert.equal(joined(), "0123456789\0");
      await client.sendall("abcdefgh");
      await until(async () => (await conn.recv(9, MSG_PEEK)).length === 8, "the bytes");
      assert.equal((await conn.recvmsg_into([a, b], 0, MSG_PEEK))[0], 7);
      assert.equal(joined(), "abcdefg789\0");
      assert.equal((await conn.recvmsg_into([a]))[0], 3);
      const all = conn.recvmsg_into([a, b, c], 0, MSG_WAITALL);
      await client.sendall(pattern(MiB + 2, 1));
      assert.equal((await all)[0], MiB + 7);
      assert.equal(text(a) + text(new Uint8Array(b.buffer).subarray(0, 2)), "defgh");
      assert.equal(sha256(c), sha256(pattern(MiB + 2, 1).subarray(2)));
      await rejects(() => conn.recvmsg_into([], 0, MSG_DONTWAIT), "EAGAIN", "recvmsg");
      await client.shutdown(SHUT_WR);
      assert.deepEqual(await conn.recvmsg_into([a, b]), [0, [], 0, null]);
      assert.deepEqual(await conn.recvmsg_into([a]), [0, [], 0, null]);
    });

    test("a receive that waits fills the caller's own buffer", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const buffer = new Uint8Array(6).fill(45);
      const waiting = conn.recv_into(buffer.subarray(1, 4));
      await sleep(10);
      await client.sendall("abcdef");
      assert.equal(await waiting, 3);
      assert.equal(text(buffer), "-abc--");
      const from = conn.recvfrom_into(buffer, 6);
      assert.deepEqual(await from, [3, null]);
      assert.equal(text(buffer), "defc--");
    });

    test("gives plain arrays that own their whole buffer", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const check = (bytes: Uint8Array, what: string) => {
        assert.equal(Object.getPrototypeOf(bytes), Uint8Array.prototype, `${what}: a Uint8Array`);
        assert.equal(bytes.byteOffset, 0, what);
        assert.equal(bytes.buffer.byteLength, bytes.byteLength, what);
        const moved = structuredClone(bytes, { transfer: [bytes.buffer as ArrayBuffer] });
        assert.equal(bytes.byteLength, 0, `${what}: transferred`);
        return text(moved);
      };
      const waiting = conn.recv(100);
      await client.sendall("waited for");
      assert.equal(check(await waiting, "waited for"), "waited for");
      await client.sendall("queued: one two three");
      await until(async () => (await conn.recv(99, MSG_PEEK)).length === 21, "all arrives");
      assert.equal(check(await conn.recv(5, MSG_PEEK), "peeked"), "queue");
      assert.equal(check(await conn.recv(8), "a part"), "queued: ");
      assert.equal(check((await conn.recvfrom(4))[0], "recvfrom"), "one ");
      assert.equal(check(await conn.recv(100), "the rest"), "two three");
      await client.close();
      assert.equal(check(await conn.recv(100), "the end"), "");
      assert.equal(check(await conn.recv(0), "nothing"), "");
      assert.equal(check(await conn.recv(100), "the end again"), "");
    });

    test("the bytes of connections stay apart, whatever their size and how they are received", async (scope) => {
      const sizes = [300_000, 7, 65_536, 131_072, 1, 500_000, 20_000, 65_536];
      const results: Array<{ what: string; sent: Uint8Array; parts: Uint8Array[] }> = [];
      const talk = async (seed: number) => {
        const [client, conn] = await setting.pair(scope);
        const buffer = new Uint8Array(70_000);
        for (const [round, size] of [...sizes, ...sizes, ...sizes].entries()) {
          const sent = pattern(size, seed * 100 + round);
          const sending = client.sendall(sent);
          const parts: Uint8Array[] = [];
          for (let left = size; left > 0; left -= parts.at(-1)!.length) {
            parts.push(
              (round + seed) % 3 === 0
                ? buffer.slice(0, await conn.recv_into(buffer))
                : await conn.recv(70_000),
            );
            assert.notEqual(parts.at(-1)!.length, 0, "not the end");
          }
          await sending;
          results.push({ what: `round ${round} of ${seed}`, sent, parts });
        }
      };
      await Promise.all([0, 1, 2, 3, 4].map(talk));
      // Only now: memory that was handed out and is written to again would show.
      for (const { what, sent, parts } of results) {
        assert.equal(sha256(concat(parts)), sha256(sent), what);
      }
    });

    test("changing a returned array changes no later result", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.sendall("abcabc");
      await until(async () => (await conn.recv(99, MSG_PEEK)).length === 6, "all arrives");
      (await conn.recv(6, MSG_PEEK)).fill(0);
      (await conn.recv(2)).fill(0);
      assert.equal(text(await conn.recv(99)), "cabc");
    });

    test("changing the bytes after a send changes nothing that is sent", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const data = pattern(3 * MiB);
      const expected = sha256(data, pattern(1000));
      const sending = client.sendall(data);
      // Waits for the first; its bytes may be changed once it is done, not before.
      const small = pattern(1000);
      const after = client.sendall(small);
      const receiving = receive(conn, data.length + small.length);
      await sending;
      data.fill(0);
      await after;
      small.fill(0);
      assert.equal(sha256(await receiving), expected);
    });

    test("changing the bytes of sends that wait for the connection changes nothing", async (scope) => {
      const server = await setting.server(scope);
      const client = setting.socket(scope);
      const connecting = client.connect(server.getsockname());
      const buffer = new Uint8Array(1);
      const sends: Promise<unknown>[] = [];
      for (const letter of "abc") {
        buffer[0] = letter.charCodeAt(0);
        sends.push(client.sendall(buffer));
      }
      buffer.fill(0);
      await connecting;
      const [conn] = await server.accept();
      scope.add(conn);
      assert.equal(text(await receive(conn, 3)), "abc");
      await Promise.all(sends);
    });

    test("changing the bytes after close ended their send changes nothing", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const data = pattern(32 * MiB);
      const waiting = rejects(() => client.sendall(data), "EBADF", "send");
      await sleep(30);
      const closing = client.close();
      await waiting;
      data.fill(0);
      const all = await receiveAll(conn).catch((error) => assert.fail(String(error)));
      await closing;
      assert.ok(all.length > 0 && all.length < data.length);
      assert.equal(sha256(all), sha256(pattern(all.length)));
    });

    test("MSG_PEEK leaves the bytes where they are", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const waiting = conn.recv(4, MSG_PEEK);
      await client.sendall("abcdef");
      assert.equal(text(await waiting), "abcd");
      assert.equal(text(await conn.recv(3, MSG_PEEK)), "abc");
      const buffer = new Uint8Array(2);
      assert.equal(await conn.recv_into(buffer, 0, MSG_PEEK), 2);
      assert.equal(text(buffer), "ab");
      assert.equal(text((await conn.recvfrom(3, MSG_PEEK))[0]), "abc");
      assert.equal(text(await receive(conn, 6)), "abcdef");
      await client.close();
      assert.equal((await conn.recv(3, MSG_PEEK)).length, 0);
      assert.equal((await conn.recv(3)).length, 0);
    });

    test("MSG_PEEK sees bytes that come after those it saw", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.sendall("abc");
      assert.equal((await conn.recv(3, MSG_PEEK | MSG_WAITALL)).length, 3);
      await client.sendall("def");
      await until(async () => (await conn.recv(6, MSG_PEEK)).length === 6, "the rest is seen");
      assert.equal(text(await conn.recv(6, MSG_PEEK)), "abcdef");
    });

    test("MSG_WAITALL waits for all of it, or for the end", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const size = 300 * KiB;
      const waiting = conn.recv(size, MSG_WAITALL);
      const data = pattern(size + 5);
      for (let i = 0; i < data.length; i += 50_000) {
        await client.sendall(data.subarray(i, i + 50_000));
        await sleep(1);
      }
      const all = await waiting;
      assert.equal(all.length, size);
      assert.equal(sha256(all), sha256(data.subarray(0, size)));
      const buffer = new Uint8Array(100);
      const last = conn.recv_into(buffer, 0, MSG_WAITALL);
      await client.sendall("rest");
      await client.shutdown(SHUT_WR);
      assert.equal(await last, 9, "the end of the stream ends the wait");
      assert.equal(text(buffer.subarray(5, 9)), "rest");
      assert.equal((await conn.recv(10, MSG_WAITALL)).length, 0);
    });

    for (const flags of [MSG_WAITALL, MSG_PEEK | MSG_WAITALL]) {
      test(`what a call with flags ${flags} leaves is for the next that waits`, async (scope) => {
        const [client, conn] = await setting.pair(scope);
        const abort = new AbortController();
        const first = conn.recv(10, flags, { signal: abort.signal });
        const second = conn.recv(10);
        await client.sendall("12345");
        await sleep(20);
        abort.abort(new Error("given up"));
        await assert.rejects(first, /given up/);
        assert.equal(text(await second), "12345");
        conn.settimeout(0.05);
        const third = conn.recv(10, flags);
        conn.settimeout(null);
        const fourth = conn.recv(3, MSG_WAITALL);
        await client.sendall("678");
        await rejects(() => third, "ETIMEDOUT", "recv");
        assert.equal(text(await fourth), "678");
      });
    }

    test("MSG_DONTWAIT gives what has arrived and never waits", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await rejects(() => conn.recv(10, MSG_DONTWAIT), "EAGAIN", "recv");
      await rejects(() => conn.recv_into(new Uint8Array(9), 0, MSG_DONTWAIT), "EAGAIN", "recv");
      await rejects(() => conn.recvfrom(10, MSG_DONTWAIT), "EAGAIN", "recvfrom");
      await client.sendall("arrived");
      await sleep(30);
      assert.equal(text(await conn.recv(10, MSG_DONTWAIT)), "arrived");
      await rejects(() => conn.recv(10, MSG_DONTWAIT), "EAGAIN", "recv");
      assert.equal(conn.gettimeout(), null, "the flag is for one call");
      await client.shutdown(SHUT_WR);
      await sleep(30);
      assert.equal((await conn.recv(10, MSG_DONTWAIT)).length, 0, "the end is not EAGAIN");
      assert.equal(await conn.send("back", MSG_DONTWAIT), 4);
      assert.equal(text(await client.recv(10)), "back");
    });

    test("MSG_DONTWAIT finds what is there, each time", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      for (let i = 0; i < 30; i++) {
        await client.sendall(`message ${i}`);
        await sleep(10);
        assert.equal(text(await conn.recv(100, MSG_DONTWAIT)), `message ${i}`);
      }
    });

    test("serves concurrent receives in the order of their calls", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const order: number[] = [];
      const buffer = new Uint8Array(2);
      const note = (n: number) => <T>(value: T) => (order.push(n), value);
      const receiving = Promise.all([
        conn.recv(3).then(note(1)),
        conn.recv_into(buffer).then(note(2)),
        conn.recv(4, MSG_WAITALL).then(note(3)),
        conn.recv(3, MSG_PEEK).then(note(4)),
        conn.recvfrom(99).then(note(5)),
      ]);
      await client.sendall("aaabbcccc");
      await sleep(20);
      await client.sendall("ddd");
      const [one, two, three, four, [five]] = await receiving;
      assert.equal(text(one), "aaa");
      assert.equal(two, 2);
      assert.equal(text(buffer), "bb");
      assert.equal(text(three), "cccc");
      assert.equal(text(four), "ddd");
      assert.equal(text(five), "ddd");
      assert.deepEqual(order, [1, 2, 3, 4, 5]);
    });

    test("serves concurrent accepts in the order of their calls", async (scope) => {
      const server = await setting.server(scope);
      const order: number[] = [];
      const accepting = [0, 1, 2].map(async (i) => {
        const [conn] = await server.accept();
        order.push(i);
        return scope.add(conn);
      });
      for (let i = 0; i < 3; i++) {
        const client = setting.socket(scope);
        await client.connect(server.getsockname());
        await client.sendall(String(i));
        const conn = await accepting[i]!;
        assert.equal(text(await conn.recv(9)), String(i));
      }
      assert.deepEqual(order, [0, 1, 2]);
    });

    test("does not interleave concurrent sendall calls", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const size = 2 * MiB;
      const sending = Promise.all(
        [1, 2, 3].map((byte) => client.sendall(new Uint8Array(size).fill(byte))),
      );
      await sleep(50);
      const all = await receive(conn, 3 * size);
      await sending;
      for (let i = 0; i < 3; i++) {
        const part = all.subarray(i * size, (i + 1) * size);
        assert.ok(part.every((byte) => byte === i + 1), `block ${i} is whole and in its place`);
      }
    });

    test("does not interleave concurrent small and large sends", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const sizes = [1, 200_000, 7, 65_536, 0, 3_000_000, 12, 1];
      const sending = Promise.all(
        sizes.map((size, i) => client.sendall(new Uint8Array(size).fill(i + 1))),
      ).then(() => client.shutdown(SHUT_WR));
      const all = await receiveAll(conn);
      await sending;
      let offset = 0;
      sizes.forEach((size, i) => {
        const part = all.subarray(offset, offset + size);
        assert.ok(part.length === size && part.every((byte) => byte === i + 1), `send ${i}`);
        offset += size;
      });
      assert.equal(all.length, offset);
    });

    test("half-closes one way while data flows back for long", async (scope) => {
      for (const turned of [false, true]) {
        const pair = await setting.pair(scope);
        const [near, far] = turned ? pair.reverse() as typeof pair : pair;
        await near.sendall("last words");
        await near.shutdown(SHUT_WR);
        assert.equal(text(await receiveAll(far)), "last words");
        await rejects(() => near.send("more"), "EPIPE", "send");
        let expected = 0;
        for (let i = 0; i < 20; i++) {
          await far.sendall(pattern(10_000, expected));
          await sleep(5);
          const bytes = await receive(near, 10_000);
          assert.equal(sha256(bytes), sha256(pattern(10_000, expected)));
          expected += 10_000;
        }
        const rest = receiveAll(near);
        await far.sendall(pattern(2 * MiB));
        await far.shutdown(SHUT_WR);
        assert.equal(sha256(await rest), sha256(pattern(2 * MiB)));
      }
    });

    test("SHUT_WR sends the end after everything that was queued", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const data = pattern(3 * MiB);
      const sending = client.sendall(data);
      const shutting = client.shutdown(SHUT_WR);
      await rejects(() => client.sendall("after"), "EPIPE");
      await sleep(20);
      assert.equal(sha256(await receiveAll(conn)), sha256(data));
      await sending;
      await shutting;
    });

    test("SHUT_RD ends receiving and leaves sending open", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const waiting = client.recv(10);
      await client.shutdown(SHUT_RD);
      assert.equal((await waiting).length, 0, "a waiting receive ends");
      assert.equal((await client.recv(10)).length, 0);
      await client.sendall("still");
      assert.equal(text(await conn.recv(10)), "still");
    });

    test("SHUT_RD gives what had arrived first", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await conn.sendall("arrived before");
      assert.equal((await client.recv(14, MSG_PEEK | MSG_WAITALL)).length, 14);
      await client.shutdown(SHUT_RD);
      assert.equal(text(await client.recv(99)), "arrived before");
      assert.equal((await client.recv(99)).length, 0);
    });

    test("SHUT_RDWR ends both ways", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.shutdown(SHUT_RDWR);
      assert.equal((await conn.recv(10)).length, 0);
      assert.equal((await client.recv(10)).length, 0);
      await rejects(() => client.send("x"), "EPIPE");
    });

    test("delivers what was sent before close", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const data = pattern(MiB);
      const received = receiveAll(conn);
      await client.sendall(data);
      await client.close();
      assert.equal(sha256(await received), sha256(data));
    });

    test("close delivers what the system had taken while nobody read", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.sendall(pattern(30_000));
      await client.close();
      await sleep(30);
      assert.equal(sha256(await receiveAll(conn)), sha256(pattern(30_000)));
    });

    test("carries random sizes both ways at once", async (scope) => {
      const pair = await setting.pair(scope);
      const size = 8 * MiB;
      await Promise.all(pair.map(async (s, side) => {
        const data = new Random(side).bytes(size);
        const expected = sha256(new Random(1 - side).bytes(size));
        const random = new Random(side + 10);
        const sending = (async () => {
          for (let i = 0; i < size;) {
            const chunk = data.subarray(i, i + random.integer(1, 100_000));
            i += chunk.length;
            await s.sendall(chunk);
          }
          await s.shutdown(SHUT_WR);
        })();
        const chunks: Uint8Array[] = [];
        for (;;) {
          const chunk = await s.recv(random.integer(1, 100_000));
          if (chunk.length === 0) break;
          chunks.push(chunk);
        }
        await sending;
        assert.equal(sha256(...chunks), expected);
      }));
    });

    test("keeps connections that nobody accepted yet", async (scope) => {
      const server = await setting.server(scope);
      for (let i = 0; i < 10; i++) {
        const client = setting.socket(scope);
        await client.connect(server.getsockname());
        await client.sendall(`client ${i}`);
      }
      await sleep(50);
      for (let i = 0; i < 10; i++) {
        const [conn] = await server.accept();
        scope.add(conn);
        assert.equal(text(await conn.recv(20)), `client ${i}`);
      }
    });

    test("accepted connections outlive the listener", async (scope) => {
      const server = await setting.server(scope);
      const client = setting.socket(scope);
      await client.connect(server.getsockname());
      const [conn] = await server.accept();
      scope.add(conn);
      await server.close();
      await client.sendall("still here");
      assert.equal(text(await conn.recv(20)), "still here");
      const late = setting.socket(scope);
      await rejects(() => late.connect(conn.getsockname()), "ECONNREFUSED", "connect");
    });

    test("a port can be bound again as soon as it is closed", async (scope) => {
      const first = await setting.server(scope);
      const address = first.getsockname();
      await first.close();
      for (let i = 0; i < 5; i++) {
        const server = setting.socket(scope);
        await server.bind(address);
        await server.listen();
        await server.close();
      }
    });

    test("a loop of receives that succeed at once lets a 1 ms timer fire", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.sendall(pattern(20_000));
      await until(async () => (await conn.recv(20_000, MSG_PEEK)).length >= 20_000, "arrives");
      let fired = false;
      const timer = setTimeout(() => fired = true, 1);
      const start = performance.now();
      let calls = 0;
      while (!fired && performance.now() - start < 3_000) {
        await conn.recv(1, MSG_PEEK);
        calls++;
      }
      clearTimeout(timer);
      assert.ok(fired, `no timer in 3 s of ${calls} calls`);
    });

    test("a loop of sends that succeed at once lets a 1 ms timer fire", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      let done = false;
      const draining = (async () => {
        while ((await conn.recv(1 << 20)).length > 0) { /* Only makes room. */ }
      })();
      const timer = setTimeout(() => done = true, 1);
      const start = performance.now();
      while (!done && performance.now() - start < 3_000) await client.send("x");
      clearTimeout(timer);
      assert.ok(done, "no timer in 3 s of sends");
      await client.close();
      await draining;
    });
  });
}

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
