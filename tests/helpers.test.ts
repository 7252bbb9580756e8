/** Python's helpers: connections, servers and pairs in one call, files, and the accept loop. */

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  type Address,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  capabilities,
  close,
  CMSG_LEN,
  CMSG_SPACE,
  create_connection,
  create_server,
  createMemoryAdapter,
  type FileSource,
  getAdapter,
  getaddrinfo,
  has_dualstack_ipv6,
  type InetAddress,
  type MemoryAdapter,
  type MemoryOptions,
  MSG_DONTWAIT,
  serve,
  setAdapter,
  setdefaulttimeout,
  SHUT_WR,
  SO_ACCEPTCONN,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SO_SNDTIMEO,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
  SocketError,
  socketpair,
  SOL_SOCKET,
  TimeoutError,
} from "../mod.ts";
import { pattern, receive, receiveAll, sha256, text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors, noSs, ss } from "./support/outside.ts";
import { noPython, python } from "./support/python.ts";
import { runtimeName } from "./support/runtime.ts";
import {
  assertCode,
  bounded,
  rejection,
  rejects,
  type Scope,
  sleep,
  throws,
  until,
  within,
} from "./support/scope.ts";
import { native, noIPv6, Setting } from "./support/tcp.ts";

const MiB = 1024 * 1024;
const able = capabilities();
const inside = new Setting("memory", AF_INET, createMemoryAdapter);
const settings = [native[0], inside];
const families = { AF_INET, AF_INET6, AF_UNIX } as const;
const types = { SOCK_STREAM, SOCK_DGRAM } as const;

type Skip = string | false;

function test(
  name: string,
  body: (scope: Scope) => void | Promise<void>,
  skip: Skip = false,
): void {
  it(name, { skip }, bounded(async (scope) => await body(scope)));
}

/** What `console.error` is given until the scope ends, instead of being printed. */
function hearConsole(scope: Scope): unknown[] {
  const { error } = console;
  const said: unknown[] = [];
  scope.add({ close: () => console.error = error });
  console.error = (...args: unknown[]) => said.push(...args);
  return said;
}

/** New sockets are in memory until the scope ends. */
function useMemory(scope: Scope, options: MemoryOptions = {}): MemoryAdapter {
  const adapter = createMemoryAdapter(options);
  setAdapter(adapter);
  scope.add({ close: () => setAdapter(undefined) });
  return adapter;
}

/** New sockets are those of the setting until the scope ends. */
function use(scope: Scope, setting: Setting): void {
  setAdapter(setting.adapter);
  scope.add({ close: () => setAdapter(undefined) });
}

const TWO = { hosts: { "two.test": ["::1", "127.0.0.1"] } };

describe("create_connection", () => {
  for (const setting of settings) {
    test(`a conversation, ${setting.name}`, async (scope) => {
      use(scope, setting);
      const server = await setting.server(scope);
      const address = server.getsockname();
      const s = scope.add(await create_connection([address[0], address[1]]));
      const [conn] = await server.accept();
      scope.add(conn);
      assert.equal(s.timeout, null);
      assert.deepEqual(s.getpeername(), address);
      await s.sendall("hello");
      assert.equal(text(await receive(conn, 5)), "hello");
    });
  }

  test("localhost, whichever family answers", async (scope) => {
    const server = scope.add(await create_server(["127.0.0.1", 0]));
    const s = scope.add(await create_connection(["localhost", server.getsockname()[1]]));
    const [conn] = await server.accept();
    scope.add(conn);
    assert.equal(s.family, AF_INET);
  });

  test("the next address is tried when one refuses", async (scope) => {
    useMemory(scope, TWO);
    const four = scope.add(await create_server(["127.0.0.1", 80]));
    const s = scope.add(await create_connection(["two.test", 80]));
    assert.equal(s.family, AF_INET);
    assert.deepEqual(s.getpeername(), ["127.0.0.1", 80]);
    await four.close();
    const six = scope.add(await create_server(["::1", 80], { family: AF_INET6 }));
    const other = scope.add(await create_connection(["two.test", 80]));
    assert.equal(other.family, AF_INET6);
    assert.deepEqual(other.getpeername(), six.getsockname());
  });

  test("the last error is thrown, or all of them", async (scope) => {
    const { faults } = useMemory(scope, TWO);
    faults.unreachable("::1", "ENETUNREACH");
    const { code } = await rejection(() => create_connection(["two.test", 80])) as SocketError;
    assert.ok(code === "ECONNREFUSED" || code === "ENETUNREACH", code);
    const error = await rejection(() => create_connection(["two.test", 80], { all_errors: true }));
    assert.ok(error instanceof AggregateError, String(error));
    assert.match(error.message, /two\.test/);
    assert.deepEqual(
      error.errors.map((each: SocketError) => [each instanceof SocketError, each.code]).sort(),
      [[true, "ECONNREFUSED"], [true, "ENETUNREACH"]],
    );
    assert.equal(error.errors.at(-1).code, code);
    const one = await rejection(() => create_connection(["127.0.0.1", 80], { all_errors: true }));
    assert.equal((one as AggregateError).errors.length, 1);
  });

  test("a name that does not resolve", async (scope) => {
    useMemory(scope);
    await rejects(() => create_connection(["none.test", 80]), "EAI_NONAME");
    await rejects(() => create_connection(["none.test", 80], { all_errors: true }), "EAI_NONAME");
  });

  test("the local address is chosen", async (scope) => {
    useMemory(scope, TWO);
    const server = scope.add(await create_server(["127.0.0.1", 80]));
    const s = scope.add(
      await create_connection(["127.0.0.1", 80], { source_address: ["127.0.0.5", 4000] }),
    );
    assert.deepEqual(s.getsockname(), ["127.0.0.5", 4000]);
    const [conn, address] = await server.accept();
    scope.add(conn);
    assert.deepEqual(address, ["127.0.0.5", 4000]);
    await rejects(
      () => create_connection(["127.0.0.1", 80], { source_address: ["10.1.2.3", 0] }),
      "EADDRNOTAVAIL",
      "bind",
    );
    // An address of the other family fails there and works here.
    const next = scope.add(
      await create_connection(["two.test", 80], { source_address: ["127.0.0.6", 0] }),
    );
    assert.equal(next.getsockname()[0], "127.0.0.6");
  });

  test("the local address is chosen, on the network", async (scope) => {
    const server = scope.add(await create_server(["127.0.0.1", 0]));
    const [host, port] = server.getsockname();
    const free = await native[0].freePort();
    const s = scope.add(
      await create_connection([host, port], { source_address: ["127.0.0.1", free] }),
    );
    assert.deepEqual(s.getsockname(), ["127.0.0.1", free]);
    scope.add((await server.accept())[0]);
  });

  test("the timeout is for the whole, and the socket's afterwards", async (scope) => {
    const { faults, connections } = useMemory(scope, TWO);
    const silences = [faults.silence(["127.0.0.1", 80]), faults.silence(["::1", 80])];
    const server = scope.add(await create_server(["127.0.0.1", 80]));
    const start = performance.now();
    const error = await rejection(() => create_connection(["two.test", 80], { timeout: 0.3 }));
    assert.ok(error instanceof TimeoutError, String(error));
    const took = performance.now() - start;
    assert.ok(took > 280, `${took} ms`);
    const [, , , , first] = (await getaddrinfo("two.test", 80))[0]!;
    assert.deepEqual(error.address, first, "the second address has no time left");
    for (const silence of silences) silence.end();
    await sleep(50);
    assert.equal(connections.length, 0);
    const s = scope.add(await create_connection(["two.test", 80], { timeout: 5 }));
    assert.equal(s.timeout, 5);
    scope.add((await server.accept())[0]);
    // Left out it is the default, and null is no timeout.
    setdefaulttimeout(3);
    scope.add({ close: () => setdefaulttimeout(null) });
    for (const [options, timeout] of [[{}, 3], [{ timeout: null }, null]] as const) {
      const next = scope.add(await create_connection(["127.0.0.1", 80], options));
      assert.equal(next.timeout, timeout);
      scope.add((await server.accept())[0]);
    }
  });

  for (const setting of settings) {
    test(`without time no connection can be made, ${setting.name}`, async (scope) => {
      use(scope, setting);
      const server = scope.add(await create_server(["127.0.0.1", 0]));
      const address = server.getsockname();
      await rejects(
        () => create_connection(address, { timeout: 0 }),
        "EINPROGRESS",
        "connect",
      );
      const error = await rejection(() =>
        create_connection(address, { timeout: 0, all_errors: true })
      );
      assert.ok(error instanceof AggregateError && error.errors.length === 1, String(error));
      assertCode(error.errors[0], "EINPROGRESS", "connect");
    });
  }

  test("the timeout counts while the name is looked up", async (scope) => {
    const { faults } = useMemory(scope, TWO);
    faults.hangLookup("two.test");
    const error = await rejection(() => create_connection(["two.test", 80], { timeout: 0.05 }));
    assert.ok(error instanceof TimeoutError, String(error));
    assert.deepEqual(error.address, ["two.test", 80], "it tells where to");
    faults.clear();
  });

  test("a signal ends it with its reason", async (scope) => {
    const { faults } = useMemory(scope, TWO);
    faults.silence(["127.0.0.1", 80]);
    faults.silence(["::1", 80]);
    const stop = new AbortController();
    const reason = new Error("enough");
    const all_errors = true;
    const connecting = rejection(() =>
      create_connection(["two.test", 80], { signal: stop.signal, all_errors })
    );
    await sleep(20);
    stop.abort(reason);
    assert.equal(await connecting, reason);
    assert.equal(
      await rejection(() => create_connection(["two.test", 80], { signal: stop.signal })),
      reason,
    );
  });

  test("wrong arguments", async () => {
    const wrong: readonly [() => Promise<unknown>, typeof TypeError | typeof RangeError][] = [
      [() => create_connection("x" as never), TypeError],
      [() => create_connection(["127.0.0.1"] as never), TypeError],
      [() => create_connection(["127.0.0.1", 65536]), RangeError],
      [() => create_connection(["127.0.0.1", 1], { timeout: -1 }), RangeError],
      [() => create_connection(["127.0.0.1", 1], { timeout: "1" as never }), TypeError],
      [() => create_connection(["127.0.0.1", 1], { signal: {} as never }), TypeError],
    ];
    for (const [call, kind] of wrong) {
      const error = await rejection(call);
      assert.ok(error instanceof kind && !(error instanceof SocketError), `${call}: ${error}`);
    }
    // Before the name is looked up.
    const sources: readonly [unknown, typeof TypeError | typeof RangeError][] = [
      ["127.0.0.1", TypeError],
      [["127.0.0.1"], TypeError],
      [["127.0.0.1", 65536], RangeError],
    ];
    for (const [source, kind] of sources) {
      const options = { source_address: source as never, all_errors: true };
      const error = await rejection(() => create_connection(["no.test", 1], options));
      assert.ok(error instanceof kind, String(error));
      assert.match(error.message, /source_address/);
    }
  });
});

