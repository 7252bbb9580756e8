/** Peers that are killed, stopped, slow, silent or full: nothing that arrived is lost, every call ends as it should. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type InetAddress, MSG_WAITALL, SHUT_WR, type Socket, SocketError } from "../../mod.ts";
import { Random, receiveAll, sha256, text } from "../support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "../support/outside.ts";
import { noPeer, pythonPeer, pythonProgram, roles } from "../support/peers.ts";
import { bounded, rejects, type Scope, sleep } from "../support/scope.ts";
import { limit, seed, tally, times } from "../support/tally.ts";
import { native } from "../support/tcp.ts";

type Inet = Socket<InetAddress>;

const MiB = 1024 * 1024;
const [setting] = native;
const ROUNDS = times(3, 30);

/** Bytes that repeat with a length that divides no buffer: `block` of the peers in Python. */
const CYCLE = 251;
const cycle = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i % CYCLE) ^ 0x55);
const block = cycle(CYCLE * 4000);
const pythonBlock = `block = bytes(i % 251 ^ 0x55 for i in range(251 * 4000))`;

function test(
  name: string,
  body: (scope: Scope) => Promise<void>,
  [usual, soak]: readonly [number, number] = [30_000, 600_000],
): void {
  it(name, { skip: noPeer }, bounded(body, limit(usual, soak)));
}

/** Counts what comes and checks it, until the end or an error; answers the count and how it ended. */
async function drain(s: Inet, from = 0): Promise<[count: number, end: string]> {
  let count = from;
  try {
    for (;;) {
      const bytes = await s.recv(65536);
      if (bytes.length === 0) return [count, "the end"];
      const at = count % CYCLE;
      assert.deepEqual(bytes, block.subarray(at, at + bytes.length), "the bytes that were sent");
      count += bytes.length;
    }
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    return [count, error.code];
  }
}

/** Sends until it fails; answers how many bytes were taken, and the error's code. */
async function flood(s: Inet): Promise<[count: number, code: string]> {
  let sent = 0;
  for (;;) {
    try {
      await s.sendall(block);
      sent += block.length;
    } catch (error) {
      if (!(error instanceof SocketError)) throw error;
      assert.equal(error.syscall, "send");
      return [sent + (error.bytes_sent ?? assert.fail("no bytes_sent")), error.code];
    }
  }
}

function killed(
  name: string,
  script: string,
  converse: (s: Inet, kill: () => void) => Promise<void>,
): void {
  test(`in mid-transfer, ${name}`, async (scope) => {
    let tried = 0;
    for (const role of roles) {
      for (let i = 0; i < ROUNDS; i++) {
        const [s, peer] = await pythonPeer(
          scope,
          setting,
          role,
          `${pythonBlock}\nsay("ready")\n${script}`,
        );
        await peer.line();
        s.settimeout(20);
        await converse(s, () => peer.kill());
        await s.close();
        await peer.exit();
        tried++;
      }
    }
    tally({ what: "a peer that is killed in mid-transfer", tried, unit: "peers", lost: 0 });
  });
}

/** Kills after a time that the seed decides, some milliseconds into the transfer. */
const random = new Random(seed);
async function killSoon(kill: () => void): Promise<void> {
  await sleep(random.integer(15, 60));
  kill();
}

describe("a peer that is killed", () => {
  killed("while it sends", `while True: s.sendall(block)`, async (s, kill) => {
    const [[count, end]] = await Promise.all([drain(s), killSoon(kill)]);
    assert.ok(count > 0);
    assert.equal(end, "the end");
  });

  killed(
    "while it receives",
    `
while True: s.recv(1000); time.sleep(0.001)`,
    async (s, kill) => {
      const [[count, code]] = await Promise.all([flood(s), killSoon(kill)]);
      assert.ok(count > 0);
      assert.equal(code, "ECONNRESET");
      await rejects(() => s.send("x"), "EPIPE", "send");
      assert.equal((await s.recv(1)).length, 0);
    },
  );

  killed(
    "while both send",
    `
threading.Thread(target=lambda: [s.sendall(block) for i in range(10000)], daemon=True).start()
while True: s.recv(1000); time.sleep(0.001)`,
    async (s, kill) => {
      const [[received, end], [sent, code]] = await Promise.all([
        drain(s),
        flood(s),
        killSoon(kill),
      ]);
      assert.ok(received > 0 && sent > 0);
      // The error is told once, to whichever call meets it first.
      assert.match(`${end}, ${code}`, /^(the end, ECONNRESET|ECONNRESET, EPIPE)$/);
    },
  );

  test("and stopped before, and continued, loses nothing", async (scope) => {
    for (const role of roles) {
      const [s, peer] = await pythonPeer(
        scope,
        setting,
        role,
        `
        say(os.getpid())
        count, sha = read_all()
        s.sendall(sha.encode())
        s.close()`,
      );
      const [pid] = await peer.json<[number]>();
      assert.equal(pid, peer.pid);
      const data = new Random(seed).bytes(24 * MiB);
      const sending = s.sendall(data);
      for (let i = 0; i < times(3, 30); i++) {
        peer.kill("SIGSTOP");
        await sleep(50);
        peer.kill("SIGCONT");
        await sleep(10);
      }
      await sending;
      await s.shutdown(SHUT_WR);
      assert.equal(text(await receiveAll(s)), sha256(data));
      await s.close();
    }
  });
});

