// Sockets in memory: the contract as Linux has it over loopback, and each fault.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type Address,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  createMemoryAdapter,
  type Datagram,
  errno,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  type MemoryAdapter,
  type MemoryOptions,
  MSG_DONTWAIT,
  SHUT_WR,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_RCVBUF,
  SO_SNDBUF,
  SO_SNDTIMEO,
  SOCK_DGRAM,
  SOCK_STREAM,
  type Socket,
  socket,
  SOL_SOCKET,
  type Stream,
  TCP_NODELAY,
} from "../mod.ts";
import { timeval } from "./support/bytes.ts";

const patience = 5;

interface Talk {
  adapter: MemoryAdapter;
  server: Socket<Address>;
  client: Socket<Address>;
  conn: Socket<Address>;
}

function open(
  adapter: MemoryAdapter,
  family: number = AF_INET,
  type: number = SOCK_STREAM,
): Socket<Address> {
  const s = socket(family, type, 0, { adapter });
  // A test that hangs would only be ended by the runner, without a word about the place.
  s.settimeout(patience);
  return s;
}

async function listening(
  adapter: MemoryAdapter,
  address: Address = ["127.0.0.1", 0],
  backlog: number = 16,
): Promise<Socket<Address>> {
  const ipv6 = Array.isArray(address) && address[0].includes(":");
  const server = open(adapter, !Array.isArray(address) ? AF_UNIX : ipv6 ? AF_INET6 : AF_INET);
  await server.bind(address);
  await server.listen(backlog);
  return server;
}

async function accepted(server: Socket<Address>): Promise<Socket<Address>> {
  const [conn] = await server.accept();
  conn.settimeout(patience);
  return conn;
}

/** A listener, a client and the accepted connection. */
async function talk(
  options: MemoryOptions = {},
  address: Address = ["127.0.0.1", 0],
): Promise<Talk> {
  const adapter = createMemoryAdapter(options);
  const server = await listening(adapter, address);
  const client = open(adapter, server.family);
  await client.connect(server.getsockname());
  return { adapter, server, client, conn: await accepted(server) };
}

/** Everything until the end of the stream. */
async function receiveAll(s: Socket<Address>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const part = await s.recv(65536);
    if (part.length === 0) return concat(parts);
    parts.push(part);
  }
}

function concat(parts: Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Some turns of the event loop. */
async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await wait(0);
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const mark = (): void => void (settled = true);
  promise.then(mark, mark);
  await turns();
  return settled;
}

/** Port of an internet address. */
function portOf(address: Address): number {
  assert.ok(Array.isArray(address));
  return address[1];
}

