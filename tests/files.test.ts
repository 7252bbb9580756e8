/** Files of sockets over connected pairs: what they send and when, and how they close. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Address,
  AF_INET,
  createMemoryAdapter,
  MSG_DONTWAIT,
  SHUT_WR,
  type Socket,
  SocketError,
  TimeoutError,
} from "../mod.ts";
import { pattern, receive, receiveAll, sha256, text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import {
  bounded,
  rejection,
  rejects,
  type Scope,
  sleep,
  thrown,
  throws,
  within,
} from "./support/scope.ts";
import { native, Setting } from "./support/tcp.ts";

const MiB = 1024 * 1024;
const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const utf8 = (value: string): Uint8Array => new TextEncoder().encode(value);

/** Nothing is there to be received, also not a moment later. */
async function nothingArrives(s: Socket<Address>): Promise<void> {
  await sleep(30);
  await rejects(() => s.recv(1, MSG_DONTWAIT), "EAGAIN", "recv");
}

/** A file that is closed with the scope: until then its socket would stay open. */
function opened<F extends { close(): Promise<void> }>(scope: Scope, file: F): F {
  // Closing it again gives the same failure as the close that a test has looked at.
  scope.add({ close: () => file.close().catch(() => {}) });
  return file;
}

/** What arrives until the end, after the other side has ended sending. */
async function sentBy(client: Socket<Address>, conn: Socket<Address>): Promise<Uint8Array> {
  await client.shutdown(SHUT_WR);
  return await receiveAll(conn);
}

