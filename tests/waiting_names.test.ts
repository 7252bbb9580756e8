/** Calls that wait for a name: what ends them, and what they leave as it was. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AF_INET,
  createMemoryAdapter,
  type MemoryAdapter,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
  TimeoutError,
} from "../mod.ts";
import { text } from "./support/bytes.ts";
import { bounded, rejection, rejects, type Scope, sleep, within } from "./support/scope.ts";

/** A name for which the resolver has no answer until the fault ends. */
const NAME = "slow.test";
const HOST = "127.0.0.1";

interface Call {
  readonly name: string;
  readonly syscall: string;
  /** Makes the socket and whatever it needs. */
  prepare(scope: Scope, adapter: MemoryAdapter): Promise<Socket> | Socket;
  make(s: Socket, port: number, options?: { signal: AbortSignal }): Promise<unknown>;
  /** It has neither timeout nor signal, as bind(2) does not wait. */
  readonly unlimited?: boolean;
  /** It has no timeout: as in C the look-up is waited for all the same. */
  readonly nonblocking?: boolean;
}

function open(scope: Scope, adapter: MemoryAdapter, type: number): Socket {
  return scope.add(new Socket(AF_INET, type, 0, { adapter }));
}

async function pair(scope: Scope, adapter: MemoryAdapter): Promise<[a: Socket, b: Socket]> {
  const server = open(scope, adapter, SOCK_STREAM);
  await server.bind([HOST, 0]);
  await server.listen();
  const client = open(scope, adapter, SOCK_STREAM);
  await client.connect(server.getsockname());
  const [conn] = await server.accept();
  return [client, scope.add(conn)];
}

const calls: Call[] = [
  {
    name: "bind of TCP",
    syscall: "bind",
    unlimited: true,
    prepare: (scope, adapter) => open(scope, adapter, SOCK_STREAM),
    make: (s, port) => s.bind([NAME, port]),
  },
  {
    name: "connect of TCP",
    syscall: "connect",
    prepare: (scope, adapter) => open(scope, adapter, SOCK_STREAM),
    make: (s, port, options) => s.connect([NAME, port], options),
  },
  {
    name: "connect of non-blocking TCP",
    syscall: "connect",
    nonblocking: true,
    prepare(scope, adapter) {
      const s = open(scope, adapter, SOCK_STREAM);
      s.setblocking(false);
      return s;
    },
    make: (s, port, options) => s.connect([NAME, port], options),
  },
  {
    name: "sendto of connected TCP",
    syscall: "sendto",
    prepare: async (scope, adapter) => (await pair(scope, adapter))[0],
    make: (s, port, options) => s.sendto("x", 0, [NAME, port], options),
  },
  {
    name: "bind of UDP",
    syscall: "bind",
    unlimited: true,
    prepare: (scope, adapter) => open(scope, adapter, SOCK_DGRAM),
    make: (s, port) => s.bind([NAME, port]),
  },
  {
    name: "connect of UDP",
    syscall: "connect",
    prepare: (scope, adapter) => open(scope, adapter, SOCK_DGRAM),
    make: (s, port, options) => s.connect([NAME, port], options),
  },
  {
    name: "sendto of UDP",
    syscall: "sendto",
    prepare: (scope, adapter) => open(scope, adapter, SOCK_DGRAM),
    make: (s, port, options) => s.sendto("x", 0, [NAME, port], options),
  },
];

