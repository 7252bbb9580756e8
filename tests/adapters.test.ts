/** What the library makes of an adapter that offers less than those it has itself. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers";
import {
  type Adapter,
  AF_INET,
  AF_INET6,
  capabilities,
  close,
  create_connection,
  create_server,
  createMemoryAdapter,
  getAdapter,
  getfqdn,
  gethostname,
  getnameinfo,
  has_dualstack_ipv6,
  if_indextoname,
  if_nameindex,
  if_nametoindex,
  type InetAddress,
  IP_ADD_MEMBERSHIP,
  IP_MULTICAST_IF,
  IPPROTO_IP,
  NI_NAMEREQD,
  setAdapter,
  SO_LINGER,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
  type SocketError,
  SOL_SOCKET,
} from "../mod.ts";
import { concat } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { start } from "./support/process.ts";
import { launch, runtimeName } from "./support/runtime.ts";
import { bounded, rejection, rejects, type Scope, sleep, throws } from "./support/scope.ts";

/** A network in memory without what an adapter need not have, used by all new sockets until the scope ends. */
function useLeast(scope: Scope, more: Partial<Adapter> = {}): void {
  const memory = createMemoryAdapter();
  const adapter: Adapter = {
    capabilities: () => ({
      ...memory.capabilities(),
      adapter: "least",
      types: { AF_INET: ["SOCK_STREAM"] },
    }),
    bind: (request) => memory.bind(request),
    connect: (target) => memory.connect(target),
    lookup: (name, family) => memory.lookup(name, family),
    errorCode: (cause) => memory.errorCode(cause),
    ...more,
  };
  setAdapter(adapter);
  scope.add({ close: () => setAdapter(undefined) });
}

function gone(): Error {
  return Object.assign(new Error("gone"), { code: "EBADF" });
}

/** Methods that replace those of what an adapter gives. */
interface Changes {
  bound?: object;
  listener?: object;
  datagram?: object;
  stream?: object;
}

/** A network in memory of whose sockets some methods are others. */
function changed(
  { bound, listener, datagram, stream }: Changes,
  memory = createMemoryAdapter(),
): Adapter {
  return {
    ...memory,
    bind: async (request) => {
      const inner = await memory.bind(request);
      const listen = inner.listen.bind(inner);
      return Object.assign(inner, {
        listen: async (...args: Parameters<typeof listen>) =>
          Object.assign(await listen(...args), listener),
      }, bound);
    },
    connect: (target) => {
      const attempt = memory.connect(target);
      return {
        done: attempt.done.then((made) => Object.assign(made, stream)),
        cancel: () => attempt.cancel(),
      };
    },
    datagram: async (request) => Object.assign(await memory.datagram!(request), datagram),
  };
}

/** Two ends of a connection, the first over a stream of which some methods are others. */
async function connected(
  scope: Scope,
  stream: object,
): Promise<[Socket<InetAddress>, Socket<InetAddress>]> {
  const memory = createMemoryAdapter();
  const server = scope.add(new Socket(AF_INET, SOCK_STREAM, 0, { adapter: memory }));
  await server.bind(["127.0.0.1", 0]);
  await server.listen();
  const s = new Socket(AF_INET, SOCK_STREAM, 0, { adapter: changed({ stream }, memory) });
  await s.connect(server.getsockname());
  const [conn] = await server.accept();
  return [s, scope.add(conn)];
}

