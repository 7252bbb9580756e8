/** A call that times out or is aborted loses nothing, however often, however close the data is. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import {
  type InetAddress,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_WAITALL,
  type Socket,
  SocketError,
  TimeoutError,
} from "../mod.ts";
import { pattern, Random, sha256, text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { noPeer, pythonPeer } from "./support/peers.ts";
import { bounded, rejects, sleep } from "./support/scope.ts";
import { limit, seed, tally, times } from "./support/tally.ts";
import { native, settings } from "./support/tcp.ts";

type Inet = Socket<InetAddress>;

/** One receive that may give up: the bytes, or null where it gave up. */
type Attempt = (s: Inet, random: Random) => Promise<Uint8Array | null>;

const aborted = Symbol("aborted");

/** Runs a receive under a signal that comes after a random time of up to 2 ms, or in the same turn. */
async function underSignal(
  random: Random,
  call: (options: { signal: AbortSignal }) => Promise<Uint8Array>,
): Promise<Uint8Array | null> {
  const controller = new AbortController();
  const choice = random.integer(0, 3);
  const timer = setTimeout(() => controller.abort(aborted), choice === 0 ? 2 : 0);
  if (choice === 1) Promise.resolve().then(() => controller.abort(aborted));
  if (choice === 2) setImmediate(() => controller.abort(aborted));
  try {
    return await call({ signal: controller.signal });
  } catch (error) {
    assert.equal(error, aborted);
    return null;
  } finally {
    clearTimeout(timer);
  }
}

async function untilTimeout(
  s: Inet,
  random: Random,
  call: () => Promise<Uint8Array>,
): Promise<Uint8Array | null> {
  s.settimeout(random.integer(1, 2000) / 1e6);
  try {
    return await call();
  } catch (error) {
    assert.ok(error instanceof TimeoutError, String(error));
    return null;
  }
}

/** The receives, with how often each must give up. */
const attempts: Record<string, [times: number, attempt: Attempt]> = {
  "recv that times out": [
    1000,
    (s, random) => untilTimeout(s, random, () => s.recv(random.integer(1, 5000))),
  ],
  "recv_into that times out": [300, (s, random) =>
    untilTimeout(s, random, async () => {
      const buffer = new Uint8Array(random.integer(1, 5000));
      return buffer.subarray(0, await s.recv_into(buffer));
    })],
  "recv with MSG_WAITALL that times out": [
    300,
    (s, random) => untilTimeout(s, random, () => s.recv(random.integer(1, 3000), MSG_WAITALL)),
  ],
  "recv with MSG_PEEK that times out": [300, async (s, random) => {
    const peeked = await untilTimeout(s, random, () => s.recv(random.integer(1, 5000), MSG_PEEK));
    if (peeked === null) return null;
    s.settimeout(5);
    const taken = await s.recv(Math.max(1, peeked.length));
    assert.equal(sha256(taken), sha256(peeked));
    return taken;
  }],
  "recv that is aborted": [
    1000,
    (s, random) => underSignal(random, (options) => s.recv(random.integer(1, 5000), 0, options)),
  ],
  "recvfrom_into that is aborted": [300, (s, random) =>
    underSignal(random, async (options) => {
      const buffer = new Uint8Array(random.integer(1, 5000));
      const [count] = await s.recvfrom_into(buffer, 0, 0, options);
      return buffer.subarray(0, count);
    })],
  "recv that does not wait": [300, async (s, random) => {
    try {
      return await s.recv(random.integer(1, 5000), MSG_DONTWAIT);
    } catch (error) {
      assert.ok(error instanceof SocketError && error.code === "EAGAIN", String(error));
      return null;
    }
  }],
};

const [setting] = native;