describe("memory: addresses", () => {
  it("chooses ports from 32768 on, and says so right after bind", async () => {
    const adapter = createMemoryAdapter();
    const [a, b] = [open(adapter), open(adapter, AF_INET6)];
    await a.bind(["127.0.0.1", 0]);
    await b.bind(["", 0]);
    assert.deepEqual(a.getsockname(), ["127.0.0.1", 32768]);
    assert.deepEqual(b.getsockname(), ["::", 32769, 0, 0]);
  });

  it("tells both ends of each other", async () => {
    const { client, conn, server } = await talk();
    assert.deepEqual(client.getpeername(), server.getsockname());
    assert.deepEqual(conn.getpeername(), client.getsockname());
    assert.deepEqual(conn.getsockname(), server.getsockname());
    assert.notDeepEqual(client.getsockname(), server.getsockname());
  });

  it("refuses an address in use until it is given up", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter, ["127.0.0.1", 80]);
    for (const address of [["127.0.0.1", 80], ["", 80]] as Address[]) {
      await assert.rejects(open(adapter).bind(address), { code: "EADDRINUSE", syscall: "bind" });
    }
    await assert.rejects(open(adapter, AF_INET6).bind(["::", 80]), { code: "EADDRINUSE" });
    await open(adapter).bind(["127.0.0.2", 80]);
    await open(adapter, AF_INET6).bind(["::1", 80]);
    await server.close();
    await open(adapter).bind(["127.0.0.1", 80]);
  });

  it("has the addresses of loopback and those it was given", async () => {
    const adapter = createMemoryAdapter({ addresses: ["192.0.2.1", "2001:db8::1"] });
    await assert.rejects(open(adapter).bind(["192.0.2.2", 0]), { code: "EADDRNOTAVAIL" });
    await assert.rejects(open(adapter).connect(["192.0.2.2", 1]), { code: "ENETUNREACH" });
    await assert.rejects(open(adapter, AF_INET6).bind(["fe80::1", 0]), { code: "EADDRNOTAVAIL" });
    for (const host of ["127.8.9.10", "192.0.2.1", "::1", "2001:db8::1"]) {
      const server = await listening(adapter, [host, 0]);
      const client = open(adapter, server.family);
      await client.connect(server.getsockname());
      const local = host === "127.8.9.10" ? "127.0.0.1" : host;
      assert.equal(client.getsockname()[0], local);
    }
    assert.deepEqual(adapter.interfaces!()[0]!.addresses.slice(-2), ["192.0.2.1", "2001:db8::1"]);
  });

  it("refuses connections where nobody listens", async () => {
    const adapter = createMemoryAdapter();
    const bound = open(adapter);
    await bound.bind(["127.0.0.1", 0]);
    const refused = { code: "ECONNREFUSED", syscall: "connect" };
    await assert.rejects(open(adapter).connect(bound.getsockname()), refused);
    await assert.rejects(open(adapter).connect(["127.0.0.1", 9]), refused);
  });

  it("reaches a wildcard listener by every address", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter, ["0.0.0.0", 80]);
    for (const host of ["127.0.0.1", "127.0.0.2", ""]) {
      await open(adapter).connect([host, 80]);
      const conn = await accepted(server);
      assert.equal(conn.getsockname()[0], host === "" ? "127.0.0.1" : host);
    }
    await assert.rejects(open(adapter, AF_INET6).connect(["::1", 80]), { code: "ECONNREFUSED" });
  });

  it("shows IPv4 peers of a dual-stack listener as mapped addresses", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter, ["::", 80, 0, 0]);
    const v4 = open(adapter);
    await v4.connect(["127.0.0.1", 80]);
    const [conn, address] = await server.accept();
    assert.deepEqual(address, ["::ffff:127.0.0.1", portOf(v4.getsockname()), 0, 0]);
    assert.deepEqual(conn.getsockname(), ["::ffff:127.0.0.1", 80, 0, 0]);
    const mapped = open(adapter, AF_INET6);
    await mapped.connect(["::ffff:127.0.0.1", 80]);
    assert.equal(mapped.getsockname()[0], "::ffff:127.0.0.1");
  });

  it("keeps IPv4 away from an IPV6_V6ONLY listener", async () => {
    const adapter = createMemoryAdapter();
    const server = open(adapter, AF_INET6);
    server.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 1);
    await server.bind(["::", 80]);
    await server.listen();
    await assert.rejects(open(adapter).connect(["127.0.0.1", 80]), { code: "ECONNREFUSED" });
    await open(adapter, AF_INET6).connect(["::1", 80]);
    await open(adapter).bind(["0.0.0.0", 80]);
  });

  it("keeps source address and port from bind to connect", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter);
    const client = open(adapter);
    await client.bind(["127.0.0.7", 1234]);
    await client.connect(server.getsockname());
    assert.deepEqual((await server.accept())[1], ["127.0.0.7", 1234]);
    await client.close();
    await open(adapter).bind(["127.0.0.7", 1234]);
  });

  it("is a network of its own for each adapter", async () => {
    const server = await listening(createMemoryAdapter(), ["127.0.0.1", 80]);
    const stranger = open(createMemoryAdapter());
    await assert.rejects(stranger.connect(server.getsockname()), { code: "ECONNREFUSED" });
  });
});

describe("memory: listening", () => {
  it("makes one connection more than the backlog; the next waits for accept", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter, ["127.0.0.1", 0], 1);
    const clients = [open(adapter), open(adapter), open(adapter)];
    const calls = clients.map((client) => client.connect(server.getsockname()));
    await Promise.all(calls.slice(0, 2));
    assert.equal(await isSettled(calls[2]!), false);
    await accepted(server);
    await calls[2];
    // In the order of their calls.
    assert.deepEqual((await accepted(server)).getpeername(), clients[1]!.getsockname());
    assert.deepEqual((await accepted(server)).getpeername(), clients[2]!.getsockname());
  });

  it("lets nobody in who gave up waiting outside", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter, ["127.0.0.1", 0], 0);
    await open(adapter).connect(server.getsockname());
    const late = open(adapter);
    late.settimeout(0.02);
    await assert.rejects(late.connect(server.getsockname()), { code: "ETIMEDOUT" });
    await accepted(server);
    server.settimeout(0.02);
    await assert.rejects(server.accept(), { code: "ETIMEDOUT" });
  });

  it("resets what was not accepted and refuses who waits, on close", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter, ["127.0.0.1", 0], 0);
    const [first, second] = [open(adapter), open(adapter)];
    await first.connect(server.getsockname());
    const call = second.connect(server.getsockname());
    await turns();
    await server.close();
    await assert.rejects(call, { code: "ECONNREFUSED" });
    await assert.rejects(first.recv(1), { code: "ECONNRESET" });
  });

  it("has data and the end of a client that left before accept", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter);
    const client = open(adapter);
    await client.connect(server.getsockname());
    await client.sendall("hello");
    await client.close();
    await turns();
    assert.equal(text(await receiveAll(await accepted(server))), "hello");
  });
});