describe("an adapter with the least", () => {
  it(
    "that has datagrams by its capabilities only",
    bounded(async (scope) => {
      const { datagram: _, ...without } = createMemoryAdapter();
      const s = scope.add(new Socket(AF_INET, SOCK_DGRAM, 0, { adapter: without }));
      await rejects(() => s.bind(["127.0.0.1", 0]), "ENOTSUP", "bind");
      await rejects(() => s.sendto("x", ["127.0.0.1", 9]), "ENOTSUP", "sendto");
    }),
  );

  it(
    "connects, listens and says what it has not",
    bounded(async (scope) => {
      useLeast(scope);
      const server = scope.add(await create_server(["127.0.0.1", 0]));
      const client = scope.add(new Socket(AF_INET));
      await client.connect(server.getsockname());
      const [conn] = await server.accept();
      scope.add(conn);
      await client.sendall("hello");
      assert.equal((await conn.recv(9)).length, 5);
      throws(() => client.dup(), "ENOTSUP", "dup");
      throws(() => client.detach(), "ENOTSUP", "detach");
      throws(() => new Socket(AF_INET, -1, 0, { fileno: 3 }), "ENOTSUP", "socket");
      assert.match(throws(() => new Socket(AF_INET6), "EAFNOSUPPORT").message, /least adapter/);
      throws(() => new Socket(AF_INET, SOCK_DGRAM), "ESOCKTNOSUPPORT", "socket");
      assert.equal(await has_dualstack_ipv6(), false);
    }),
  );

  it(
    "knows no names but those that it looks up",
    bounded(async (scope) => {
      useLeast(scope);
      throws(gethostname, "ENOTSUP", "gethostname");
      throws(if_nameindex, "ENOTSUP", "if_nameindex");
      throws(() => if_nametoindex("lo"), "ENOTSUP", "if_nametoindex");
      throws(() => if_indextoname(1), "ENOTSUP", "if_indextoname");
      await rejects(() => getnameinfo(["127.0.0.1", 80], NI_NAMEREQD), "EAI_NONAME", "getnameinfo");
      assert.deepEqual(await getnameinfo(["127.0.0.1", 80], 0), ["127.0.0.1", "http"]);
      assert.equal(await getfqdn("127.0.0.1"), "127.0.0.1");
    }),
  );

  it(
    "may have an interface whose index it does not know",
    bounded((scope) => {
      useLeast(scope, {
        interfaces: () => [{ name: "tun9", index: 0, addresses: ["10.0.0.1"] }],
      });
      throws(() => if_nametoindex("tun9"), "ENOTSUP", "if_nametoindex");
      assert.match(throws(() => if_indextoname(7), "ENXIO").message, /tun9 is not known here/);
      return Promise.resolve();
    }),
  );
});

describe("create_connection", () => {
  it(
    "goes on with the next address where the adapter lacks the family of one",
    bounded(async (scope) => {
      const memory = createMemoryAdapter({ hosts: { "both.test": ["::1", "127.0.0.1"] } });
      useLeast(scope, {
        bind: (request) => memory.bind(request),
        connect: (target) => memory.connect(target),
        lookup: (name, family) => memory.lookup(name, family),
      });
      const server = scope.add(await create_server(["127.0.0.1", 0]));
      const address = server.getsockname();
      const s = scope.add(await create_connection(["both.test", address[1]]));
      assert.deepEqual(s.getpeername(), address);
      await server.close();
      const failing = create_connection(["both.test", address[1]], { all_errors: true });
      const { errors } = await rejection(() => failing) as AggregateError;
      assert.deepEqual(errors.map(({ code }) => code), ["EAFNOSUPPORT", "ECONNREFUSED"]);
    }),
  );

  it(
    "may be aborted in any moment, also by an adapter that cannot close what comes too late",
    bounded(async (scope) => {
      const memory = createMemoryAdapter();
      setAdapter(memory);
      scope.add({ close: () => setAdapter(undefined) });
      const server = scope.add(await create_server(["127.0.0.1", 0]));
      let cannotClose = 0;
      for (let moment = 0; moment < 40; moment++) {
        const stop = new AbortController();
        const abortAfter = (turns: number): void =>
          turns === 0 ? stop.abort() : queueMicrotask(() => abortAfter(turns - 1));
        setAdapter({
          ...memory,
          connect: (target) => {
            const attempt = memory.connect(target);
            const done = attempt.done.then((stream) => {
              abortAfter(moment);
              const close = (): Promise<void> => {
                cannotClose++;
                return Promise.reject(gone());
              };
              return Object.assign(stream, { close });
            });
            return { done, cancel: () => attempt.cancel() };
          },
        });
        const { signal } = stop;
        await create_connection(server.getsockname(), { signal }).catch(() => {});
        // A rejection that nobody handles would fail this file.
        await sleep(0);
      }
      assert.ok(cannotClose > 0);
    }),
  );
});

/** A listener to which connections come when a test says so, and in which order they were closed. */
async function listening(scope: Scope) {
  let connection!: (n: number, more?: object) => boolean;
  const closed: number[] = [];
  const memory = createMemoryAdapter();
  useLeast(scope, {
    bind: async (request) => {
      const bound = await memory.bind(request);
      return {
        fd: -1,
        local: bound.local,
        connect: (target) => bound.connect(target),
        close: () => bound.close(),
        setOption: () => true,
        getOption: () => undefined,
        listen: async (backlog, sink) => {
          connection = (n, more) =>
            sink.connection({
              fd: -1,
              local: bound.local,
              remote: ["127.0.0.1", 1],
              readAhead: 0,
              sink: undefined as never,
              resume: () => {},
              write: () => Promise.resolve(1),
              shutdownWrite: () => Promise.resolve(),
              close: () => Promise.resolve(void closed.push(n)),
              setOption: () => true,
              getOption: () => undefined,
              ...more,
            });
          return await bound.listen(backlog, sink);
        },
      };
    },
  });
  const server = scope.add(await create_server(["127.0.0.1", 0]));
  return { server, connection, closed };
}