describe("bytes from another process", () => {
  for (const [name, [usual, attempt]] of Object.entries(attempts)) {
    const count = times(usual, usual * 10);
    it(
      `are not lost by ${name}, ${count} times`,
      { skip: noPeer },
      bounded(async (scope) => {
        // Small writes at random moments, until the test says that it has seen enough.
        const [s, peer] = await pythonPeer(
          scope,
          setting,
          "accepted",
          `
          enough = threading.Event()
          threading.Thread(target=lambda: (command(), enough.set()), daemon=True).start()
          count, sha = 0, hashlib.sha256()
          s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
          block = random.randbytes(1 << 16)
          while not enough.is_set():
              at = random.randint(0, 60000)
              part = block[at:at + random.choice([1, 10, 100, 1000, 4000])]
              s.sendall(part)
              sha.update(part)
              count += len(part)
              if random.random() < 0.9:
                  time.sleep(random.uniform(0, 0.003))
          s.close()
          say(count, sha.hexdigest())`,
        );
        const random = new Random(count + seed);
        const hash = createHash("sha256");
        let received = 0;
        let nothing = 0;
        let something = 0;
        while (nothing < count || something < 200) {
          const bytes = await attempt(s, random);
          if (bytes === null) {
            nothing++;
            // A refusal to wait takes no time: leave the peer some.
            if (name.includes("not wait")) await sleep(0);
          } else {
            assert.ok(bytes.length > 0, "the peer has not ended");
            something++;
            hash.update(bytes);
            received += bytes.length;
          }
        }
        peer.write("\n");
        s.settimeout(10);
        for (;;) {
          const bytes = await s.recv(65536);
          if (bytes.length === 0) break;
          hash.update(bytes);
          received += bytes.length;
        }
        assert.deepEqual([received, hash.digest("hex")], await peer.json());
        tally({ what: `bytes while there is a ${name}`, tried: count, unit: "times", lost: 0 });
      }, limit(30_000, 300_000)),
    );
  }
});

for (const here of settings) {
  describe(`within this process nothing is lost, ${here.name}`, () => {
    it(
      "by receives that time out or are aborted",
      { skip: here.skip },
      bounded(async (scope) => {
        const [client, conn] = await here.pair(scope);
        const total = 400_000;
        const sending = (async () => {
          const random = new Random(1);
          for (let sent = 0; sent < total;) {
            const part = pattern(Math.min(total - sent, random.integer(1, 3000)), sent);
            await client.sendall(part);
            sent += part.length;
            const pause = random.integer(0, 4);
            if (pause > 0) await sleep(pause - 1);
          }
          await client.close();
        })();
        const random = new Random(2);
        const ways = ["recv that times out", "recv_into that times out", "recv that is aborted"];
        const seen = new Uint8Array(total);
        let count = 0;
        let nothing = 0;
        for (;;) {
          conn.settimeout(5);
          const bytes = await attempts[ways[random.integer(0, 2)]!]![1](conn, random);
          if (bytes === null) {
            nothing++;
            continue;
          }
          if (bytes.length === 0) break;
          seen.set(bytes, count);
          count += bytes.length;
        }
        await sending;
        assert.equal(count, total);
        assert.equal(sha256(seen), sha256(pattern(total)));
        assert.ok(nothing >= 50, `only ${nothing} receives gave up`);
      }),
    );

    it(
      "by accepts that time out or are aborted",
      { skip: here.skip },
      bounded(async (scope) => {
        const server = await here.server(scope);
        const clients = 100;
        const connecting = (async () => {
          const random = new Random(3);
          for (let i = 0; i < clients; i++) {
            const client = here.socket(scope);
            await client.connect(server.getsockname());
            await client.sendall(String(i));
            await sleep(random.integer(0, 3));
          }
        })();
        const random = new Random(4);
        const seen: string[] = [];
        let nothing = 0;
        while (seen.length < clients) {
          const controller = new AbortController();
          const byTimeout = random.integer(0, 1) === 0;
          server.settimeout(byTimeout ? random.integer(1, 2000) / 1e6 : 5);
          const timer = byTimeout ? undefined : setTimeout(() => controller.abort(aborted), 0);
          try {
            const [conn] = await server.accept({ signal: controller.signal });
            seen.push(text(await conn.recv(9)));
            await conn.close();
          } catch (error) {
            if (byTimeout) await rejects(() => Promise.reject(error), "ETIMEDOUT");
            else assert.equal(error, aborted);
            nothing++;
          }
          clearTimeout(timer);
        }
        await connecting;
        assert.deepEqual(seen, Array.from({ length: clients }, (_, i) => String(i)));
        assert.ok(nothing >= 20, `only ${nothing} accepts gave up`);
      }),
    );
  });
}

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