describe("create_server", () => {
  for (const setting of settings) {
    test(`an address of its family, ${setting.name}`, async (scope) => {
      use(scope, setting);
      const server = scope.add(await create_server(["", 0], { backlog: null }));
      const [host, port] = server.getsockname();
      assert.equal(host, "0.0.0.0");
      assert.notEqual(port, 0);
      assert.equal(server.family, AF_INET);
      assert.notEqual(server.getsockopt(SOL_SOCKET, SO_REUSEADDR), 0);
      await rejects(() => create_server(["127.0.0.1", port]), "EADDRINUSE");
      await server.close();
      await (await create_server(["127.0.0.1", port])).close();
      await rejects(() => create_server(["192.0.2.1", 0]), "EADDRNOTAVAIL");
    });

    test(`UNIX, ${setting.name}`, async (scope) => {
      use(scope, setting);
      const folder = mkdtempSync(join(tmpdir(), "bsdsock-"));
      scope.add({ close: () => rmSync(folder, { recursive: true, force: true }) });
      const path = join(folder, "s");
      const server = scope.add(await create_server(path, { family: AF_UNIX }));
      const client = scope.add(new Socket<string>(AF_UNIX));
      await client.connect(path);
      scope.add((await server.accept())[0]);
      assert.equal(client.getpeername(), path);
    }, setting.adapter.capabilities().types["AF_UNIX"] === undefined && "there is no AF_UNIX");

    const no6 = setting.native && noIPv6;
    test(`IPv6 alone, ${setting.name}`, async (scope) => {
      use(scope, setting);
      if (
        setting.native && runtimeName === "deno" &&
        setting.adapter.capabilities().reset !== "always"
      ) {
        // docs/differences.md: IPV6_V6ONLY on the wildcard address, without --allow-ffi.
        await rejects(() => create_server(["::", 0], { family: AF_INET6 }), "ENOPROTOOPT", "bind");
        await (await create_server(["::1", 0], { family: AF_INET6 })).close();
        return;
      }
      const six = scope.add(await create_server(["::", 0], { family: AF_INET6 }));
      const port = six.getsockname()[1];
      await rejects(() => create_connection(["127.0.0.1", port]), "ECONNREFUSED", "connect");
    }, no6);

    test(`IPv6 with IPv4, ${setting.name}`, async (scope) => {
      use(scope, setting);
      const both = scope.add(
        await create_server(["", 0], { family: AF_INET6, dualstack_ipv6: true }),
      );
      const s = scope.add(await create_connection(["127.0.0.1", both.getsockname()[1]]));
      const [conn, address] = await both.accept();
      scope.add(conn);
      assert.equal(address[0], "::ffff:127.0.0.1");
      assert.equal(address[1], s.getsockname()[1]);
    }, no6);

    const option = setting.adapter.capabilities().options["SOCK_STREAM"]?.["SO_REUSEPORT"];
    const shares = option !== undefined && option !== "get";
    test(`reuse_port lets two share a port, ${setting.name}`, async (scope) => {
      use(scope, setting);
      const one = scope.add(await create_server(["127.0.0.1", 0], { reuse_port: true }));
      assert.notEqual(one.getsockopt(SOL_SOCKET, SO_REUSEPORT), 0);
      const address = one.getsockname();
      const two = scope.add(await create_server(address, { reuse_port: true }));
      assert.deepEqual(two.getsockname(), address);
      await rejects(() => create_server(address), "EADDRINUSE");
    }, !shares && "this adapter has no SO_REUSEPORT");

    test(`reuse_port is refused where there is none, ${setting.name}`, async (scope) => {
      use(scope, setting);
      await rejects(() => create_server(["127.0.0.1", 0], { reuse_port: true }), "ENOPROTOOPT");
    }, shares && "this adapter has SO_REUSEPORT");
  }

  test("the backlog is the kernel's", async (scope) => {
    const server = scope.add(await create_server(["127.0.0.1", 0], { backlog: 7 }));
    const lines = ss(server.getsockname()[1]);
    assert.deepEqual(lines.map(({ state, sending }) => [state, sending]), [["LISTEN", 7]]);
  }, noSs || !able.backlog && "this runtime sets no backlog");

  test("a full backlog makes others wait", async (scope) => {
    useMemory(scope);
    const server = scope.add(await create_server(["127.0.0.1", 80], { backlog: 0 }));
    scope.add(await create_connection(["127.0.0.1", 80], { timeout: 1 }));
    const error = await rejection(() => create_connection(["127.0.0.1", 80], { timeout: 0.05 }));
    assert.ok(error instanceof TimeoutError, String(error));
    scope.add((await server.accept())[0]);
    scope.add(await create_connection(["127.0.0.1", 80], { timeout: 1 }));
    scope.add((await server.accept())[0]);
  });

  test("dual stack is IPv6's", async () => {
    for (const family of [undefined, AF_INET, AF_UNIX]) {
      const error = await rejection(() => create_server(["", 0], { family, dualstack_ipv6: true }));
      assert.ok(error instanceof RangeError, String(error));
    }
  });

  test("wrong arguments", async () => {
    assert.ok(await rejection(() => create_server("x" as never)) instanceof TypeError);
    assert.ok(await rejection(() => create_server(["", 65536])) instanceof RangeError);
    assert.ok(
      await rejection(() => create_server(["", 0], { backlog: 1.5 })) instanceof TypeError,
    );
    await rejects(() => create_server(["", 0], { family: 99 }), "EAFNOSUPPORT");
  });

  test("has_dualstack_ipv6 is what Python says", async () => {
    const script = "import socket\nanswer = socket.has_dualstack_ipv6()";
    assert.equal(await has_dualstack_ipv6(), python<boolean>(script, null));
  }, noPython);

  test("memory has dual stack", async (scope) => {
    useMemory(scope);
    assert.equal(await has_dualstack_ipv6(), true);
  });
});