for (const setting of [native[0], new Setting("memory", AF_INET, createMemoryAdapter)]) {
  const test = (name: string, body: (scope: Scope) => Promise<void>, limit?: number): void => {
    it(name, { skip: setting.skip }, bounded(body, limit));
  };

  describe(`writing to files, ${setting.name}`, () => {
    test("text is sent by flush, and the peer reads it as text", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const out = opened(scope, client.makefile("w"));
      const input = opened(scope, conn.makefile("r"));
      assert.equal(await out.write("grüße\nan "), 9);
      assert.equal(await out.write("€😀\n"), 3);
      await nothingArrives(conn);
      await out.flush();
      assert.equal(await input.readline(), "grüße\n");
      assert.equal(await input.read(2), "an");
      assert.equal(await input.readline(), " €😀\n");
      await out.close();
      await client.shutdown(SHUT_WR);
      assert.equal(await input.read(), "");
      assert.equal(await input.readline(), "");
      await input.close();
    });

    test("bytes are sent by flush, and the peer reads them as bytes", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const out = opened(scope, client.makefile("wb"));
      const input = opened(scope, conn.makefile("rb"));
      assert.equal(await out.write(bytes(0, 255, 10)), 3);
      assert.equal(await out.write(bytes(1, 2).buffer as ArrayBuffer), 2);
      await nothingArrives(conn);
      await out.flush();
      const line = await input.readline();
      assert.deepEqual(line, bytes(0, 255, 10));
      assert.equal(Object.getPrototypeOf(line), Uint8Array.prototype);
      assert.deepEqual(await input.read(2), bytes(1, 2));
      await client.shutdown(SHUT_WR);
      assert.deepEqual(await input.read(), bytes());
    });

    test("what is read has its buffer to itself", async (scope) => {
      for (const options of [{}, { buffering: 3 }, { buffering: 0 }]) {
        const [client, conn] = await setting.pair(scope);
        const input = opened(scope, conn.makefile("rb", options));
        await client.sendall("one\ntwo\nthree\nfour");
        await client.shutdown(SHUT_WR);
        const parts = [
          await input.readline(),
          (await input[Symbol.asyncIterator]().next()).value,
          await input.read(2),
          ...await input.readlines(1),
          await input.read(),
          await input.read(),
        ];
        const expected = ["one\n", "two\n", "th", "ree\n", "four", ""];
        assert.deepEqual(parts.map((part) => text(part!)), expected);
        for (const part of parts) assert.equal(part!.buffer.byteLength, part!.length);
      }
    });

    test("one file for both directions", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const here = opened(scope, client.makefile("rw"));
      const there = opened(scope, conn.makefile("rwb"));
      assert.deepEqual([here.readable(), here.writable(), here.seekable()], [true, true, false]);
      await here.write("question\n");
      await here.flush();
      assert.deepEqual(await there.readline(), utf8("question\n"));
      await there.write(utf8("answer\n"));
      await there.flush();
      assert.equal(await here.readline(), "answer\n");
    });

    test("what is written is copied", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const out = opened(scope, client.makefile("wb"));
      const data = bytes(1, 2, 3);
      await out.write(data);
      data.fill(9);
      await out.flush();
      assert.deepEqual(await receive(conn, 3), bytes(1, 2, 3));
    });

    test("a small buffer sends no text before flush", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const out = opened(scope, client.makefile("w", { buffering: 5 }));
      await out.write("more than five\n");
      await nothingArrives(conn);
      await out.flush();
      assert.equal(text(await receive(conn, 15)), "more than five\n");
      const long = "x".repeat(20_000);
      await out.write(long);
      assert.equal(text(await receive(conn, long.length)), long);
    });

    test("a buffer is sent when it cannot hold more", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const out = opened(scope, client.makefile("wb", { buffering: 10 }));
      await out.write(new Uint8Array(10));
      await nothingArrives(conn);
      await out.write(bytes(7));
      assert.equal((await receive(conn, 10)).length, 10);
      await out.close();
      assert.deepEqual(await sentBy(client, conn), bytes(7));
    });

    test("the default buffer is 8192 bytes", async (scope) => {
      for (const buffering of [undefined, null, -1]) {
        const [client, conn] = await setting.pair(scope);
        const out = opened(scope, client.makefile("wb", { buffering }));
        await out.write(new Uint8Array(8192));
        await nothingArrives(conn);
        await out.write(bytes(1));
        assert.equal((await receive(conn, 8192)).length, 8192);
        await out.close();
      }
    });

    test("a binary file with a buffer of 1 byte sends each line, as in Python", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const out = opened(scope, client.makefile("wb", { buffering: 1 }));
      await out.write(new TextEncoder().encode("line\n"));
      assert.equal(text(await conn.recv(100)), "line\n");
    });

    test("flush and close wait for the write before them", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const out = opened(scope, client.makefile("wb"));
      const received = receiveAll(conn);
      let isWritten = false;
      out.write(new Uint8Array(16 * MiB)).then(() => isWritten = true);
      await out.flush();
      assert.ok(isWritten, "flush came before the write");
      out.write(new Uint8Array(16 * MiB));
      await out.close();
      await client.close();
      assert.equal((await received).length, 32 * MiB);
    });

    test("a write that fails keeps nothing", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      client.settimeout(0.05);
      const out = opened(scope, client.makefile("wb"));
      let sent = 0;
      for (let i = 0; i < 3; i++) {
        const error = await rejection(() => out.write(new Uint8Array(16 * MiB)));
        assert.ok(error instanceof TimeoutError, String(error));
        sent += error.bytes_sent!;
      }
      client.settimeout(10);
      const received = receiveAll(conn);
      await out.write(new Uint8Array(10));
      await out.close();
      await client.close();
      assert.equal((await received).length, sent + 10);
    });

    test("writelines without a buffer writes all of it", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const out = opened(scope, client.makefile("wb", { buffering: 0 }));
      const received = receiveAll(conn);
      await out.writelines([new Uint8Array(16 * MiB), new Uint8Array(3)]);
      await client.close();
      await out.close();
      assert.equal((await received).length, 16 * MiB + 3);
    });

    test("writelines takes a string for its characters", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const out = opened(scope, client.makefile("w"));
      await out.writelines("abc");
      await out.flush();
      assert.equal(text(await receive(conn, 3)), "abc");
    });

    test("a second close says nothing of the first one's error", async (scope) => {
      const [client] = await setting.pair(scope);
      client.settimeout(0.05);
      const out = client.makefile("wb", { buffering: 64 * MiB });
      await out.write(new Uint8Array(32 * MiB));
      assert.ok(await rejection(() => out.close()) instanceof TimeoutError);
      await out.close();
    });

    test("without a buffer bytes are sent by write", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const out = opened(scope, client.makefile("wb", { buffering: 0 }));
      assert.equal(await out.write(bytes(1, 2, 3)), 3);
      assert.deepEqual(await receive(conn, 3), bytes(1, 2, 3));
      await out.flush();
    });

    test("with a buffer of lines a line is sent when it ends", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const out = opened(scope, client.makefile("w", { buffering: 1 }));
      await out.write("no");
      await nothingArrives(conn);
      await out.write("w\nand");
      assert.equal(text(await receive(conn, 7)), "now\nand");
      await out.write("\r");
      assert.equal(text(await receive(conn, 1)), "\r");
      await out.writelines(["a", "b\n", "c"]);
      assert.equal(text(await receive(conn, 3)), "ab\n");
      await nothingArrives(conn);
    });

    test("newlines are written as asked for", async (scope) => {
      const forms = [
        [undefined, "a\nb\r\nc\r"],
        [null, "a\nb\r\nc\r"],
        ["", "a\nb\r\nc\r"],
        ["\n", "a\nb\r\nc\r"],
        ["\r", "a\rb\r\rc\r"],
        ["\r\n", "a\r\nb\r\r\nc\r"],
      ] as const;
      for (const [newline, written] of forms) {
        const [client, conn] = await setting.pair(scope);
        const out = opened(scope, client.makefile("w", { newline }));
        assert.equal(await out.write("a\nb\r\nc\r"), 7);
        await out.close();
        assert.equal(text(await sentBy(client, conn)), written, JSON.stringify(newline));
      }
    });

    test("encodings for writing", async (scope) => {
      const forms = [
        ["utf-8", "é€😀", [0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80]],
        ["UTF8", "é", [0xc3, 0xa9]],
        ["latin1", "aéÿ", [0x61, 0xe9, 0xff]],
        ["ISO-8859-1", "\x80", [0x80]],
        ["iso8859_1", "\x80", [0x80]],
        ["cp819", "\x80", [0x80]],
        ["ascii", "a\x7f", [0x61, 0x7f]],
        ["US-ASCII", "b", [0x62]],
        ["utf-16le", "a€😀", [0x61, 0, 0xac, 0x20, 0x3d, 0xd8, 0x00, 0xde]],
        ["utf_16_le", "\n", [0x0a, 0]],
      ] as const;
      for (const [encoding, string, expected] of forms) {
        const [client, conn] = await setting.pair(scope);
        const out = opened(scope, client.makefile("w", { encoding }));
        assert.equal(await out.write(string), [...string].length, encoding);
        await out.close();
        assert.deepEqual(await sentBy(client, conn), bytes(...expected), encoding);
      }
    });

    test("characters that the encoding has not", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      for (const encoding of ["ascii", "latin1"]) {
        const strict = opened(scope, client.makefile("w", { encoding }));
        await rejects(() => strict.write("a€b"), "EILSEQ");
        assert.equal(await strict.write("ok"), 2);
        await strict.close();
        assert.equal(text(await receive(conn, 2)), "ok");
        const replacing = opened(scope, client.makefile("w", { encoding, errors: "replace" }));
        assert.equal(await replacing.write("a€😀b"), 4);
        await replacing.close();
        assert.equal(text(await receive(conn, 4)), "a??b");
        const ignoring = opened(scope, client.makefile("w", { encoding, errors: "ignore" }));
        assert.equal(await ignoring.write("a€😀b"), 4);
        await ignoring.close();
        assert.equal(text(await receive(conn, 2)), "ab");
      }
      await nothingArrives(conn);
    });

    test("a long text in an encoding of one byte, and characters outside it", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const codes = Array.from({ length: 80 * 257 }, (_, i) => i % 257);
      const string = String.fromCharCode(...codes);
      for (const [encoding, count] of [["ascii", 128], ["latin1", 256]] as const) {
        for (const errors of ["replace", "ignore"] as const) {
          const kept = codes.filter((code) => code < count || errors === "replace");
          const out = opened(scope, client.makefile("w", { encoding, errors }));
          assert.equal(await out.write(string), string.length);
          await out.close();
          const written = Uint8Array.from(kept, (code) => code < count ? code : 0x3f);
          assert.deepEqual(await receive(conn, kept.length), written);
        }
        const within = Uint8Array.from(codes);
        for (const errors of ["replace", "ignore"] as const) {
          await client.sendall(within);
          const read = Array.from(within, (code) => {
            if (code < count) return String.fromCharCode(code);
            return errors === "replace" ? "\ufffd" : "";
          }).join("");
          const input = opened(scope, conn.makefile("r", { encoding, errors, newline: "" }));
          assert.equal(await input.read(read.length), read);
        }
      }
    });

    test("other encodings are only for reading", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      for (const encoding of ["utf-16", "utf-16be", "koi8-r", "shift_jis", "none", ""]) {
        for (const mode of ["w", "rw"] as const) {
          const error = thrown(() => client.makefile(mode, { encoding }));
          assert.ok(error instanceof RangeError, `${encoding}: ${error}`);
          assert.match(error.message, /encoding/);
        }
      }
      for (const encoding of ["utf-32", "none", "constructor"]) {
        assert.ok(thrown(() => conn.makefile("r", { encoding })) instanceof RangeError);
      }
      const input = opened(scope, conn.makefile("r", { encoding: "koi8-r" }));
      await client.sendall(bytes(0xc1, 0x0a));
      assert.equal(await input.readline(), "а\n");
    });

    test("a failed flush keeps what was not sent", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const out = opened(scope, client.makefile("wb", { buffering: 64 * MiB }));
      const data = new Uint8Array(32 * MiB).fill(5);
      await out.write(data);
      client.settimeout(0.2);
      assert.ok(await rejection(() => out.flush()) instanceof TimeoutError);
      client.settimeout(null);
      const [got] = await Promise.all([
        receive(conn, data.length),
        out.flush(),
      ]);
      assert.ok(got.every((byte) => byte === 5));
      await nothingArrives(conn);
    });
  });

  describe(`reading from files, ${setting.name}`, () => {
    test("readinto fills its buffer, or takes the rest", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const input = opened(scope, conn.makefile("rb"));
      const buffer = new Uint8Array(8).fill(9);
      const reading = input.readinto(buffer.subarray(1, 5));
      await client.sendall(bytes(1, 2));
      await sleep(20);
      await client.sendall(bytes(3, 4, 5));
      assert.equal(await reading, 4);
      assert.deepEqual(buffer, bytes(9, 1, 2, 3, 4, 9, 9, 9));
      await client.shutdown(SHUT_WR);
      assert.equal(await input.readinto(new DataView(buffer.buffer)), 1);
      assert.equal(buffer[0], 5);
      assert.equal(await input.readinto(buffer), 0);
      assert.equal(await input.readinto(new Uint8Array(0)), 0);
    });

    test("read1 and readinto1 receive once, and only what is not buffered", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const input = opened(scope, conn.makefile("rb"));
      const reading = input.read1();
      await client.sendall("one\ntwo");
      assert.equal(text(await reading), "one\ntwo");
      await client.sendall("three\nfour");
      assert.equal(text(await input.readline()), "three\n");
      await client.sendall(" more");
      assert.equal(text(await input.read1(2)), "fo");
      const buffer = new Uint8Array(20);
      assert.equal(await input.readinto1(buffer), 2);
      assert.equal(text(buffer.subarray(0, 2)), "ur");
      assert.equal(await input.readinto1(buffer.subarray(0, 3)), 3);
      assert.equal(text(buffer.subarray(0, 3)), " mo");
      assert.equal(text(await input.read1(0)), "");
      await client.shutdown(SHUT_WR);
      assert.equal(text(await input.read1(100)), "re");
      assert.equal((await input.read1()).length, 0);
      assert.equal(await input.readinto1(buffer), 0);
    });

    test("peek looks into the buffer, which it fills at most once", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const input = opened(scope, conn.makefile("rb"));
      const peeking = input.peek(1);
      await client.sendall("hello");
      const seen = await peeking;
      assert.equal(text(seen), "hello");
      seen.fill(0);
      await client.sendall(" there");
      assert.equal(text(await input.peek()), "hello");
      assert.equal(text(await input.read(2)), "he");
      assert.equal(text(await input.peek()), "llo");
      await client.shutdown(SHUT_WR);
      assert.equal(text(await input.read()), "llo there");
      assert.equal((await input.peek()).length, 0);
    });

    test("readlines, with and without a hint", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const input = opened(scope, conn.makefile());
      await client.sendall("one\ntwo\nthree\nfour");
      await client.shutdown(SHUT_WR);
      assert.deepEqual(await input.readlines(5), ["one\n", "two\n"]);
      assert.deepEqual(await input.readlines(), ["three\n", "four"]);
      assert.deepEqual(await input.readlines(), []);
      const raw = opened(scope, conn.makefile("rb"));
      assert.deepEqual(await raw.readlines(), []);
    });

    test("the lines of a file, left and taken up again", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const input = opened(scope, conn.makefile("r"));
      await client.sendall("a\r\nb\nc\rd");
      await client.shutdown(SHUT_WR);
      const lines: string[] = [];
      for await (const line of input) {
        lines.push(line);
        break;
      }
      assert.equal(input.closed, false);
      for await (const line of input) lines.push(line);
      assert.deepEqual(lines, ["a\n", "b\n", "c\n", "d"]);
    });

    test("the lines of bytes, with and without a buffer", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const buffered = opened(scope, conn.makefile("rb", { buffering: 0 }));
      await client.sendall("a\nb\nc");
      await client.shutdown(SHUT_WR);
      assert.deepEqual(await buffered.readline(), utf8("a\n"));
      // Nothing after the line was taken.
      assert.deepEqual(await conn.recv(1), utf8("b"));
      const lines: string[] = [];
      for await (const line of buffered) lines.push(text(line));
      assert.deepEqual(lines, ["\n", "c"]);
    });

    test("a line of any length without a buffer, and nothing after it", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const input = opened(scope, conn.makefile("rb", { buffering: 0 }));
      for (const length of [1, 255, 256, 257, 511, 512, 768, 769, 65536, 200_000]) {
        const line = `${"x".repeat(length - 1)}\n`;
        const sending = client.sendall(`${line}${line}|`);
        assert.equal(text((await input.readline())!), line);
        assert.equal(text((await input.readline(300))!), line.slice(0, 300));
        if (length > 300) assert.equal(text((await input.readline(length))!), line.slice(300));
        assert.equal(text(await conn.recv(9)), "|");
        await sending;
      }
    });

    test("an unbuffered read gives what one receive gives", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const input = opened(scope, conn.makefile("rb", { buffering: 0 }));
      await client.sendall("abc");
      assert.equal(text((await input.read(2))!), "ab");
      assert.equal(text((await input.read(100))!), "c");
      assert.deepEqual(await input.read(0), bytes());
      await client.sendall("rest");
      await client.shutdown(SHUT_WR);
      assert.equal(text((await input.read())!), "rest");
      assert.deepEqual(await input.read(5), bytes());
    });

    test("reading waits until there is as much as was asked for", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const input = opened(scope, conn.makefile("r"));
      const reading = input.read(6);
      for (const part of ["a", "\xc3", "é"]) {
        await client.sendall(part);
        await sleep(5);
      }
      await client.sendall(utf8("€").subarray(0, 1));
      await sleep(5);
      await client.sendall(utf8("€x\r\n").subarray(1));
      assert.equal(await reading, "aÃé€x\n");
    });

    test("a line that has come waits for the reads before it", async (scope) => {
      for (const mode of ["r", "rb"] as const) {
        const [client, conn] = await setting.pair(scope);
        const input = opened(scope, conn.makefile(mode));
        await client.sendall("one\ntwo\nthree\nfour\n");
        const first = await input.readline();
        const rest = await Promise.all([
          input.read(2),
          input.readline(),
          input.readline(),
          input[Symbol.asyncIterator]().next().then(({ value }) => value),
        ]);
        const all = [first, ...rest].map((part) => typeof part === "string" ? part : text(part!));
        assert.deepEqual(all, ["one\n", "tw", "o\n", "three\n", "four\n"]);
      }
    });

    test("reads at once are served one after the other", async (scope) => {
      for (
        const [mode, options] of [["r"], ["rb"], ["rb", { buffering: 2 }], ["rb", {
          buffering: 0,
        }]] as const
      ) {
        const [client, conn] = await setting.pair(scope);
        const input = opened(scope, conn.makefile(mode as "rb", options));
        const lines = Promise.all(Array.from({ length: 5 }, () => input.readline()));
        const rest = input.read();
        await client.sendall("a\nb\n");
        await sleep(20);
        await client.sendall("cc\nd\n");
        await client.close();
        const show = (value: string | Uint8Array) =>
          typeof value === "string" ? value : text(value);
        assert.deepEqual((await lines).map(show), ["a\n", "b\n", "cc\n", "d\n", ""]);
        assert.equal(show(await rest), "");
      }
    });

    test("readlines stops after more than hint characters", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.sendall("\n\nab\ncd\n");
      const input = opened(scope, conn.makefile("r"));
      assert.deepEqual(await input.readlines(1), ["\n", "\n"]);
      assert.deepEqual(await input.readlines(2), ["ab\n"]);
    });

    test("a character outside the basic plane counts once in readlines", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.sendall("😀😀\nb\nc\n");
      const input = opened(scope, conn.makefile("r"));
      assert.deepEqual(await input.readlines(4), ["😀😀\n", "b\n"]);
    });

    test("a timeout refuses further reads, as in Python", async (scope) => {
      for (const [mode, options] of [["r"], ["rb"], ["rb", { buffering: 0 }]] as const) {
        const [client, conn] = await setting.pair(scope);
        conn.settimeout(0.05);
        const input = opened(scope, conn.makefile(mode as "r", options as never));
        await client.sendall("half");
        await sleep(20);
        const error = await rejection(() => input.readline());
        assert.ok(error instanceof TimeoutError, String(error));
        await client.sendall(" a line\n");
        // What the read had taken is gone, and what comes after it would pass for it.
        await rejects(() => input.read(1), "EIO");
        await rejects(() => input.read(), "EIO");
        // Without a buffer also this asks the socket.
        if (options?.buffering === 0) await rejects(() => input.read(0), "EIO");
        else assert.equal((await input.read(0)).length, 0);
        const refused = await rejects(() => input.readline(), "EIO");
        assert.ok(!(refused instanceof TimeoutError));
        assert.match(refused.message, /cannot read from timed out object/);
        // The socket itself is as usable as ever.
        assert.equal(text(await receive(conn, 8)), " a line\n");
      }
    });

    test("an unbuffered file of a non-blocking socket gives null", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      conn.setblocking(false);
      const file = opened(scope, conn.makefile("rwb", { buffering: 0 }));
      assert.equal(await file.read(5), null);
      assert.equal(await file.read(), null);
      assert.equal(await file.readline(), null);
      assert.equal(await file.readinto(new Uint8Array(5)), null);
      await client.sendall("ab");
      await sleep(30);
      assert.equal(text((await file.read())!), "ab");
      const data = new Uint8Array(MiB);
      let sent = 0;
      for (let i = 0; i < 100; i++) {
        const count = await file.write(data);
        if (count === null) break;
        sent += count;
      }
      assert.equal(await file.write(data), null);
      client.settimeout(10);
      await receive(client, sent);
      assert.ok(await file.write(bytes(1)) === 1);
    });

    test("readlines of a non-blocking socket keeps the lines that it had", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const input = scope.add(conn.makefile("r"));
      await client.sendall("one\ntwo\n");
      conn.setblocking(false);
      await sleep(50);
      await rejects(() => input.readlines(), "EAGAIN");
      conn.setblocking(true);
      await client.sendall("three\n");
      assert.equal(await input.readline(), "one\n");
      assert.equal(await input.readline(), "two\n");
      assert.equal(await input.readline(), "three\n");
    });

    test("a buffered file of a non-blocking socket fails with EAGAIN", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      conn.setblocking(false);
      const input = opened(scope, conn.makefile("r"));
      await rejects(() => input.readline(), "EAGAIN");
      await client.sendall("line\n");
      await sleep(30);
      assert.equal(await input.readline(), "line\n");
    });

    test("a line of 20 MiB, as text and as bytes", async (scope) => {
      const line = new Uint8Array(20 * MiB).fill(0x78);
      line[line.length - 1] = 0x0a;
      for (const mode of ["r", "rb"] as const) {
        const [client, conn] = await setting.pair(scope);
        const input = opened(scope, conn.makefile(mode as "r"));
        const [got] = await Promise.all([input.readline(), client.sendall(line)]);
        assert.equal(got.length, line.length);
        assert.equal(got.at(-1), mode === "r" ? "\n" : 0x0a as never);
      }
    }, 30_000);

    test("text that is not in its encoding", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.sendall(bytes(0x61, 0xff, 0x62, 0x0a));
      await rejects(() => opened(scope, conn.makefile("r")).readline(), "EILSEQ");
      await client.sendall(bytes(0x61, 0xff, 0x62, 0x0a));
      assert.equal(
        await opened(scope, conn.makefile("r", { errors: "replace" })).readline(),
        "a\ufffdb\n",
      );
      await client.sendall(bytes(0x61, 0xff, 0x62, 0x0a));
      assert.equal(
        await opened(scope, conn.makefile("r", { errors: "ignore" })).readline(),
        "ab\n",
      );
      await client.sendall(bytes(0x61, 0xff, 0x62, 0x0a));
      assert.equal(
        await opened(scope, conn.makefile("r", { encoding: "latin1" })).readline(),
        "aÿb\n",
      );
    });

    test("data is read before a reset is reported, and the end is no error", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const input = opened(scope, conn.makefile("r"));
      await client.sendall("last words");
      await client.close();
      assert.equal(await input.readline(), "last words");
      assert.equal(await input.readline(), "");
    });
  });

  describe(`aborting calls of files, ${setting.name}`, () => {
    const abortSoon = (): { signal: AbortSignal } => {
      const controller = new AbortController();
      setTimeout(() => controller.abort("enough"), 20);
      return controller;
    };

    test("an aborted read of text loses nothing", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const file = opened(scope, conn.makefile("r"));
      await client.sendall("one\ntwo\npart");
      assert.equal(await rejection(() => file.readlines(null, abortSoon())), "enough");
      assert.equal(await file.readline(), "one\n");
      assert.equal(await rejection(() => file.read(9, abortSoon())), "enough");
      assert.equal(await file.readline(), "two\n");
      assert.equal(await rejection(() => file.readline(null, abortSoon())), "enough");
      assert.equal(await rejection(() => file.read(null, abortSoon())), "enough");
      await client.sendall(" and rest\n");
      assert.equal(await file.readline(), "part and rest\n");
    });

    test("an aborted read of bytes loses nothing", async (scope) => {
      for (const options of [{}, { buffering: 3 }, { buffering: 0 }]) {
        const [client, conn] = await setting.pair(scope);
        const file = opened(scope, conn.makefile("rb", options));
        const readline = async (): Promise<string> => text((await file.readline())!);
        await client.sendall("one\ntwo\npart");
        await sleep(20);
        assert.equal(await rejection(() => file.readlines(null, abortSoon())), "enough");
        assert.equal(await readline(), "one\n");
        assert.equal(await rejection(() => file.read(null, abortSoon())), "enough");
        assert.equal(await readline(), "two\n");
        assert.equal(await rejection(() => file.readline(null, abortSoon())), "enough");
        await client.sendall(" and rest\n");
        assert.equal(await readline(), "part and rest\n");
        const buffer = new Uint8Array(4);
        assert.equal(await rejection(() => file.readinto(buffer, abortSoon())), "enough");
        await client.sendall("more");
        await sleep(20);
        assert.equal(await file.readinto(buffer), 4);
        assert.equal(text(buffer), "more");
      }
      const [client, conn] = await setting.pair(scope);
      const file = opened(scope, conn.makefile("rb"));
      assert.equal(await rejection(() => file.peek(0, abortSoon())), "enough");
      assert.equal(await rejection(() => file.read1(null, abortSoon())), "enough");
      const buffer = new Uint8Array(4);
      assert.equal(await rejection(() => file.readinto1(buffer, abortSoon())), "enough");
      await client.sendall("more");
      assert.equal(text(await file.peek()), "more");
      assert.equal(text(await file.read1()), "more");
    });

    test("an abort ends the call that it is for", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const file = opened(scope, conn.makefile("r"));
      const first = file.readline();
      // It ends although its turn has not come.
      assert.equal(await rejection(() => file.readline(null, abortSoon())), "enough");
      const third = file.readline();
      await client.sendall("one\ntwo\n");
      assert.deepEqual(await Promise.all([first, third]), ["one\n", "two\n"]);
      const one = new AbortController();
      const reading = file.readline(null, one);
      const next = file.readline();
      await sleep(10);
      // A reason that looks like the socket's timeout is none.
      client.settimeout(0.01);
      one.abort(await rejection(() => client.recv(1)));
      assert.equal(await rejection(() => reading), one.signal.reason);
      await client.sendall("three\n");
      assert.equal(await next, "three\n");
      await client.sendall("four\n");
      assert.equal(await rejection(() => file.readline(null, one)), one.signal.reason);
      assert.equal(await file.readline(null, new AbortController()), "four\n");
      const wrong = await rejection(() => file.readline(null, { signal: 5 as never }));
      assert.ok(wrong instanceof TypeError);
    });

    test("an aborted flush keeps exactly what was not sent", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const file = opened(scope, client.makefile("wb", { buffering: 40 * MiB }));
      const data = pattern(32 * MiB);
      await file.write(data);
      for (let i = 0; i < 3; i++) {
        assert.equal(await rejection(() => file.flush(abortSoon())), "enough");
      }
      await file.write(utf8("end"));
      const receiving = receive(conn, data.length + 3);
      await file.close();
      const got = await receiving;
      assert.equal(sha256(got.subarray(0, data.length)), sha256(data));
      assert.equal(text(got.subarray(data.length)), "end");
    });

    test("an aborted write leaves what was written before", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const file = opened(scope, client.makefile("w"));
      await file.write("before ");
      const large = "x".repeat(32 * MiB);
      assert.equal(await rejection(() => file.write(large, abortSoon())), "enough");
      assert.equal(await rejection(() => file.writelines([large], abortSoon())), "enough");
      await file.write(" after");
      const receiving = receiveAll(conn);
      await file.close();
      await client.close();
      assert.match(text(await receiving), /^before x* after$/);
      const [other] = await setting.pair(scope);
      const raw = opened(scope, other.makefile("wb", { buffering: 0 }));
      assert.equal(
        await rejection(() => raw.write(bytes(1), { signal: AbortSignal.abort("x") })),
        "x",
      );
      const closed = opened(scope, other.makefile("wb", { buffering: 40 * MiB }));
      await closed.write(new Uint8Array(32 * MiB));
      assert.equal(await rejection(() => closed.close(abortSoon())), "enough");
      assert.equal(closed.closed, true);
    });
  });

  describe(`closing files, ${setting.name}`, () => {
    test("the file first: the socket stays open", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const file = opened(scope, client.makefile("rw"));
      await file.write("sent by close");
      await file.close();
      await file.close();
      assert.equal(client.closed, false);
      assert.equal(text(await receive(conn, 13)), "sent by close");
      await client.sendall("still open");
      assert.equal(text(await receive(conn, 10)), "still open");
    });

    test("the socket first: it lives until its last file closes", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const first = opened(scope, client.makefile("r"));
      const second = opened(scope, client.makefile("wb"));
      await client.close();
      assert.equal(client.closed, true);
      assert.match(String(client), /\[closed\]/);
      await client.sendall("by the socket");
      assert.equal(text(await receive(conn, 13)), "by the socket");
      assert.deepEqual(client.getpeername(), conn.getsockname());
      await second.write(utf8("by the file"));
      await second.close();
      assert.equal(text(await receive(conn, 11)), "by the file");
      await conn.sendall("line\n");
      assert.equal(await first.readline(), "line\n");
      conn.settimeout(0);
      await nothingArrives(conn);
      conn.settimeout(null);
      await first.close();
      await rejects(() => client.recv(1), "EBADF", "recv");
      await rejects(() => client.sendall("x"), "EBADF", "send");
      throws(() => client.getsockname(), "EBADF", "getsockname");
      throws(() => client.makefile(), "EBADF", "makefile");
      assert.equal(client.fileno(), -1);
      assert.equal((await conn.recv(1)).length, 0);
      await first.close();
      await client.close();
    });

    test("a closed file has a name, a mode and nothing else", async (scope) => {
      const [client] = await setting.pair(scope);
      const known = setting.adapter.capabilities().fileno;
      const file = opened(scope, client.makefile("rwb"));
      assert.equal(file.name, known ? client.fileno() : -1);
      assert.equal(file.fileno(), file.name);
      assert.deepEqual([file.mode, file.closed], ["rwb", false]);
      await file.close();
      assert.deepEqual([file.mode, file.closed, file.name], ["rwb", true, -1]);
      for (const method of ["fileno", "readable", "writable", "seekable"] as const) {
        throws(() => file[method](), "EBADF", method);
      }
      await rejects(() => file.read(), "EBADF", "read");
      await rejects(() => file.readline(), "EBADF", "readline");
      await rejects(() => file.readlines(), "EBADF");
      await rejects(() => file.readinto(new Uint8Array(1)), "EBADF", "readinto");
      await rejects(() => file.read1(), "EBADF", "read1");
      await rejects(() => file.readinto1(new Uint8Array(1)), "EBADF", "readinto1");
      await rejects(() => file.peek(), "EBADF", "peek");
      await rejects(() => file.write(bytes(1)), "EBADF", "write");
      await rejects(() => file.writelines([bytes(1)]), "EBADF", "writelines");
      await rejects(() => file.flush(), "EBADF", "flush");
      await rejects(() => file[Symbol.asyncIterator]().next(), "EBADF");
      const open = opened(scope, client.makefile("r"));
      assert.deepEqual([open.mode, open.readable(), open.writable()], ["r", true, false]);
    });

    test("a read that waits ends with the file, and takes nothing", async (scope) => {
      for (
        const open of [
          (s: Socket<Address>) => s.makefile("r"),
          (s: Socket<Address>) => s.makefile("rb"),
          (s: Socket<Address>) => s.makefile("rb", { buffering: 0 }),
        ]
      ) {
        const [client, conn] = await setting.pair(scope);
        const file = opened(scope, open(conn));
        const reads = [file.readline(), file.read(), file.readlines()];
        await sleep(10);
        await within(file.close(), 2_000, "close");
        for (const read of reads) await rejects(() => read, "EBADF");
        await client.sendall("the socket's\n");
        assert.equal(text(await receive(conn, 13)), "the socket's\n");
      }
    });

    test("a closed file gives no line that it had read already", async (scope) => {
      for (const mode of ["r", "rb"] as const) {
        const [client, conn] = await setting.pair(scope);
        const input = opened(scope, conn.makefile(mode));
        await client.sendall("one\ntwo\n");
        assert.equal((await input.readline()).length, 4);
        await input.close();
        await rejects(() => input.readline(), "EBADF");
        await rejects(() => input[Symbol.asyncIterator]().next(), "EBADF");
      }
    });

    test("a file is for what it was opened for", async (scope) => {
      const [client] = await setting.pair(scope);
      const input = opened(scope, client.makefile("r"));
      await rejects(() => input.write("x"), "EBADF", "write");
      await rejects(() => input.writelines(["x"]), "EBADF", "writelines");
      await input.flush();
      const out = opened(scope, client.makefile("w"));
      await rejects(() => out.read(), "EBADF", "read");
      await rejects(() => out.readline(), "EBADF", "readline");
      await rejects(() => out.readlines(), "EBADF");
    });

    test("a close that cannot send fails and closes all the same", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const out = opened(scope, client.makefile("w"));
      await client.close();
      await client.shutdown(SHUT_WR);
      await out.write("too late");
      await rejects(() => out.close(), "EPIPE");
      assert.equal(out.closed, true);
      assert.equal(client.fileno(), -1);
      assert.equal((await conn.recv(1)).length, 0);
    });

    test("disposal closes", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const file = opened(scope, client.makefile("w"));
      await file.write("a");
      await file[Symbol.asyncDispose]();
      assert.equal(file.closed, true);
      assert.equal(text(await receive(conn, 1)), "a");
      const other = opened(scope, client.makefile("w"));
      await other.write("b");
      other[Symbol.dispose]();
      assert.equal(other.closed, true);
      assert.equal(text(await receive(conn, 1)), "b");
    });

    test("bad arguments", async (scope) => {
      const [client] = await setting.pair(scope);
      const ranges: readonly (() => unknown)[] = [
        () => client.makefile("x" as never),
        () => client.makefile("rr" as never),
        () => client.makefile("r+" as never),
        () => client.makefile("rt" as never),
        () => client.makefile("r", { buffering: 0 as never }),
        () => client.makefile("w", { buffering: 0 as never }),
        () => client.makefile("r", { buffering: 2 ** 31 }),
        () => client.makefile("r", { newline: "\n\n" as never }),
        () => client.makefile("r", { newline: "x" as never }),
        () => client.makefile("r", { errors: "surrogateescape" as never }),
      ];
      const types: readonly (() => unknown)[] = [
        () => client.makefile(5 as never),
        () => client.makefile(null as never),
        () => client.makefile("r", null as never),
        () => client.makefile("r", 8192 as never),
        () => client.makefile("r", { buffering: 1.5 }),
        () => client.makefile("r", { buffering: "1" as never }),
        () => client.makefile("r", { newline: 5 as never }),
        () => client.makefile("r", { errors: 5 as never }),
        () => client.makefile("r", { encoding: 5 as never }),
      ];
      for (const call of ranges) assert.ok(thrown(call) instanceof RangeError, String(call));
      for (const call of types) assert.ok(thrown(call) instanceof TypeError, String(call));
      const file = opened(scope, client.makefile("rw"));
      const raw = opened(scope, client.makefile("rwb"));
      const unbuffered = opened(scope, client.makefile("rb", { buffering: 0 }));
      const wrong: readonly (() => Promise<unknown>)[] = [
        () => file.write(bytes(1) as never),
        () => file.write(5 as never),
        () => file.write(undefined as never),
        () => file.writelines(5 as never),
        () => file.writelines([5] as never),
        () => file.read(1.5),
        () => file.read("1" as never),
        () => file.readline({} as never),
        () => file.readlines("x" as never),
        () => file.readinto.call(file as never, new Uint8Array(1)),
        () => file.read1.call(file as never),
        () => file.readinto1.call(file as never, new Uint8Array(1)),
        () => file.peek.call(file as never),
        () => unbuffered.read1.call(unbuffered as never),
        () => unbuffered.readinto1.call(unbuffered as never, new Uint8Array(1)),
        () => unbuffered.peek.call(unbuffered as never),
        () => raw.read1("x" as never),
        () => raw.peek({} as never),
        () => raw.readinto1("x" as never),
        () => raw.write("text" as never),
        () => raw.write(5 as never),
        () => raw.readinto("x" as never),
        () => raw.readinto([] as never),
      ];
      for (const call of wrong) {
        const error = await rejection(call);
        assert.ok(error instanceof TypeError, `${call}: ${error}`);
        assert.ok(!(error instanceof SocketError));
      }
      await client.close();
      await file.close();
      await raw.close();
      await unbuffered.close();
    });
  });
}

describe("after all files", () => {
  it("no socket is left", { skip: noDescriptors }, checkNothingLeft);
});
