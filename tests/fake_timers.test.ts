/** Fake timers of a program's tests: the library goes by the runtime's own, and by none that ended with a test. */

import assert from "node:assert/strict";
import { describe, it, mock } from "node:test";
import {
  type Address,
  AF_INET,
  create_connection,
  create_server,
  createMemoryAdapter,
  getaddrinfo,
  getnameinfo,
  MSG_DONTWAIT,
  SOCK_DGRAM,
  type Socket,
  socket,
  socketpair,
} from "../mod.ts";
import { receive, receiveAll } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { start } from "./support/process.ts";
import { launch, runtimeName } from "./support/runtime.ts";
import { bounded, rejects } from "./support/scope.ts";
import { settings } from "./support/tcp.ts";

const MiB = 1024 * 1024;
/** Of timeouts, in seconds. */
const SOON = 0.1;

const real = { setTimeout, clearTimeout };

/** Timers that never fire, and clocks that stand still, as libraries of fakes have them. */
const fakes: Record<string, unknown> = {
  setTimeout: () => ({ ref() {}, unref() {} }),
  setInterval: () => ({ ref() {}, unref() {} }),
  setImmediate: () => ({ ref() {}, unref() {} }),
  clearTimeout() {},
  clearInterval() {},
  clearImmediate() {},
  queueMicrotask() {},
  performance: { now: () => 0 },
  Date: class extends Date {
    static override now = (): number => 0;
  },
};

/** Puts them in the place of the globals; what is given puts those back. */
function fakeTimers(): () => void {
  const before = Object.keys(fakes).map((name) =>
    [name, Object.getOwnPropertyDescriptor(globalThis, name)!] as const
  );
  for (const [name, value] of Object.entries(fakes)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  return () => {
    for (const [name, descriptor] of before) Object.defineProperty(globalThis, name, descriptor);
  };
}

/** Runs a body under fakes, for no longer than 10 s of real time. */
async function faked(
  body: () => Promise<void>,
  fake: () => () => void = fakeTimers,
): Promise<void> {
  const restore = fake();
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    const late = new Promise<never>((_, reject) => {
      timer = real.setTimeout(() => reject(new Error("nothing in 10 s")), 10_000);
    });
    await Promise.race([body(), late]);
  } finally {
    restore();
    clearTimeout(timer);
  }
}

function realSleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => real.setTimeout(resolve, milliseconds));
}

/** Sends one by one, and not all of it at once. */
async function sendOff(s: Socket<Address>, length: number): Promise<void> {
  const data = new Uint8Array(MiB);
  for (let left = length; left > 0;) left -= await s.send(data.subarray(0, left));
}

