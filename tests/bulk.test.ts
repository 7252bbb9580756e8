/** Bytes that come faster than they are received: whatever the calls, in order and whole, up to the end or a reset. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import {
  capabilities,
  fromfd,
  type InetAddress,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_WAITALL,
  SHUT_RD,
  SOCK_STREAM,
  type Socket,
  SocketError,
} from "../mod.ts";
import { Random, sha256 } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { noPeer, pythonPeer, roles } from "./support/peers.ts";
import { bounded, rejects, sleep } from "./support/scope.ts";
import { native } from "./support/tcp.ts";

type Inet = Socket<InetAddress>;

const [setting] = native;
const MiB = 1 << 20;

const { adapter, fileno } = capabilities();
/** Why no descriptor can be detached here, or false. */
const noDetach: string | false = fileno ? false : `${adapter} reveals no descriptor`;

/** Sends so many MiB in pieces up to 1 MiB with few pauses, and says the hash. */
const sender = `
sha, rest = hashlib.sha256(), int(command()) << 20
block = random.randbytes(1 << 20)
while rest:
    size = min(rest, random.choice([1, 100, 1 << 12, 1 << 16, 1 << 18, 1 << 20]))
    s.sendall(block[-size:])
    sha.update(block[-size:])
    rest -= size
    if random.random() < 0.02:
        time.sleep(0.002)
`;

/** Receives in one of many ways; `undefined` where nothing was there for a call that may not wait. */
async function receive(s: Inet, random: Random): Promise<Uint8Array | undefined> {
  const size = random.integer(0, 3) === 0 ? random.integer(1, MiB) : 65536;
  switch (random.integer(0, 6)) {
    case 0:
      return await s.recv(size, MSG_WAITALL);
    case 1: {
      const peeked = await s.recv(size, MSG_PEEK);
      const taken = await s.recv(Math.max(1, peeked.length), MSG_WAITALL);
      assert.equal(sha256(taken), sha256(peeked));
      return taken;
    }
    case 2:
      try {
        return await s.recv(size, MSG_DONTWAIT);
      } catch (error) {
        assert.ok(error instanceof SocketError && error.code === "EAGAIN", String(error));
        return undefined;
      }
    case 3: {
      s.settimeout(0.0005);
      const [bytes] = await Promise.allSettled([s.recv(size)]);
      s.settimeout(20);
      return bytes.status === "fulfilled" ? bytes.value : undefined;
    }
    case 4:
      return await s.recv(size);
    default: {
      const buffer = new Uint8Array(size);
      return buffer.subarray(0, await s.recv_into(buffer));
    }
  }
}