describe("socketpair", () => {
  test("leaves nothing open where it fails", async (scope) => {
    const adapter = useMemory(scope);
    adapter.faults.failAccept(1);
    await rejects(() => socketpair(AF_INET, SOCK_STREAM), "EMFILE", "accept");
    assert.deepEqual(adapter.connections, []);
  });

  for (const setting of settings) {
    const offered = setting.adapter.capabilities().types;
    for (const [familyName, family] of Object.entries(families)) {
      for (const [typeName, type] of Object.entries(types)) {
        const title = `${familyName}, ${typeName}, ${setting.name}`;
        const has = offered[familyName]?.includes(typeName) ?? false;
        const no6 = setting.native && family === AF_INET6 && noIPv6;
        test(title, async (scope) => {
          use(scope, setting);
          if (!has) {
            const error = await rejection(() => socketpair(family, type));
            assert.ok(error instanceof SocketError, String(error));
            assert.match(error.code, /^E(AF|SOCKT|PROTO)NOSUPPORT$/);
            return;
          }
          const [a, b] = await socketpair(family, type);
          scope.add(a);
          scope.add(b);
          assert.deepEqual([a.family, a.type, b.family, b.type], [family, type, family, type]);
          a.settimeout(5);
          b.settimeout(5);
          await a.sendall("there");
          assert.equal(text(await b.recv(100)), "there");
          await b.sendall("back");
          assert.equal(text(await a.recv(100)), "back");
          if (type === SOCK_DGRAM) {
            await a.send("");
            await a.send("next");
            assert.equal((await b.recv(100)).length, 0);
            assert.equal(text(await b.recv(100)), "next");
          } else {
            await a.close();
            assert.equal((await b.recv(100)).length, 0);
          }
        }, no6);
      }
    }

    const intruders: Record<string, (s: Socket<Address>) => Promise<void>> = {
      "says nothing": async () => {},
      "guesses": (s) => s.sendall(new Uint8Array(64)),
      "leaves": (s) => s.close(),
    };
    for (const familyName of ["AF_INET", "AF_UNIX"] as const) {
      for (const [name, act] of Object.entries(intruders)) {
        const title = `another client in between ${name}: ${familyName}, ${setting.name}`;
        const has = offered[familyName] !== undefined;
        test(title, async (scope) => {
          use(scope, setting);
          const family = families[familyName];
          const { getsockname } = Socket.prototype;
          scope.add({ close: () => Socket.prototype.getsockname = getsockname });
          let acting: Promise<void> | undefined;
          // As late as the name of the listener can be known.
          Socket.prototype.getsockname = function (this: Socket<Address>): Address {
            const address = getsockname.call(this);
            if (this.getsockopt(SOL_SOCKET, SO_ACCEPTCONN) !== 0) {
              const s = scope.add(new Socket<Address>(family, SOCK_STREAM));
              acting ??= s.connect(address).then(() => act(s));
            }
            return address;
          } as typeof getsockname;
          await rejects(() => socketpair(family), "ECONNABORTED", "socketpair");
          await acting;
        }, !has && `there is no ${familyName}`);
      }
      test(`others fill the accept queue: ${familyName}, ${setting.name}`, async (scope) => {
        use(scope, setting);
        const family = families[familyName];
        const { connect } = Socket.prototype;
        scope.add({ close: () => Socket.prototype.connect = connect });
        Socket.prototype.connect = function (this: Socket<Address>, address: Address) {
          for (let i = 0; i < 4; i++) {
            const s = scope.add(new Socket<Address>(family, SOCK_STREAM));
            connect.call(s, address as InetAddress).catch(() => {});
          }
          return connect.call(this, address as InetAddress);
        } as typeof connect;
        const pair = socketpair(family);
        await rejects(() => within(pair, 5_000, "socketpair"), "ECONNABORTED", "socketpair");
      }, offered[familyName] === undefined && `there is no ${familyName}`);
    }

    if (setting.name === "memory") {
      test("is made over a slow network", async (scope) => {
        const adapter = createMemoryAdapter();
        setAdapter(adapter);
        scope.add({ close: () => setAdapter(undefined) });
        adapter.faults.delay(1200);
        for (const s of await socketpair(AF_INET)) scope.add(s);
      });
    }

    test(`is made whatever the default timeout, ${setting.name}`, async (scope) => {
      use(scope, setting);
      setdefaulttimeout(0);
      scope.add({ close: () => setdefaulttimeout(null) });
      const pair = await socketpair(AF_INET);
      for (const s of pair) assert.equal(scope.add(s).gettimeout(), 0);
    });

    test(`without arguments it is a UNIX stream, ${setting.name}`, async (scope) => {
      use(scope, setting);
      const [a, b] = await socketpair();
      scope.add(a);
      scope.add(b);
      assert.deepEqual([a.family, a.type], [AF_UNIX, SOCK_STREAM]);
      await a.sendall("x");
      assert.equal(text(await b.recv(1)), "x");
    }, offered["AF_UNIX"] === undefined && "there is no AF_UNIX");
  }

  test("kinds that there are not", async () => {
    await rejects(() => socketpair(99), "EAFNOSUPPORT");
    await rejects(() => socketpair(AF_INET, 99), "ESOCKTNOSUPPORT");
    await rejects(() => socketpair(AF_INET, SOCK_STREAM, 17), "EPROTONOSUPPORT");
  });
});

