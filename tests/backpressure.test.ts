/** A side that does not read stops the other, and costs no memory. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import {
  type Address,
  AF_INET,
  AF_UNIX,
  type InetAddress,
  SHUT_WR,
  type Socket,
  SocketError,
  socketpair,
} from "../mod.ts";
import { Random, receive, receiveAll, sha256 } from "./support/bytes.ts";
import { watchMemory } from "./support/memory.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { noPeer, pythonPeer, roles } from "./support/peers.ts";
import type { Program } from "./support/process.ts";
import { bounded, rejects, type Scope, sleep, until } from "./support/scope.ts";
import { native, noUnix } from "./support/tcp.ts";

const MiB = 1024 * 1024;
/** What the peer offers. */
const offer = 256 * MiB;
/** By how much the process may grow, in MiB. */
const allowed = 16;

/** A peer that sends 256 MiB and tells every 50 ms how many bytes its system has taken. */
const flooding = `
block = random.Random(3).randbytes(1 << 20)
sent, sha = 0, hashlib.sha256()
def report():
    while sent < ${offer}:
        say(sent)
        time.sleep(0.05)
threading.Thread(target=report, daemon=True).start()
s.settimeout(None)
while sent < ${offer}:
    n = s.send(block)
    sha.update(block[:n])
    sent += n
s.close()
say(sent, sha.hexdigest())`;

/** A peer that reads when it is told, and then all. */
const late = `
command()
say(*read_all())`;

const [setting] = native;

describe("a socket that does not read", () => {
  for (const role of roles) {
    for (const started of [false, true]) {
      const how = started ? "stopped reading" : "never read";
      it(
        `that was ${role} and ${how} stops its peer and costs no memory`,
        { skip: noPeer },
        bounded(async (scope) => {
          await warmUp(scope);
          const [s, peer] = await pythonPeer(scope, setting, role, flooding);
          if (started) await receive(s, 100_000);
          const memory = await watchMemory(scope);
          const taken = await stuck(peer);
          const growth = memory.stop();
          assert.ok(taken > 0 && taken < 64 * MiB, `the peer got rid of ${taken} bytes`);
          assert.ok(growth < allowed, `grew by ${growth.toFixed(1)} MiB`);

          const [count, sha] = await drain(s, started ? offer - 100_000 : offer);
          assert.equal(count, started ? offer - 100_000 : offer);
          let last: unknown[];
          do last = await peer.json<unknown[]>(); while (last.length === 1);
          assert.equal(last[0], offer);
          if (!started) assert.equal(last[1], sha);
          // A kernel whose queue was full may have dropped a segment; its peer then waits twice as long each time.
        }, 110_000),
      );
    }
  }

  it(
    "and whose receives time out or peek costs no memory",
    { skip: noPeer },
    bounded(async (scope) => {
      const { MSG_PEEK } = await import("../mod.ts");
      const [s, peer] = await pythonPeer(scope, setting, "connected", flooding);
      await receive(s, 100_000);
      const memory = await watchMemory(scope);
      const taken = await stuck(peer, async () => {
        for (let i = 0; i < 200; i++) assert.equal((await s.recv(10, MSG_PEEK)).length, 10);
      });
      const growth = memory.stop();
      assert.ok(growth < allowed, `grew by ${growth.toFixed(1)} MiB`);
      assert.ok(taken < 64 * MiB, `the peer got rid of ${taken} bytes`);
    }),
  );
});

