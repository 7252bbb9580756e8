/** Memory that is transferred while a call still needs it: Python would lock it; here the call fails and no byte is lost. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Address,
  AF_INET,
  type InetAddress,
  MSG_PEEK,
  MSG_WAITALL,
  SHUT_RD,
  SOCK_DGRAM,
  type Socket,
  socket,
  TimeoutError,
} from "../mod.ts";
import { concat, receive, receiveAll, text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { runtimeName } from "./support/runtime.ts";
import { bounded, rejection, type Scope, sleep, until } from "./support/scope.ts";
import { settings } from "./support/tcp.ts";

/** Takes a buffer's memory away, as `postMessage` with a list of transfers does. */
function transfer(buffer: Uint8Array<ArrayBuffer>): void {
  structuredClone(buffer, { transfer: [buffer.buffer] });
}

/** TypeScript's own declarations have no memory that grows. */
function resizable(size: number, most: number): ArrayBuffer & { resize(size: number): void } {
  return Reflect.construct(ArrayBuffer, [size, { maxByteLength: most }]);
}

/** Sends until the other side takes no more, and gives the count. */
async function fill(s: Socket<Address>): Promise<number> {
  s.settimeout(0.1);
  for (let sent = 0;;) {
    try {
      sent += await s.send(new Uint8Array(65_536).fill(1));
    } catch (error) {
      assert.ok(error instanceof TimeoutError, String(error));
      return sent;
    }
  }
}

function checkTypeError(error: unknown, name: string): void {
  assert.ok(error instanceof TypeError, `not a TypeError: ${error}`);
  assert.match(error.message, new RegExp(`^${name} was detached or shrunk`));
}

async function datagrams(scope: Scope): Promise<[Socket<InetAddress>, Socket<InetAddress>]> {
  const a = scope.add(socket(AF_INET, SOCK_DGRAM));
  const b = scope.add(socket(AF_INET, SOCK_DGRAM));
  for (const s of [a, b]) await s.bind(["127.0.0.1", 0]);
  await a.connect(b.getsockname());
  return [a, b];
}