describe("the listener's process is killed", () => {
  test("connections end, new ones are refused, a new listener has the port", async (scope) => {
    const listener = (port: number) =>
      pythonProgram(
        scope,
        `
        import socket, sys
        listener = socket.create_server(("${setting.host}", ${port}), backlog=8)
        print(listener.getsockname()[1], flush=True)
        first, _ = listener.accept()
        first.sendall(b"hello")
        sys.stdin.read()`,
      );
    for (let i = 0; i < ROUNDS; i++) {
      const process = listener(0);
      const port = await process.json<number>();
      const address: [string, number] = [setting.host, port];
      const accepted = setting.socket(scope);
      await accepted.connect(address);
      assert.equal(text(await accepted.recv(5, MSG_WAITALL)), "hello");
      const queued = setting.socket(scope);
      await queued.connect(address);
      const waiting = Promise.all([
        accepted.recv(9).then((bytes) => bytes.length),
        rejects(() => queued.recv(9), "ECONNRESET", "recv"),
      ]);
      process.kill();
      assert.equal((await waiting)[0], 0);
      await process.exit();
      const late = setting.socket(scope);
      await rejects(() => late.connect(address), "ECONNREFUSED", "connect");
      const next = listener(port);
      assert.equal(await next.json<number>(), port);
      await late.connect(address);
      assert.equal(text(await late.recv(5, MSG_WAITALL)), "hello");
      for (const s of [accepted, queued, late]) await s.close();
      await next.stop();
    }
    const what = "a listener that is killed and started again";
    tally({ what, tried: ROUNDS, unit: "listeners", lost: 0 });
  });
});

describe("a peer that is slow", () => {
  for (const role of roles) {
    test(
      `a byte at a time is what it reads: ${role}, no byte is lost or counted twice`,
      async (scope) => {
        const [s, peer] = await pythonPeer(
          scope,
          setting,
          role,
          `
        sha = hashlib.sha256()
        count = 0
        for i in range(${times(100, 2000)}):
            data = s.recv(1)
            count += 1
            sha.update(data)
            time.sleep(0.01)
        while data := s.recv(1 << 18):
            count += len(data)
            sha.update(data)
        say(count, sha.hexdigest())`,
        );
        const data = new Random(seed).bytes(24 * MiB);
        let taken = 0;
        let timeouts = 0;
        s.settimeout(0.2);
        while (taken < data.length) {
          const part = data.subarray(taken, taken + 8 * MiB);
          try {
            await s.sendall(part);
            taken += part.length;
          } catch (error) {
            const { bytes_sent } = await rejects(() => Promise.reject(error), "ETIMEDOUT", "send");
            taken += bytes_sent ?? assert.fail("no bytes_sent");
            timeouts++;
          }
        }
        assert.ok(timeouts > 1, `${timeouts} timeouts`);
        await s.shutdown(SHUT_WR);
        assert.deepEqual(await peer.json(60_000), [data.length, sha256(data)]);
        const unit = "bytes read one by one";
        tally({
          what: "a peer that reads a byte at a time",
          tried: times(100, 2000),
          unit,
          lost: 0,
        });
      },
      [60_000, 200_000],
    );

    test(`a byte at a time is what it writes: ${role}, each arrives`, async (scope) => {
      const count = times(200, 3000);
      const [s] = await pythonPeer(
        scope,
        setting,
        role,
        `
        for i in range(${count}):
            s.sendall(bytes([i % 251]))
            time.sleep(0.005)
        s.close()`,
      );
      let timeouts = 0;
      let got = 0;
      s.settimeout(0.002);
      while (got < count) {
        try {
          for (const byte of await s.recv(10)) assert.equal(byte, got++ % 251);
        } catch (error) {
          await rejects(() => Promise.reject(error), "ETIMEDOUT", "recv");
          timeouts++;
        }
      }
      assert.ok(timeouts > 0, `${timeouts} timeouts`);
      s.settimeout(5);
      assert.equal((await s.recv(1)).length, 0);
      const unit = "bytes written one by one";
      tally({ what: "a peer that writes a byte at a time", tried: count, unit, lost: 0 });
    }, [60_000, 200_000]);
  }
});

