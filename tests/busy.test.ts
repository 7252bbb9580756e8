/** Timeouts of a program that keeps the event loop busy: what comes in time counts, as for a thread that waits in C. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AF_INET,
  type InetAddress,
  MSG_DONTWAIT,
  MSG_WAITALL,
  SOCK_DGRAM,
  SOCK_STREAM,
  socket,
} from "../mod.ts";
import { text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { noPython, python } from "./support/python.ts";
import { assertCode, bounded, rejects, type Scope } from "./support/scope.ts";
import { native } from "./support/tcp.ts";

/** Seconds: shorter than the program is busy. */
const TIMEOUT = 0.02;

/** Keeps the event loop busy until long after the timeout. */
function work(): void {
  const until = performance.now() + 100;
  while (performance.now() < until);
}

/** Sends "x" from another process, for which the event loop waits, from so many sockets. */
function send(type: number, address: InetAddress, count: number = 1): void {
  const script = `
import socket, time
sockets = [socket.socket(socket.AF_INET, question[0]) for _ in range(question[2])]
for s in sockets:
    s.connect(tuple(question[1]))
    s.send(b"x")
time.sleep(0.05)
answer = None`;
  python(script, [type, address, count]);
}

/** How many of the calls succeed; the rest must fail with the code. */
async function succeeded(calls: Promise<unknown>[], code: string): Promise<number> {
  const results = await Promise.allSettled(calls);
  for (const result of results) {
    if (result.status === "rejected") assertCode(result.reason, code);
  }
  return results.filter(({ status }) => status === "fulfilled").length;
}

describe("what comes while the program is busy", () => {
  const test = (name: string, body: (scope: Scope) => Promise<void>) =>
    it(name, { skip: noPython }, bounded(body));
  const [setting] = native;

  test("ends recv on more sockets than one turn of a runtime serves", async (scope) => {
    const pairs: Awaited<ReturnType<typeof setting.pair>>[] = [];
    for (let i = 0; i < 300; i++) pairs.push(await setting.pair(scope));
    const receiving = pairs.map(([, conn]) => {
      conn.settimeout(TIMEOUT);
      return conn.recv(1);
    });
    const sending = pairs.map(([client]) => client.sendall("x"));
    work();
    assert.equal(await succeeded(receiving, "ETIMEDOUT"), pairs.length);
    await Promise.all(sending);
  });

  test("ends accept, and recv of a connection", async (scope) => {
    const server = await setting.server(scope);
    server.settimeout(TIMEOUT);
    const accepting = server.accept();
    send(SOCK_STREAM, server.getsockname());
    const [conn] = await accepting;
    scope.add(conn);
    conn.settimeout(TIMEOUT);
    const receiving = conn.recv(9);
    work();
    assert.equal(text(await receiving), "x");
  });

  test("ends recvfrom of a datagram socket", async (scope) => {
    const s = scope.add(socket(AF_INET, SOCK_DGRAM));
    await s.bind(["127.0.0.1", 0]);
    s.settimeout(TIMEOUT);
    const receiving = s.recvfrom(9);
    send(SOCK_DGRAM, s.getsockname());
    const [data] = await receiving;
    assert.equal(text(data), "x");
  });

  for (const timeout of [TIMEOUT, 0]) {
    const code = timeout === 0 ? "EAGAIN" : "ETIMEDOUT";
    test(`ends all calls that it can, with a timeout of ${timeout}`, async (scope) => {
      const server = await setting.server(scope);
      const datagrams = scope.add(socket(AF_INET, SOCK_DGRAM));
      await datagrams.bind(["127.0.0.1", 0]);
      const ways = [
        [SOCK_STREAM, server, 20, async () => scope.add((await server.accept())[0])],
        [SOCK_DGRAM, datagrams, 100, () => datagrams.recv(9)],
      ] as const;
      for (const [type, s, count, call] of ways) {
        s.settimeout(timeout);
        const sends = () => send(type, s.getsockname(), count);
        const calls = () => Array.from({ length: count + 1 }, (): Promise<unknown> => call());
        // What may not wait is called when all is there.
        if (timeout === 0) sends();
        const made = calls();
        if (timeout > 0) sends();
        assert.equal(await succeeded(made, code), count);
      }
    });
  }

  test("ends a receive that waits for more than a turn brings", async (scope) => {
    const [client, conn] = await setting.pair(scope);
    await client.sendall(new Uint8Array(1_200_000));
    conn.settimeout(TIMEOUT);
    const receiving = conn.recv(1_000_000, MSG_WAITALL);
    work();
    assert.equal((await receiving).length, 1_000_000);
    assert.equal((await conn.recv(200_000, MSG_WAITALL | MSG_DONTWAIT)).length, 200_000);
  });

  test("ends connect", async (scope) => {
    const server = await setting.server(scope);
    const client = setting.socket(scope);
    client.settimeout(TIMEOUT);
    const connecting = client.connect(server.getsockname());
    work();
    await connecting;
  });

  test("still ends in the timeout if it is nothing", async (scope) => {
    const s = scope.add(socket(AF_INET, SOCK_DGRAM));
    await s.bind(["127.0.0.1", 0]);
    s.settimeout(TIMEOUT);
    const receiving = rejects(() => s.recvfrom(9), "ETIMEDOUT", "recvfrom");
    work();
    await receiving;
  });
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