describe("memory: streams", () => {
  it("carries data both ways after each half-close", async () => {
    const { client, conn } = await talk();
    await client.sendall("question");
    await client.shutdown(SHUT_WR);
    assert.equal(text(await receiveAll(conn)), "question");
    for (let i = 0; i < 100; i++) {
      await conn.sendall(`${i}`);
      assert.equal(text(await client.recv(10)), `${i}`);
    }
    await conn.close();
    assert.equal((await client.recv(1)).length, 0);
  });

  it("takes what fits the window and not a byte more", async () => {
    const { client, conn } = await talk({ window: 1000 });
    assert.equal(await client.send(pattern(5000)), 1000);
    await assert.rejects(client.send("x", MSG_DONTWAIT), { code: "EAGAIN" });
    assert.equal((await conn.recv(5000)).length, 1000);
    assert.equal(await client.send(pattern(10), MSG_DONTWAIT), 10);
  });

  it("makes a sender wait for a reader that does not read", async () => {
    const { client, conn } = await talk();
    const data = pattern(1 << 20);
    const sending = client.sendall(data).then(() => client.shutdown(SHUT_WR));
    assert.equal(await isSettled(sending), false);
    assert.deepEqual(await receiveAll(conn), data);
    await sending;
  });

  it("carries much both ways at once", async () => {
    const { client, conn } = await talk({ window: 5000 });
    const data = pattern(1 << 20);
    const received = await Promise.all([client, conn].map(async (s) => {
      const sending = s.sendall(data).then(() => s.shutdown(SHUT_WR));
      const all = await receiveAll(s);
      await sending;
      return all;
    }));
    for (const all of received) assert.deepEqual(all, data);
  });

  it("finds in a non-blocking receive what has arrived", async () => {
    const { client, conn } = await talk();
    await assert.rejects(conn.recv(1, MSG_DONTWAIT), { code: "EAGAIN" });
    await client.sendall("ab");
    await turns();
    assert.equal(text(await conn.recv(10, MSG_DONTWAIT)), "ab");
  });

  it("gives what arrived before a reset, then ECONNRESET, then EPIPE", async () => {
    const { client, conn } = await talk();
    await client.sendall("last words");
    client.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
    await client.close();
    await turns();
    assert.equal(text(await conn.recv(4)), "last");
    assert.equal(text(await conn.recv(100)), " words");
    await assert.rejects(conn.recv(1), { code: "ECONNRESET" });
    await assert.rejects(conn.send("x"), { code: "EPIPE" });
    assert.equal((await conn.recv(1)).length, 0);
  });

  it("fails a send that waits when the peer resets", async () => {
    const { client, conn } = await talk({ window: 100 });
    const sending = client.sendall(pattern(1000));
    await turns();
    conn.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
    await conn.close();
    await assert.rejects(sending, { code: "ECONNRESET", bytes_sent: 100 });
  });

  it("resets the peer when it is closed with unread data", async () => {
    const { client, conn } = await talk();
    await client.sendall("unheard");
    await turns();
    await conn.close();
    await assert.rejects(client.recv(1), { code: "ECONNRESET" });
  });

  it("takes the first write to a closed peer, and fails the next with EPIPE", async () => {
    const { client, conn } = await talk();
    await conn.close();
    await turns();
    await client.sendall("first");
    await turns();
    await assert.rejects(client.sendall("second"), { code: "EPIPE" });
    assert.equal((await client.recv(1)).length, 0);
  });

  it("remembers options, and sizes the window by its buffers", async () => {
    const { client, conn } = await talk();
    assert.equal(client.getsockopt(SOL_SOCKET, SO_KEEPALIVE), 0);
    client.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
    client.setsockopt(IPPROTO_TCP, TCP_NODELAY, true);
    assert.equal(client.getsockopt(SOL_SOCKET, SO_KEEPALIVE), 1);
    assert.equal(client.getsockopt(IPPROTO_TCP, TCP_NODELAY), 1);
    assert.equal(client.getsockopt(SOL_SOCKET, SO_SNDBUF), 32768);
    client.setsockopt(SOL_SOCKET, SO_SNDBUF, 10_000);
    conn.setsockopt(SOL_SOCKET, SO_RCVBUF, 1);
    assert.equal(conn.getsockopt(SOL_SOCKET, SO_RCVBUF), 2304);
    assert.equal(await client.send(pattern(100_000)), 12_304);
    for (const [s, option] of [[client, SO_SNDBUF], [conn, SO_RCVBUF]] as const) {
      const sending = client.send(pattern(1000));
      await turns();
      s.setsockopt(SOL_SOCKET, option, 100_000);
      assert.equal(await sending, 1000);
      await client.send(pattern(200_000));
    }
  });

  it("serves a thousand connections one after another and keeps none", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter);
    for (let i = 0; i < 1000; i++) {
      const client = open(adapter);
      await client.connect(server.getsockname());
      const conn = await accepted(server);
      await client.close();
      await conn.close();
    }
    assert.deepEqual(adapter.connections, []);
  });
});