describe("a call that waits for a name", () => {
  for (const { name, syscall, prepare, make, unlimited, nonblocking } of calls) {
    const setUp = async (scope: Scope) => {
      const adapter = createMemoryAdapter({ hosts: { [NAME]: [HOST] } });
      const { faults } = adapter;
      const fault = faults.hangLookup(NAME);
      scope.add({ close: () => fault.end() });
      return { s: await prepare(scope, adapter), fault };
    };

    it(
      `ends with EBADF when the socket is closed: ${name}`,
      bounded(async (scope) => {
        const { s, fault } = await setUp(scope);
        const waiting = rejects(() => make(s, 4242), "EBADF", syscall);
        await sleep(5);
        await within(s.close(), 3_000, "close()");
        await within(waiting, 3_000, name);
        fault.end();
        await sleep(5);
        assert.equal(s.fileno(), -1);
      }),
    );

    if (unlimited) continue;

    it(
      `ends with the signal's reason: ${name}`,
      bounded(async (scope) => {
        const { s, fault } = await setUp(scope);
        const stop = new AbortController();
        const waiting = rejection(() => make(s, 4242, { signal: stop.signal }));
        await sleep(5);
        stop.abort("enough");
        assert.equal(await within(waiting, 3_000, name), "enough");
        fault.end();
        await sleep(5);
        assert.equal(s.closed, false);
      }),
    );

    if (nonblocking) continue;

    it(
      `ends by the socket's timeout: ${name}`,
      bounded(async (scope) => {
        const { s } = await setUp(scope);
        s.settimeout(0.02);
        const error = await rejects(() => make(s, 4242), "ETIMEDOUT", syscall);
        assert.ok(error instanceof TimeoutError);
        assert.equal(s.closed, false);
      }),
    );
  }

  it(
    "ends with the signal's reason at whatever moment after the look-up: sendto of connected TCP",
    bounded(async (scope) => {
      for (let steps = 0; steps < 12; steps++) {
        const adapter = createMemoryAdapter({ hosts: { [NAME]: [HOST] } });
        const fault = adapter.faults.hangLookup(NAME);
        const [client] = await pair(scope, adapter);
        client.setblocking(false);
        await rejects(() => client.sendall(new Uint8Array(1 << 22)), "EAGAIN");
        client.settimeout(null);
        const stop = new AbortController();
        const waiting = rejection(() => client.sendto("x", [NAME, 1], { signal: stop.signal }));
        await sleep(5);
        fault.end();
        for (let i = 0; i < steps; i++) await undefined;
        stop.abort("enough");
        assert.equal(await within(waiting, 3_000, `after ${steps} steps`), "enough");
      }
    }),
  );

  it(
    "leaves the socket as it was: bind after one that was given up by another's close",
    bounded(async (scope) => {
      const adapter = createMemoryAdapter({ hosts: { [NAME]: [HOST] } });
      const fault = adapter.faults.hangLookup(NAME);
      const first = open(scope, adapter, SOCK_STREAM);
      const waiting = rejection(() => first.bind([NAME, 4242]));
      await sleep(5);
      await first.close();
      await waiting;
      fault.end();
      await sleep(5);
      const second = open(scope, adapter, SOCK_STREAM);
      await second.bind([HOST, 4242]);
      await second.listen();
    }),
  );

  it(
    "keeps the order of sends: sendto of connected TCP",
    bounded(async (scope) => {
      const adapter = createMemoryAdapter({ hosts: { [NAME]: [HOST] } });
      const [client, conn] = await pair(scope, adapter);
      await Promise.all([
        client.sendto("first ", 0, [NAME, 1]),
        client.sendall("second "),
        client.sendto("third ", 0, [NAME, 1]),
        client.sendall("fourth"),
      ]);
      await client.close();
      let all = "";
      for (let part = await conn.recv(99); part.length > 0; part = await conn.recv(99)) {
        all += text(part);
      }
      assert.equal(all, "first second third fourth");
    }),
  );

  it(
    "tells of an unknown name: sendto of connected TCP",
    bounded(async (scope) => {
      const [client, conn] = await pair(scope, createMemoryAdapter());
      await rejects(() => client.sendto("x", 0, ["no.such.test", 1]), "EAI_NONAME");
      await client.sendall("y");
      assert.equal(text(await conn.recv(9)), "y");
    }),
  );

  it(
    "tells of an unknown name in its turn: sendto of UDP behind one that waits",
    bounded(async (scope) => {
      const adapter = createMemoryAdapter({ hosts: { [NAME]: [HOST] } });
      const fault = adapter.faults.hangLookup(NAME);
      const s = open(scope, adapter, SOCK_DGRAM);
      const settled: string[] = [];
      const first = s.sendto("x", 0, [NAME, 4242]).then(() => settled.push("first"));
      const second = rejects(() => s.sendto("y", 0, ["no.such.test", 1]), "EAI_NONAME")
        .then(() => settled.push("second"));
      // Long enough for the second look-up to fail: that must not be an unhandled rejection.
      await sleep(20);
      assert.deepEqual(settled, []);
      fault.end();
      await Promise.all([first, second]);
      assert.deepEqual(settled, ["first", "second"]);
    }),
  );
});