async function* chunked(data: Uint8Array, size: number): AsyncGenerator<Uint8Array, void, void> {
  for (let i = 0; i < data.length; i += size) {
    await sleep(0);
    yield data.slice(i, i + size);
  }
}

function streamOf(data: Uint8Array, size: number): ReadableStream<Uint8Array> {
  const chunks = chunked(data, size);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done) controller.close();
      else controller.enqueue(value as Uint8Array);
    },
    async cancel() {
      await chunks.return();
    },
  });
}

function blobOf(data: Uint8Array<ArrayBuffer>): Blob {
  return new Blob([data]);
}

/** A file with these bytes, gone with the scope. */
function fileOf(scope: Scope, data: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "bsdsock-"));
  scope.add({ close: () => rmSync(folder, { recursive: true, force: true }) });
  const path = join(folder, "file");
  writeFileSync(path, data);
  return path;
}

interface OtherFiles {
  openAsBlob?: (path: string) => Promise<Blob>;
}
const { openAsBlob } = fs as OtherFiles;
const runtime = globalThis as unknown as {
  Bun?: { file(path: string): Blob };
  Deno?: { open(path: string): Promise<{ readable: ReadableStream<Uint8Array> }> };
};

for (const setting of settings) {
  describe(`sendfile, ${setting.name}`, () => {
    const data = pattern(3 * MiB + 17);

    const check = async (
      scope: Scope,
      source: FileSource,
      offset?: number,
      count?: number | null,
    ): Promise<void> => {
      const [client, conn] = await setting.pair(scope);
      const start = offset ?? 0;
      const expected = data.subarray(start, start + (count ?? Infinity));
      const got = receiveAll(conn);
      assert.equal(await client.sendfile(source, offset, count), expected.length);
      await client.close();
      assert.equal(sha256(await got), sha256(expected));
    };

    const sources: readonly [string, () => FileSource][] = [
      ["a Blob", () => blobOf(data)],
      ["a ReadableStream", () => streamOf(data, 40_009)],
      ["an async iterable", () => chunked(data, 40_009)],
    ];
    for (const [name, make] of sources) {
      test(`${name}, whole and in part`, async (scope) => {
        await check(scope, make());
        await check(scope, make(), 0, null);
        await check(scope, make(), 40_009);
        await check(scope, make(), 100_001, 100_003);
        await check(scope, make(), 0, 1);
        await check(scope, make(), data.length - 5, 100);
        await check(scope, make(), data.length);
        await check(scope, make(), data.length + 1000, 5);
      });
    }

    test("fs.openAsBlob", async (scope) => {
      const path = fileOf(scope, data);
      await check(scope, await openAsBlob!(path));
      await check(scope, await openAsBlob!(path), 5, 70_000);
    }, openAsBlob === undefined && "this runtime has no fs.openAsBlob");

    test("Bun.file", async (scope) => {
      const path = fileOf(scope, data);
      await check(scope, runtime.Bun!.file(path));
      await check(scope, runtime.Bun!.file(path), 5, 70_000);
    }, runtimeName !== "bun" && "only Bun has Bun.file");

    test("a Bun.file whose size tells nothing", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const file = (path: string): Blob => runtime.Bun!.file(path);
      const missing = await rejection(() => client.sendfile(file("/proc/self/missing")));
      assert.equal((missing as { code?: string }).code, "ENOENT");
      const sent = await client.sendfile(file("/proc/self/status"));
      assert.ok(sent > 100);
      assert.match(text(await receive(conn, sent)), /^Name:/);
      assert.equal(await client.sendfile(file("/proc/self/status"), 0, 5), 5);
      assert.equal(text(await receive(conn, 5)), "Name:");
    }, runtimeName !== "bun" && "only Bun has Bun.file");

    test("Deno.FsFile", async (scope) => {
      const path = fileOf(scope, data);
      await check(scope, (await runtime.Deno!.open(path)).readable);
      await check(scope, (await runtime.Deno!.open(path)).readable, 5, 70_000);
    }, runtimeName !== "deno" && "only Deno has Deno.FsFile");

    test("nothing to send", async (scope) => {
      const [client] = await setting.pair(scope);
      assert.equal(await client.sendfile(new Blob([])), 0);
      assert.equal(await client.sendfile(streamOf(new Uint8Array(0), 1)), 0);
      assert.equal(await client.sendfile(chunked(new Uint8Array(0), 1)), 0);
    });

    test("the total of a file is cut to it", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const got = receiveAll(conn);
      const path = fileOf(scope, data);
      const { length } = data;
      const parts = [[100, null, length - 100], [length - 10, 100, 10]] as const;
      for (const [offset, count, total] of parts) {
        const seen = new Set<number | undefined>();
        const onprogress = (_: number, total?: number) => seen.add(total);
        await client.sendfile(await openAsBlob!(path), offset, count, { onprogress });
        assert.deepEqual([...seen], [total]);
      }
      await client.close();
      assert.equal((await got).length, length - 90);
    }, openAsBlob === undefined && "this runtime has no fs.openAsBlob");

    test("progress, and the total where it is known", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const got = receiveAll(conn);
      let last = 0;
      const onprogress = (sent: number, total?: number): void => {
        assert.ok(sent > last && sent <= last + MiB / 4, `${sent} after ${last}`);
        assert.equal(total, 2 * MiB);
        last = sent;
      };
      await client.sendfile(blobOf(data), MiB, 2 * MiB, { onprogress });
      assert.equal(last, 2 * MiB);
      const seen: [number, number | undefined][] = [];
      await client.sendfile(chunked(data, MiB / 4), 0, MiB / 2 + 5, {
        onprogress: (sent, total) => seen.push([sent, total]),
      });
      const counts = [MiB / 4, MiB / 2, MiB / 2 + 5];
      assert.deepEqual(seen, counts.map((count) => [count, undefined]));
      await client.close();
      assert.equal((await got).length, 2.5 * MiB + 5);
    });

    test("a source is left when there is enough", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      let left = "";
      async function* endless(): AsyncGenerator<string, void, void> {
        try {
          for (;;) yield "abc";
        } finally {
          left = "iterable";
        }
      }
      assert.equal(await client.sendfile(endless(), 1, 4), 4);
      assert.equal(text(await receive(conn, 4)), "bcab");
      assert.equal(left, "iterable");
      const stream = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(Uint8Array.of(1, 2, 3)),
        cancel: () => {
          left = "stream";
        },
      });
      assert.equal(await client.sendfile(stream, 0, 5), 5);
      await until(() => left === "stream", "the stream is cancelled");
      // Also a source that waits is told.
      for (const way of ["abort", "close"]) {
        left = "";
        const [sender] = await setting.pair(scope);
        const stop = new AbortController();
        const waiting = new ReadableStream<Uint8Array>({ cancel: () => void (left = way) });
        const { signal } = stop;
        const sending = rejection(() => sender.sendfile(waiting, 0, undefined, { signal }));
        await sleep(20);
        if (way === "abort") stop.abort();
        else await sender.close();
        await sending;
        await until(() => left === way && !waiting.locked, `the stream is cancelled by ${way}`);
      }
      // As the streams of some platforms, it can only be read by a reader.
      const bare = { getReader: () => streamOf(Uint8Array.of(1, 2, 3, 4), 3).getReader() };
      assert.equal(await client.sendfile(bare as ReadableStream<Uint8Array>, 2), 2);
    });

    test("how a source takes it that it is left is nothing to the call", async (scope) => {
      const ways: Array<[string, () => Promise<never>]> = [
        ["fails", () => Promise.reject(new Error("cannot be left"))],
        ["hangs", () => new Promise(() => {})],
      ];
      for (const [how, left] of ways) {
        const [client, conn] = await setting.pair(scope);
        const next = () => Promise.resolve({ done: false, value: "abc" });
        const iterable = { [Symbol.asyncIterator]: () => ({ next, return: left }) };
        assert.equal(await client.sendfile(iterable, 0, 4), 4, how);
        const pull = (controller: ReadableStreamDefaultController<Uint8Array>): void =>
          controller.enqueue(Uint8Array.of(0x64, 0x65, 0x66));
        const stream = new ReadableStream<Uint8Array>({ pull, cancel: left });
        assert.equal(await client.sendfile(stream, 0, 4), 4, how);
        assert.equal(text(await receive(conn, 8)), "abcadefd");
        assert.equal(stream.locked, false);
        // The error of the call is not lost either.
        const reason = new Error("no progress");
        const onprogress = (): void => {
          throw reason;
        };
        const sending = client.sendfile(iterable, 0, null, { onprogress });
        assert.equal(await rejection(() => sending), reason, how);
      }
    });

    test("a failure tells how much was sent", async (scope) => {
      const big = new Uint8Array(64 * MiB);
      for (const make of [() => blobOf(big), () => chunked(big, 300_000)]) {
        const [client, conn] = await setting.pair(scope);
        client.settimeout(0.3);
        let progress = 0;
        const options = { onprogress: (sent: number): unknown => progress = sent };
        const error = await rejection(() => client.sendfile(make(), 0, undefined, options));
        assert.ok(error instanceof TimeoutError, String(error));
        const { bytes_sent = -1 } = error;
        assert.ok(bytes_sent >= progress && bytes_sent < big.length, `${bytes_sent}`);
        await client.close();
        assert.equal((await receiveAll(conn)).length, bytes_sent);
      }
    });

    test("an error from elsewhere tells it, too; the reason of a signal if it is the library's", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const given = new AbortController();
      const enough = new SocketError("enough");
      const broken: Error & { bytes_sent?: number } = new Error("disk on fire");
      const unwanted = new Error("no progress");
      const frozen = Object.freeze(new SocketError("as it is"));
      async function* some(end: () => Promise<void>): AsyncGenerator<string, void, void> {
        yield "ab";
        yield "c";
        await end();
      }
      const { signal } = given;
      const aborted = rejection(() =>
        client.sendfile(some(() => new Promise(() => {})), 0, null, { signal })
      );
      assert.equal(text(await receive(conn, 3)), "abc");
      await sleep(10);
      given.abort(enough);
      assert.equal(await aborted, enough);
      assert.equal(enough.bytes_sent, 3);
      // As of another socket, which the source reads from or writes to.
      const foreign = Object.assign(new SocketError("elsewhere"), { bytes_sent: 77 });
      for (const reason of [broken, frozen, foreign]) {
        const failing = some(() => Promise.reject(reason));
        assert.equal(await rejection(() => client.sendfile(failing)), reason);
      }
      assert.deepEqual([broken.bytes_sent, frozen.bytes_sent], [3, undefined]);
      assert.equal(foreign.bytes_sent, 3);
      const onprogress = (sent: number): void => {
        if (sent === 3) throw unwanted;
      };
      const sending = client.sendfile(some(() => Promise.resolve()), 0, null, { onprogress });
      assert.equal(await rejection(() => sending), unwanted);
      assert.equal((unwanted as { bytes_sent?: number }).bytes_sent, 3);
      const wrong = some(() => Promise.resolve());
      const odd = client.sendfile((async function* () {
        yield* wrong;
        yield 5 as never;
      })());
      const error = await rejection(() => odd) as TypeError & { bytes_sent?: number };
      assert.ok(error instanceof TypeError);
      assert.equal(error.bytes_sent, 3);
      // Not counted twice where a piece fails.
      const [other, reader] = await setting.pair(scope);
      const stop = new AbortController();
      const late = new SocketError("late");
      const flood = blobOf(new Uint8Array(64 * MiB));
      const stopped = rejection(() => other.sendfile(flood, 0, null, { signal: stop.signal }));
      await sleep(100);
      stop.abort(late);
      assert.equal(await stopped, late);
      await other.close();
      assert.equal((await receiveAll(reader)).length, late.bytes_sent);
    });

    test("a Blob is sent with its last byte, whenever its stream ends", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const open = (): ReadableStream<Uint8Array> =>
        new ReadableStream({ start: (controller) => controller.enqueue(Uint8Array.of(97, 98)) });
      const blob = Object.assign(new Blob(["ab"]), { stream: open });
      blob.slice = () => blob;
      const given = new AbortController();
      const onprogress = (sent: number): void => {
        if (sent === 2) given.abort();
      };
      const { signal } = given;
      assert.equal(await client.sendfile(blob, 0, null, { onprogress, signal }), 2);
      assert.equal(text(await receive(conn, 2)), "ab");
    });

    test("an abort ends it with its reason", async (scope) => {
      const [client] = await setting.pair(scope);
      const stop = new AbortController();
      const reason = new Error("enough");
      const { signal } = stop;
      const sending = rejection(() =>
        client.sendfile(blobOf(new Uint8Array(64 * MiB)), 0, null, { signal })
      );
      await sleep(100);
      stop.abort(reason);
      assert.equal(await sending, reason);
      // Also where the source has nothing for now, and before it is asked for anything.
      let asked = 0;
      async function* silent(): AsyncGenerator<string, void, void> {
        asked++;
        yield "x";
        await new Promise(() => {});
      }
      const [other] = await setting.pair(scope);
      const waiting = rejection(() =>
        other.sendfile(silent(), 0, null, { signal: AbortSignal.timeout(50) })
      );
      assert.equal((await waiting as Error).name, "TimeoutError");
      assert.equal(await rejection(() => other.sendfile(silent(), 0, null, { signal })), reason);
      assert.equal(asked, 1);
    });

    test("other sends go before or after it, in the order of the calls", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      async function* slow(): AsyncGenerator<string, void, void> {
        for (const part of ["b", "c", "d"]) {
          await sleep(5);
          yield part;
        }
      }
      const calls = [
        client.sendall("a"),
        client.sendfile(slow()),
        client.sendall("e"),
        client.sendfile(new Blob(["f"])),
        client.sendmsg([new Uint8Array([0x67])]),
        client.send("h"),
      ];
      assert.equal(text(await receive(conn, 8)), "abcdefgh");
      assert.deepEqual(await Promise.all(calls), [undefined, 3, undefined, 1, 1, 1]);
    });

    for (const another of [false, true]) {
      const name = another ? "what waits for several" : "what waits for it";
      test(`${name} goes before what is called once it has ended`, async (scope) => {
        const [client, conn] = await setting.pair(scope);
        async function* slow(): AsyncGenerator<string, void, void> {
          await sleep(5);
          yield "a";
        }
        const file = client.sendfile(slow());
        const given = new AbortController();
        const dropped = [
          rejection(() => client.sendall("-", 0, given)),
          rejection(() =>
            another ? client.sendfile(new Blob(["-"]), 0, null, given) : client.send("-", 0, given)
          ),
        ];
        const waiting: Promise<unknown>[] = [client.sendall("b")];
        if (another) waiting.push(client.sendfile(slow()));
        waiting.push(client.send("c"));
        const reason = new Error("not any more");
        given.abort(reason);
        assert.deepEqual(await Promise.all(dropped), [reason, reason]);
        await file;
        for (const letter of "defghijklmnopqrstuvwx") {
          waiting.push(client.send(letter));
          await null;
        }
        const expected = another ? "abacdefghijklmnopqrstuvwx" : "abcdefghijklmnopqrstuvwx";
        assert.equal(text(await receive(conn, expected.length)), expected);
        await Promise.all(waiting);
      });
    }

    test("shutdown(SHUT_WR) goes after it, and what is called then is too late", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const got = receiveAll(conn);
      const calls = [
        client.sendfile(chunked(pattern(MiB), 64 * 1024)),
        client.sendall("b"),
        client.shutdown(SHUT_WR),
      ];
      const late = [
        rejects(() => client.send("c"), "EPIPE", "send"),
        rejects(() => client.sendfile(new Blob(["d"])), "EPIPE", "send"),
      ];
      await Promise.all(calls);
      await Promise.all(late);
      assert.equal((await got).length, MiB + 1);
      await conn.sendall("reading goes on");
      assert.equal((await receive(client, 15)).length, 15);
    });

    test("shutdown(SHUT_WR) right after it waits for what had to wait for it", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const file = client.sendfile(chunked(new Uint8Array([0x61]), 1));
      const behind = client.sendall("b");
      await file;
      await client.shutdown(SHUT_WR);
      await behind;
      assert.equal(text(await receiveAll(conn)), "ab");
    });

    test("close ends a shutdown(SHUT_WR) that waits for it", async (scope) => {
      const [client] = await setting.pair(scope);
      const file = rejection(() => client.sendfile(new ReadableStream()));
      const shut = rejects(() => client.shutdown(SHUT_WR), "EBADF", "shutdown");
      await client.close();
      await Promise.all([file, shut]);
    });

    test("a send that waits for it has the socket's timeout", async (scope) => {
      const [client] = await setting.pair(scope);
      async function* silent(): AsyncGenerator<string, void, void> {
        await new Promise(() => {});
        yield "nothing";
      }
      const waiting = rejection(() => client.sendfile(silent()));
      client.settimeout(0.05);
      const late = await rejection(() => client.sendall("x")) as SocketError;
      assert.ok(late instanceof TimeoutError);
      assert.equal(late.bytes_sent, 0);
      const file = await rejection(() => client.sendfile(new Blob(["x"]))) as SocketError;
      assert.ok(file instanceof TimeoutError);
      assert.deepEqual([file.syscall, file.bytes_sent], ["send", 0]);
      await rejects(() => client.send("x", MSG_DONTWAIT), "EAGAIN", "send");
      client.settimeout(null);
      const kernel = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0xc3, 0, 0, 0, 0, 0, 0]);
      client.setsockopt(SOL_SOCKET, SO_SNDTIMEO, kernel);
      for (const call of [() => client.sendall("x"), () => client.sendfile(new Blob(["x"]))]) {
        const { code, bytes_sent } = await rejection(call) as SocketError;
        assert.deepEqual([code, bytes_sent], ["EAGAIN", 0]);
      }
      client.setsockopt(SOL_SOCKET, SO_SNDTIMEO, new Uint8Array(16));
      const given = new AbortController();
      const reason = new SocketError("not any more");
      const dropped = rejection(() =>
        client.sendfile(new Blob(["x"]), 0, null, { signal: given.signal })
      );
      given.abort(reason);
      assert.equal(await dropped, reason);
      assert.equal(reason.bytes_sent, 0);
      const next = rejects(() => client.send("x"), "EBADF", "send");
      await client.close();
      await Promise.all([next, waiting]);
    });

    test("the wait for its own source is not limited by the socket's timeout", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      client.settimeout(0.05);
      async function* slow(): AsyncGenerator<string, void, void> {
        for (const part of ["a", "b"]) {
          await sleep(100);
          yield part;
        }
      }
      // Nor is it for one that has waited for its turn.
      async function* quick(): AsyncGenerator<string, void, void> {
        await sleep(20);
        yield "-";
      }
      const first = client.sendfile(quick());
      assert.deepEqual(await Promise.all([first, client.sendfile(slow())]), [1, 2]);
      assert.equal(text(await receive(conn, 3)), "-ab");
    });

    test("close ends one whose source has nothing for now", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      let ended = false;
      async function* silent(): AsyncGenerator<string, void, void> {
        yield "some";
        await new Promise(() => {});
      }
      const waiting = rejection(() => client.sendfile(silent()));
      waiting.then(() => ended = true);
      assert.equal(text(await receive(conn, 4)), "some");
      await sleep(10);
      assert.equal(ended, false);
      await client.close();
      const error = await waiting as SocketError;
      assert.deepEqual([error.code, error.syscall, error.bytes_sent], ["EBADF", "send", 4]);
    });

    test("a source's own error comes through", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const reason = new Error("disk on fire");
      async function* broken(): AsyncGenerator<string, void, void> {
        yield "before";
        throw reason;
      }
      assert.equal(await rejection(() => client.sendfile(broken())), reason);
      assert.equal(text(await receive(conn, 6)), "before");
      async function* numbers(): AsyncGenerator<never, void, void> {
        yield 5 as never;
      }
      assert.ok(await rejection(() => client.sendfile(numbers())) instanceof TypeError);
    });

    test("wrong arguments", async (scope) => {
      const [client] = await setting.pair(scope);
      const { adapter } = setting;
      const blob = new Blob(["x"]);
      const datagrams = scope.add(new Socket(AF_INET, SOCK_DGRAM, 0, { adapter }));
      const ranges: readonly (() => Promise<unknown>)[] = [
        () => client.sendfile(blob, -1),
        () => client.sendfile(blob, 0, 0),
        () => client.sendfile(blob, 0, -1),
        () => datagrams.sendfile(blob),
      ];
      for (const call of ranges) {
        const error = await rejection(call);
        assert.ok(error instanceof RangeError, `${call}: ${error}`);
      }
      const kinds: readonly (() => Promise<unknown>)[] = [
        () => client.sendfile("text" as never),
        () => client.sendfile(new Uint8Array(1) as never),
        () => client.sendfile(null as never),
        () => client.sendfile(blob, 1.5),
        () => client.sendfile(blob, "1" as never),
        () => client.sendfile(blob, 0, 1.5),
        () => client.sendfile(blob, 0, null, { onprogress: 5 as never }),
      ];
      for (const call of kinds) {
        const error = await rejection(call);
        assert.ok(error instanceof TypeError, `${call}: ${error}`);
      }
      await rejects(
        () => new Socket(AF_INET, SOCK_STREAM, 0, { adapter }).sendfile(blob),
        "EPIPE",
      );
      client.settimeout(0);
      assert.ok(await rejection(() => client.sendfile(blob)) instanceof RangeError);
      client.settimeout(null);
      await client.close();
      await rejects(() => client.sendfile(new Blob([])), "EBADF", "send");
    });
  });
}