describe("memory: AF_UNIX", () => {
  it("connects to paths, and frees them on close", async () => {
    const { adapter, server, client, conn } = await talk({}, "/run/app.sock");
    await client.sendall("hello");
    assert.equal(text(await conn.recv(10)), "hello");
    assert.deepEqual([client.getsockname(), client.getpeername()], ["", "/run/app.sock"]);
    assert.deepEqual([conn.getsockname(), conn.getpeername()], ["/run/app.sock", ""]);
    const other = open(adapter, AF_UNIX);
    await assert.rejects(other.bind("/run/app.sock"), { code: "EADDRINUSE" });
    await server.close();
    await assert.rejects(other.connect("/run/app.sock"), { code: "ENOENT" });
  });

  it("tells a path where nobody listens from one that is not there", async () => {
    const adapter = createMemoryAdapter();
    const bound = open(adapter, AF_UNIX);
    await bound.bind("/run/bound");
    await assert.rejects(open(adapter, AF_UNIX).connect("/run/bound"), { code: "ECONNREFUSED" });
    await assert.rejects(open(adapter, AF_UNIX).connect("\0none"), { code: "ECONNREFUSED" });
    await assert.rejects(open(adapter, AF_UNIX).connect("/run/none"), { code: "ENOENT" });
    await assert.rejects(open(adapter, AF_UNIX).connect(""), { code: "EINVAL" });
  });

  it("chooses an abstract name, and takes names that are not UTF-8", async () => {
    const adapter = createMemoryAdapter();
    const auto = await listening(adapter, "");
    assert.match(String(auto.getsockname()), /^\0[0-9a-f]{5}$/);
    await open(adapter, AF_UNIX).connect(auto.getsockname());
    const name = Uint8Array.of(0x2f, 0xff, 0xfe);
    await listening(adapter, name);
    await open(adapter, AF_UNIX).connect(name);
    await assert.rejects(open(adapter, AF_UNIX).connect(Uint8Array.of(0x2f, 0xff)), {
      code: "ENOENT",
    });
  });

  it("learns of a closed peer at once", async () => {
    const { client, conn } = await talk({}, "/run/app.sock");
    await conn.close();
    await assert.rejects(client.send("x"), { code: "EPIPE" });
    assert.equal((await client.recv(1)).length, 0);
  });
});

describe("memory: names", () => {
  it("resolves its table and localhost, and nothing else", async () => {
    const adapter = createMemoryAdapter({
      hosts: { "Example.test": ["127.0.0.9", "::1"], "six.test": ["::1"] },
      hostname: "box",
    });
    const server = await listening(adapter, ["127.0.0.9", 80]);
    const client = open(adapter);
    await client.connect(["example.test", 80]);
    assert.deepEqual((await accepted(server)).getsockname(), ["127.0.0.9", 80]);
    assert.deepEqual(await adapter.lookup("localhost", 0), [
      { address: "127.0.0.1", family: 4 },
      { address: "::1", family: 6 },
    ]);
    const unknown = { name: "GaiError", code: "EAI_NONAME" };
    await assert.rejects(open(adapter).connect(["nobody.test", 80]), unknown);
    await assert.rejects(open(adapter).connect(["six.test", 80]), unknown);
    assert.equal(adapter.hostname!(), "box");
    const answer = await adapter.lookupService!("127.0.0.9", 80);
    assert.deepEqual(answer, { hostname: "example.test", service: "80" });
  });

  it("checks what it is made of", () => {
    assert.throws(() => createMemoryAdapter({ window: 0 }), {
      name: "RangeError",
      message: /^options\.window must be /,
    });
    const wrong: Array<[options: object, message: RegExp]> = [
      [{ seed: 0.5 }, /^options\.seed must be /],
      [{ addresses: ["here"] }, /^options\.addresses must be numeric, not "here"$/],
      [{ hosts: { a: ["b"] } }, /^options\.hosts\["a"\] must be numeric, not "b"$/],
      [{ hosts: 5 }, /^options\.hosts must be an object, not 5$/],
      [{ hosts: { a: "b" } }, /^options\.hosts\["a"\] must be an array of strings, not "b"$/],
      [{ addresses: [5] }, /^options\.addresses must be an array of strings, not an array of 1$/],
      [{ hostname: 5 }, /^options\.hostname must be a string, not 5$/],
    ];
    for (const [options, message] of wrong) {
      assert.throws(() => createMemoryAdapter(options), { name: "TypeError", message });
    }
  });

  it("checks what its faults are told", () => {
    // deno-lint-ignore no-explicit-any
    const faults = createMemoryAdapter().faults as any;
    const wrong: Array<[call: () => unknown, name: string, message: RegExp]> = [
      [() => faults.delay("x"), "TypeError", /^ms must be a number, not "x"$/],
      [() => faults.delay(-1), "RangeError", /^ms must be 0 to 2147483647, not -1$/],
      [() => faults.delay(1, null), "TypeError", /^scope must be an object, not null$/],
      [() => faults.stall({ from: "zz" }), "RangeError", /^scope\.from must be .*, not "zz"$/],
      [() => faults.split(1, { connection: 5 }), "TypeError", /^scope\.connection .*, not 5$/],
      [() => faults.lose(), "TypeError", /^share must be a number, not undefined$/],
      [() => faults.reorder(2), "RangeError", /^share must be 0 to 1, not 2$/],
      [() => faults.reset({}), "TypeError", /^connection must be one of .*, not an object$/],
      [() => faults.unreachable("::1", "EIO"), "RangeError", /^code must be .*, not "EIO"$/],
      [() => faults.failLookup(5), "TypeError", /^name must be a string, not 5$/],
      [() => faults.failLookup("a", "EIO"), "RangeError", /^code must be .*, not "EIO"$/],
      [() => faults.hangLookup(5), "TypeError", /^name must be a string, not 5$/],
    ];
    for (const [call, name, message] of wrong) assert.throws(call, { name, message });
  });
});