describe("an adapter whose connections cannot be stopped", () => {
  it(
    "has them reset where nobody accepts as many as the largest backlog",
    bounded(async (scope) => {
      const { server, connection, closed } = await listening(scope);
      for (let n = 0; n < 4100; n++) assert.equal(connection(n), false);
      assert.deepEqual(closed, [4096, 4097, 4098, 4099]);
      const [conn] = await server.accept();
      await conn.close();
      assert.equal(closed.at(-1), 0);
      await server.close();
      assert.equal(closed.length, 4100);
    }),
  );

  it(
    "has one closed that comes after the listener's close",
    bounded(async (scope) => {
      const { server, connection, closed } = await listening(scope);
      const waiting = rejects(() => server.accept(), "EBADF", "accept");
      await server.close();
      await waiting;
      assert.equal(connection(1), false);
      assert.deepEqual(closed, [1]);
    }),
  );

  it(
    "has one closed of which no socket can be made",
    bounded(async (scope) => {
      const { server, connection, closed } = await listening(scope);
      const bad = { remote: undefined };
      const waiting = rejection(() => server.accept());
      connection(1, bad);
      assert.ok(await waiting instanceof TypeError);
      connection(2, bad);
      assert.ok(await rejection(() => server.accept()) instanceof TypeError);
      assert.deepEqual(closed, [1, 2]);
      connection(3);
      const [conn] = await server.accept();
      await conn.close();
    }),
  );
});

