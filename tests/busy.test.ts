/** Timeouts of a program that keeps the event loop busy: what comes in time counts, as for a thread that waits in C. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AF_INET, type InetAddress, SOCK_DGRAM, SOCK_STREAM, socket } from "../mod.ts";
import { text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { noPython, python } from "./support/python.ts";
import { bounded, rejects, type Scope } from "./support/scope.ts";
import { native } from "./support/tcp.ts";

/** Seconds: shorter than the program is busy. */
const TIMEOUT = 0.02;

/** Keeps the event loop busy until long after the timeout. */
function work(): void {
  const until = performance.now() + 100;
  while (performance.now() < until);
}

/** Sends "x" from another process, for which the event loop waits. */
function send(type: number, address: InetAddress): void {
  const script = `
import socket, time
with socket.socket(socket.AF_INET, question[0]) as s:
    s.connect(tuple(question[1]))
    s.send(b"x")
    time.sleep(0.05)
answer = None`;
  python(script, [type, address]);
}

describe("what comes while the program is busy", () => {
  const test = (name: string, body: (scope: Scope) => Promise<void>) =>
    it(name, { skip: noPython }, bounded(body));
  const [setting] = native;

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
