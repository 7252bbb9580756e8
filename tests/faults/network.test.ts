/** A network that loses, delays, repeats and reorders packets, is cut and comes back, or does not: between two hosts. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkNothingLeft, noDescriptors } from "../support/outside.ts";
import { type Program, pythonFile } from "../support/process.ts";
import { launch } from "../support/runtime.ts";
import { bounded, type Scope, sleep } from "../support/scope.ts";
import { limit, seed, tally, times } from "../support/tally.ts";
import { hosts, noHosts, TwoHosts } from "../support/two_hosts.ts";

const MiB = 1024 * 1024;
const [, other] = hosts;

/** The library, on the first host. */
function library(scope: Scope, net: TwoHosts, ...args: string[]): Program {
  const program = new URL("../peers/transfer.ts", import.meta.url);
  return scope.add(net.start(0, launch(program, args)));
}

/** Python, on the second: `s` is its connected socket. */
function python(scope: Scope, net: TwoHosts, port: number, script: string): Program {
  const program = `
import hashlib, json, socket, sys, threading
if ${port} == 0:
    listener = socket.create_server(("${other}", 0))
    print(listener.getsockname()[1], flush=True)
    s, _ = listener.accept()
else:
    s = socket.create_connection(("${hosts[0]}", ${port}))
${script}`;
  return scope.add(net.start(1, [pythonFile, "-u", "-c", program]));
}

/** Sends so many bytes and receives all there are, at once. */
const exchange = (bytes: number): string => `
def send():
    s.sendall(data)
    s.shutdown(socket.SHUT_WR)
data = bytes((i * 31) >> 4 & 255 for i in range(65536)) * (${bytes} // 65536)
sending = threading.Thread(target=send)
sending.start()
sha, count = hashlib.sha256(), 0
while part := s.recv(65536):
    sha.update(part)
    count += len(part)
sending.join()
print(json.dumps([count, sha.hexdigest(), hashlib.sha256(data).hexdigest()]), flush=True)`;

interface Exchanged {
  readonly sent: string;
  readonly received: [count: number, hash: string];
  readonly timeouts: number;
}

/** Both ways at once; the library listens or connects. Gives how many of its calls have timed out. */
async function transfer(
  scope: Scope,
  net: TwoHosts,
  role: "listens" | "connects",
  bytes: number,
  meanwhile: () => Promise<void> = async () => {},
): Promise<number> {
  let here: Program;
  let there: Program;
  if (role === "listens") {
    here = library(scope, net, hosts[0], "0", String(bytes));
    there = python(scope, net, await here.json<number>(), exchange(bytes));
  } else {
    there = python(scope, net, 0, exchange(bytes));
    here = library(scope, net, other, String(await there.json<number>()), String(bytes));
  }
  await meanwhile();
  const patience = limit(60_000, 600_000);
  const { sent, received, timeouts } = await here.json<Exchanged>(patience);
  const [count, got, gave] = await there.json<[number, string, string]>(patience);
  assert.deepEqual([count, got], [bytes, sent], "what the library sent");
  assert.deepEqual(received, [bytes, gave], "what the library received");
  return timeouts;
}

function test(name: string, body: (scope: Scope, net: TwoHosts) => Promise<void>): void {
  it(
    name,
    { skip: noHosts },
    bounded(async (scope) => {
      await body(scope, await TwoHosts.open(scope, seed));
    }, limit(90_000, 900_000)),
  );
}

