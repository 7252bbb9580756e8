/** What `capabilities()` says, tried in both directions: what it claims works, what it denies is refused. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type Adapter,
  type Address,
  type Capabilities,
  createMemoryAdapter,
  getAdapter,
  IPPROTO_IP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  MSG_OOB,
  SO_LINGER,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  Socket,
  SOL_SOCKET,
} from "../mod.ts";
import * as bsdsock from "../mod.ts";
import { text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors, noSs, ss } from "./support/outside.ts";
import { bounded, rejection, rejects, type Scope, sleep, throws } from "./support/scope.ts";
import { noIPv6 } from "./support/tcp.ts";

const FAMILIES = { AF_INET: 2, AF_INET6: 10, AF_UNIX: 1 } as const;
const TYPES = {
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_RDM: 4,
  SOCK_SEQPACKET: 5,
} as const;

type Family = keyof typeof FAMILIES;
type Type = keyof typeof TYPES;

/** Every fact, and the test of this repository that tries it where it is not tried here. */
const FACTS: Record<keyof Capabilities, string> = {
  adapter: "here",
  version: "here",
  families: "here",
  types: "here",
  options: "options.test.ts",
  optionsReason: "options.test.ts",
  fileno: "here",
  adopt: "here",
  adoptTypes: "inherited_descriptors.test.ts",
  backlog: "here",
  reset: "here",
  datagramRefused: "here",
  oob: "here",
  ancillary: "here",
};

const adapters: readonly (readonly [string, () => Adapter])[] = [
  ["native", getAdapter],
  ["memory", createMemoryAdapter],
];

