/** Nothing is left behind: no descriptor, no memory, no timer, and no permission is asked for. */

import assert from "node:assert/strict";
import { setFlagsFromString } from "node:v8";
import { describe, it } from "node:test";
import process from "node:process";
import { runInNewContext } from "node:vm";
import {
  AF_INET,
  type InetAddress,
  serve,
  SHUT_WR,
  SO_REUSEADDR,
  Socket,
  type SocketError,
  SOL_SOCKET,
} from "../mod.ts";
import { endsByItself } from "./support/endings.ts";
import { checkNothingLeft, noDescriptors, socketDescriptors } from "./support/outside.ts";
import { start } from "./support/process.ts";
import { launch, runtimeName } from "./support/runtime.ts";
import { bounded, rejection, rejects, type Scope, sleep, until } from "./support/scope.ts";
import { limit, tally, times } from "./support/tally.ts";
import { native, settings } from "./support/tcp.ts";

const MiB = 1024 * 1024;

/** Collects garbage: the one thing that the three runtimes do in three ways. */
const collect: () => void = (() => {
  const { Bun } = globalThis as { Bun?: { gc(force: boolean): void } };
  if (Bun !== undefined) return () => Bun.gc(true);
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
})();

/** What JavaScript holds after a collection, in MiB. */
async function heap(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    collect();
    await sleep(20);
  }
  return process.memoryUsage().heapUsed / MiB;
}

/** What a test does again and again. */
interface Round {
  readonly name: string;
  readonly times: number;
  /** Prepares it and gives one round. */
  prepare(scope: Scope): Promise<() => Promise<void>>;
}

const [setting] = native;

async function connection(
  server: Socket<InetAddress>,
): Promise<[Socket<InetAddress>, Socket<InetAddress>]> {
  const client = setting.socket(unscoped);
  const [[conn]] = await Promise.all([server.accept(), client.connect(server.getsockname())]);
  return [client, conn];
}

/** These tests close what they open: a scope would be the leak. */
const unscoped = { add: <T>(opened: T): T => opened } as unknown as Scope;

const rounds: Round[] = [
  {
    name: "connections, opened and closed",
    times: 20_000,
    async prepare(scope) {
      const server = await setting.server(scope);
      return async () => {
        const [client, conn] = await connection(server);
        await client.close();
        await conn.close();
      };
    },
  },
  {
    name: "conversations under timeouts and signals",
    times: 3_000,
    async prepare(scope) {
      const server = await setting.server(scope);
      const { signal } = new AbortController();
      return async () => {
        const [client, conn] = await connection(server);
        client.settimeout(60);
        conn.settimeout(60);
        await client.sendall("question", 0, { signal });
        await conn.recv(99, 0, { signal });
        await conn.sendall("answer");
        await client.recv(99);
        const waiting = rejects(() => conn.recv(9, 0, { signal }), "EBADF");
        await conn.close();
        await waiting;
        assert.equal((await client.recv(9)).length, 0);
        await client.close();
      };
    },
  },
  {
    name: "refused connections",
    times: 2_000,
    async prepare() {
      const address: [string, number] = [setting.host, await setting.freePort()];
      return async () => {
        const s = setting.socket(unscoped);
        s.settimeout(60);
        await rejects(() => s.connect(address), "ECONNREFUSED");
        await s.close();
      };
    },
  },
  {
    name: "listeners, bound, listening and waiting",
    times: 2_000,
    // deno-lint-ignore require-await
    async prepare() {
      return async () => {
        const s = setting.socket(unscoped);
        await s.bind([setting.host, 0]);
        await s.listen();
        const waiting = rejects(() => s.accept(), "EBADF");
        await s.close();
        await waiting;
      };
    },
  },
  {
    name: "bound sockets",
    times: 3_000,
    // deno-lint-ignore require-await
    async prepare() {
      return async () => {
        const s = setting.socket(unscoped);
        await s.bind([setting.host, 0]);
        await s.close();
      };
    },
  },
  {
    name: "connections served, with as many open as may be",
    times: 2_000,
    async prepare(scope) {
      const server = await setting.server(scope);
      const stop = new AbortController();
      const options = { signal: stop.signal, max_connections: 10 };
      const serving = serve(server, async (conn) => {
        await conn.recv(1);
      }, options);
      // Nine stay for all the time that the others come and go.
      const guests = Array.from({ length: 9 }, () => setting.socket(scope));
      for (const guest of guests) await guest.connect(server.getsockname());
      scope.add({
        async close() {
          stop.abort();
          await Promise.all(guests.map((guest) => guest.close()));
          await serving;
        },
      });
      return async () => {
        const client = setting.socket(unscoped);
        await client.connect(server.getsockname());
        await client.sendall("x");
        assert.equal((await client.recv(1)).length, 0);
        await client.close();
      };
    },
  },
  {
    name: "connections closed with unread bytes",
    times: 1_000,
    async prepare(scope) {
      const server = await setting.server(scope);
      const data = new Uint8Array(50_000);
      return async () => {
        const [client, conn] = await connection(server);
        await client.sendall(data);
        await conn.recv(100);
        await conn.close();
        await client.close();
      };
    },
  },
  {
    name: "connections closed with unread bytes during a shutdown",
    times: 500,
    async prepare(scope) {
      const server = await setting.server(scope);
      return async () => {
        const [client, conn] = await connection(server);
        await client.sendall("unread");
        await conn.recv(1);
        await Promise.all([conn.shutdown(SHUT_WR), conn.close()]);
        assert.equal((await client.recv(1)).length, 0);
        await client.close();
      };
    },
  },
];