describe("an adapter before another", () => {
  it(
    "refuses multicast that its datagram sockets have no call for",
    bounded(async (scope) => {
      const own = getAdapter();
      const adapter: Adapter = {
        ...own,
        datagram: async (request) =>
          Object.assign(await own.datagram!(request), {
            membership: undefined,
            multicastInterface: undefined,
          }),
      };
      const s = scope.add(new Socket(AF_INET, SOCK_DGRAM, 0, { adapter }));
      await s.bind(["127.0.0.1", 0]);
      const request = Uint8Array.of(239, 1, 2, 3, 127, 0, 0, 1);
      const join = () => s.setsockopt(IPPROTO_IP, IP_ADD_MEMBERSHIP, request);
      throws(join, "ENOTSUP", "setsockopt");
      const choose = () => s.setsockopt(IPPROTO_IP, IP_MULTICAST_IF, request.subarray(4));
      throws(choose, "ENOTSUP", "setsockopt");
    }),
  );

  const failing: Array<[string, () => Promise<void>]> = [
    ["rejects", () => Promise.reject(gone())],
    ["throws", () => {
      throw gone();
    }],
  ];
  for (const [how, close] of failing) {
    it(
      `tells what goes wrong at close as an error of close, where it ${how}`,
      bounded(async (scope) => {
        const adapter = changed({ bound: { close }, listener: { close }, datagram: { close } });
        const s = new Socket(AF_INET, SOCK_STREAM, 0, { adapter });
        await s.bind(["127.0.0.1", 0]);
        await rejects(() => s.close(), "EBADF", "close");
        const listener = new Socket(AF_INET, SOCK_STREAM, 0, { adapter });
        await listener.bind(["127.0.0.1", 0]);
        await listener.listen();
        await rejects(() => listener.close(), "EBADF", "close");
        const datagrams = new Socket(AF_INET, SOCK_DGRAM, 0, { adapter });
        await datagrams.bind(["127.0.0.1", 0]);
        await rejects(() => datagrams.close(), "EBADF", "close");
        const [stream] = await connected(scope, { close });
        await rejects(() => stream.close(), "EBADF", "close");
        const [reset] = await connected(scope, { reset: close });
        reset.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
        await rejects(() => reset.close(), "EBADF", "close");
      }),
    );
  }

  it(
    "has its own turn called as its method",
    bounded(async (scope) => {
      const memory = createMemoryAdapter();
      const adapter = {
        ...memory,
        turns: 0,
        turn(): Promise<void> {
          this.turns++;
          return Promise.resolve();
        },
      };
      const s = scope.add(new Socket(AF_INET, SOCK_DGRAM, 0, { adapter }));
      await s.bind(["127.0.0.1", 0]);
      s.setblocking(false);
      await rejects(() => s.recv(1), "EAGAIN", "recv");
      assert.equal(adapter.turns, 1);
    }),
  );

  it(
    "may fail to bind once more for a connect or listen, which then is what has failed",
    bounded(async (scope) => {
      const memory = createMemoryAdapter();
      let full = false;
      const adapter: Adapter = {
        ...memory,
        bind(request) {
          if (full) throw Object.assign(new Error("no more"), { code: "EMFILE" });
          return memory.bind(request);
        },
      };
      const s = scope.add(new Socket(AF_INET, SOCK_STREAM, 0, { adapter }));
      await s.bind(["127.0.0.1", 0]);
      const local = s.getsockname();
      const there: InetAddress = ["127.0.0.1", 9];
      await rejects(() => s.connect(there), "ECONNREFUSED", "connect");
      full = true;
      const told = async (call: () => Promise<void>) => {
        const error = await rejection(call) as SocketError;
        return [error.code, error.syscall, error.address, error.local];
      };
      assert.deepEqual(await told(() => s.connect(there)), ["EMFILE", "connect", there, local]);
      assert.deepEqual(await told(() => s.listen()), ["EMFILE", "listen", local, undefined]);
      full = false;
      await s.listen();
    }),
  );

  it(
    "sends by promises of the runtime's own class where a program has replaced the global one",
    bounded(async (scope) => {
      const memory = createMemoryAdapter();
      const adapter: Adapter = {
        ...memory,
        datagram: async (request) =>
          Object.assign(await memory.datagram!(request), {
            // deno-lint-ignore require-await -- a promise of the engine, whatever the global is
            send: async () => {
              throw Object.assign(new Error("not there"), { code: "ENETUNREACH" });
            },
          }),
      };
      const s = scope.add(new Socket(AF_INET, SOCK_DGRAM, 0, { adapter }));
      await s.bind(["127.0.0.1", 0]);
      const own = globalThis.Promise;
      globalThis.Promise = class<T> extends own<T> {} as PromiseConstructor;
      const sending = s.sendto("x", ["192.0.2.1", 9]);
      globalThis.Promise = own;
      await rejects(() => sending, "ENETUNREACH", "sendto");
    }),
  );

  it(
    "closes the duplicate that it cannot take over",
    bounded(async (scope) => {
      const memory = createMemoryAdapter();
      const closed: number[] = [];
      const adapter: Adapter = {
        ...memory,
        bind: async (request) => Object.assign(await memory.bind(request), { fd: 11 }),
        duplicate: () => 22,
        closeDescriptor: (fd) => closed.push(fd),
        adopt: () => {
          throw Object.assign(new Error("no room"), { code: "ENOMEM" });
        },
      };
      const s = scope.add(new Socket(AF_INET, SOCK_STREAM, 0, { adapter }));
      await s.bind(["127.0.0.1", 0]);
      throws(() => s.dup(), "ENOMEM", "socket");
      assert.deepEqual(closed, [22]);
    }),
  );

  it(
    "may fail to close a connection that outlived its close",
    bounded(async (scope) => {
      let closing!: () => void;
      const tried = new Promise<void>((resolve) => closing = resolve);
      const [s] = await connected(scope, {
        tryWrite: undefined,
        takeBack: undefined,
        committed: undefined,
        write: () => new Promise((resolve) => setTimeout(resolve, 50, 1)),
        close: () => {
          closing();
          return Promise.reject(gone());
        },
      });
      s.settimeout(0.01);
      await rejects(() => s.sendall("x"), "ETIMEDOUT", "send");
      await s.close();
      // Its rejection would be nobody's, and fail this file.
      await tried;
      await sleep(10);
    }),
  );

  it(
    "may fail to tell what of a send is committed",
    bounded(async (scope) => {
      const [s] = await connected(scope, {
        tryWrite: undefined,
        committed: () => Promise.reject(gone()),
        write: () => new Promise(() => {}),
      });
      s.settimeout(15);
      const sending = rejects(() => s.sendall("x"), "EBADF", "send");
      await s.close();
      assert.equal((await sending).bytes_sent, 0);
    }),
  );
});