describe("descriptors and sizes", () => {
  test("CMSG_LEN and CMSG_SPACE are Python's", () => {
    const lengths = [...Array(70).keys(), 1000, 65535, 2 ** 30, 2 ** 31 - 26];
    const script = `
import socket
answer = [[socket.CMSG_LEN(n), socket.CMSG_SPACE(n)] for n in question]
`;
    const expected = python<number[][]>(script, lengths);
    const got = lengths.map((n) => [CMSG_LEN(n), CMSG_SPACE(n)]);
    assert.deepEqual(got, expected);
  }, noPython);

  test("sizes out of range", () => {
    for (const size of [CMSG_LEN, CMSG_SPACE]) {
      for (const n of [-1, 2 ** 31, 2 ** 31 - 15]) assert.throws(() => size(n), RangeError);
      for (const n of [1.5, "1", null, undefined]) {
        assert.throws(() => size(n as never), TypeError);
      }
    }
  });

  test("close takes a descriptor", async (scope) => {
    const [client, conn] = await native[0].pair(scope);
    const fd = client.detach();
    close(fd);
    throws(() => close(fd), "EBADF", "close");
    assert.equal((await conn.recv(1)).length, 0);
  }, !able.fileno && "this runtime reveals no descriptor");

  test("close of what is none", () => {
    throws(() => close(-1), "EBADF", "close");
    for (const wrong of [null, undefined, "3", 1.5, {}]) {
      assert.throws(() => close(wrong as never), TypeError);
    }
    assert.throws(() => close(2 ** 31), RangeError);
    throws(() => close(1_000_000), able.fileno ? "EBADF" : "ENOTSUP", "close");
  });

  test("close is not memory's", (scope) => {
    useMemory(scope);
    throws(() => close(3), "ENOTSUP", "close");
    throws(() => close(-1), "EBADF", "close");
  });
});

