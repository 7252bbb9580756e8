/** A loop of calls that all succeed at once lets timers run: each call that can. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers";
import {
  AF_INET,
  create_connection,
  create_server,
  getaddrinfo,
  gethostbyname,
  getnameinfo,
  MSG_PEEK,
  NI_NUMERICHOST,
  NI_NUMERICSERV,
  SHUT_RD,
  SOCK_DGRAM,
  socket,
  type SocketFile,
  socketpair,
} from "../mod.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { bounded, type Scope } from "./support/scope.ts";

const host = "127.0.0.1";

/** What the calls are made on; the connection has more unread bytes than the receives take in time. */
async function setUp(scope: Scope) {
  const server = scope.add(await create_server([host, 0]));
  const s = scope.add(await create_connection(server.getsockname()));
  const [conn] = await server.accept();
  scope.add(conn);
  const sending = conn.sendall(new Uint8Array(1 << 20));
  await s.recv(1);
  const u = scope.add(socket(AF_INET, SOCK_DGRAM));
  await u.bind([host, 0]);
  const file = scope.add(s.makefile("rwb"));
  const unused = socket();
  return { server, s, u, file, unused, sending };
}

type Things = Awaited<ReturnType<typeof setUp>>;
const byte = new Uint8Array(1);

const calls: Record<string, (things: Things) => Promise<unknown>> = {
  "recv": ({ s }) => s.recv(1),
  "recv of nothing": ({ s }) => s.recv(0),
  "recv with MSG_PEEK": ({ s }) => s.recv(1, MSG_PEEK),
  "recv_into": ({ s }) => s.recv_into(byte),
  "recv_into of nothing": ({ s }) => s.recv_into(new Uint8Array(0)),
  "recvmsg of nothing": ({ s }) => s.recvmsg(0),
  "send of nothing": ({ s }) => s.send(""),
  "sendall of nothing": ({ s }) => s.sendall(""),
  "sendmsg of nothing": ({ s }) => s.sendmsg([]),
  "sendfile of nothing": ({ s }) => s.sendfile(new Blob([])),
  "connect_ex": ({ s }) => s.connect_ex([host, 1]),
  "shutdown": ({ s }) => s.shutdown(SHUT_RD),
  "listen": ({ server }) => server.listen(),
  "sendto": ({ u }) => u.sendto("x", u.getsockname()),
  "a file's read of nothing": ({ file }) => file.read(0),
  "a file's flush": ({ file }) => file.flush(),
  "close": () => socket().close(),
  "close again": ({ unused }) => unused.close(),
  "getaddrinfo": () => getaddrinfo(host, 80),
  "gethostbyname": () => gethostbyname(host),
  "getnameinfo": () => getnameinfo([host, 80], NI_NUMERICHOST | NI_NUMERICSERV),
};

describe("timers run beside a loop of", () => {
  for (const [name, call] of Object.entries(calls)) {
    it(
      name,
      bounded(async (scope) => {
        const things = await setUp(scope);
        let ran = false;
        const timer = setTimeout(() => ran = true, 1);
        const end = performance.now() + 1000;
        while (!ran && performance.now() < end) await call(things);
        clearTimeout(timer);
        assert.ok(ran);
        things.sending.catch(() => {/* The scope closes it. */});
      }),
    );
  }
});

describe("the event loop turns beside a loop of", () => {
  const ways: Record<string, (file: SocketFile) => () => Promise<unknown>> = {
    "readline of lines": (file) => () => file.readline(),
    "for await over lines": (file) => {
      const lines = file[Symbol.asyncIterator]();
      return () => lines.next();
    },
  };
  for (const [name, readerOf] of Object.entries(ways)) {
    for (const mode of ["r", "rb"] as const) {
      it(
        `${name} that a file has read already, mode ${mode}`,
        bounded(async (scope) => {
          const [s, peer] = await socketpair();
          [s, peer].forEach((end) => scope.add(end));
          await peer.sendall("\n".repeat(8192));
          while ((await s.recv(8192, MSG_PEEK)).length < 8192);
          const read = readerOf(scope.add(s.makefile(mode)));
          await read();
          let turned = false;
          setImmediate(() => turned = true);
          for (let n = 0; n < 8000; n++) await read();
          assert.ok(turned);
        }),
      );
    }
  }
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