describe("memory: what an adapter promises", () => {
  async function pair(adapter: MemoryAdapter): Promise<[Stream, Stream]> {
    const settings = new Map<string, number>();
    const bound = await adapter.bind({ family: AF_UNIX, address: "", settings });
    let accept!: (stream: Stream) => void;
    const accepted = new Promise<Stream>((resolve) => accept = resolve);
    const listener = await bound.listen(1, {
      connection(stream) {
        accept(stream);
        return false;
      },
      error: assert.fail,
    });
    listener.resume();
    const { local } = listener;
    const { done } = adapter.connect({ family: AF_UNIX, address: local, name: "", settings });
    const ends = await Promise.all([done, accepted]);
    await listener.close();
    return ends;
  }

  function record(stream: Stream, goOn: () => boolean): string[] {
    const events: string[] = [];
    stream.sink = {
      data(chunk) {
        events.push(text(chunk));
        return goOn();
      },
      filled: () => assert.fail("this adapter reads into memory of its own"),
      end: () => void events.push("end"),
      error: (cause) => void events.push(String((cause as { code: string }).code)),
    };
    return events;
  }

  it("delivers on a later turn, never inside a call", async () => {
    const [a, b] = await pair(createMemoryAdapter());
    const events = record(b, () => true);
    b.resume();
    a.tryWrite!(new TextEncoder().encode("x"));
    b.resume();
    await Promise.resolve();
    assert.deepEqual(events, []);
    await turns();
    assert.deepEqual(events, ["x"]);
  });

  it("pushes nothing before resume and nothing after false", async () => {
    const adapter = createMemoryAdapter();
    adapter.faults.split(1);
    const [a, b] = await pair(adapter);
    const events = record(b, () => events.length !== 2);
    a.tryWrite!(new TextEncoder().encode("abcd"));
    await a.shutdownWrite();
    await turns();
    assert.deepEqual(events, []);
    b.resume();
    b.resume();
    await turns();
    assert.deepEqual(events, ["a", "b"]);
    b.resume();
    await turns();
    assert.deepEqual(events, ["a", "b", "c", "d", "end"]);
  });

  it("pushes all bytes past false when the connection breaks", async () => {
    const [a, b] = await pair(createMemoryAdapter());
    const events = record(b, () => false);
    a.tryWrite!(new TextEncoder().encode("abc"));
    await a.reset!();
    await turns();
    assert.deepEqual(events, ["abc", "ECONNRESET"]);
  });

  it("copies what it takes, and sends a waiting write before FIN", async () => {
    const [a, b] = await pair(createMemoryAdapter({ window: 2 }));
    const chunk = new TextEncoder().encode("ab");
    assert.equal(a.tryWrite!(chunk), 2);
    chunk.fill(0);
    const writing = a.write(new TextEncoder().encode("cd"));
    assert.equal(a.tryWrite!(chunk), 0);
    await a.close();
    assert.equal(await writing, 2);
    const events = record(b, () => true);
    b.resume();
    await turns();
    assert.equal(events.join(""), "abcdend");
  });
});

