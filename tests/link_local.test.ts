/** Addresses of IPv6 that mean something on one link only: their scope goes in and comes out. */

import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { describe, it } from "node:test";
import {
  AF_INET6,
  create_connection,
  create_server,
  type InetAddress,
  SOCK_DGRAM,
  Socket,
  type SocketError,
} from "../mod.ts";
import { text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { runtimeName } from "./support/runtime.ts";
import { bounded, rejection, rejects, type Scope } from "./support/scope.ts";
import { noIPv6 } from "./support/tcp.ts";

/** An interface of this machine with a link-local address. */
const link =
  Object.entries(networkInterfaces()).flatMap(([name, entries = []]) =>
    entries.filter(({ address, scopeid = 0 }) => /^fe80:/.test(address) && scopeid > 0)
      .map(({ address, scopeid = 0 }) => ({ name, host: address.split("%")[0]!, scope: scopeid }))
  )[0];
const skip = link === undefined && "no interface of this machine has a link-local address";

describe("link-local addresses", () => {
  const test = (name: string, body: (scope: Scope) => Promise<void>) =>
    it(name, { skip }, bounded(body));

  test("a TCP conversation tells the scope at both ends", async (scope) => {
    const { host, name, scope: index } = link!;
    const server = scope.add(await create_server([host, 0, 0, index], { family: AF_INET6 }));
    const [, port] = server.getsockname();
    assert.deepEqual(server.getsockname(), [host, port, 0, index]);
    for (const address of [[host, port, 0, index], [`${host}%${name}`, port]] as const) {
      const client = scope.add(new Socket<InetAddress>(AF_INET6));
      const [[conn, from]] = await Promise.all([server.accept(), client.connect(address)]);
      scope.add(conn);
      assert.deepEqual(client.getpeername(), [host, port, 0, index]);
      assert.deepEqual(client.getsockname(), from);
      assert.equal(from[3], index);
      await client.sendall("x");
      assert.equal(text(await conn.recv(1)), "x");
    }
  });

  test("datagrams go to the sender that recvfrom tells", async (scope) => {
    const { host, scope: index } = link!;
    const [a, b] = [0, 1].map(() => scope.add(new Socket<InetAddress>(AF_INET6, SOCK_DGRAM)));
    for (const s of [a!, b!]) await s.bind([host, 0, 0, index]);
    await a!.sendto("there", b!.getsockname());
    const [data, from] = await b!.recvfrom(100);
    assert.equal(text(data), "there");
    assert.deepEqual(from, a!.getsockname());
    assert.equal(from![3], index);
    await b!.sendto("back", from!);
    assert.equal(text(await a!.recv(100)), "back");
  });

  // docs/differences.md: Deno does not tell it.
  const told = (index: number) => runtimeName === "deno" ? 0 : index;

  test("a datagram socket on the wildcard address tells the sender's scope", async (scope) => {
    const { host, scope: index } = link!;
    const [a, b] = [0, 1].map(() => scope.add(new Socket<InetAddress>(AF_INET6, SOCK_DGRAM)));
    await a!.bind([host, 0, 0, index]);
    await b!.bind(["::", 0]);
    await a!.sendto("there", [host, b!.getsockname()[1], 0, index]);
    const [, from] = await b!.recvfrom(100);
    assert.deepEqual(from, [host, a!.getsockname()[1], 0, told(index)]);
  });

  test("create_connection connects to what getsockname tells", async (scope) => {
    const { host, scope: index } = link!;
    const server = scope.add(new Socket<InetAddress>(AF_INET6));
    await server.bind([host, 0, 0, index]);
    await server.listen();
    const client = scope.add(await create_connection(server.getsockname()));
    assert.deepEqual(client.getpeername(), server.getsockname());
  });

  test("a listener on the wildcard address tells the client's scope", async (scope) => {
    const { host, scope: index } = link!;
    const server = scope.add(new Socket<InetAddress>(AF_INET6));
    await server.bind(["::", 0]);
    await server.listen();
    const client = scope.add(new Socket<InetAddress>(AF_INET6));
    const address: InetAddress = [host, server.getsockname()[1], 0, index];
    const [[conn, from]] = await Promise.all([server.accept(), client.connect(address)]);
    scope.add(conn);
    assert.equal(from[3], told(index));
    assert.equal(conn.getpeername()[3], told(index));
    assert.equal(conn.getsockname()[3], told(index));
  });
});

describe("a link-local address", () => {
  for (
    const [what, scope_id] of [["that names no interface", 0], [
      "of no interface here",
      77_777,
    ]] as const
  ) {
    it(
      `${what} is refused at once`,
      { skip: noIPv6 },
      bounded(async (scope) => {
        const s = scope.add(new Socket<InetAddress>(AF_INET6));
        s.settimeout(5);
        const { code } = await rejection(() =>
          s.connect(["fe80::1", 9, 0, scope_id])
        ) as SocketError;
        assert.equal(code, scope_id === 0 ? "EINVAL" : "ENETUNREACH");
        // The scope is not lost on the way.
        const connecting = () => create_connection(["fe80::1", 9, 0, scope_id], { timeout: 5 });
        const other = await rejection(connecting) as SocketError;
        assert.equal(other.code, code);
        assert.deepEqual(other.address, ["fe80::1", 9, 0, scope_id]);
      }),
    );
  }
});

describe("a link-local address to bind", () => {
  it(
    "of no interface here is ENODEV",
    { skip: noIPv6 },
    bounded(async (scope) => {
      const s = scope.add(new Socket<InetAddress>(AF_INET6));
      await rejects(() => s.bind(["fe80::1", 0, 0, 77_777]), "ENODEV", "bind");
      // For UDP Deno does not say why.
      if (runtimeName === "deno") return;
      const datagrams = scope.add(new Socket<InetAddress>(AF_INET6, SOCK_DGRAM));
      await rejects(() => datagrams.bind(["fe80::1", 0, 0, 77_777]), "ENODEV", "bind");
    }),
  );
});

describe("link-local addresses, after all", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
