/** Datagrams go out in the order of their calls, also beside close(), and no loop of sends stops the event loop. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import process from "node:process";
import {
  type Adapter,
  AF_INET,
  createMemoryAdapter,
  type InetAddress,
  MSG_DONTWAIT,
  SO_RCVBUF,
  SOCK_DGRAM,
  Socket,
  SOL_SOCKET,
} from "../mod.ts";
import { text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { noPeer, pythonProgram } from "./support/peers.ts";
import { start } from "./support/process.ts";
import { hasFfi, launch, runtimeName } from "./support/runtime.ts";
import {
  assertCode,
  bounded,
  rejection,
  rejects,
  type Scope,
  sleep,
  within,
} from "./support/scope.ts";

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

function open(scope: Scope, adapter?: Adapter): Socket<InetAddress> {
  const options = adapter === undefined ? {} : { adapter };
  return scope.add(new Socket<InetAddress>(AF_INET, SOCK_DGRAM, 0, options));
}

async function bound(scope: Scope, adapter?: Adapter): Promise<Socket<InetAddress>> {
  const s = open(scope, adapter);
  await s.bind([host, 0]);
  s.settimeout(5);
  return s;
}

const adapters: Record<string, () => Adapter | undefined> = {
  "this runtime": () => undefined,
  "the memory adapter": () => createMemoryAdapter(),
};

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

for (const [name, adapterOf] of Object.entries(adapters)) {
  const test = (title: string, body: (scope: Scope, adapter?: Adapter) => Promise<void>): void => {
    it(title, bounded((scope) => body(scope, adapterOf())));
  };
  /** Runs a case at every moment of a connect that is under way: after so many microtasks. */
  const each = async (
    scope: Scope,
    adapter: Adapter | undefined,
    run: (s: Socket<InetAddress>, moment: () => Promise<void>) => Promise<void>,
  ): Promise<void> => {
    for (let microtasks = 0; microtasks <= 12; microtasks++) {
      // Also of a socket that is not open yet.
      for (const s of [open(scope, adapter), await bound(scope, adapter)]) {
        await run(s, async () => {
          for (let i = 0; i < microtasks; i++) await undefined;
        });
        await s.close();
      }
    }
  };

  describe(`datagrams beside a connect, on ${name}`, () => {
    test("go after it, and never to the wrong peer", async (scope, adapter) => {
      const [a, b] = [await bound(scope, adapter), await bound(scope, adapter)];
      await each(scope, adapter, async (s, moment) => {
        await s.connect(a.getsockname());
        const connecting = s.connect(b.getsockname());
        await moment();
        const calls = [s.sendto("to a", a.getsockname()), s.send("to b"), s.send("to b, too")];
        await connecting;
        await rejects(() => calls[0]!, "EISCONN", "sendto");
        assert.deepEqual(await Promise.all(calls.slice(1)), [4, 9]);
        assert.deepEqual(s.getpeername(), b.getsockname());
        for (const sent of ["to b", "to b, too"]) assert.equal(text(await b.recv(99)), sent);
      });
      await rejects(() => a.recv(99, MSG_DONTWAIT), "EAGAIN");
    });

    test("go to the peer that it fixes, by its address or without", async (scope, adapter) => {
      const a = await bound(scope, adapter);
      await each(scope, adapter, async (s, moment) => {
        const connecting = s.connect(a.getsockname());
        await moment();
        const sent = [s.sendto("one", a.getsockname()), s.send("two"), s.sendmsg(["three"])];
        assert.deepEqual(await Promise.all(sent), [3, 3, 5]);
        await connecting;
        for (const one of ["one", "two", "three"]) assert.equal(text(await a.recv(99)), one);
      });
    });

    test("that were sent before it go where they should", async (scope, adapter) => {
      const [a, b] = [await bound(scope, adapter), await bound(scope, adapter)];
      await each(scope, adapter, async (s, moment) => {
        const first = s.sendto("to a", a.getsockname());
        await moment();
        await Promise.all([first, s.connect(b.getsockname()), s.send("to b")]);
        assert.equal(text(await a.recv(99)), "to a");
        assert.equal(text(await b.recv(99)), "to b");
      });
    });
  });

  describe(`several connects at once, on ${name}`, () => {
    test("take effect in their order", async (scope, adapter) => {
      const [a, b] = [await bound(scope, adapter), await bound(scope, adapter)];
      await each(scope, adapter, async (s, moment) => {
        const connecting = [s.connect(a.getsockname()), s.connect(a.getsockname())];
        await moment();
        connecting.push(s.connect(b.getsockname()));
        await Promise.all([...connecting, s.send("x")]);
        assert.deepEqual(s.getpeername(), b.getsockname());
        assert.equal(text(await b.recv(99)), "x");
      });
    });
  });

  describe(`a connect and a close at once, on ${name}`, () => {
    test("the connect has connected or is EBADF", async (scope, adapter) => {
      await each(scope, adapter, async (s, moment) => {
        const connecting = s.connect([host, 9]).then(() => undefined, (error) => error);
        await moment();
        await s.close();
        const error = await connecting;
        if (error !== undefined) assertCode(error, "EBADF", "connect");
        await rejects(() => s.send("x"), "EBADF", "send");
      });
    });
  });

  describe(`the buffer of a datagram that waits, on ${name}`, () => {
    const prepare: Record<
      string,
      (s: Socket<InetAddress>, to: InetAddress) => Promise<void> | undefined
    > = {
      "for the socket to open": () => undefined,
      "for a connect": (s, to) => s.connect(to),
      "for a connect of an open socket": async (s, to) => {
        await s.connect(to);
        void s.connect(to);
      },
      "perhaps for earlier ones": (s) => s.bind([host, 0]),
    };
    for (const [why, begin] of Object.entries(prepare)) {
      test(`may change meanwhile: it waits ${why}`, async (scope, adapter) => {
        const receiver = await bound(scope, adapter);
        const to = receiver.getsockname();
        const s = open(scope, adapter);
        const begun = begin(s, to);
        if (!why.includes("a connect") || why.includes("open")) await begun;
        const buffer = new Uint8Array(2);
        const whole = new Uint8Array(buffer.buffer);
        const sends: Promise<unknown>[] = [];
        const send = (letter: string, call: () => Promise<unknown>): void => {
          buffer.fill(letter.charCodeAt(0));
          sends.push(call());
        };
        send("a", () => s.sendto(buffer, to));
        send("b", () => s.sendto(buffer, 0, to));
        send("c", () => s.sendmsg([buffer], [], 0, to));
        send("d", () => s.sendmsg([buffer.subarray(1), buffer], [], 0, to));
        if (why.includes("connect")) {
          send("e", () => s.send(whole));
          send("f", () => s.sendall(buffer.buffer));
          send("g", () => s.sendmsg([buffer]));
        }
        buffer.fill(0);
        await Promise.all(sends);
        await begun;
        const expected = ["aa", "bb", "cc", "ddd", "ee", "ff", "gg"].slice(0, sends.length);
        for (const one of expected) assert.equal(text(await receiver.recv(99)), one);
      });
    }

    test("is not needed: one that is too long fails as ever", async (scope, adapter) => {
      const s = open(scope, adapter);
      const most = new Uint8Array(70_000);
      const sends = [s.sendto(most, [host, 9]), s.sendto("fits", [host, 9])];
      await rejects(() => sends[0]!, "EMSGSIZE", "sendto");
      assert.equal(await sends[1], 4);
    });
  });
}