describe("a network", () => {
  test("that loses, delays, repeats and reorders packets changes no byte", async (scope, net) => {
    const bytes = times(1, 16) * MiB;
    for (const role of ["listens", "connects"] as const) {
      await net.weather({ loss: 0.03, twice: 0.02, delay: 0.001, jitter: 0.006 });
      await transfer(scope, net, role, bytes);
      const { lost, repeated, overtaken } = await net.weather({ loss: 0, twice: 0 });
      assert.ok(lost > 10 && repeated > 10 && overtaken > 10, `${lost} ${repeated} ${overtaken}`);
      const what = "a network that loses, delays, repeats and reorders packets, by SHA-256";
      tally({ what, tried: 2 * bytes / MiB, unit: "MiB", lost: 0 });
    }
  });

  test(
    "that is cut and comes back lets the transfer go on, whatever has timed out",
    async (scope, net) => {
      const bytes = times(2, 16) * MiB;
      let cuts = 0;
      const timeouts = await transfer(scope, net, "connects", bytes, async () => {
        for (let i = 0; i < times(2, 10); i++) {
          await net.carried(60);
          await net.weather({ cut: true, delay: 0.002 });
          await sleep(700);
          await net.weather({ cut: false });
          cuts++;
        }
        await net.weather({ delay: 0 });
      });
      assert.ok(timeouts > 0, "no call has timed out");
      tally({ what: "a network that is cut and comes back", tried: cuts, unit: "cuts", lost: 0 });
    },
  );

  test(
    "whose device is taken away is unreachable, and lets the transfer go on afterwards",
    async (scope, net) => {
      let told = "";
      await net.weather({ delay: 0.005 });
      await transfer(scope, net, "listens", 2 * MiB, async () => {
        await net.carried(60);
        await net.run(0, "ip link set wire down");
        const program = library(scope, net, other, "9", "connect");
        told = await program.json<string>();
        await net.run(0, "ip link set wire up");
        await net.weather({ delay: 0 });
      });
      assert.equal(told, "SocketError ENETUNREACH 101 connect");
    },
  );

  test("that does not come back is ETIMEDOUT, once the system gives up", async (scope, net) => {
    const settings = ["tcp_retries2=2", "tcp_syn_retries=1"];
    await net.run(0, settings.map((one) => `sysctl -qw net.ipv4.${one}`).join(" && "));
    // A connection that waits for an answer sends nothing, and would wait for ever; one that sends is told.
    const there = python(scope, net, 0, "sys.stdin.read()");
    const port = String(await there.json<number>());
    const sender = library(scope, net, other, port, "send");
    assert.equal(await sender.line(), "connected");
    await net.weather({ cut: true });
    const program = library(scope, net, other, port, "connect");
    assert.equal(await program.json<string>(40_000), "TimeoutError ETIMEDOUT 110 connect");
    assert.deepEqual(await sender.json<string[]>(40_000), [
      "TimeoutError ETIMEDOUT 110 send",
      "SocketError EPIPE 32 send",
      "ok",
    ]);
    const what = "a network that is cut for good, reported by ETIMEDOUT";
    tally({ what, tried: 2, unit: "calls", lost: 0 });
  });

  test("that repeats, reorders and loses datagrams changes none that comes", async (scope, net) => {
    const datagrams = times(2000, 20_000);
    await net.weather({ loss: 0.05, twice: 0.05, jitter: 0.004 });
    const program = new URL("../peers/datagrams.ts", import.meta.url);
    const here = scope.add(net.start(0, launch(program, [hosts[0]])));
    const port = await here.json<number>();
    const sender = scope.add(net.start(1, [
      pythonFile,
      "-c",
      `
import hashlib, random, socket, time
random.seed(${seed})
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("${hosts[0]}", ${port}))
for i in range(${datagrams}):
    data = random.randbytes(random.choice([0, 1, 100, 1400, 5000]))
    s.send(hashlib.sha256(data).digest() + data)
    if i % 4 == 0: time.sleep(0.002)
`,
    ]));
    assert.equal((await sender.exit(60_000)).code, 0, sender.stderr);
    await sleep(300);
    here.end();
    const [whole, broken] = await here.json<[number, number]>();
    assert.equal(broken, 0);
    assert.ok(whole > datagrams / 2, `${whole} of ${datagrams} have come`);
    const what = "datagrams through a network that repeats, reorders and loses them";
    tally({ what, tried: datagrams, unit: "datagrams", lost: broken });
  });
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
