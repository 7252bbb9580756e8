/** Sends that were called before a close or a shutdown, with Python's socket as the peer. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AF_INET,
  AF_UNIX,
  capabilities,
  create_connection,
  type InetAddress,
  SHUT_WR,
  SO_SNDBUF,
  type Socket,
  socket,
  type SocketError,
  socketpair,
  SOL_SOCKET,
} from "../mod.ts";
import { receive, text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { noPeer, pythonProgram } from "./support/peers.ts";
import { type Program, start } from "./support/process.ts";
import { hasFfi, launch, runtimeName } from "./support/runtime.ts";
import { bounded, rejection, type Scope, within } from "./support/scope.ts";
import { noUnix } from "./support/tcp.ts";

/** Takes a connection, and when it is told to says how much came before the end of the stream. */
const READER = `
import socket, sys
l = socket.socket(); l.bind(("127.0.0.1", 0)); l.listen(); print(l.getsockname()[1], flush=True)
while True:
    c, _ = l.accept(); sys.stdin.readline()
    count = 0
    while data := c.recv(1 << 20): count += len(data)
    print(count, flush=True)
`;

async function connect(
  scope: Scope,
  source?: InetAddress,
): Promise<[s: Socket<InetAddress>, peer: Program]> {
  const peer = pythonProgram(scope, READER);
  const address: InetAddress = ["127.0.0.1", Number(await peer.line())];
  const s = scope.add(await create_connection(address, source && { source_address: source }));
  return [s, peer];
}

/** How much the peer has got. */
async function got(peer: Program): Promise<number> {
  peer.write("\n");
  return Number(await peer.line());
}

describe("close sends first", () => {
  const ways: Record<
    string,
    [send: (s: Socket<InetAddress>) => Promise<unknown>[], length: number]
  > = {
    "what many calls of sendall gave": [
      (s) => [..."abcde"].map((letter) => s.sendall(`line ${letter}\n`)),
      35,
    ],
    "what many calls of send gave": [
      (s) => Array.from({ length: 30 }, () => s.send(new Uint8Array(1000))),
      30_000,
    ],
    "what the system has room for": [(s) => [s.sendall(new Uint8Array(2_000_000))], 2_000_000],
  };
  for (const [name, [send, length]] of Object.entries(ways)) {
    it(
      name,
      { skip: noPeer },
      bounded(async (scope) => {
        const [s, peer] = await connect(scope);
        const sent = send(s);
        await s.close();
        await Promise.all(sent);
        assert.equal(await got(peer), length);
      }),
    );
  }

  for (const family of [AF_INET, AF_UNIX]) {
    it(
      `also with unread bytes, ${family === AF_UNIX ? "UNIX" : "TCP"}`,
      { skip: family === AF_UNIX && noUnix },
      bounded(async (scope) => {
        for (const timeout of [null, 5]) {
          for (const all of [false, true]) {
            const [s, peer] = await socketpair(family);
            for (const one of [s, peer]) scope.add(one);
            await peer.sendall("unread");
            assert.equal((await s.recv(2)).length, 2);
            s.settimeout(timeout);
            const sent = all ? s.sendall("hello") : s.send("hello");
            await s.close();
            assert.equal(await sent, all ? undefined : 5);
            assert.equal(text(await receive(peer, 5)), "hello");
          }
        }
      }),
    );
  }

  const sources: Record<string, InetAddress | undefined> = {
    "": undefined,
    ", from an address that it is bound to": ["127.0.0.1", 0],
  };
  for (const [name, source] of Object.entries(sources)) {
    it(
      `but does not wait for a peer that does not read${name}`,
      { skip: noPeer },
      bounded(async (scope) => {
        const [s, peer] = await connect(scope, source);
        const sent = rejection(() => s.sendall(new Uint8Array(64 << 20)));
        const next = rejection(() => s.sendall("x"));
        await within(s.close(), 2_000, "close");
        const { code, bytes_sent } = await sent as SocketError;
        assert.equal(code, "EBADF");
        assert.equal((await next as SocketError).bytes_sent, 0);
        assert.equal(await got(peer), bytes_sent);
      }),
    );
  }
});