describe("a datagram that need not wait", () => {
  it(
    "goes out within the call, from the caller's own buffer",
    bounded(async (scope) => {
      const adapter = createMemoryAdapter();
      const given: Uint8Array[] = [];
      const open = adapter.datagram!.bind(adapter);
      adapter.datagram = async (request) => {
        const socket = await open(request);
        const send = socket.send.bind(socket);
        socket.send = (data, to) => {
          given.push(data);
          return send(data, to);
        };
        return socket;
      };
      const receiver = await bound(scope, adapter);
      const to = receiver.getsockname();
      const s = new Socket<InetAddress>(AF_INET, SOCK_DGRAM, 0, { adapter });
      scope.add(s);
      const buffer = new Uint8Array(9);
      const isGiven = (call: () => Promise<unknown>): void => {
        given.length = 0;
        void call();
        assert.equal(given[0], buffer);
      };
      // Right behind calls that had to wait.
      await s.sendto("x", to);
      isGiven(() => s.sendto(buffer, to));
      await s.connect(to);
      isGiven(() => s.send(buffer));
      isGiven(() => s.sendto(buffer, to));
      await Promise.all([s.connect(to), s.send("x"), s.sendall("x")]);
      isGiven(() => s.sendall(buffer));
    }),
  );
});

/** What {@linkcode launch} gives Deno, which has other datagram sockets then. */
const unstable = {
  permissions: ["--allow-net", "--allow-read", "--allow-write"],
  flags: runtimeName === "deno" ? ["--unstable-net"] : [],
};