for (const setting of settings) {
  describe(`memory that is gone, ${setting.name}`, () => {
    const test = (name: string, body: (scope: Scope) => Promise<void>) =>
      it(name, { skip: setting.skip }, bounded(body));

    test("recv_into fails, and the next receive gets the bytes", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const buffer = new Uint8Array(1000);
      const receiving = client.recv_into(buffer);
      const after = client.recv(1000);
      await sleep(20);
      transfer(buffer);
      await conn.sendall("bytes");
      checkTypeError(await rejection(() => receiving), "buffer");
      // Deno's runtime itself has put them into the memory that was transferred.
      if (runtimeName === "deno" && setting.native) await conn.sendall("bytes");
      assert.equal(text(await after), "bytes");
    });

    test("recv_into that shutdown has ended: what comes after harms nobody", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const buffer = new Uint8Array(1000);
      const receiving = client.recv_into(buffer);
      await sleep(20);
      await client.shutdown(SHUT_RD);
      assert.equal(await receiving, 0);
      transfer(buffer);
      await conn.sendall("first");
      await sleep(30);
      await conn.sendall("second");
      let all = "";
      // A receive does not wait any more.
      await until(async () => (all += text(await client.recv(99))).endsWith("second"), "the bytes");
      // Deno's runtime has put the first into the memory that was transferred.
      const isLost = runtimeName === "deno" && setting.native;
      assert.equal(all, isLost ? "second" : "firstsecond");
    });

    test("recv_into with MSG_WAITALL fails, and the bytes stay", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const buffer = new Uint8Array(10);
      const receiving = client.recv_into(buffer, 0, 0x100);
      await conn.sendall("first");
      await sleep(20);
      transfer(buffer);
      await conn.sendall("second");
      checkTypeError(await rejection(() => receiving), "buffer");
      assert.equal(text(await receive(client, 11)), "firstsecond");
    });

    test("recvmsg_into fails, and the next receive gets the bytes", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const parts = [new Uint8Array(4), new Uint8Array(4)] as const;
      const receiving = client.recvmsg_into(parts);
      const after = client.recv(9);
      await sleep(20);
      transfer(parts[1]);
      await conn.sendall("bytes");
      checkTypeError(await rejection(() => receiving), "buffer");
      assert.equal(text(await after), "bytes");
    });

    test("recvmsg_into has filled the buffers when the call returns, if bytes are there", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await conn.sendall("bytes and more");
      assert.equal((await client.recv(1, MSG_PEEK)).length, 1);
      for (const [flags, expected] of [[MSG_PEEK, "bytes"], [0, "bytes"], [0, " and "]] as const) {
        const parts = [new Uint8Array(2), new Uint8Array(3)] as const;
        const receiving = client.recvmsg_into(parts, 0, flags);
        assert.equal(text(concat([...parts])), expected);
        transfer(parts[1]);
        assert.deepEqual(await receiving, [5, [], 0, null]);
      }
      assert.equal(text(await client.recv(9)), "more");
    });

    test("recvmsg_into that shutdown ends fails, and leaves the bytes", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const parts = [new Uint8Array(4), new Uint8Array(4)] as const;
      const receiving = client.recvmsg_into(parts, 0, MSG_WAITALL);
      await conn.sendall("bytes");
      await sleep(20);
      transfer(parts[1]);
      await client.shutdown(SHUT_RD);
      checkTypeError(await rejection(() => receiving), "buffer");
      assert.equal(text(await client.recv(9)), "bytes");
    });

    test("readinto of a file, too, also while it waits for its turn", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const file = scope.add(client.makefile("rb"));
      const first = file.read(2);
      for (const call of ["readinto", "readinto1"] as const) {
        const buffer = new Uint8Array(2);
        const reading = file[call](buffer);
        transfer(buffer);
        if (call === "readinto") await conn.sendall("abcd");
        checkTypeError(await rejection(() => reading), "buffer");
      }
      assert.equal(text(await first), "ab");
      assert.equal(text(await file.read(2)), "cd");
    });

    test("sendall fails and tells how much went out; the next goes after it", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const data = new Uint8Array(32 * 1024 * 1024).fill(1);
      const sending = client.sendall(data);
      await sleep(50);
      transfer(data);
      const behind = client.sendall("behind");
      const received = receiveAll(conn);
      const error = await rejection(() => sending);
      checkTypeError(error, "data");
      const { bytes_sent } = error as Error & { bytes_sent: number };
      await behind;
      await client.close();
      const all = await received;
      assert.equal(all.length, bytes_sent + "behind".length);
      assert.ok(all.subarray(0, bytes_sent).every((byte) => byte === 1), "other bytes");
      assert.equal(text(all.subarray(bytes_sent)), "behind");
    });

    for (const limit of ["signal", "timeout"]) {
      test(`send with a ${limit} fails where it waits for room; the next goes`, async (scope) => {
        const [client, conn] = await setting.pair(scope);
        let before = await fill(client);
        const options = limit === "signal" ? { signal: new AbortController().signal } : {};
        let data: Uint8Array<ArrayBuffer>;
        let sending: Promise<unknown>;
        // The kernel finds a little more room by and by.
        for (let count: unknown = 0; typeof count === "number";) {
          before += count;
          client.settimeout(limit === "timeout" ? 20 : null);
          data = new Uint8Array(50_000).fill(2);
          sending = client.send(data, 0, options).catch((error: unknown) => error);
          count = await Promise.race([sending, sleep(5)]);
        }
        transfer(data!);
        const behind = client.sendall("behind");
        const received = receiveAll(conn);
        const result = await sending!;
        // Deno without a way to send at once has a copy.
        if (typeof result !== "number") checkTypeError(result, "data");
        else assert.ok(runtimeName === "deno" && setting.native && result > 0);
        await behind;
        await client.close();
        const sent = typeof result === "number" ? result : 0;
        assert.equal((await received).length, before + sent + "behind".length);
      });
    }

    test("sendall of memory that grows sends what was there", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const size = 32 * 1024 * 1024;
      const growing = resizable(size, 2 * size);
      const sending = client.sendall(new Uint8Array(growing));
      await sleep(50);
      growing.resize(size + 1000);
      const received = receiveAll(conn);
      await sending;
      await client.close();
      assert.equal((await received).length, size);
    });

    for (const timeout of [null, 20]) {
      for (const call of ["send", "sendall"] as const) {
        test(`${call} of memory that grows takes nothing from the next, timeout ${timeout}`, async (scope) => {
          const [client, conn] = await setting.pair(scope);
          const before = await fill(client);
          client.settimeout(timeout);
          const growing = resizable(100, 300);
          const sending = [client[call](new Uint8Array(growing).fill(2))];
          for (const value of [3, 4]) sending.push(client.sendall(new Uint8Array(60).fill(value)));
          await sleep(5);
          growing.resize(200);
          const received = receiveAll(conn);
          const [count] = await Promise.all(sending);
          await client.close();
          if (call === "send") assert.equal(count, 100);
          const rest = (await received).subarray(before);
          const counts = [0, 2, 3, 4].map((value) => rest.filter((byte) => byte === value).length);
          assert.deepEqual(counts, [0, 100, 60, 60]);
        });
      }
    }
  });
}

describe("memory that is gone, datagrams", () => {
  it(
    "recvfrom_into fails, and the next receive gets the datagram",
    bounded(async (scope) => {
      const [a, b] = await datagrams(scope);
      const buffer = new Uint8Array(100);
      const receiving = b.recvfrom_into(buffer);
      const after = b.recv(100);
      await sleep(20);
      transfer(buffer);
      await a.send("datagram");
      checkTypeError(await rejection(() => receiving), "buffer");
      assert.equal(text(await after), "datagram");
    }),
  );
});

describe("memory that is gone, after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