describe("a peer that does not read", () => {
  it(
    "makes sendall of a large array wait, at no cost in memory, until it reads",
    { skip: noPeer },
    bounded(async (scope) => {
      const [s, peer] = await pythonPeer(scope, setting, "connected", late);
      const data = new Random(8).bytes(128 * MiB);
      const expected = sha256(data);
      const memory = await watchMemory(scope);
      let done = false;
      const sending = s.sendall(data).then(() => done = true);
      await sleep(700);
      assert.equal(done, false, "nobody has read yet");
      const growth = memory.stop();
      assert.ok(growth < allowed, `grew by ${growth.toFixed(1)} MiB`);
      peer.write("\n");
      await sending;
      await s.shutdown(SHUT_WR);
      assert.deepEqual(await peer.json(), [data.length, expected]);
    }, 60_000),
  );

  it(
    "makes a loop of sends wait, at no cost in memory, until it reads",
    { skip: noPeer },
    bounded(async (scope) => {
      const [s, peer] = await pythonPeer(scope, setting, "accepted", late);
      const block = new Random(9).bytes(64 * 1024);
      const hash = createHash("sha256");
      const memory = await watchMemory(scope);
      let sent = 0;
      const sending = (async () => {
        while (sent < offer) {
          await s.sendall(block);
          hash.update(block);
          sent += block.length;
        }
      })();
      await standsStill(() => sent);
      assert.ok(sent < 64 * MiB, `${sent} bytes were taken`);
      const growth = memory.stop();
      assert.ok(growth < allowed, `grew by ${growth.toFixed(1)} MiB`);
      peer.write("\n");
      await sending;
      await s.shutdown(SHUT_WR);
      assert.deepEqual(await peer.json(), [offer, hash.digest("hex")]);
    }, 60_000),
  );

  for (const how of ["times out", "is aborted", "is aborted with a SocketError"]) {
    it(
      `and sendall that ${how} in the middle tells exactly what was taken`,
      { skip: noPeer },
      bounded(async (scope) => {
        const [s, peer] = await pythonPeer(scope, setting, "connected", late);
        const data = new Random(10).bytes(64 * MiB);
        const tells = how.endsWith("SocketError");
        const reason = tells ? new SocketError("enough") : new Error("enough");
        let taken: number | undefined;
        if (how === "times out") {
          s.settimeout(0.3);
          const error = await rejects(() => s.sendall(data), "ETIMEDOUT", "send");
          taken = error.bytes_sent;
          s.settimeout(null);
          assert.ok(taken !== undefined && taken > 0 && taken < data.length, `bytes_sent ${taken}`);
        } else {
          const controller = new AbortController();
          setTimeout(() => controller.abort(reason), 300);
          await assert.rejects(
            s.sendall(data, 0, { signal: controller.signal }),
            (error) => error === reason,
          );
          // docs/errors.md: any other is the caller's.
          assert.equal("bytes_sent" in reason, tells);
          if (reason instanceof SocketError) taken = reason.bytes_sent;
        }
        const tail = s.sendall("tail");
        peer.write("\n");
        await tail;
        await s.shutdown(SHUT_WR);
        const [count = 0, sha] = await peer.json<[number, string]>();
        if (taken !== undefined) assert.equal(count, taken + 4);
        assert.equal(
          sha,
          sha256(data.subarray(0, count - 4), new TextEncoder().encode("tail")),
          "a prefix of what was sent, then what was sent later",
        );
        assert.equal((await s.recv(1)).length, 0, "and the socket is usable to its end");
      }),
    );
  }

  it(
    "and sends that time out time after time lose and repeat nothing",
    { skip: noPeer },
    bounded(async (scope) => {
      const [s, peer] = await pythonPeer(
        scope,
        setting,
        "connected",
        `
        count, sha = 0, hashlib.sha256()
        while data := s.recv(random.randint(1, 60000)):
            count += len(data)
            sha.update(data)
            time.sleep(random.uniform(0, 0.001))
        say(count, sha.hexdigest())`,
      );
      const data = new Random(11).bytes(48 * MiB);
      let taken = 0;
      let timeouts = 0;
      while (taken < data.length) {
        s.settimeout(timeouts % 2 === 0 ? 0.002 : 0.0005);
        try {
          await s.sendall(data.subarray(taken, taken + 4 * MiB));
          taken += Math.min(4 * MiB, data.length - taken);
        } catch (error) {
          const { bytes_sent } = await rejects(() => Promise.reject(error), "ETIMEDOUT", "send");
          taken += bytes_sent ?? assert.fail("no bytes_sent");
          timeouts++;
        }
      }
      s.settimeout(null);
      await s.shutdown(SHUT_WR);
      const [count, sha] = await peer.json<[number, string]>(30_000);
      assert.equal(count, data.length);
      assert.equal(sha, sha256(data));
      assert.ok(timeouts >= 20, `only ${timeouts} timeouts`);
    }, 60_000),
  );
});