describe("memory: faults of connections", () => {
  it("refuses, as long as the fault lasts", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter, ["127.0.0.1", 80]);
    const fault = adapter.faults.refuse(["127.0.0.1", 80]);
    assert.equal(await open(adapter).connect_ex(server.getsockname()), 111);
    fault.end();
    fault.end();
    await open(adapter).connect(server.getsockname());
    adapter.faults.refuse(["0.0.0.0", 0]);
    await assert.rejects(open(adapter).connect(["127.0.0.1", 80]), { code: "ECONNREFUSED" });
    adapter.faults.clear();
    await open(adapter).connect(["127.0.0.1", 80]);
  });

  it("makes hosts unreachable", async () => {
    const adapter = createMemoryAdapter();
    adapter.faults.unreachable("127.0.0.1");
    adapter.faults.unreachable("::", "ENETUNREACH");
    await assert.rejects(open(adapter).connect(["127.0.0.1", 1]), { code: "EHOSTUNREACH" });
    await assert.rejects(open(adapter, AF_INET6).connect(["::1", 1]), { code: "ENETUNREACH" });
    await assert.rejects(open(adapter).connect(["127.0.0.2", 1]), { code: "ECONNREFUSED" });
  });

  it("never answers, until it ends", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter);
    const fault = adapter.faults.silence(server.getsockname());
    const hasty = open(adapter);
    hasty.settimeout(0.02);
    await assert.rejects(hasty.connect(server.getsockname()), { name: "TimeoutError" });
    const patient = open(adapter).connect(server.getsockname());
    assert.equal(await isSettled(patient), false);
    fault.end();
    await patient;
  });

  it("lets a connect go on for which SO_SNDTIMEO was too short", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter);
    for (const refuses of [false, true]) {
      const fault = adapter.faults.silence(server.getsockname());
      const client = open(adapter);
      client.settimeout(null);
      client.setsockopt(SOL_SOCKET, SO_SNDTIMEO, timeval(20));
      const error = await client.connect(server.getsockname()).catch((error) => error);
      assert.equal(error.code, "EINPROGRESS");
      const waiting = client.recv(1, 0, { signal: AbortSignal.timeout(5_000) });
      if (refuses) {
        await server.close();
        fault.end();
        await assert.rejects(waiting, { code: "ECONNREFUSED" });
        assert.equal(client.getsockopt(SOL_SOCKET, SO_ERROR), errno.ECONNREFUSED);
      } else {
        fault.end();
        const [conn] = await server.accept();
        await conn.sendall("x");
        assert.equal((await waiting).length, 1);
        assert.deepEqual(client.getpeername(), server.getsockname());
      }
    }
  });

  it("fails accept with EMFILE and keeps the connection", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter);
    const client = open(adapter);
    await client.connect(server.getsockname());
    adapter.faults.failAccept(2);
    await assert.rejects(server.accept(), { code: "EMFILE", syscall: "accept" });
    await assert.rejects(server.accept(), { code: "EMFILE" });
    assert.deepEqual((await server.accept())[1], client.getsockname());
  });

  it("makes the resolver fail or hang", async () => {
    const adapter = createMemoryAdapter({ hosts: { "a.test": ["127.0.0.1"] } });
    await listening(adapter, ["127.0.0.1", 80]);
    const failing = adapter.faults.failLookup();
    await assert.rejects(open(adapter).connect(["a.test", 80]), { code: "EAI_AGAIN" });
    failing[Symbol.dispose]();
    adapter.faults.failLookup("b.test", "EAI_FAIL");
    await assert.rejects(open(adapter).connect(["b.test", 80]), { code: "EAI_FAIL" });
    const fault = adapter.faults.hangLookup("a.test");
    const call = open(adapter).connect(["a.test", 80]);
    assert.equal(await isSettled(call), false);
    await open(adapter).connect(["localhost", 80]);
    fault.end();
    await call;
  });
});

describe("memory: faults of streams", () => {
  it("resets both ends of a live connection", async () => {
    const { adapter, client, conn } = await talk();
    await client.sendall("arrived");
    const [connection] = adapter.connections;
    assert.deepEqual(connection!.client, client.getsockname());
    assert.deepEqual(connection!.server, conn.getsockname());
    adapter.faults.reset(connection!);
    await turns();
    assert.equal(text(await conn.recv(100)), "arrived");
    await assert.rejects(conn.recv(1), { code: "ECONNRESET" });
    await assert.rejects(client.recv(1), { code: "ECONNRESET" });
    assert.deepEqual(adapter.connections, []);
  });

  it("resets one end; the other learns of it when it sends", async () => {
    const { adapter, client, conn } = await talk();
    adapter.faults.reset(adapter.connections[0]!, "client");
    await assert.rejects(client.recv(1), { code: "ECONNRESET" });
    await assert.rejects(conn.recv(1, MSG_DONTWAIT), { code: "EAGAIN" });
    await conn.sendall("hello?");
    await assert.rejects(conn.recv(1), { code: "ECONNRESET" });
  });

  it("resets one end; the other learns of it when its send waits for room", async () => {
    for (const waitsBefore of [true, false]) {
      const { adapter, conn } = await talk({ window: 1000 });
      const send = () => conn.sendall(new Uint8Array(5000)).catch((error) => error);
      const early = waitsBefore ? send() : undefined;
      adapter.faults.reset(adapter.connections[0]!, "client");
      await turns();
      const { code, bytes_sent } = await (early ?? send());
      assert.deepEqual([code, bytes_sent], ["ECONNRESET", 1000]);
    }
  });

  it("delays connecting, data and the end, in order", async () => {
    const adapter = createMemoryAdapter();
    const server = await listening(adapter);
    adapter.faults.delay(30);
    const start = performance.now();
    const client = open(adapter);
    await client.connect(server.getsockname());
    const connected = performance.now() - start;
    const conn = await accepted(server);
    await client.sendall("a");
    adapter.faults.clear();
    await client.sendall("b");
    await client.shutdown(SHUT_WR);
    assert.equal(text(await receiveAll(conn)), "ab");
    const received = performance.now() - start;
    // Timers may be a little early.
    assert.ok(connected >= 55, `connected after ${connected} ms`);
    assert.ok(received - connected >= 25, `received after ${received - connected} ms`);
  });

  it("splits what arrives, in one direction", async () => {
    const { adapter, client, conn } = await talk();
    adapter.faults.split(3, { from: "client" });
    await client.sendall("abcdefgh");
    await conn.sendall("abcdefgh");
    const parts: string[] = [];
    while (parts.join("").length < 8) parts.push(text(await conn.recv(100)));
    assert.deepEqual(parts, ["abc", "def", "gh"]);
    assert.equal(text(await client.recv(100)), "abcdefgh");
  });

  it("stalls one side of one connection, fills the window and goes on", async () => {
    const { adapter, server, client, conn } = await talk({ window: 1000 });
    const other = open(adapter);
    await other.connect(server.getsockname());
    const otherConn = await accepted(server);
    const [connection] = adapter.connections;
    const fault = adapter.faults.stall({ connection: connection!, from: "client" });
    const data = pattern(3000);
    const sending = client.sendall(data).then(() => client.close());
    await assert.rejects(conn.recv(1, MSG_DONTWAIT), { code: "EAGAIN" });
    assert.equal(await isSettled(sending), false);
    await conn.sendall("this way is free");
    assert.equal(text(await client.recv(100)), "this way is free");
    await other.sendall("and we are not concerned");
    assert.equal(text(await otherConn.recv(100)), "and we are not concerned");
    fault.end();
    assert.deepEqual(await receiveAll(conn), data);
    await sending;
  });

  it("checks its arguments", () => {
    const { faults } = createMemoryAdapter();
    assert.throws(() => faults.split(0), RangeError);
    assert.throws(() => faults.delay(-1), RangeError);
    assert.throws(() => faults.lose(1.5), RangeError);
    assert.throws(() => faults.failAccept(0.5), TypeError);
    assert.throws(() => faults.refuse(["localhost", 1]), TypeError);
    const wrong: [call: (value: never) => unknown, values: unknown[]][] = [
      [(value) => faults.unreachable(value), [["127.0.0.1", 80], 5, null, "localhost"]],
      [(value) => faults.refuse(value), [5, null, {}, ["127.0.0.1"], [127, 80], [
        "127.0.0.1",
        "80",
      ]]],
      [(value) => faults.silence(value), [5, [["127.0.0.1"], 80]]],
    ];
    for (const [call, values] of wrong) {
      for (const value of values) {
        assert.throws(() => call(value as never), { name: "TypeError", message: /must|numeric/ });
      }
    }
  });
});