for (const setting of settings) {
  describe(`disposal, ${setting.name}`, () => {
    test("of sockets", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client[Symbol.asyncDispose]();
      assert.equal(client.closed, true);
      assert.equal((await conn.recv(1)).length, 0);
      conn[Symbol.dispose]();
      assert.equal(conn.closed, true);
      await rejects(() => conn.recv(1), "EBADF", "recv");
      await client[Symbol.asyncDispose]();
    });

    test("of servers: the loop over them ends without an error", async (scope) => {
      const server = await setting.server(scope);
      const loop = (async () => {
        for await (const [conn] of server) await conn.close();
      })();
      const client = setting.socket(scope);
      await client.connect(server.getsockname());
      assert.equal((await client.recv(1)).length, 0);
      await server[Symbol.asyncDispose]();
      await within(loop, 2_000, "the loop");
      for await (const _ of server) assert.fail("a closed server has no connections");
    });

    test("leaving the loop over a server closes nothing", async (scope) => {
      const server = await setting.server(scope);
      for (let i = 0; i < 2; i++) {
        const client = setting.socket(scope);
        await client.connect(server.getsockname());
        for await (const [conn, address] of server) {
          scope.add(conn);
          assert.deepEqual(address, client.getsockname());
          await conn.sendall("x");
          break;
        }
        assert.equal(text(await client.recv(1)), "x");
        assert.equal(server.closed, false);
      }
    });

    test("a loop over what does not listen fails", async (scope) => {
      const s = await setting.bound(scope);
      await rejects(() => s[Symbol.asyncIterator]().next(), "EINVAL", "accept");
    });
  });

  describe(`serve, ${setting.name}`, () => {
    const connect = async (
      scope: Scope,
      server: Socket<InetAddress>,
    ): Promise<Socket<InetAddress>> => {
      const client = setting.socket(scope);
      client.settimeout(5);
      await client.connect(server.getsockname());
      return client;
    };

    test("runs the handler for each connection and closes it", async (scope) => {
      const server = await setting.server(scope);
      const seen: number[] = [];
      const served = serve(server, async (conn, address) => {
        seen.push(address[1]);
        assert.deepEqual(conn.getpeername(), address);
        for (let data; (data = await conn.recv(100)).length > 0;) await conn.sendall(data);
        await conn.sendall("bye");
      });
      const clients = await Promise.all(Array.from({ length: 10 }, () => connect(scope, server)));
      const ports = clients.map((client) => client.getsockname()[1]);
      for (const [i, client] of clients.entries()) await client.sendall(`hello ${i}`);
      for (const [i, client] of clients.entries()) {
        assert.equal(text(await receive(client, 7)), `hello ${i}`);
        await client.shutdown(1);
        assert.equal(text(await receiveAll(client)), "bye");
      }
      assert.deepEqual(seen.sort(), ports.sort());
      await server.close();
      await within(served, 2_000, "serve");
    });

    test("a handler that throws closes only its own and is reported", async (scope) => {
      const server = await setting.server(scope);
      const reported: unknown[] = [];
      const failure = new Error("handler failed");
      const served = serve(server, (conn, address) => {
        if (reported.length < 2) {
          if (reported.length === 0) throw failure;
          return Promise.reject([failure, address]);
        }
        return conn.sendall("fine");
      }, { onerror: (...args) => reported.push(args) });
      const one = await connect(scope, server);
      assert.equal((await one.recv(1)).length, 0);
      const two = await connect(scope, server);
      assert.equal((await two.recv(1)).length, 0);
      const three = await connect(scope, server);
      assert.equal(text(await receiveAll(three)), "fine");
      assert.deepEqual(reported, [
        [failure, one.getsockname()],
        [[failure, two.getsockname()], two.getsockname()],
      ]);
      await server.close();
      await served;
    });

    test("an onerror that fails, also later, is reported on the console", async (scope) => {
      const server = await setting.server(scope);
      const said = hearConsole(scope);
      const [now, later] = [new Error("at once"), new Error("later")];
      const served = serve(server, () => {
        throw new Error("handler failed");
      }, {
        onerror: () => {
          if (said.length === 0) throw now;
          return Promise.reject(later);
        },
      });
      for (let i = 0; i < 2; i++) {
        const client = await connect(scope, server);
        assert.equal((await client.recv(1)).length, 0);
      }
      await server.close();
      await served;
      assert.deepEqual(said, [now, later]);
    });

    test("without onerror it is reported on the console", async (scope) => {
      const server = await setting.server(scope);
      const said = hearConsole(scope);
      const failure = new Error("handler failed");
      const served = serve(server, () => {
        throw failure;
      });
      const client = await connect(scope, server);
      assert.equal((await client.recv(1)).length, 0);
      assert.deepEqual(said, [failure]);
      await server.close();
      await served;
    });

    test("what files have buffered is sent when the handler ends, also by an error", async (scope) => {
      const server = await setting.server(scope);
      const failure = new Error("handler failed");
      const reported: unknown[] = [];
      const served = serve(server, async (conn) => {
        await conn.makefile("w").write("hello ");
        await conn.makefile("wb").write(new TextEncoder().encode("world"));
        throw failure;
      }, { onerror: (error) => reported.push(error) });
      assert.equal(text(await receiveAll(await connect(scope, server))), "hello world");
      assert.deepEqual(reported, [failure]);
      await server.close();
      await within(served, 2_000, "serve");
    });

    test("a file that cannot be flushed is reported, and the connection closed", async (scope) => {
      const server = await setting.server(scope);
      const reported: unknown[] = [];
      const served = serve(server, async (conn) => {
        conn.settimeout(0.1);
        await conn.makefile("wb", { buffering: 64 * MiB }).write(new Uint8Array(64 * MiB));
      }, { onerror: (error) => reported.push(error) });
      const client = await connect(scope, server);
      await until(() => reported.length === 1, "it is reported");
      assert.ok(reported[0] instanceof TimeoutError, String(reported[0]));
      await server.close();
      await receiveAll(client);
      await within(served, 2_000, "serve");
    });

    test("a file that the handler left open is closed with its connection", async (scope) => {
      const server = await setting.server(scope);
      const served = serve(server, async (conn) => {
        const file = conn.makefile("w");
        await file.write("bye");
        await file.flush();
      });
      const client = await connect(scope, server);
      assert.equal(text(await receiveAll(client)), "bye");
      await server.close();
      await served;
    });

    test("the listener's timeout does not end it", async (scope) => {
      for (const timeout of [0, 0.02]) {
        const server = await setting.server(scope);
        server.settimeout(timeout);
        const served = serve(server, async (conn) => await conn.sendall("x"));
        await sleep(60);
        const client = await connect(scope, server);
        assert.equal(text(await client.recv(1)), "x");
        await server.close();
        await served;
      }
    });

    test("max_connections holds others back", async (scope) => {
      const server = await setting.server(scope);
      const finish: (() => void)[] = [];
      let most = 0;
      let open = 0;
      const served = serve(server, async (conn) => {
        most = Math.max(most, ++open);
        await conn.sendall("x");
        await new Promise<void>((resolve) => finish.push(resolve));
        open--;
      }, { max_connections: 2 });
      const clients: Socket<InetAddress>[] = [];
      for (let i = 0; i < 5; i++) clients.push(await connect(scope, server));
      for (let i = 0; i < 5; i++) {
        await until(() => finish.length === Math.min(i + 2, 5), "the next handler");
        await sleep(20);
        assert.equal(finish.length, Math.min(i + 2, 5));
        finish[i]!();
      }
      for (const client of clients) assert.equal(text(await receiveAll(client)), "x");
      assert.equal(most, 2);
      await server.close();
      await served;
    });

    test("abort stops accepting and waits for handlers", async (scope) => {
      const server = await setting.server(scope);
      const stop = new AbortController();
      let finish = (): void => {};
      let settled = false;
      let handled = 0;
      const served = serve(server, async (conn) => {
        handled++;
        await conn.sendall("x");
        await new Promise<void>((resolve) => finish = resolve);
        await conn.sendall("done");
      }, { signal: stop.signal }).then(() => settled = true);
      const client = await connect(scope, server);
      assert.equal(text(await client.recv(1)), "x");
      stop.abort(new Error("enough"));
      const late = await connect(scope, server);
      await sleep(50);
      assert.deepEqual([settled, handled, server.closed], [false, 1, false]);
      finish();
      assert.equal(text(await receiveAll(client)), "done");
      await within(served, 2_000, "serve");
      // The server is the caller's, and so is who waits there.
      const [conn, address] = await server.accept();
      scope.add(conn);
      assert.deepEqual(address, late.getsockname());
      await serve(server, () => assert.fail("it was aborted before"), { signal: stop.signal });
    });

    test("a server that closes ends it, after the handlers", async (scope) => {
      const server = await setting.server(scope);
      let finish = (): void => {};
      let settled = false;
      const served = serve(server, async (conn) => {
        await conn.sendall("x");
        await new Promise<void>((resolve) => finish = resolve);
      }, { max_connections: 1 }).then(() => settled = true);
      const client = await connect(scope, server);
      assert.equal(text(await client.recv(1)), "x");
      await server.close();
      await sleep(30);
      assert.equal(settled, false);
      finish();
      await within(served, 2_000, "serve");
      assert.equal((await client.recv(1)).length, 0);
    });

    test("wrong arguments, and what does not listen", async (scope) => {
      const server = await setting.server(scope);
      const handler = (): void => {};
      const wrong: readonly [() => Promise<unknown>, typeof TypeError | typeof RangeError][] = [
        [() => serve({} as never, handler), TypeError],
        [() => serve(server, 5 as never), TypeError],
        [() => serve(server, handler, { onerror: 5 as never }), TypeError],
        [() => serve(server, handler, { max_connections: 0 }), RangeError],
        [() => serve(server, handler, { max_connections: 1.5 }), TypeError],
        [() => serve(server, handler, { signal: {} as never }), TypeError],
      ];
      for (const [call, kind] of wrong) {
        const error = await rejection(call);
        assert.ok(error instanceof kind, `${call}: ${error}`);
      }
      const bound = await setting.bound(scope);
      await rejects(() => serve(bound, handler), "EINVAL", "accept");
    });
  });
}