describe("a peer that never answers", () => {
  for (const role of roles) {
    test(`costs its caller the timeout, and nothing else: ${role}`, async (scope) => {
      const [s, peer] = await pythonPeer(scope, setting, role, `command(); s.sendall(b"at last")`);
      let ticks = 0;
      const timer = setInterval(() => ticks++, 5);
      scope.add({ close: () => clearInterval(timer) });
      const count = times(10, 200);
      for (let i = 0; i < count; i++) {
        s.settimeout(0.05);
        const begun = performance.now();
        await rejects(() => s.recv(9), "ETIMEDOUT", "recv");
        // Timers of the runtimes may fire a millisecond early.
        assert.ok(performance.now() - begun > 48, "not before its time");
        await s.send("question");
      }
      assert.ok(ticks > count, `the event loop has turned ${ticks} times`);
      peer.write("\n");
      s.settimeout(10);
      assert.equal(text(await s.recv(9)), "at last");
      const what = "a peer that does not answer, then does";
      tally({ what, tried: count, unit: "timeouts", lost: 0 });
    });
  }
});

describe("a full accept queue", () => {
  test("makes connect wait for its timeout, and is no obstacle once it is emptied", async (scope) => {
    const peer = pythonProgram(
      scope,
      `
      import json, socket, sys
      listener = socket.socket()
      listener.bind(("${setting.host}", 0))
      listener.listen(0)
      print(listener.getsockname()[1], flush=True)
      sys.stdin.readline()
      while True:
          conn, peer = listener.accept()
          try:
              # Those that gave up have gone.
              conn.sendall(conn.recv(100))
          except ConnectionError:
              pass
          conn.close()`,
    );
    const address: [string, number] = [setting.host, await peer.json<number>()];
    // As many as the kernel takes without being asked, and one more.
    const queued: Inet[] = [];
    for (let full = false; !full;) {
      const s = setting.socket(scope);
      s.settimeout(0.5);
      const code = await s.connect(address).then(() => undefined, (error) => error.code);
      if (code === undefined) {
        queued.push(s);
      } else {
        assert.equal(code, "ETIMEDOUT");
        full = true;
        await s.close();
      }
      assert.ok(queued.length < 10);
    }
    const tried = times(10, 100);
    await Promise.all(Array.from({ length: tried }, async () => {
      const s = setting.socket(scope);
      s.settimeout(0.3);
      await rejects(() => s.connect(address), "ETIMEDOUT", "connect");
      await s.close();
    }));
    // Whoever gave up connects elsewhere at once: the end of the old attempt is not the new one's.
    const elsewhere = await setting.server(scope);
    for (const signal of [undefined, AbortSignal.timeout(100)]) {
      const s = setting.socket(scope);
      s.settimeout(0.3);
      await assert.rejects(() => s.connect(address, { signal }));
      await s.connect(elsewhere.getsockname());
      const [conn] = await elsewhere.accept();
      await conn.sendall("x");
      assert.equal(text(await s.recv(9)), "x");
      await Promise.all([conn.close(), s.close()]);
    }
    const patient = setting.socket(scope);
    patient.settimeout(20);
    const connecting = patient.connect(address);
    const echo = async (s: Inet, word: string) => {
      s.settimeout(20);
      await s.sendall(word);
      assert.equal(text(await s.recv(100)), word);
      await s.close();
    };
    peer.write("\n");
    for (const [i, s] of queued.entries()) await echo(s, `queued ${i}`);
    await connecting;
    await echo(patient, "patient");
    const later = setting.socket(scope);
    await later.connect(address);
    await echo(later, "later");
    const what = "connecting to a full accept queue";
    tally({ what, tried, unit: "connections", lost: 0 });
  });

  test("of a listener here refuses nobody who waits", async (scope) => {
    const clients = 8;
    const server = await setting.server(scope, 1);
    const program = pythonProgram(
      scope,
      `
      import socket, threading
      def client(i):
          s = socket.create_connection(("${setting.host}", ${server.getsockname()[1]}), timeout=20)
          s.sendall(b"%d" % i)
          assert s.recv(9) == b"%d" % i
          s.close()
      threads = [threading.Thread(target=client, args=(i,)) for i in range(${clients})]
      for t in threads: t.start()
      for t in threads: t.join()
      print("done", flush=True)`,
    );
    await sleep(100);
    server.settimeout(15);
    const seen = new Set<string>();
    for (let i = 0; i < clients; i++) {
      const [conn] = await server.accept();
      const word = await conn.recv(9);
      seen.add(text(word));
      await conn.sendall(word);
      await conn.close();
    }
    assert.equal(seen.size, clients);
    assert.equal(await program.line(), "done", program.stderr);
  });
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
