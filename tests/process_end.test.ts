/** A process lives while a call waits, and ends when none does, whatever is open: on every runtime. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { AF_INET, create_connection, create_server, SOCK_DGRAM, socket } from "../mod.ts";
import { endsByItself } from "./support/endings.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { start } from "./support/process.ts";
import { launch } from "./support/runtime.ts";
import { bounded, sleep } from "./support/scope.ts";

const host = "127.0.0.1";

describe("a program ends by itself that leaves open", () => {
  for (
    const way of [
      "a bound socket",
      "a listener",
      "a listener that waited",
      "a listener with a connection",
      "connections",
      "connections that talked",
      "a connection with unread bytes",
      "a connection that waited",
      "a connect that timed out, with a receive behind it",
      "a stream with a lock",
      "a stream whose reader has gone",
      "a pair",
      "datagram sockets",
      "a datagram socket that waited",
      "an aborted send",
      "a closed connection whose send has timed out",
    ]
  ) {
    it(
      way,
      bounded(async (scope) => {
        const program = new URL("./peers/idle.ts", import.meta.url);
        const permissions = ["--allow-net", "--allow-read", "--allow-write"];
        await endsByItself(scope.add(start(launch(program, [way], { permissions }))));
      }),
    );
  }
});

describe("a program lives that does nothing but wait in", () => {
  for (
    const way of [
      "accept",
      "recv",
      "recv_into",
      "recvfrom",
      "sendall",
      "sendall of a bound socket",
      "shutdown of a bound socket",
      "recv after an aborted send",
      "readline",
      "readable",
    ]
  ) {
    it(
      way,
      bounded(async (scope) => {
        const server = scope.add(await create_server([host, 0]));
        const port = server.getsockname()[1];
        const program = new URL("./peers/waits.ts", import.meta.url);
        const peer = scope.add(start(launch(program, [way, String(port)])));
        const theirs = Number(await peer.line());
        await sleep(300);
        switch (way) {
          case "accept":
            scope.add(await create_connection([host, theirs]));
            break;
          case "recvfrom":
            await scope.add(socket(AF_INET, SOCK_DGRAM)).sendto("x", [host, theirs]);
            break;
          case "sendall":
          case "sendall of a bound socket":
          case "recv after an aborted send": {
            const [conn] = await server.accept();
            scope.add(conn);
            for (let left = 8 << 20; left > 0;) left -= (await conn.recv(1 << 20)).length;
            if (way.startsWith("sendall")) break;
            await sleep(300);
            await conn.sendall("x");
            break;
          }
          default: {
            const [conn] = await server.accept();
            await scope.add(conn).sendall("line\n");
          }
        }
        assert.equal(await peer.line(), "done", peer.stderr);
        assert.equal((await peer.exit()).code, 0);
      }),
    );
  }
});

describe("a program that closes while the peer does not read", () => {
  it(
    "ends",
    bounded(async (scope) => {
      const server = scope.add(await create_server([host, 0]));
      const program = new URL("./peers/closes.ts", import.meta.url);
      const peer = scope.add(start(launch(program, [String(server.getsockname()[1])])));
      const [conn] = await server.accept();
      scope.add(conn);
      const told = Number(await peer.line());
      const { code, stderr } = await peer.exit(10_000);
      assert.equal(code, 0, stderr);
      let came = 0;
      for (let count = -1; count !== 0; came += count) count = (await conn.recv(1 << 20)).length;
      assert.equal(came, told);
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