describe("sends that wait behind another", () => {
  /** A connection whose stream has no room until a write was given one byte. */
  async function fullAtFirst(scope: Scope) {
    const wire: Uint8Array[] = [];
    let full = true;
    const [s] = await connected(scope, {
      tryWrite: (chunk: Uint8Array) => {
        if (full) return 0;
        wire.push(chunk.slice());
        return chunk.length;
      },
      write: (chunk: Uint8Array) => {
        wire.push(chunk.slice(0, 1));
        full = false;
        return Promise.resolve(1);
      },
    });
    return [s, wire] as const;
  }

  it(
    "go out in few pieces once there is room",
    bounded(async (scope) => {
      const [s, wire] = await fullAtFirst(scope);
      const ended: number[] = [];
      const sizes = [5, 1, 0, 100_000, 3, 20_000, 20_000, ...Array<number>(200).fill(2)];
      await Promise.all(sizes.map(async (size, i) => {
        const data = new Uint8Array(size).fill(i);
        if (i % 2 === 0) await s.sendall(data);
        else assert.equal(await s.send(data), size);
        ended.push(i);
      }));
      assert.deepEqual(ended, [...sizes.keys()]);
      const sent = concat(wire);
      assert.deepEqual(sent, concat(sizes.map((size, i) => new Uint8Array(size).fill(i))));
      assert.ok(wire.length < 40, `${wire.length} pieces`);
      await s.close();
    }),
  );

  it(
    "let the event loop turn",
    bounded(async (scope) => {
      const [s] = await fullAtFirst(scope);
      const sends = Array.from({ length: 1000 }, () => s.sendall("x"));
      let turned = false;
      setImmediate(() => turned = true);
      await sends[900];
      assert.ok(turned);
      await Promise.all(sends);
      await s.close();
    }),
  );

  /** A connection whose stream answers tries as told: with a count or an error. A write takes one byte. */
  async function answering(scope: Scope, answers: Array<number | string>) {
    const [s] = await connected(scope, {
      tryWrite: () => {
        const answer = answers.shift()!;
        if (typeof answer === "number") return answer;
        throw Object.assign(new Error("broken"), { code: answer });
      },
      write: () => Promise.resolve(1),
    });
    return s;
  }

  it(
    "fail each with its own error and count",
    bounded(async (scope) => {
      const s = await answering(scope, [0, 7, "ECONNRESET", "EPIPE"]);
      const sends = ["abcdef", "ghi", "jkl", "mno"].map((data) => s.sendall(data));
      const ends = await Promise.all(sends.map((send) => send.then(() => null, told)));
      // The piece ended within "ghi".
      assert.deepEqual(ends, [null, null, ["ECONNRESET", 0], ["EPIPE", 0]]);
      await s.close();
    }),
  );

  it(
    "report the error that comes after a part of a send",
    bounded(async (scope) => {
      const s = await answering(scope, [0, "ECONNRESET", "EPIPE"]);
      const sends = [s.send("abc"), s.sendall("def")];
      assert.equal(await sends[0], 1);
      assert.deepEqual(told(await rejection(() => sends[1]!)), ["ECONNRESET", 0]);
      await s.close();
    }),
  );
});

describe("a send with a timeout that waits for room", () => {
  /** A connection whose stream reports room a moment after a write, and what the writes were given. */
  async function slow(scope: Scope, more: object) {
    const given: Uint8Array[] = [];
    const [s] = await connected(scope, {
      tryWrite: undefined,
      write: async (chunk: Uint8Array) => {
        given.push(chunk);
        await sleep(1);
        return chunk.length;
      },
      ...more,
    });
    s.settimeout(10);
    return [s, given] as const;
  }

  it(
    "is not copied for a stream that gives the bytes back",
    bounded(async (scope) => {
      const [s, given] = await slow(scope, {});
      const data = new Uint8Array(100_000);
      await s.sendall(data);
      assert.ok(given[0]!.buffer === data.buffer);
      await s.close();
    }),
  );

  it(
    "leaves a stream that keeps them no large copy",
    bounded(async (scope) => {
      const [first, given] = await slow(scope, { takeBack: undefined });
      const [second, after] = await slow(scope, { takeBack: undefined });
      const data = new Uint8Array(50_000);
      for (const s of [first, second]) {
        await s.sendall(data);
        await s.close();
      }
      assert.ok(given[0]!.buffer !== data.buffer);
      assert.ok(after[0]!.buffer === given[0]!.buffer, "the first has not given it back");
    }),
  );
});

function told(error: unknown): [string, number | undefined] {
  const { code, bytes_sent } = error as SocketError;
  return [code, bytes_sent];
}

