/** Datagrams go out in the order of their calls, also beside close(), and no loop of sends stops the event loop. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AF_INET,
  createMemoryAdapter,
  type InetAddress,
  SO_RCVBUF,
  SOCK_DGRAM,
  Socket,
  SOL_SOCKET,
} from "../mod.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { noPeer, pythonProgram } from "./support/peers.ts";
import { bounded, rejection, rejects, type Scope, sleep, within } from "./support/scope.ts";

const host = "127.0.0.1";

/** Says its port, then the datagrams that came until there were as many as it should get, or half a second without. */
const RECEIVER = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0)); print(s.getsockname()[1], flush=True)
s.settimeout(10)
came = []
try:
    while len(came) < int(sys.argv[1]):
        came.append(s.recv(100).decode()); s.settimeout(0.5)
except TimeoutError:
    pass
print(" ".join(came), flush=True)
`;

const letters = [..."abcdefghijklmnopqrst"];
const expected = letters.join(" ");

function open(scope: Scope): Socket<InetAddress> {
  return scope.add(new Socket<InetAddress>(AF_INET, SOCK_DGRAM));
}

type Send = (letter: string, i: number) => Promise<number>;

/** How a socket can be when it sends, and to whom. */
const ways: Record<string, (s: Socket<InetAddress>, port: number) => Send | Promise<Send>> = {
  "a fresh socket": (s, port) => (letter) => s.sendto(letter, [host, port]),
  async "a bound socket"(s, port) {
    await s.bind([host, 0]);
    return (letter) => s.sendto(letter, [host, port]);
  },
  async "a connected socket"(s, port) {
    await s.connect([host, port]);
    return (letter) => s.send(letter);
  },
  "a socket that sends to a name and to its address": (s, port) => (letter, i) =>
    s.sendto(letter, [i % 3 === 0 ? host : "localhost", port]),
};

for (const [name, prepare] of Object.entries(ways)) {
  describe(`datagrams of ${name}`, () => {
    it(
      "arrive in the order of their calls",
      { skip: noPeer },
      bounded(async (scope) => {
        const peer = pythonProgram(scope, RECEIVER, [String(letters.length)]);
        const send = await prepare(open(scope), Number(await peer.line()));
        assert.deepEqual(await Promise.all(letters.map(send)), letters.map(() => 1));
        assert.equal(await peer.line(), expected);
      }),
    );

    it(
      "all arrive when the socket is closed at once",
      { skip: noPeer },
      bounded(async (scope) => {
        const peer = pythonProgram(scope, RECEIVER, [String(letters.length)]);
        const s = open(scope);
        const send = await prepare(s, Number(await peer.line()));
        const sent = letters.map(send);
        await s.close();
        assert.deepEqual(await Promise.all(sent), letters.map(() => 1));
        assert.equal(await peer.line(), expected);
      }),
    );
  });
}

describe("a datagram to a name", () => {
  it(
    "is not sent by a call that was aborted meanwhile",
    { skip: noPeer },
    bounded(async (scope) => {
      const peer = pythonProgram(scope, RECEIVER, ["2"]);
      const port = Number(await peer.line());
      const s = open(scope);
      const controller = new AbortController();
      const sent = s.sendto("no", ["localhost", port], { signal: controller.signal });
      const next = s.sendto("yes", [host, port]);
      controller.abort("enough");
      assert.equal(await rejection(() => sent), "enough");
      assert.equal(await next, 3);
      assert.equal(await peer.line(), "yes");
    }),
  );
});

describe("a look-up that does not answer", () => {
  it(
    "holds up no send that comes after a call which has given up, and no close",
    bounded(async (scope) => {
      const adapter = createMemoryAdapter();
      adapter.faults.hangLookup();
      const s = scope.add(new Socket<InetAddress>(AF_INET, SOCK_DGRAM, 0, { adapter }));
      await s.bind([host, 0]);
      s.settimeout(0.05);
      await rejects(() => s.sendto("x", ["nobody.test", 5]), "ETIMEDOUT", "sendto");
      s.settimeout(null);
      assert.equal(await s.sendto("y", s.getsockname()), 1);
      const controller = new AbortController();
      const sent = s.sendto("x", ["nobody.test", 5], controller);
      const next = s.sendto("z", s.getsockname());
      controller.abort("enough");
      assert.equal(await rejection(() => sent), "enough");
      assert.equal(await next, 1);
      const last = s.sendto("x", ["nobody.test", 5]);
      await within(s.close(), 2_000, "close");
      await rejects(() => last, "EBADF", "sendto");
    }),
  );
});

describe("a look-up that fails", () => {
  it(
    "before it is its send's turn fails that send alone",
    bounded(async (scope) => {
      const adapter = createMemoryAdapter({ hosts: { "known.test": [host] } });
      adapter.faults.hangLookup("slow.test");
      const s = scope.add(new Socket<InetAddress>(AF_INET, SOCK_DGRAM, 0, { adapter }));
      await s.bind([host, 0]);
      const controller = new AbortController();
      const first = s.sendto("x", ["slow.test", 5], controller);
      const second = s.sendto("x", ["unknown.test", 5]);
      const third = s.sendto("x", ["known.test", s.getsockname()[1]]);
      await sleep(20);
      controller.abort("enough");
      assert.equal(await rejection(() => first), "enough");
      await rejects(() => second, "EAI_NONAME");
      assert.equal(await third, 1);
    }),
  );
});

describe("the event loop", () => {
  it(
    "turns while a program sends and sends",
    bounded(async (scope) => {
      const receiver = open(scope);
      await receiver.bind([host, 0]);
      const s = open(scope);
      let ticks = 0;
      const timer = setInterval(() => ticks++, 1);
      const end = performance.now() + 200;
      while (performance.now() < end) await s.sendto("x", receiver.getsockname());
      clearInterval(timer);
      assert.ok(ticks > 10, `${ticks} ticks`);
    }),
  );
});

describe("the queue of a socket", () => {
  it(
    "takes one datagram that is larger than all of it",
    bounded(async (scope) => {
      const receiver = open(scope);
      receiver.setsockopt(SOL_SOCKET, SO_RCVBUF, 3000);
      await receiver.bind([host, 0]);
      const s = open(scope);
      // As large as the system takes it: with this SO_RCVBUF, Linux has room for one.
      await s.sendto(new Uint8Array(60_000), receiver.getsockname());
      await sleep(50);
      receiver.settimeout(5);
      assert.equal((await receiver.recv(65_536)).length, 60_000);
    }),
  );

  it(
    "takes the largest datagram while no receive waits",
    bounded(async (scope) => {
      const receiver = open(scope);
      await receiver.bind([host, 0]);
      await open(scope).sendto(new Uint8Array(65_507), receiver.getsockname());
      await sleep(50);
      receiver.settimeout(5);
      assert.equal((await receiver.recv(65_536)).length, 65_507);
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