for (const [name, make] of adapters) {
  const adapter = make();
  const able = adapter.capabilities();

  const open = (scope: Scope, family: Family, type: Type, proto = 0): Socket<Address> =>
    scope.add(new Socket<Address>(FAMILIES[family], TYPES[type], proto, { adapter }));

  /** An address to bind to, for a socket of its own. */
  const place = (scope: Scope, family: Family): Address => {
    if (family !== "AF_UNIX") return [family === "AF_INET" ? "127.0.0.1" : "::1", 0];
    const folder = mkdtempSync(join(tmpdir(), "bsdsock-"));
    scope.add({ close: () => rmSync(folder, { recursive: true }) });
    return join(folder, "s");
  };

  const listener = async (scope: Scope, family: Family): Promise<Socket<Address>> => {
    const server = open(scope, family, "SOCK_STREAM");
    await server.bind(place(scope, family));
    await server.listen(3);
    return server;
  };

  const pair = async (
    scope: Scope,
    prepare = (_client: Socket<Address>): void => {},
  ): Promise<[Socket<Address>, Socket<Address>]> => {
    const server = await listener(scope, "AF_INET");
    const client = open(scope, "AF_INET", "SOCK_STREAM");
    prepare(client);
    await client.connect(server.getsockname());
    const [conn] = await server.accept();
    return [client, scope.add(conn)];
  };

  describe(`capabilities, ${name}`, () => {
    it("is plain data about every fact", () => {
      assert.deepEqual(Object.keys(able).sort(), Object.keys(FACTS).sort());
      assert.deepEqual(JSON.parse(JSON.stringify(able)), able);
      assert.deepEqual(able.families, Object.keys(able.types));
      assert.equal(able.version === "", name === "memory");
    });

    for (const family of Object.keys(FAMILIES) as Family[]) {
      const offered = able.types[family] ?? [];
      const skip = name === "native" && family === "AF_INET6" && noIPv6;

      it(
        `${family}: the types that it offers carry bytes, the others are refused`,
        { skip },
        bounded(async (scope) => {
          for (const type of Object.keys(TYPES) as Type[]) {
            if (!offered.includes(type)) {
              const code = offered.length === 0 ? "EAFNOSUPPORT" : "ESOCKTNOSUPPORT";
              throws(() => open(scope, family, type), code, "socket");
            } else if (type === "SOCK_STREAM") {
              const server = await listener(scope, family);
              const client = open(scope, family, type);
              await client.connect(server.getsockname());
              const [conn] = await server.accept();
              await scope.add(conn).sendall("bytes");
              assert.equal(text(await client.recv(9)), "bytes");
            } else {
              const [a, b] = [open(scope, family, type), open(scope, family, type)];
              await a.bind(place(scope, family));
              await b.sendto("bytes", a.getsockname());
              assert.equal(text(await a.recv(9)), "bytes");
            }
          }
        }),
      );
    }

    it("refuses protocols that do not go with the type", () => {
      const socket = (type: number, proto: number) => () =>
        new Socket(FAMILIES.AF_INET, type, proto, { adapter });
      throws(socket(SOCK_STREAM, IPPROTO_UDP), "EPROTONOSUPPORT", "socket");
      throws(socket(TYPES.SOCK_DGRAM, IPPROTO_TCP), "EPROTONOSUPPORT", "socket");
      throws(socket(SOCK_RAW, IPPROTO_IP), "ESOCKTNOSUPPORT", "socket");
      throws(socket(SOCK_SEQPACKET, 0), "ESOCKTNOSUPPORT", "socket");
      throws(() => new Socket<Address>(99, SOCK_STREAM, 0, { adapter }), "EAFNOSUPPORT", "socket");
    });

    it(
      "fileno",
      bounded(async (scope) => {
        const [client, conn] = await pair(scope);
        for (const s of [client, conn]) {
          if (able.fileno) assert.ok(s.fileno() > 2);
          else throws(() => s.fileno(), "ENOTSUP", "fileno");
        }
      }),
    );

    it(
      "adopt",
      bounded(async (scope) => {
        const take = (fd: number): Socket<Address> =>
          scope.add(new Socket<Address>(-1, -1, -1, { adapter, fileno: fd }));
        throws(() => take(9999), able.adopt ? "EBADF" : "ENOTSUP", "socket");
        if (!able.adopt || !able.fileno) return;
        const [client, conn] = await pair(scope);
        const again = take(conn.detach());
        await client.sendall("still there");
        assert.equal(text(await again.recv(20)), "still there");
      }),
    );

    it(
      "backlog",
      { skip: name === "native" && noSs },
      bounded(async (scope) => {
        const server = await listener(scope, "AF_INET");
        const [, port] = server.getsockname() as [string, number];
        if (name === "native") {
          const [line] = ss(port);
          assert.equal(line!.sending === 3, able.backlog);
          return;
        }
        // One more than the backlog is made, as on Linux.
        const clients = Array.from({ length: 5 }, () => open(scope, "AF_INET", "SOCK_STREAM"));
        const made: Promise<unknown>[] = clients.map((client) => {
          client.settimeout(0.2);
          return rejection(() => client.connect(server.getsockname())).catch(() => "connected");
        });
        const count = (await Promise.all(made)).filter((end) => end === "connected").length;
        assert.equal(count === 4, able.backlog);
      }),
    );

    it(
      "reset",
      bounded(async (scope) => {
        const linger = (s: Socket<Address>): void => s.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
        const [early, peerOfEarly] = await pair(
          scope,
          able.reset === "never" ? undefined : linger,
        );
        const [late, peerOfLate] = await pair(scope);
        if (able.reset === "always") linger(late);
        else throws(() => linger(late), "ENOPROTOOPT", "setsockopt");
        await early.close();
        await late.close();
        for (
          const [peer, reset] of [
            [peerOfEarly, able.reset !== "never"],
            [peerOfLate, able.reset === "always"],
          ] as const
        ) {
          if (reset) await rejects(() => peer.recv(1), "ECONNRESET", "recv");
          else assert.equal((await peer.recv(1)).length, 0);
        }
      }),
    );

    it(
      "datagramRefused",
      { skip: !able.types["AF_INET"]!.includes("SOCK_DGRAM") && "there are no datagrams" },
      bounded(async (scope) => {
        const closed = open(scope, "AF_INET", "SOCK_DGRAM");
        await closed.bind(["127.0.0.1", 0]);
        const address = closed.getsockname();
        await closed.close();
        const s = open(scope, "AF_INET", "SOCK_DGRAM");
        s.settimeout(0.3);
        await s.connect(address);
        await s.send("anybody?");
        await rejects(() => s.recv(1), able.datagramRefused ? "ECONNREFUSED" : "ETIMEDOUT", "recv");
      }),
    );

    it(
      "oob and ancillary",
      bounded(async (scope) => {
        const [client, conn] = await pair(scope);
        assert.deepEqual([able.oob, able.ancillary], [false, false], "no adapter has them so far");
        await rejects(() => client.send("!", MSG_OOB), "EOPNOTSUPP", "send");
        await rejects(() => conn.recv(1, MSG_OOB), "EOPNOTSUPP", "recv");
        const rights: [number, number, Uint8Array] = [SOL_SOCKET, 1, new Uint8Array(4)];
        await rejects(() => client.sendmsg(["x"], [rights]), "EOPNOTSUPP", "sendmsg");
        await client.sendall("x");
        await sleep(20);
        assert.deepEqual((await conn.recvmsg(9, 100))[1], []);
      }),
    );
  });
}

describe("capabilities()", () => {
  it("is that of the adapter in use", () => {
    assert.deepEqual(bsdsock.capabilities(), getAdapter().capabilities());
  });

  for (const [name, make] of adapters) {
    it(`cannot be changed by a program, ${name}`, () => {
      const { families, types, options } = make().capabilities() as unknown as {
        families: string[];
        types: Record<string, string[]>;
        options: Record<string, Record<string, string>>;
      };
      assert.throws(() => families.push("AF_X25"), TypeError);
      assert.throws(() => types["AF_INET"]!.push("SOCK_RAW"), TypeError);
      assert.throws(() => delete types["AF_INET"], TypeError);
      assert.throws(() => options["SOCK_STREAM"]!["TCP_INFO"] = "set", TypeError);
      assert.throws(() => Object.assign(make().capabilities(), { oob: true }), TypeError);
    });
  }
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