describe("serve without descriptors", () => {
  test("EMFILE is survived", async (scope) => {
    const { faults } = useMemory(scope);
    const server = scope.add(await create_server(["127.0.0.1", 80]));
    faults.failAccept(3);
    const served = serve(server, (conn) => conn.sendall("at last"));
    const s = scope.add(await create_connection(["127.0.0.1", 80]));
    assert.equal(text(await receiveAll(s)), "at last");
    await server.close();
    await within(served, 2_000, "serve");
  });

  test("an abort and a close end the pause", async (scope) => {
    const { faults } = useMemory(scope);
    faults.failAccept();
    for (const how of ["abort", "close"]) {
      const server = scope.add(await create_server(["127.0.0.1", 80]));
      const stop = new AbortController();
      const served = serve(server, () => assert.fail("no accept works"), { signal: stop.signal });
      const s = scope.add(await create_connection(["127.0.0.1", 80]));
      await sleep(100);
      if (how === "abort") stop.abort();
      else await server.close();
      await within(served, 2_000, how);
      await server.close();
      await s.close();
    }
  });

  test("the memory's EMFILE is the one meant", async (scope) => {
    const { faults } = useMemory(scope);
    const server = scope.add(await create_server(["127.0.0.1", 80]));
    faults.failAccept(1);
    scope.add(await create_connection(["127.0.0.1", 80]));
    assertCode(await rejection(() => server.accept()), "EMFILE", "accept");
    scope.add((await server.accept())[0]);
  });
});

describe("after all helpers", () => {
  it("the runtime's adapter is back", () => {
    assert.equal(getAdapter().capabilities().adapter, able.adapter);
  });
  it("no socket is left", { skip: noDescriptors }, checkNothingLeft);
});