describe("under fake timers", () => {
  for (const setting of settings) {
    const name = (what: string) => `${setting.name}: ${what}`;
    const { skip } = setting;

    it(
      name("a timeout is of real time"),
      { skip },
      bounded((scope) =>
        faked(async () => {
          const server = await setting.server(scope);
          server.settimeout(SOON);
          await rejects(() => server.accept(), "ETIMEDOUT", "accept");
          const [client] = await setting.pair(scope);
          client.settimeout(SOON);
          await rejects(() => client.recv(1), "ETIMEDOUT", "recv");
          await rejects(() => client.sendall(new Uint8Array(48 * MiB)), "ETIMEDOUT", "send");
        })
      ),
    );

    it(
      name("a call that may not wait ends"),
      { skip },
      bounded((scope) =>
        faked(async () => {
          const [client, conn] = await setting.pair(scope);
          await rejects(() => client.recv(1, MSG_DONTWAIT), "EAGAIN", "recv");
          client.setblocking(false);
          await rejects(() => client.recv(1), "EAGAIN", "recv");
          await conn.send("x");
        })
      ),
    );

    it(
      name("bytes come, few and many"),
      { skip },
      bounded((scope) =>
        faked(async () => {
          const [client, conn] = await setting.pair(scope);
          for (let i = 0; i < 200; i++) await client.send("x");
          assert.equal((await receive(conn, 200)).length, 200);
          for (const timeout of [null, 30]) {
            client.settimeout(timeout);
            const sent = sendOff(client, 20 * MiB);
            await realSleep(50);
            await receive(conn, 20 * MiB);
            await sent;
          }
          const sent = client.sendall(new Uint8Array(20 * MiB)).then(() => client.close());
          assert.equal((await receiveAll(conn)).length, 20 * MiB);
          await sent;
        })
      ),
    );

    it(
      name("sockets close"),
      { skip },
      bounded((scope) =>
        faked(async () => {
          const [client, conn] = await setting.pair(scope);
          const bound = await setting.bound(scope);
          const server = await setting.server(scope);
          for (const s of [client, conn, bound, server]) await s.close();
        })
      ),
    );
  }

  it(
    "names are found, pairs made, servers reached",
    bounded((scope) =>
      faked(async () => {
        for (const s of await socketpair(AF_INET)) scope.add(s);
        assert.ok((await getaddrinfo("localhost", 80)).length > 0);
        assert.equal((await getnameinfo(["127.0.0.1", 80], 3))[0], "127.0.0.1");
        const server = scope.add(await create_server(["127.0.0.1", 0]));
        scope.add(await create_connection(server.getsockname(), { timeout: 5 }));
        const [, port] = server.getsockname();
        await server.close();
        await rejects(
          () => create_connection(["127.0.0.1", port], { timeout: 5 }),
          "ECONNREFUSED",
        );
      })
    ),
  );

  it(
    "datagrams come, and a receive of none ends",
    bounded((scope) =>
      faked(async () => {
        const s = scope.add(socket(AF_INET, SOCK_DGRAM));
        await s.bind(["127.0.0.1", 0]);
        await s.sendto("x", s.getsockname());
        assert.equal((await s.recv(9)).length, 1);
        s.settimeout(SOON);
        await rejects(() => s.recv(9), "ETIMEDOUT", "recv");
        await s.close();
      })
    ),
  );

  it(
    "what the memory adapter delays comes",
    bounded((scope) =>
      faked(async () => {
        const adapter = createMemoryAdapter();
        const server = scope.add(socket(AF_INET, undefined, 0, { adapter }));
        await server.bind(["127.0.0.1", 0]);
        await server.listen();
        adapter.faults.delay(30);
        const client = scope.add(socket(AF_INET, undefined, 0, { adapter }));
        await client.connect(server.getsockname());
      })
    ),
  );
});

describe("after fake timers", () => {
  /** What a runner has itself: Node's are in `node:timers`, too, and Bun's within the real functions. */
  const runners = async (): Promise<() => void> => {
    if (runtimeName === "bun") {
      const module = "bun:test";
      const { jest } = await import(module);
      jest.useFakeTimers();
      return () => jest.useRealTimers();
    }
    if (runtimeName === "deno") return fakeTimers();
    mock.timers.enable();
    return () => mock.timers.reset();
  };

  for (const [whose, fake] of [["own", fakeTimers], ["the runner's", runners]] as const) {
    it(
      `${whose}: a timeout ends what waits, which one before has begun`,
      bounded(async (scope) => {
        const [a, b] = await socketpair(AF_INET);
        scope.add(a);
        scope.add(b);
        b.settimeout(SOON);
        const restore = await fake();
        try {
          const received = b.recv(1);
          await a.sendall("x");
          await received;
        } finally {
          restore();
        }
        await realSleep(2000 * SOON);
        await rejects(() => b.recv(1), "ETIMEDOUT", "recv");
        await rejects(() => b.recv(1), "ETIMEDOUT", "recv");
      }),
    );
  }
});

describe("a library that is imported under fake timers", () => {
  it(
    "goes by the real ones",
    { skip: runtimeName !== "node" && "Deno and Bun load a module of timers for too long" },
    bounded(async (scope) => {
      const program = new URL("./peers/imported_under_fakes.ts", import.meta.url);
      const { stdout, stderr } = await scope.add(start(launch(program))).exit();
      assert.equal(stdout, "ETIMEDOUT\n", stderr);
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