describe("bytes in bulk", () => {
  for (const role of roles) {
    it(
      `come whole and in order by all ways of receiving, ${role}`,
      { skip: noPeer },
      bounded(async (scope) => {
        const total = 96;
        const [s, peer] = await pythonPeer(
          scope,
          setting,
          role,
          `${sender}s.shutdown(socket.SHUT_WR)\nsay(sha.hexdigest())\ncommand()`,
        );
        s.settimeout(20);
        peer.write(`${total}\n`);
        const random = new Random(role.length);
        const hash = createHash("sha256");
        let count = 0;
        for (;;) {
          const bytes = await receive(s, random);
          if (bytes?.length === 0) break;
          if (bytes === undefined) continue;
          hash.update(bytes);
          count += bytes.length;
          // A reader that is slower than its peer for a while.
          if (random.integer(0, 99) === 0) await sleep(5);
        }
        assert.equal(count, total * MiB);
        assert.deepEqual([hash.digest("hex")], await peer.json());
        peer.write("\n");
      }, 60_000),
    );
  }

  it(
    "come to receives that wait together in the order of their calls",
    { skip: noPeer },
    bounded(async (scope) => {
      const [s, peer] = await pythonPeer(
        scope,
        setting,
        "accepted",
        `${sender}say(sha.hexdigest())\ncommand()`,
      );
      peer.write("32\n");
      const hash = createHash("sha256");
      let count = 0;
      while (count <= 31 * MiB) {
        const buffer = new Uint8Array(65536);
        const [first, second, third] = await Promise.all([
          s.recv_into(buffer),
          s.recv(1),
          s.recv(65536),
        ]);
        // The last three may have less to share than they asked for, but no other call has it.
        for (const bytes of [buffer.subarray(0, first), second, third]) {
          hash.update(bytes);
          count += bytes.length;
        }
      }
      s.settimeout(20);
      while (count < 32 * MiB) {
        const bytes = await s.recv(65536);
        hash.update(bytes);
        count += bytes.length;
      }
      assert.deepEqual([hash.digest("hex")], await peer.json());
      peer.write("\n");
    }, 60_000),
  );

  it(
    "let timers run however fast they come",
    { skip: noPeer },
    bounded(async (scope) => {
      const [s, peer] = await pythonPeer(scope, setting, "accepted", `${sender}command()`);
      peer.write("128\n");
      let count = 0;
      let last = 0;
      // In bytes, which do not come either while the machine is busy with something else.
      let most = 0;
      const timer = setInterval(() => {
        most = Math.max(most, count - last);
        last = count;
      }, 1);
      const buffer = new Uint8Array(65536);
      while (count < 128 * MiB) count += await s.recv_into(buffer);
      clearInterval(timer);
      most = Math.max(most, count - last);
      assert.ok(most < 32 * MiB, `${most / MiB} MiB without a timer`);
      peer.write("\n");
    }, 60_000),
  );

  it(
    "that arrived before a reset come before its error",
    { skip: noPeer },
    bounded(async (scope) => {
      const [s, peer] = await pythonPeer(
        scope,
        setting,
        "accepted",
        `${sender}settled()\nreset()\nsay(sha.hexdigest())`,
      );
      peer.write("4\n");
      s.settimeout(20);
      const hash = createHash("sha256");
      let count = 0;
      const buffer = new Uint8Array(65536);
      while (count < 4 * MiB) {
        const received = await s.recv_into(buffer);
        assert.ok(received > 0, `the end after ${count} bytes`);
        hash.update(buffer.subarray(0, received));
        count += received;
      }
      assert.deepEqual([hash.digest("hex")], await peer.json());
      await rejects(() => s.recv_into(buffer), "ECONNRESET", "recv");
      assert.equal(await s.recv_into(buffer), 0);
      await rejects(() => s.sendall("x"), "EPIPE", "send");
    }, 30_000),
  );

  it(
    "before a FIN that nobody has received make a send EPIPE, as in Linux",
    { skip: noPeer },
    bounded(async (scope) => {
      const [s, peer] = await pythonPeer(
        scope,
        setting,
        "accepted",
        `${sender}command()\ns.close()\nsay()\ncommand()`,
      );
      peer.write("4\n");
      const buffer = new Uint8Array(65536);
      for (let count = 0; count < 4 * MiB;) count += await s.recv_into(buffer);
      peer.write("\n");
      await peer.json();
      await sleep(20);
      await s.sendall("for nobody");
      await sleep(20);
      await rejects(() => s.sendall("more"), "EPIPE", "send");
      assert.equal(await s.recv_into(buffer), 0);
      peer.write("\n");
    }),
  );

  it(
    "that nobody receives stop the peer",
    { skip: noPeer },
    bounded(async (scope) => {
      const [s, peer] = await pythonPeer(
        scope,
        setting,
        "accepted",
        `
        s.settimeout(0.5)
        sent = 0
        try:
            while True:
                sent += s.send(bytes(1 << 16))
        except TimeoutError:
            say(sent)
        command()`,
      );
      const buffer = new Uint8Array(65536);
      let count = 0;
      while (count < 8 * MiB) count += await s.recv_into(buffer);
      const [sent] = await peer.json<[number]>();
      // The kernel's buffers, and not more than the library may hold.
      assert.ok(sent - count < 16 * MiB, `${sent - count} bytes were taken that nobody received`);
      peer.write("\n");
    }, 30_000),
  );

  it(
    "end with EBADF when it is closed, and leave the buffer alone",
    { skip: noPeer },
    bounded(async (scope) => {
      const [s, peer] = await pythonPeer(
        scope,
        setting,
        "accepted",
        `s.sendall(bytes(8 << 20))\nsay()\ncommand()\ns.sendall(b"late")\ncommand()`,
      );
      const buffer = new Uint8Array(65536).fill(7);
      let count = 0;
      while (count < 8 * MiB) count += await s.recv_into(buffer);
      buffer.fill(7);
      const waiting = s.recv_into(buffer);
      await Promise.all([rejects(() => waiting, "EBADF", "recv"), s.close()]);
      peer.write("\n");
      await sleep(20);
      assert.ok(buffer.every((byte) => byte === 7), "the buffer was written to");
    }),
  );

  it(
    "go on where a descriptor that was detached is taken over",
    { skip: noPeer || noDetach },
    bounded(async (scope) => {
      const [s, peer] = await pythonPeer(
        scope,
        setting,
        "accepted",
        `${sender}command()\ns.sendall(sha.digest())\ncommand()`,
      );
      peer.write("8\n");
      const hash = createHash("sha256");
      const buffer = new Uint8Array(65536);
      for (let count = 0; count < 8 * MiB;) {
        const received = await s.recv_into(buffer);
        hash.update(buffer.subarray(0, received));
        count += received;
      }
      const ended = rejects(() => s.recv_into(buffer), "EBADF", "recv");
      const other = scope.add(fromfd(s.detach(), setting.family, SOCK_STREAM) as Inet);
      await ended;
      buffer.fill(7);
      peer.write("\n");
      assert.deepEqual(await other.recv(32, MSG_WAITALL), new Uint8Array(hash.digest()));
      assert.ok(buffer.every((byte) => byte === 7), "the buffer was written to");
      peer.write("\n");
    }, 30_000),
  );
});

describe("a receive that shutdown(SHUT_RD) ends", () => {
  it(
    "in bulk leaves its buffer alone",
    { skip: adapter === "deno" && "Deno cannot take a read back" },
    bounded(async (scope) => {
      const [s, conn] = await setting.pair(scope);
      const buffer = new Uint8Array(65536);
      const sending = conn.sendall(new Uint8Array(8 * MiB));
      for (let count = 0; count < 8 * MiB;) count += await s.recv_into(buffer);
      await sending;
      buffer.fill(7);
      const waiting = s.recv_into(buffer);
      // All at once: what comes now is read on the next turn of the event loop.
      const calls = Promise.all([s.shutdown(SHUT_RD), conn.send("later")]);
      assert.equal(await waiting, 0);
      await calls;
      await sleep(50);
      assert.ok(buffer.every((byte) => byte === 7), "the buffer was written to");
      assert.deepEqual(await s.recv(100), new TextEncoder().encode("later"));
    }, 30_000),
  );

  it(
    "leaves what comes later to the next one",
    { skip: noPeer },
    bounded(async (scope) => {
      const [s, peer] = await pythonPeer(
        scope,
        setting,
        "accepted",
        `command()\ns.sendall(b"later")\ncommand()`,
      );
      const into = new Uint8Array(100);
      const waiting = s.recv_into(into);
      await s.shutdown(SHUT_RD);
      assert.equal(await waiting, 0);
      peer.write("\n");
      await sleep(100);
      // What Linux has queued can be received, also then.
      assert.deepEqual(await s.recv(100), new TextEncoder().encode("later"));
      peer.write("\n");
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