describe("memory: datagrams", () => {
  interface Box {
    end: Datagram;
    got: string[];
    from: Address[];
  }

  async function box(
    adapter: MemoryAdapter,
    address: Address,
    options: Record<string, number> = {},
  ): Promise<Box> {
    const ipv6 = Array.isArray(address) && address[0].includes(":");
    const family = !Array.isArray(address) ? AF_UNIX : ipv6 ? AF_INET6 : AF_INET;
    const settings = new Map(Object.entries(options));
    const toward = address === "" ? "/run/log" : undefined;
    const end = await adapter.datagram!({ family, address, toward, settings });
    const result: Box = { end, got: [], from: [] };
    end.sink = {
      datagram(data, from) {
        result.got.push(text(data));
        result.from.push(from);
        return true;
      },
      error: (cause) => void result.got.push((cause as { code: string }).code),
    };
    return result;
  }

  const say = (s: string): Uint8Array => new TextEncoder().encode(s);

  it("carries messages whole, with their sender, on a later turn", async () => {
    const adapter = createMemoryAdapter();
    const a = await box(adapter, ["127.0.0.1", 0]);
    const b = await box(adapter, ["0.0.0.0", 0]);
    await b.end.send(say("one"), a.end.local);
    await b.end.send(say(""), a.end.local);
    assert.deepEqual(a.got, []);
    await turns();
    assert.deepEqual(a.got, ["one", ""]);
    assert.deepEqual(a.from[0], ["127.0.0.1", portOf(b.end.local)]);
    await a.end.send(say("two"), a.from[0]!);
    await turns();
    assert.deepEqual(b.got, ["two"]);
  });

  it("reaches dual-stack sockets from IPv4", async () => {
    const adapter = createMemoryAdapter();
    const a = await box(adapter, ["::", 53, 0, 0]);
    const b = await box(adapter, ["127.0.0.1", 0]);
    await b.end.send(say("x"), ["127.0.0.1", 53]);
    await turns();
    assert.deepEqual(a.from, [["::ffff:127.0.0.1", portOf(b.end.local), 0, 0]]);
  });

  it("hears only its peer once connected, and learns that nobody is there", async () => {
    const adapter = createMemoryAdapter();
    const a = await box(adapter, ["127.0.0.1", 0]);
    const b = await box(adapter, ["127.0.0.1", 0]);
    const c = await box(adapter, ["127.0.0.1", 0]);
    await a.end.connect!(b.end.local);
    await b.end.send(say("from b"), a.end.local);
    await c.end.send(say("from c"), a.end.local);
    await turns();
    assert.deepEqual(a.got, ["from b"]);
    await b.end.close();
    await a.end.send(say("x"), undefined);
    await c.end.send(say("unconnected senders learn nothing"), ["127.0.0.1", 9]);
    await turns();
    assert.deepEqual(a.got, ["from b", "ECONNREFUSED"]);
    assert.deepEqual(c.got, []);
    await a.end.connect!(c.end.local);
    await c.end.send(say("from c"), a.end.local);
    await turns();
    assert.deepEqual(a.got.at(-1), "from c");
  });

  it("refuses what is too long, has no address or no way", async () => {
    const adapter = createMemoryAdapter();
    const a = await box(adapter, ["127.0.0.1", 0]);
    const send = (data: Uint8Array, to?: Address) => () => a.end.send(data, to);
    const to: Address = ["127.0.0.1", 9];
    assert.throws(send(new Uint8Array(65508), to), { code: "EMSGSIZE" });
    assert.throws(send(say("x")), { code: "EDESTADDRREQ" });
    assert.throws(send(say("x"), ["127.0.0.1", 0]), { code: "EINVAL" });
    assert.throws(send(say("x"), ["192.0.2.1", 9]), { code: "ENETUNREACH" });
    assert.throws(send(say("x"), ["255.255.255.255", 9]), { code: "EACCES" });
    const again = () =>
      adapter.datagram!({
        family: AF_INET,
        address: a.end.local,
        toward: undefined,
        settings: new Map(),
      });
    assert.throws(again, { code: "EADDRINUSE" });
  });

  it("carries AF_UNIX messages", async () => {
    const adapter = createMemoryAdapter();
    const a = await box(adapter, "/run/log");
    const b = await box(adapter, "");
    await b.end.send(say("nameless"), "/run/log");
    const c = await box(adapter, "\0named");
    await c.end.send(say("named"), "/run/log");
    await turns();
    assert.deepEqual([a.got, a.from], [["nameless", "named"], ["", "\0named"]]);
    assert.throws(() => b.end.send(say("x"), "/run/none"), { code: "ENOENT" });
    await b.end.connect!("/run/log");
    await a.end.close();
    assert.throws(() => b.end.send(say("x"), undefined), { code: "ECONNREFUSED" });
  });

  it("reaches the members of a group, and those that hear broadcasts", async () => {
    const adapter = createMemoryAdapter();
    const shared = { SO_REUSEADDR: 1 };
    const members = [
      await box(adapter, ["0.0.0.0", 5353], shared),
      await box(adapter, ["0.0.0.0", 5353], shared),
    ];
    const sender = await box(adapter, ["127.0.0.1", 0], { SO_BROADCAST: 1 });
    members[0]!.end.membership!("join", "224.0.0.251", "");
    await sender.end.send(say("group"), ["224.0.0.251", 5353]);
    await sender.end.send(say("all"), ["255.255.255.255", 5353]);
    members[0]!.end.membership!("leave", "224.0.0.251", "lo");
    await turns();
    assert.deepEqual(members[1]!.got, ["all"]);
    assert.deepEqual(members[0]!.got, ["all"]);
    members[1]!.end.membership!("join", "224.0.0.251", "");
    await sender.end.send(say("group"), ["224.0.0.251", 5353]);
    await turns();
    assert.deepEqual(members[1]!.got, ["all", "group"]);
    const join = () => members[1]!.end.membership!("join", "127.0.0.1", "");
    assert.throws(join, { code: "EINVAL" });
  });

  it("is what datagram sockets run on", async () => {
    const adapter = createMemoryAdapter();
    const server = open(adapter, AF_INET, SOCK_DGRAM);
    const client = open(adapter, AF_INET, SOCK_DGRAM);
    await server.bind(["127.0.0.1", 53]);
    await client.sendto("question", ["127.0.0.1", 53]);
    const [question, address] = await server.recvfrom(100);
    assert.equal(text(question), "question");
    await client.connect(["127.0.0.1", 53]);
    assert.deepEqual(client.getsockname(), address);
    await server.sendto("answer", address!);
    assert.equal(text(await client.recv(100)), "answer");
    adapter.faults.refuse(["127.0.0.1", 53]);
    await client.send("lost");
    await assert.rejects(client.recv(100), { code: "ECONNREFUSED" });
    const auto = open(adapter, AF_UNIX, SOCK_DGRAM);
    await auto.bind("");
    assert.match(String(auto.getsockname()), /^\0[0-9a-f]{5}$/);
  });

  it("loses and reorders by the seed's choice", async () => {
    async function run(seed: number): Promise<string> {
      const adapter = createMemoryAdapter({ seed });
      adapter.faults.lose(0.3);
      adapter.faults.reorder(0.3);
      const a = await box(adapter, ["127.0.0.1", 0]);
      const b = await box(adapter, ["127.0.0.1", 0]);
      for (let i = 0; i < 40; i++) await b.end.send(say(`${i}`), a.end.local);
      await turns();
      return a.got.join(" ");
    }
    const first = await run(1);
    assert.equal(await run(1), first);
    assert.notEqual(await run(2), first);
    const numbers = first.split(" ").map(Number);
    assert.ok(numbers.length > 15 && numbers.length < 40, first);
    assert.ok(numbers.some((n, i) => i > 0 && n < numbers[i - 1]!), first);
    assert.equal(new Set(numbers).size, numbers.length);
  });
});