describe("the buffer of datagrams that are sent at once", () => {
  const program = new URL("./peers/one_buffer.ts", import.meta.url);

  it(
    "may change before they have left a bound socket, except on Deno with all that it has",
    bounded(async (scope) => {
      const permissions = [...unstable.permissions, ...(hasFfi ? ["--allow-ffi"] : [])];
      const peer = scope.add(start(launch(program, ["udp"], { ...unstable, permissions })));
      // docs/differences.md
      assert.equal(await peer.line(), hasFfi ? "?bc" : "abc");
      assert.equal((await peer.exit()).stderr, "");
    }),
  );

  it(
    "may change before they have left a UNIX socket",
    {
      skip: (runtimeName !== "deno" || process.platform !== "linux") &&
        "this runtime has no UNIX datagrams",
    },
    bounded(async (scope) => {
      const peer = scope.add(start(launch(program, ["unix"], unstable)));
      assert.equal(await peer.line(), "abc");
      assert.equal((await peer.exit()).stderr, "");
    }),
  );
});

describe("a connect whose look-up does not answer", () => {
  const program = async (scope: Scope): Promise<Socket<InetAddress>> => {
    const adapter = createMemoryAdapter();
    adapter.faults.hangLookup();
    return await bound(scope, adapter);
  };

  it(
    "holds up no send once it is aborted, and changes nothing",
    bounded(async (scope) => {
      const s = await program(scope);
      const controller = new AbortController();
      const connecting = s.connect(["nobody.test", 5], controller);
      const sends = [s.send("x"), s.sendto("y", s.getsockname())];
      controller.abort("enough");
      assert.equal(await rejection(() => connecting), "enough");
      await rejects(() => sends[0]!, "EDESTADDRREQ", "send");
      assert.equal(await sends[1], 1);
      assert.equal(text(await s.recv(9)), "y");
    }),
  );

  it(
    "times out, as does a send behind it",
    bounded(async (scope) => {
      const s = await program(scope);
      s.settimeout(0.2);
      const connecting = s.connect(["nobody.test", 5]);
      s.settimeout(0.02);
      const error = await rejects(() => s.sendall("x"), "ETIMEDOUT", "send");
      assert.equal(error.bytes_sent, 0);
      await rejects(() => connecting, "ETIMEDOUT", "connect");
    }),
  );

  it(
    "is ended by a close, with the calls behind it",
    bounded(async (scope) => {
      const s = await program(scope);
      const connecting = [s.connect(["nobody.test", 5]), s.connect([host, 5])];
      const sent = s.send("x");
      await within(s.close(), 2_000, "close");
      for (const one of connecting) await rejects(() => one, "EBADF", "connect");
      await rejects(() => sent, "EBADF", "send");
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
      const end = performance.now() + 15_000;
      while (ticks < 10 && performance.now() < end) await s.sendto("x", receiver.getsockname());
      clearInterval(timer);
      assert.ok(ticks >= 10, `${ticks} ticks`);
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