describe("what was closed", () => {
  for (const { name, times: usual, prepare } of rounds) {
    const count = times(usual, usual * 5);
    it(
      `leaves no descriptor and no memory: ${count} ${name}`,
      { skip: noDescriptors },
      bounded(async (scope) => {
        const round = await prepare(scope);
        // The runtime's own caches fill first, and its heap grows to what it likes.
        const first = count / 2;
        for (let i = 0; i < first; i++) await round();
        await sleep(50);
        const descriptors = socketDescriptors();
        const before = await heap();
        const rss = process.memoryUsage().rss / MiB;
        for (let i = first; i < count; i++) await round();
        const growth = await heap() - before;
        const rssGrowth = process.memoryUsage().rss / MiB - rss;
        let left: string[] = [];
        await until(() => {
          left = socketDescriptors();
          return left.length <= descriptors.length;
        }, "the descriptors are freed").catch(() => {});
        assert.ok(
          left.length <= descriptors.length,
          `${left.length} sockets, ${descriptors.length} before`,
        );
        const allowed = 0.5 + (count - first) * 200 / MiB;
        assert.ok(growth < allowed, `the heap grew by ${growth.toFixed(1)} MiB`);
        assert.ok(rssGrowth < 32, `memory grew by ${rssGrowth.toFixed(1)} MiB`);
        tally({ what: `${name}: nothing is left of them`, tried: count, unit: "rounds", lost: 0 });
      }, limit(90_000, 900_000)),
    );
  }

  for (const here of settings) {
    it(
      `is free at once: 500 connections at the same time, ${here.name}`,
      { skip: here.skip || noDescriptors },
      bounded(async (scope) => {
        const before = socketDescriptors().length;
        const server = await here.server(scope, 512);
        const clients = Array.from({ length: 500 }, () => here.socket(scope));
        const accepted: Socket<InetAddress>[] = [];
        const accepting = (async () => {
          while (accepted.length < clients.length) {
            const [conn] = await server.accept();
            accepted.push(scope.add(conn));
          }
        })();
        await Promise.all(clients.map((client) => client.connect(server.getsockname())));
        await accepting;
        if (here.native) assert.ok(socketDescriptors().length >= before + 1001);
        await Promise.all([server, ...clients, ...accepted].map((s) => s.close()));
        // close() settles when the descriptor is free.
        const after = socketDescriptors().length;
        assert.ok(after <= before, `${after} sockets are open, ${before} were before`);
      }),
    );
  }

  it(
    "is free although it was about to be connected",
    { skip: noDescriptors },
    bounded(async (scope) => {
      const before = socketDescriptors().length;
      const server = await setting.server(scope, 512);
      const address = server.getsockname();
      const accepting = (async () => {
        for (;;) {
          const [conn] = await server.accept();
          conn.recv(1).catch(() => {/* A reset. */}).finally(() => conn.close());
        }
      })();
      const ended = rejects(() => accepting, "EBADF");
      const turn = () => new Promise((resolve) => setImmediate(resolve));
      // Meanwhile the system connects, and the runtime does not know.
      const work = (milliseconds: number) => {
        for (const end = performance.now() + milliseconds; performance.now() < end;);
      };
      const moments = [
        () => sleep(0),
        (i: number) => turn().then(() => work(i % 7 / 4)),
        () => turn().then(turn),
        () => sleep(1),
      ];
      for (let i = 0; i < 1_800; i += 6) {
        await Promise.all(Array.from({ length: 6 }, async (_, j) => {
          const s = setting.socket(scope);
          const connecting = s.connect(address).catch(
            () => {/* EBADF: it was not connected yet. */},
          );
          await moments[(i + j) % 4]!(i + j);
          await s.close();
          await connecting;
        }));
      }
      await server.close();
      await ended;
      await until(() => socketDescriptors().length <= before, "every descriptor is free");
    }),
  );
});