describe("shutdown", () => {
  it(
    "does not wait for the peer after a sendall that timed out",
    { skip: noPeer },
    bounded(async (scope) => {
      const [s, peer] = await connect(scope);
      s.settimeout(0.05);
      const { code, bytes_sent } = await rejection(() =>
        s.sendall(new Uint8Array(64 << 20))
      ) as SocketError;
      assert.equal(code, "ETIMEDOUT");
      await within(s.shutdown(SHUT_WR), 1_000, "shutdown");
      assert.equal((await rejection(() => s.sendall("x")) as SocketError).code, "EPIPE");
      assert.equal(await got(peer), bytes_sent);
    }),
  );

  it(
    "comes after what was sent before it",
    { skip: noPeer },
    bounded(async (scope) => {
      const [s, peer] = await connect(scope);
      const sent = s.sendall(new Uint8Array(16 << 20));
      const shut = s.shutdown(SHUT_WR);
      assert.equal(await got(peer), 16 << 20);
      await Promise.all([sent, shut]);
    }),
  );
});

/** Without system calls of the library's own, Deno says of what it was given that it was sent: docs/differences.md. */
const guesses = runtimeName === "deno" && !hasFfi &&
  "Deno does not tell without --allow-ffi what the system has taken";

describe("a close in the middle of a sendall", () => {
  // With so little room some is always there again.
  const hasSndbuf = capabilities().options["SOCK_STREAM"]?.["SO_SNDBUF"] === "set";
  it(
    "tells exactly how much went out before",
    { skip: noPeer || guesses },
    bounded(async (scope) => {
      const peer = pythonProgram(scope, READER);
      const address: InetAddress = ["127.0.0.1", Number(await peer.line())];
      for (let round = 0; round < 20; round++) {
        const s = scope.add(socket());
        if (hasSndbuf) s.setsockopt(SOL_SOCKET, SO_SNDBUF, 4096);
        await s.connect(address);
        const sending = rejection(() => s.sendall(new Uint8Array(6 << 20)));
        await s.close();
        assert.equal(await got(peer), (await sending as SocketError).bytes_sent);
      }
    }),
  );

  it(
    "tells exactly how much went out before, to a peer that is reading",
    { skip: noPeer || guesses },
    bounded(async (scope) => {
      const peer = pythonProgram(scope, READER);
      const address: InetAddress = ["127.0.0.1", Number(await peer.line())];
      for (let round = 0; round < 100; round++) {
        const s = scope.add(await create_connection(address));
        const count = got(peer);
        // Sometimes all of it goes at once.
        const sending = s.sendall(new Uint8Array(16 << 20)).then(
          () => 16 << 20,
          (error: SocketError) => error.bytes_sent,
        );
        await s.close();
        assert.equal(await count, await sending);
      }
    }),
  );
});

describe("sends that wait for room in vain", () => {
  it(
    "print nothing",
    bounded(async (scope) => {
      const program = scope.add(start(launch(new URL("./peers/tries.ts", import.meta.url))));
      const { stdout, stderr } = await program.exit();
      assert.deepEqual([stdout, stderr], ["done\n", ""]);
    }),
  );
});

describe("a program that is killed", () => {
  const programs: Record<string, [how: string, most: number]> = {
    "has sent all that its non-blocking sends have counted": ["", 0],
    // A runtime tells of room only by sending a byte, which dies with the program.
    "has sent all but a byte that a sendall which timed out has counted": ["timed", 1],
  };
  for (const [name, [how, most]] of Object.entries(programs)) {
    it(
      name,
      { skip: noPeer || guesses },
      bounded(async (scope) => {
        const peer = pythonProgram(scope, READER);
        const port = String(await peer.line());
        const program = scope.add(
          start(launch(new URL("./peers/counts.ts", import.meta.url), [port, how])),
        );
        const counted = Number(await program.line());
        program.kill();
        await program.exit();
        const lost = counted - await got(peer);
        assert.ok(lost >= 0 && lost <= most, `${lost} of ${counted} bytes were not sent`);
      }),
    );
  }
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