describe("a send that waits for room", () => {
  for (const family of [AF_INET, AF_UNIX]) {
    for (const timeout of [null, 10]) {
      it(
        `takes what fits, ${family === AF_INET ? "TCP" : "UNIX"}${
          timeout === null ? "" : " with a timeout"
        }`,
        { skip: family === AF_UNIX && noUnix },
        bounded(async (scope) => {
          const [a, b] = await socketpair(family) as [Socket<Address>, Socket<Address>];
          for (const s of [a, b]) scope.add(s);
          a.setblocking(false);
          let sent = 0;
          for (let size = 64 * 1024; size >= 1; size = size > 1 ? 1 : 0) {
            for (let count = 1; count > 0; sent += count) {
              count = await a.send(new Uint8Array(size)).catch(() => 0);
            }
          }
          a.settimeout(timeout);
          const file = a.makefile("wb", { buffering: 0 });
          const calls = [
            a.send("hello"),
            a.sendmsg(["wor", "ld"]),
            file.write(new Uint8Array(7)),
            a.send(new Uint8Array(50_000)),
          ];
          const received = receiveAll(b);
          const counts = await Promise.all(calls);
          await file.close();
          await a.close();
          assert.deepEqual(counts, [5, 5, 7, 50_000]);
          assert.equal((await received).length, sent + 50_017);
        }),
      );
    }
  }

  it(
    "takes what fits of more than 2 GiB",
    bounded(async (scope) => {
      const [client, conn] = await setting.pair(scope);
      // Memory that nobody touches costs nothing.
      const huge = new Uint8Array(2 ** 31 + 10);
      const received = receiveAll(conn);
      const count = await client.send(huge);
      assert.ok(count > 0 && count <= huge.length, `${count}`);
      client.settimeout(0.05);
      const { bytes_sent = 0 } = await rejects(() => client.sendall(huge), "ETIMEDOUT", "send");
      assert.ok(bytes_sent > 0);
      await client.close();
      assert.equal((await received).length, count + bytes_sent);
    }),
  );
});

/** Waits until the flooding peer gets no further for half a second; gives what it got rid of. */
async function stuck(peer: Program, meanwhile?: () => Promise<void>): Promise<number> {
  let taken = -1;
  for (let same = 0; same < 10;) {
    await meanwhile?.();
    const report = await peer.json<number[]>();
    if (report.length > 1) assert.fail("nothing stopped the peer");
    same = report[0] === taken ? same + 1 : 0;
    taken = report[0] ?? 0;
  }
  return taken;
}

/** Waits until a count stays the same while the event loop turns and turns, for 300 ms at least. */
async function standsStill(count: () => number): Promise<void> {
  let last = -1;
  let looks = 0;
  await until(
    () => {
      looks = count() === last ? looks + 1 : 0;
      last = count();
      return looks >= 60;
    },
    "a count that stands still",
    20_000,
  );
}

/** Lets the runtime allocate what it needs for any conversation. */
async function warmUp(scope: Scope): Promise<void> {
  const [client, conn] = await setting.pair(scope);
  const sending = client.sendall(new Uint8Array(8 * MiB));
  await drain(conn, 8 * MiB);
  await sending;
  await client.close();
}

/** Receives so many bytes and keeps none. */
async function drain(s: Socket<InetAddress>, size: number): Promise<[number, string]> {
  const hash = createHash("sha256");
  let count = 0;
  while (count < size) {
    const chunk = await s.recv(1 << 18);
    if (chunk.length === 0) break;
    hash.update(chunk);
    count += chunk.length;
  }
  return [count, hash.digest("hex")];
}

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