describe("closed sockets", () => {
  it(
    "leave no timer, whatever timeouts their calls had",
    bounded(async (scope) => {
      const program = new URL("./peers/timers_left.ts", import.meta.url);
      const { stdout, stderr } = await scope.add(start(launch(program))).exit();
      assert.equal(stdout, "0\n", stderr);
    }),
  );
});

describe("a signal", () => {
  const receives = times(20_000, 1_000_000);
  it(
    `that ${receives} receives have used keeps no listener of them, and nothing else`,
    bounded(async (scope) => {
      const memory = settings.find((one) => !one.native)!;
      const [here, there] = await memory.pair(scope);
      const { signal } = new AbortController();
      const listeners = { most: 0, now: 0 };
      const count = (change: number): void => {
        listeners.now += change;
        listeners.most = Math.max(listeners.most, listeners.now);
      };
      const { addEventListener, removeEventListener } = signal;
      Object.assign(signal, {
        addEventListener(...args: Parameters<typeof addEventListener>) {
          count(1);
          addEventListener.apply(signal, args);
        },
        removeEventListener(...args: Parameters<typeof removeEventListener>) {
          count(-1);
          removeEventListener.apply(signal, args);
        },
      });
      const one = new Uint8Array(1);
      const round = async () => {
        // Two wait, each for its byte.
        const waiting = [here.recv(1, 0, { signal }), here.recv_into(one, 0, 0, { signal })];
        await there.sendall("ab", 0, { signal });
        await Promise.all(waiting);
      };
      for (let i = 0; i < receives / 4; i++) await round();
      const before = await heap();
      for (let i = receives / 4; i < receives / 2; i++) await round();
      const growth = await heap() - before;
      assert.equal(listeners.now, 0);
      assert.ok(listeners.most >= 1 && listeners.most <= 2, `${listeners.most} at a time`);
      assert.ok(growth < 0.5, `the heap grew by ${growth.toFixed(1)} MiB`);
      const what = "receives under one AbortSignal, which keeps no listener";
      tally({ what, tried: receives, unit: "receives", lost: listeners.now });
    }, limit(60_000, 600_000)),
  );
});

describe("what has failed", () => {
  it(
    "leaves no descriptor: listen on a port where another listens",
    bounded(async (scope) => {
      const first = scope.add(new Socket<InetAddress>(AF_INET));
      first.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
      await first.bind(["127.0.0.1", 0]);
      await first.listen();
      for (let i = 0; i < 3; i++) {
        const second = new Socket<InetAddress>(AF_INET);
        second.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
        const failed = await rejection(async () => {
          await second.bind(first.getsockname());
          await second.listen();
        });
        assert.equal((failed as SocketError).code, "EADDRINUSE");
        await second.close();
      }
    }),
  );
});

describe("a program that closed its sockets ends by itself", () => {
  for (
    const way of [
      "import",
      "unused",
      "conversation",
      "waiting",
      "late",
      "refused",
      "unaccepted",
      "full",
      "name",
    ]
  ) {
    it(
      `after the way of "${way}", with no permission but the network`,
      bounded(async (scope) => {
        const program = new URL("./peers/leaves.ts", import.meta.url);
        await endsByItself(scope.add(start(launch(program, [way]))));
      }),
    );
  }

  it(
    "and the import alone asks for no permission at all",
    { skip: runtimeName !== "deno" && `${runtimeName} has no permissions to leave out` },
    bounded(async (scope) => {
      const program = new URL("./peers/leaves.ts", import.meta.url);
      const peer = scope.add(start(launch(program, ["import"], { permissions: [] })));
      const { code, stdout, stderr } = await peer.exit();
      assert.equal(code, 0, stderr);
      assert.equal(stdout.trim(), "done");
    }),
  );

  it(
    "and one address is permission enough for a conversation on it",
    { skip: runtimeName !== "deno" && `${runtimeName} has no permissions to leave out` },
    bounded(async (scope) => {
      const program = new URL("./peers/leaves.ts", import.meta.url);
      const permissions = ["--allow-net=127.0.0.1"];
      const peer = scope.add(start(launch(program, ["conversation"], { permissions })));
      const { code, stdout, stderr } = await peer.exit();
      assert.equal(code, 0, stderr);
      assert.equal(stdout.trim(), "done");
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
