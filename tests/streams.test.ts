/** The Web Streams of sockets. */

import assert from "node:assert/strict";
import { Duplex, Readable } from "node:stream";
import type { ReadableStream as WebReadable, WritableStream as WebWritable } from "node:stream/web";
import { describe, it } from "node:test";
import {
  type Address,
  AF_INET,
  createMemoryAdapter,
  type MemoryAdapter,
  MSG_DONTWAIT,
  MSG_WAITALL,
  SHUT_WR,
  SOCK_DGRAM,
  type Socket,
  socket,
  type SocketError,
  TimeoutError,
} from "../mod.ts";
import { concat, pattern, receive, receiveAll, sha256, text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { noPeer, pythonPeer } from "./support/peers.ts";
import { runtimeName } from "./support/runtime.ts";
import {
  assertCode,
  bounded,
  rejection,
  rejects,
  type Scope,
  sleep,
  within,
} from "./support/scope.ts";
import { native, Setting } from "./support/tcp.ts";

const MiB = 1024 * 1024;
const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A reader asks for bytes, and lets go before any have come. */
async function letGo(s: Socket<Address>, mode: "byob" | undefined): Promise<void> {
  const reader = mode === "byob" ? s.readable.getReader({ mode }) : s.readable.getReader();
  const reading = reader.read(new Uint8Array(10));
  await sleep(20);
  reader.releaseLock();
  await rejection(() => reading);
}

/** Sends until the other side takes no more, and gives the count. */
async function fill(s: Socket<Address>): Promise<number> {
  const chunk = new Uint8Array(MiB);
  const timeout = s.gettimeout();
  s.settimeout(0.5);
  try {
    // Linux calls a socket writable once a third of its buffer is free: less is only found by trying again.
    for (let sent = 0, before = -1;;) {
      try {
        sent += await s.send(chunk);
      } catch (error) {
        assert.ok(error instanceof TimeoutError, String(error));
        if (sent === before) return sent;
        before = sent;
      }
      assert.ok(sent < 100 * MiB, "nothing stops the sender");
    }
  } finally {
    s.settimeout(timeout);
  }
}

for (const setting of [native[0], new Setting("memory", AF_INET, createMemoryAdapter)]) {
  const test = (
    name: string,
    body: (scope: Scope) => Promise<void>,
    skip: string | false = setting.skip,
  ): void => {
    it(name, { skip }, bounded(body));
  };

  describe(`streams, ${setting.name}`, () => {
    test("a default reader gets what is sent, then the end", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      assert.equal(conn.readable, conn.readable);
      const reader = conn.readable.getReader();
      const reading = reader.read();
      await client.sendall("hello");
      const { done, value } = await reading;
      assert.equal(done, false);
      assert.equal(text(value!), "hello");
      assert.equal(Object.getPrototypeOf(value), Uint8Array.prototype);
      await client.shutdown(SHUT_WR);
      assert.deepEqual(await reader.read(), { done: true, value: undefined });
      await reader.closed;
      await conn.sendall("the other way is open");
      assert.equal(text(await receive(client, 21)), "the other way is open");
    });

    test("a BYOB reader fills the caller's buffer, then the end", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const reader = conn.readable.getReader({ mode: "byob" });
      await client.sendall("hello world");
      await sleep(20);
      const first = await reader.read(new Uint8Array(5));
      assert.equal(first.done, false);
      assert.equal(text(first.value!), "hello");
      const room = new Uint8Array(new ArrayBuffer(100), 10, 50);
      const second = await reader.read(room);
      assert.equal(text(second.value!), " world");
      assert.equal(second.value!.byteOffset, 10);
      assert.equal(second.value!.buffer.byteLength, 100);
      const view = reader.read(new DataView(new ArrayBuffer(4)));
      await client.sendall("ab");
      assert.equal((await view).value!.byteLength, 2);
      await client.shutdown(SHUT_WR);
      const end = await reader.read(new Uint8Array(8));
      assert.equal(end.done, true);
      assert.equal(end.value?.byteLength, 0);
    });

    test("20 MiB through both kinds of readers", async (scope) => {
      const data = pattern(20 * MiB);
      for (const mode of [undefined, "byob"] as const) {
        const [client, conn] = await setting.pair(scope);
        const writing = (async () => {
          const writer = client.writable.getWriter();
          for (let i = 0; i < data.length; i += 100_003) {
            await writer.write(data.slice(i, i + 100_003));
          }
          await writer.close();
        })();
        const chunks: Uint8Array[] = [];
        if (mode === undefined) {
          const reader = conn.readable.getReader();
          for (;;) {
            const { done, value } = await reader.read();
            if (done) break;
            chunks.push(value);
          }
        } else {
          const reader = conn.readable.getReader({ mode });
          for (;;) {
            const { done, value } = await reader.read(new Uint8Array(30_011));
            if (done) break;
            chunks.push(value);
          }
        }
        await writing;
        assert.equal(sha256(...chunks), sha256(data));
      }
    });

    test("a stream is read with for await", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.sendall("some bytes");
      await client.shutdown(SHUT_WR);
      const chunks: Uint8Array[] = [];
      for await (const chunk of conn.readable) chunks.push(chunk);
      assert.equal(text(concat(chunks)), "some bytes");
    });

    test("writes are sent in order and close ends them", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      assert.equal(client.writable, client.writable);
      const writer = client.writable.getWriter();
      const writes = [
        writer.write(utf8("a")),
        writer.write("b"),
        writer.write(utf8("xcx").subarray(1, 2)),
        writer.write(utf8("d").buffer as ArrayBuffer),
      ];
      const closing = writer.close();
      await Promise.all([...writes, closing]);
      assert.equal(text(await receiveAll(conn)), "abcd");
      await conn.sendall("answer");
      assert.equal(text(await receive(client, 6)), "answer");
      await rejects(() => client.sendall("x"), "EPIPE", "send");
    });

    test("what is no bytes fails the write", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const writer = client.writable.getWriter();
      const error = await rejection(() => writer.write(5 as never));
      assert.ok(error instanceof TypeError, String(error));
      assert.match(error.message, /chunk/);
      await writer.closed.catch(() => {});
      // The stream is broken, the socket is not.
      await client.sendall("still here");
      assert.equal(text(await receive(conn, 10)), "still here");
    });

    test("a stream that nobody reads stops the peer", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const reader = conn.readable.getReader();
      await client.sendall("x");
      assert.equal((await reader.read()).value!.length, 1);
      const sent = await fill(client);
      assert.ok(sent > 0);
      let count = 0;
      while (count < sent) count += (await reader.read()).value!.length;
      assert.equal(count, sent);
    });

    test("a peer that does not read stops the writer", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const writer = client.writable.getWriter();
      const sent = await fill(client);
      const chunk = new Uint8Array(64 * 1024);
      let settled = false;
      const writing = writer.write(chunk).then(() => settled = true);
      assert.equal(writer.desiredSize, 0);
      await sleep(100);
      assert.equal(settled, false);
      await receive(conn, sent + chunk.length);
      await writing;
      await writer.ready;
      assert.equal(writer.desiredSize, 1);
    });

    test("cancel ends receiving and leaves sending open", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const reader = conn.readable.getReader();
      await reader.cancel("enough");
      reader.releaseLock();
      assert.equal((await conn.recv(1)).length, 0);
      await conn.sendall("sending works");
      assert.equal(text(await receive(client, 13)), "sending works");
      await conn.writable.close();
      assert.equal((await client.recv(1)).length, 0);
    });

    test("cancel ends a read that waits", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const reader = conn.readable.getReader();
      const reading = reader.read();
      await sleep(10);
      await within(reader.cancel(), 2_000, "cancel");
      assert.deepEqual(await reading, { done: true, value: undefined });
      await conn.sendall("sending works");
      assert.equal(text(await receive(client, 13)), "sending works");
    });

    test("abort ends sending and leaves receiving open", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const writer = client.writable.getWriter();
      await writer.write("before");
      await writer.abort(new Error("enough"));
      assert.equal(text(await receiveAll(conn)), "before");
      await conn.sendall("receiving works");
      assert.equal(text(await receive(client, 15)), "receiving works");
      await rejects(() => client.sendall("x"), "EPIPE", "send");
    });

    test("abort ends a write that waits for a peer that does not read", async (scope) => {
      for (const how of ["abort", "signal"]) {
        const [client, conn] = await setting.pair(scope);
        const data = pattern(64 * MiB);
        const stop = new AbortController();
        if (how === "signal") client.settimeout(0.5);
        let ended: Promise<unknown>;
        if (how === "abort") {
          const writer = client.writable.getWriter();
          const writing = writer.write(data);
          await sleep(50);
          await within(writer.abort("enough"), 2_000, "abort");
          ended = writing;
        } else {
          // One chunk, as large as a file that is piped in whole.
          const source = new ReadableStream<Uint8Array>({
            pull(controller) {
              controller.enqueue(data);
            },
          }, { highWaterMark: 0 });
          ended = source.pipeTo(client.writable, { signal: stop.signal });
          await sleep(50);
          // The standard lets the write under way end first: the timeout ends it.
          stop.abort("enough");
        }
        const error = await rejection(() => within(ended, 2_000, how));
        // Node tells the error of the write.
        if (how === "abort" || !(error instanceof TimeoutError)) assert.equal(error, "enough");
        client.settimeout(null);
        const shutting = client.shutdown(SHUT_WR);
        await rejects(() => client.sendall("x"), "EPIPE", "send");
        const got = await receiveAll(conn);
        await shutting;
        assert.ok(got.length < data.length);
        assert.equal(sha256(got), sha256(data.subarray(0, got.length)));
        await conn.sendall("receiving works");
        assert.equal(text(await receive(client, 15)), "receiving works");
      }
    });

    test("close of one stream leaves the other", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.writable.close();
      const reader = conn.readable.getReader();
      assert.equal((await reader.read()).done, true);
      const writer = conn.writable.getWriter();
      await writer.write("late answer");
      await writer.close();
      assert.equal(await new Response(client.readable as ReadableStream).text(), "late answer");
    });

    test("errors are the library's", async (scope) => {
      const unconnected = setting.socket(scope);
      await rejects(() => unconnected.readable.getReader().read(), "ENOTCONN", "recv");
      const unsent = unconnected.writable.getWriter();
      unsent.closed.catch(() => {});
      await rejects(() => unsent.write("x"), "EPIPE", "send");
      const [client, conn] = await setting.pair(scope);
      conn.settimeout(0.05);
      const reader = conn.readable.getReader();
      const error = await rejection(() => reader.read());
      assert.ok(error instanceof TimeoutError, String(error));
      assert.equal(await rejection(() => reader.closed), error);
      reader.releaseLock();
      conn.settimeout(null);
      await client.sendall("nothing is lost");
      assert.equal(text(await receive(conn, 15)), "nothing is lost");
      const writer = client.writable.getWriter();
      writer.closed.catch(() => {});
      await client.shutdown(SHUT_WR);
      await rejects(() => writer.write("x"), "EPIPE", "send");
      const [other] = await setting.pair(scope);
      const waiting = other.readable.getReader().read();
      waiting.catch(() => {});
      await sleep(10);
      await other.close();
      assertCode(await rejection(() => waiting), "EBADF", "recv");
    });

    test("the socket's close ends streams on which nothing waits", async (scope) => {
      const [client] = await setting.pair(scope);
      const reader = client.readable.getReader();
      const writer = client.writable.getWriter();
      await writer.write("x");
      await client.close();
      const ends = (promise: Promise<unknown>) =>
        within(rejection(() => promise), 2_000, "its end");
      assertCode(await ends(reader.closed), "EBADF", "recv");
      assertCode(await ends(writer.closed), "EBADF", "send");
      assertCode(await ends(reader.read()), "EBADF", "recv");
      assertCode(await ends(writer.write("x")), "EBADF", "send");
      // Streams that are over stay as they are.
      const [other] = await setting.pair(scope);
      const over = other.readable.getReader();
      await over.cancel();
      const done = other.writable.getWriter();
      await done.close();
      await other.close();
      await Promise.all([over.closed, done.closed]);
    });

    test("the socket's close ends a stream after what was written and closed before it", async (scope) => {
      // A stream takes some microtasks from the end of a write to the next call.
      for (let microtasks = 0; microtasks < 12; microtasks++) {
        for (const isNew of [true, false]) {
          const [client, conn] = await setting.pair(scope);
          const writer = client.writable.getWriter();
          if (!isNew) await writer.write("first ");
          const writing = isNew ? undefined : writer.write("tail");
          const closing = writer.close();
          const refused = rejection(() => writer.close());
          for (let i = 0; i < microtasks; i++) await undefined;
          await client.close();
          assert.ok(await refused instanceof TypeError);
          await within(Promise.all([writing, closing, writer.closed]), 2_000, "the close");
          assert.equal(text(await receiveAll(conn)), isNew ? "" : "first tail");
        }
      }
    });

    test("the socket's close fails writes with their own errors, then the stream", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const writer = client.writable.getWriter();
      const data = new Uint8Array(64 * MiB);
      const writing = writer.write(data);
      const behind = writer.write("x");
      const closing = writer.close();
      for (const promise of [writing, behind]) promise.catch(() => {});
      await sleep(20);
      const closed = client.close();
      const error = await rejection(() => writing);
      assertCode(error, "EBADF", "send");
      assert.equal(typeof (error as SocketError).bytes_sent, "number");
      await Promise.all([closed, receiveAll(conn)]);
      for (const promise of [behind, closing, writer.closed]) {
        assert.equal(await rejection(() => promise), error);
      }
      // A write that succeeds all the same leaves the stream idle.
      const [other] = await setting.pair(scope);
      const last = other.writable.getWriter();
      await last.ready;
      const ending = last.write("x");
      await other.close();
      const ends = within(rejection(() => last.closed), 2_000, "its end");
      await ending;
      assertCode(await ends, "EBADF", "send");
      // A close that was refused is none.
      const [third] = await setting.pair(scope);
      third.writable.getWriter();
      assert.ok(await rejection(() => third.writable.close()) instanceof TypeError);
    });

    test("the socket's close leaves the bytes in streams, which end after them", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const [one, two] = conn.readable.tee();
      const readers = [one.getReader(), two.getReader()];
      await client.sendall("12345");
      assert.equal(text((await readers[0]!.read()).value!), "12345");
      await conn.close();
      assert.equal(text((await readers[1]!.read()).value!), "12345");
      for (const reader of readers) {
        assertCode(await rejection(() => within(reader.read(), 2_000, "a read")), "EBADF", "recv");
        assertCode(await rejection(() => within(reader.closed, 2_000, "its end")), "EBADF", "recv");
      }
      // The rest of a datagram.
      const { adapter } = setting;
      const [sender, receiver] = [0, 1].map(() =>
        scope.add(socket(setting.family, SOCK_DGRAM, 0, { adapter }))
      ) as [Socket<Address>, Socket<Address>];
      await receiver.bind([setting.host, 0]);
      const reader = receiver.readable.getReader({ mode: "byob" });
      const reading = reader.read(new Uint8Array(2));
      await sender.sendto("12345", receiver.getsockname());
      assert.equal(text((await reading).value!), "12");
      await receiver.close();
      assert.equal(text((await reader.read(new Uint8Array(9))).value!), "345");
      assertCode(await rejection(() => within(reader.closed, 2_000, "its end")), "EBADF", "recv");
    });

    test(
      "the socket's close leaves the bytes in a pipe that waits for its reader",
      async (scope) => {
        const [client, conn] = await setting.pair(scope);
        const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
        const piping = conn.readable.pipeTo(writable);
        piping.catch(() => {});
        await client.sendall("hello");
        await sleep(50);
        await conn.close();
        await sleep(20);
        const reader = readable.getReader();
        assert.equal(text((await reader.read()).value!), "hello");
        assertCode(await rejection(() => within(reader.read(), 2_000, "a read")), "EBADF", "recv");
        assertCode(await rejection(() => within(piping, 2_000, "the pipe")), "EBADF", "recv");
      },
      setting.skip || runtimeName === "deno" && "Deno's pipes always read",
    );

    test("streams first used after the socket's close have ended", async (scope) => {
      for (const first of ["both", "readable", "writable"]) {
        const [client] = await setting.pair(scope);
        if (first !== "both") void client[first as "readable" | "writable"];
        await client.close();
        const reader = client.readable.getReader();
        const writer = client.writable.getWriter();
        writer.ready.catch(() => {});
        const ends = (promise: Promise<unknown>) =>
          within(rejection(() => promise), 2_000, "its end");
        assertCode(await ends(reader.closed), "EBADF", "recv");
        assertCode(await ends(reader.read()), "EBADF", "recv");
        assertCode(await ends(writer.closed), "EBADF", "send");
        assertCode(await ends(writer.write("x")), "EBADF", "send");
      }
      // A close right after it is too late, too.
      const [client] = await setting.pair(scope);
      await client.close();
      assertCode(await rejection(() => client.writable.close()), "EBADF", "send");
    });

    test("a reset is ECONNRESET, after the data before it", async (scope) => {
      let s: Socket<Address>;
      let breakIt: () => void;
      if (setting.native) {
        const [conn, peer] = await pythonPeer(
          scope,
          setting,
          "accepted",
          `
          s.sendall(b"data")
          settled()
          command()
          reset()`,
        );
        s = conn;
        breakIt = () => peer.write("go\n");
      } else {
        const [client, conn] = await setting.pair(scope);
        const { faults, connections } = setting.adapter as MemoryAdapter;
        const connection = connections.at(-1)!;
        await client.sendall("data");
        s = conn;
        breakIt = () => faults.reset(connection);
      }
      const reader = s.readable.getReader();
      assert.equal(text((await reader.read()).value!), "data");
      const reading = reader.read();
      breakIt();
      assertCode(await rejection(() => reading), "ECONNRESET", "recv");
    }, setting.skip || setting.native && noPeer);

    test("pipeTo: an echo", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const echo = conn.readable.pipeTo(conn.writable);
      const data = pattern(3 * MiB);
      const [got] = await Promise.all([
        receiveAll(client),
        client.sendall(data).then(() => client.shutdown(SHUT_WR)),
      ]);
      await echo;
      assert.equal(sha256(got), sha256(data));
    });

    test("pipeTo from one socket to another", async (scope) => {
      const [a, b] = await setting.pair(scope);
      const [c, d] = await setting.pair(scope);
      const piping = b.readable.pipeTo(c.writable);
      await a.sendall("through");
      assert.equal(text(await receive(d, 7)), "through");
      await a.close();
      await piping;
      assert.equal((await d.recv(1)).length, 0);
    });

    test("pipeThrough a TextDecoderStream", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const decoded = conn.readable
        .pipeThrough(new TextDecoderStream());
      const reading = (async () => {
        let all = "";
        for await (const part of decoded) all += part;
        return all;
      })();
      const data = utf8("grüße, 10 €, 😀");
      for (const byte of data) {
        await client.sendall(Uint8Array.of(byte));
        await sleep(1);
      }
      await client.shutdown(SHUT_WR);
      assert.equal(await reading, "grüße, 10 €, 😀");
    });

    test("a Response of the stream, and a stream of a Response", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const answer = new Response(conn.readable as ReadableStream);
      const body = new Response('{"a": [1, 2]}').body!;
      await Promise.all([
        (body as ReadableStream<Uint8Array>).pipeTo(client.writable),
        answer.json().then((value) => assert.deepEqual(value, { a: [1, 2] })),
      ]);
    });

    for (
      const [name, read] of Object.entries({
        "Readable.fromWeb": (stream: ReadableStream) => Readable.fromWeb(stream as WebReadable),
        "Duplex.fromWeb": (stream: ReadableStream) =>
          Duplex.fromWeb({
            readable: stream as WebReadable,
            writable: new WritableStream() as WebWritable,
          }),
        "Duplex.from": (stream: ReadableStream) => Duplex.from(stream as WebReadable),
      })
    ) {
      test(`${name} of node:stream reads to the end`, async (scope) => {
        const [client, conn] = await setting.pair(scope);
        const chunks: Uint8Array[] = [];
        const reading = (async () => {
          for await (const chunk of read(conn.readable)) chunks.push(chunk as Uint8Array);
        })();
        await client.sendall("first");
        await sleep(20);
        await client.sendall(pattern(300_000));
        await client.close();
        await reading;
        assert.equal(sha256(...chunks), sha256(utf8("first"), pattern(300_000)));
      });

      test(`${name} of node:stream fails with the socket's error`, async (scope) => {
        const [, conn] = await setting.pair(scope);
        const reading = (async () => {
          for await (const chunk of read(conn.readable)) assert.fail(String(chunk));
        })();
        const failed = rejection(() => reading);
        await sleep(20);
        await conn.close();
        assertCode(await failed, "EBADF");
      });
    }

    /** A connection and a reader whose first read came by the method of the prototype. */
    const readUnseen = async (scope: Scope) => {
      const [client, conn] = await setting.pair(scope);
      const reader = conn.readable.getReader();
      const unseen = ReadableStreamDefaultReader.prototype.read.call(reader);
      await client.sendall("one");
      assert.equal(text((await unseen).value as Uint8Array), "one");
      return { client, conn, reader };
    };

    test("reads by the method of the prototype are served, and others after them", async (scope) => {
      const { client, conn, reader } = await readUnseen(scope);
      const seen = reader.read();
      await client.sendall("two");
      assert.equal(text((await seen).value!), "two");
      reader.releaseLock();
      await client.sendall("three");
      assert.equal(text(await conn.recv(9)), "three");
    });

    test("after a read by the method of the prototype a closed socket still ends the reader", async (scope) => {
      const { conn, reader } = await readUnseen(scope);
      const closed = rejects(() => reader.closed as unknown as Promise<void>, "EBADF", "recv");
      await conn.close();
      await closed;
    });

    test("tee gives both the same bytes", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const [one, two] = conn.readable.tee();
      await client.sendall("twice");
      await client.shutdown(SHUT_WR);
      const texts = await Promise.all(
        [one, two].map((stream) => new Response(stream as ReadableStream).text()),
      );
      assert.deepEqual(texts, ["twice", "twice"]);
    });

    test("receives reject with EBUSY while a reader has the stream", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.sendall("abcdef");
      // Having a stream is not reading from it.
      assert.equal(conn.readable.locked, false);
      assert.equal(text(await receive(conn, 1)), "a");
      const reader = conn.readable.getReader();
      const buffer = new Uint8Array(4);
      const error = await rejects(() => conn.recv(1), "EBUSY", "recv");
      assert.match(error.message, /locked/);
      await rejects(() => conn.recv(1, MSG_DONTWAIT), "EBUSY", "recv");
      await rejects(() => conn.recv_into(buffer), "EBUSY", "recv");
      await rejects(() => conn.recvfrom(1), "EBUSY", "recvfrom");
      await rejects(() => conn.recvfrom_into(buffer), "EBUSY");
      await rejects(() => conn.recvmsg(1), "EBUSY", "recvmsg");
      await rejects(() => conn.recvmsg_into([buffer]), "EBUSY");
      const file = conn.makefile("rb");
      await rejects(() => file.read(1), "EBUSY", "recv");
      await conn.sendall("sending is free");
      assert.equal(text(await receive(client, 15)), "sending is free");
      reader.releaseLock();
      assert.equal(text(await receive(conn, 2)), "bc");
      assert.equal(text(await file.read(1)), "d");
      await file.close();
      // A closed socket says so first.
      conn.readable.getReader();
      await conn.close();
      await rejects(() => conn.recv(1), "EBADF", "recv");
      await rejects(() => conn.recvfrom(1), "EBADF", "recvfrom");
    });

    test("a reader that let go while it waited takes no byte", async (scope) => {
      for (const mode of [undefined, "byob"] as const) {
        const [client, conn] = await setting.pair(scope);
        const ask = async (): Promise<() => Promise<unknown>> => {
          const reader = mode === undefined
            ? conn.readable.getReader()
            : conn.readable.getReader({ mode });
          const reading = reader.read(new Uint8Array(3));
          await sleep(10);
          reader.releaseLock();
          return () => reading;
        };
        assert.ok(await rejection(await ask()) instanceof TypeError);
        // The bytes come before the call, then after it, then with a timeout in between.
        await client.sendall("first");
        await sleep(20);
        assert.equal(text(await conn.recv(10)), "first");
        await rejection(await ask());
        const receiving = conn.recv(10);
        await client.sendall("second");
        assert.equal(text(await receiving), "second");
        conn.settimeout(0.05);
        await rejection(await ask());
        await sleep(100);
        await client.sendall("third");
        assert.equal(text(await conn.recv(10)), "third");
        // And the next reader goes on there, of either kind.
        await rejection(await ask());
        conn.settimeout(null);
        await client.sendall("all is read");
        const byob = conn.readable.getReader({ mode: "byob" });
        const { value } = await byob.read(new Uint8Array(4));
        byob.releaseLock();
        const rest = conn.readable.getReader();
        let all = text(value!);
        while (all.length < 11) all += text((await rest.read()).value!);
        assert.equal(all, "all is read");
        rest.releaseLock();
        await rejection(await ask());
        await client.shutdown(SHUT_WR);
        await sleep(20);
        assert.equal((await conn.recv(1)).length, 0);
        assert.deepEqual(await conn.readable.getReader().read(), { done: true, value: undefined });
      }
    });

    test("a reset that no reader waits for is told to the next receive", async (scope) => {
      const adapter = createMemoryAdapter();
      const memory = new Setting("memory", AF_INET, () => adapter);
      const [client, conn] = await memory.pair(scope);
      const reader = conn.readable.getReader();
      const reading = reader.read();
      await client.sendall("x");
      await reading;
      const waiting = reader.read();
      await sleep(10);
      reader.releaseLock();
      await rejection(() => waiting);
      adapter.faults.reset(adapter.connections.at(-1)!);
      await sleep(10);
      await rejects(() => conn.recv(1), "ECONNRESET", "recv");
    });

    test("a reader that left its buffer behind overtakes no receive, and takes no timeout", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const left = conn.readable.getReader({ mode: "byob" });
      left.read(new Uint8Array(64)).catch(() => {});
      await sleep(10);
      left.releaseLock();
      const whole = conn.recv(10, MSG_WAITALL);
      await client.sendall("01234");
      await sleep(20);
      await client.sendall("5678901234");
      assert.equal(text(await whole), "0123456789");
      assert.equal(text(await conn.recv(100)), "01234");
      conn.settimeout(0.02);
      await rejects(() => conn.recv(1), "ETIMEDOUT", "recv");
      conn.settimeout(null);
      const next = conn.readable.getReader({ mode: "byob" });
      const reading = next.read(new Uint8Array(3));
      await sleep(10);
      await client.sendall("abc");
      assert.equal(text((await reading).value!), "abc");
      next.releaseLock();
    });

    for (const mode of [undefined, "byob"] as const) {
      test(`a reader that takes over at once goes on reading, ${mode ?? "default"}`, async (scope) => {
        const [client, conn] = await setting.pair(scope);
        const open = () =>
          mode === undefined ? conn.readable.getReader() : conn.readable.getReader({ mode });
        const read = (reader: ReturnType<typeof open>) =>
          mode === "byob"
            ? (reader as ReadableStreamBYOBReader).read(new Uint8Array(10))
            : (reader as ReadableStreamDefaultReader<Uint8Array>).read();
        for (let i = 0; i < 3; i++) {
          const first = open();
          read(first).catch(() => {});
          if (i > 0) await sleep(10);
          first.releaseLock();
          const second = open();
          const reading = read(second);
          if (i > 1) await sleep(10);
          await client.sendall(`word ${i}`);
          assert.equal(text((await reading).value!), `word ${i}`);
          second.releaseLock();
        }
      });
    }

    const after: Record<string, (stream: Socket["readable"]) => AsyncIterable<Uint8Array>> = {
      "for await": (stream) => stream,
      pipeThrough: (stream) => stream.pipeThrough(new TransformStream()),
      tee: (stream) => stream.tee()[0],
    };
    for (const [name, use] of Object.entries(after)) {
      test(`after a BYOB reader that let go while it waited, ${name} gets all`, async (scope) => {
        const [client, conn] = await setting.pair(scope);
        await letGo(conn, "byob");
        await client.sendall("hello");
        await client.shutdown(SHUT_WR);
        const parts: string[] = [];
        for await (const chunk of use(conn.readable)) parts.push(text(chunk));
        assert.equal(parts.join(""), "hello");
      });
    }

    test("a reader takes no more than it reads, whatever an earlier one had asked for", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await letGo(conn, "byob");
      const reader = conn.readable.getReader({ mode: "byob" });
      const reading = reader.read(new Uint8Array(1));
      await client.sendall("hello");
      assert.equal(text((await reading).value!), "h");
      reader.releaseLock();
      assert.equal(text(await receive(conn, 4)), "ello");
      await letGo(conn, undefined);
      const idle = conn.readable.getReader();
      await client.sendall("world");
      await sleep(20);
      idle.releaseLock();
      assert.equal(text(await receive(conn, 5)), "world");
    });

    test("a read that is refused changes nothing for one that waits", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const reader = conn.readable.getReader({ mode: "byob" });
      const reading = reader.read(new Uint8Array(9));
      await rejection(() => reader.read(new Uint8Array(0)));
      await client.sendall("hello");
      assert.equal(text((await reading).value!), "hello");
      reader.releaseLock();
      await client.sendall("world");
      assert.equal(text(await receive(conn, 5)), "world");
    });

    test("a reader that took over from another takes nothing unasked", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      // A reader that took over from a waiting one, and asked for nothing.
      const first = conn.readable.getReader();
      const reading = first.read();
      await sleep(10);
      first.releaseLock();
      await rejection(() => reading);
      const second = conn.readable.getReader();
      await client.sendall("gh");
      await sleep(20);
      second.releaseLock();
      await client.sendall("ij");
      const buffer = new Uint8Array(4);
      const count = await conn.recv_into(buffer);
      assert.equal(text(concat([buffer.slice(0, count), await receive(conn, 4 - count)])), "ghij");
      assert.equal(conn.readable.locked, false);
    });
  });
}

describe("after all streams", () => {
  it("no socket is left", { skip: noDescriptors }, checkNothingLeft);
});