const runtime = globalThis as { Bun?: Record<string, unknown> };
const noBunLibc: string | false = runtime.Bun === undefined
  ? "it is about Bun's adapter"
  : !capabilities().fileno && "it is about what Bun's adapter does by libc";

/** Puts another function of Bun's in the place of one until the scope ends. */
function replace<F>(scope: Scope, name: string, make: (original: F) => F): void {
  const bun = runtime.Bun!;
  const original = bun[name];
  bun[name] = make(original as F);
  scope.add({ close: () => bun[name] = original });
}

describe("Bun's adapter", () => {
  it(
    "leaves no descriptor open where Bun cannot listen",
    { skip: noBunLibc },
    bounded(async (scope) => {
      replace<() => never>(scope, "listen", () => () => {
        throw Object.assign(new Error("no more"), { code: "EMFILE" });
      });
      const s = scope.add(new Socket(AF_INET));
      await s.bind(["127.0.0.1", 0]);
      const fd = s.fileno();
      await rejects(() => s.listen(), "EMFILE", "listen");
      throws(() => close(fd), "EBADF", "close");
    }),
  );

  it(
    "keeps no process alive by a datagram that waited for room and was refused",
    { skip: noBunLibc },
    bounded(async (scope) => {
      let refs = 0;
      let room!: () => void;
      interface Datagrams {
        send(): boolean;
        ref(): void;
        unref(): void;
      }
      type Open = (options: { socket: { drain(): void } }) => Promise<Datagrams>;
      const { Bun } = globalThis as unknown as { Bun: { peek<T>(promise: Promise<T>): T } };
      replace<Open>(scope, "udpSocket", (open) => (options) => {
        room = () => options.socket.drain();
        const inner = Bun.peek(open(options));
        const [ref, unref] = [inner.ref.bind(inner), inner.unref.bind(inner)];
        let isFull = true;
        const counting = Object.assign(inner, {
          send() {
            if (!isFull) throw Object.assign(new Error("refused"), { code: "EPERM" });
            return isFull = false;
          },
          ref() {
            refs++;
            ref();
          },
          unref() {
            refs--;
            unref();
          },
        });
        return Promise.resolve(counting);
      });
      const s = scope.add(new Socket(AF_INET, SOCK_DGRAM));
      await s.bind(["127.0.0.1", 0]);
      const idle = refs;
      const sending = rejects(() => s.sendto("x", ["127.0.0.1", 9]), "EPERM", "sendto");
      assert.equal(refs, idle + 1);
      room();
      await sending;
      assert.equal(refs, idle);
    }),
  );
});

interface DenoConn {
  read(into: Uint8Array): Promise<number | null>;
}
const deno = (globalThis as { Deno?: { connect(options: object): Promise<DenoConn> } }).Deno;
const noDeno: string | false = deno === undefined && "it is about Deno's adapter";

describe("Deno's adapter", () => {
  it(
    "reads a quiet connection into a small buffer again",
    { skip: noDeno },
    bounded(async (scope) => {
      const { connect } = deno!;
      let size = 0;
      deno!.connect = async (options) => {
        const conn = await connect(options);
        const read = conn.read.bind(conn);
        return Object.assign(conn, {
          read(into: Uint8Array) {
            size = into.length;
            return read(into);
          },
        });
      };
      scope.add({ close: () => void (deno!.connect = connect) });
      const server = scope.add(await create_server(["127.0.0.1", 0]));
      const s = scope.add(await create_connection(server.getsockname()));
      const [peer] = await server.accept();
      scope.add(peer);
      const sending = peer.sendall(new Uint8Array(1 << 20));
      for (let left = 1 << 20; left > 0;) left -= (await s.recv(65536)).length;
      await sending;
      assert.equal(size, 65536);
      for (let i = 0; i < 100; i++) {
        await peer.sendall("x");
        await s.recv(65536);
      }
      assert.equal(size, 512);
    }),
  );
});

describe("the adapter of a runtime", () => {
  it(
    "is its own, also where a program defines what others have as globals",
    bounded(async (scope) => {
      const program = new URL("./peers/foreign_globals.ts", import.meta.url);
      const { stdout, stderr } = await scope.add(start(launch(program))).exit();
      assert.equal(stdout, `${runtimeName}\n`, stderr);
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, async () => {
    assert.notEqual(getAdapter().capabilities().adapter, "least");
    await checkNothingLeft();
  });
});
