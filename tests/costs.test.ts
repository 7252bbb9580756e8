/**
 * What a message costs, counted and not timed: system calls beside those of the runtime's own API,
 * bytes allocated, promises made. A busy machine changes none of it.
 */

import assert from "node:assert/strict";
import { createHook } from "node:async_hooks";
import { spawnSync } from "node:child_process";
import fs, { mkdtempSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { getHeapStatistics } from "node:v8";
import {
  AF_INET,
  capabilities,
  create_connection,
  create_server,
  SOCK_DGRAM,
  socket,
  SocketError,
  socketpair,
} from "../mod.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { start } from "./support/process.ts";
import { launch, runtimeName } from "./support/runtime.ts";
import { bounded, type Scope, sleep } from "./support/scope.ts";

/** The calls that move bytes or wait for them; memory and threads go their own ways. */
const traced = [
  ..."read write readv writev recvfrom sendto recvmsg sendmsg recvmmsg sendmmsg".split(" "),
  ..."epoll_wait epoll_pwait epoll_pwait2 epoll_ctl poll ppoll ioctl setsockopt".split(" "),
  ..."getsockopt fcntl shutdown io_uring_enter".split(" "),
].map((name) => `?${name}`).join();

/** Why system calls cannot be counted here, or false. */
const noStrace: string | false = process.platform !== "linux"
  ? `strace is a program of Linux, not of ${process.platform}`
  : spawnSync("strace", ["-f", "-o", "/dev/null", "true"], { timeout: 10_000 }).status === 0
  ? false
  : "strace is not installed or not permitted here";

/** Deno would look for a newer version of itself meanwhile. */
const env = { DENO_NO_UPDATE_CHECK: "1" };

const messages = 120;
const warmUp = 40;

/**
 * Runs the server of peers/costs_echo.ts and gives the system calls of one message. It waits for
 * each: the client pauses after every answer.
 */
async function systemCalls(scope: Scope, way: string): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "bsdsock-calls-"));
  scope.add({ close: () => rmSync(folder, { recursive: true, force: true }) });
  const log = join(folder, "log");
  const server = launch(new URL("./peers/costs_echo.ts", import.meta.url), [way]);
  const strace = ["-f", "-qq", "-o", log, "-e", `trace=${traced}`];
  const program = scope.add(start(["strace", ...strace, ...server], { env }));
  const address: [string, number] = ["127.0.0.1", await program.json<number>()];
  const datagrams = way === "recvfrom" || way === "raw-datagram";
  const client = scope.add(
    datagrams ? socket(AF_INET, SOCK_DGRAM) : await create_connection(address),
  );
  if (datagrams) await client.connect(address);
  for (let i = 0; i < warmUp + messages; i++) {
    // The log shows the first bytes.
    await client.sendall((i < warmUp ? "warm" : "mark").padEnd(64));
    assert.equal((await client.recv(100)).length, 64);
    await sleep(3);
  }
  if (datagrams) await client.send("");
  await client.close();
  const { code, stderr } = await program.exit();
  assert.equal(code, 0, stderr);
  return typical(readFileSync(log, "utf8"));
}

/** What lies between one receive of a message and the next, most often: the rest is the runtime's. */
function typical(log: string): string[] {
  const found: string[][] = [];
  for (const line of log.split("\n")) {
    if (/(read|recv)\w*(\(| resumed).*"mark/.test(line)) found.push([]);
    // The second half of a call that was interrupted by another thread's is no call.
    const name = /^\d+ +(\w+)\(/.exec(line)?.[1];
    if (name !== undefined) found.at(-1)?.push(name);
  }
  assert.equal(found.length, messages, "one receive a message");
  found.sort((a, b) => a.length - b.length);
  return found[Math.floor(messages / 2)]!;
}

describe("the system calls of a message", () => {
  const pairs = [["recv", "raw"], ["recv_into", "raw"], ["timeout", "raw"], [
    "recvfrom",
    "raw-datagram",
  ]] as const;
  for (const [way, raw] of pairs) {
    it(
      `${way} makes no more than the runtime's own API`,
      { skip: noStrace },
      bounded(async (scope) => {
        let ours: string[] = [];
        let theirs: string[] = [];
        // A machine that is too busy for the pauses disturbs one run, not three.
        for (let run = 0; run < 3; run++) {
          ours = await systemCalls(scope, way);
          theirs = await systemCalls(scope, raw);
          if (ours.length <= theirs.length) return;
        }
        assert.fail(`${ours.join(" ")}, and the runtime's own API: ${theirs.join(" ")}`);
      }, 90_000),
    );
  }
});

interface Cost {
  /** Allocated a message. */
  readonly bytes: number;
  /** Held after 10,000 messages more than before. */
  readonly growth: number;
  /** Made by the library, a message. */
  readonly promises: number;
}

/** Without the compilers that optimise: they leave out allocations, and nobody knows when. */
const flags = {
  node: ["--expose-gc", "--no-opt", "--no-maglev"],
  deno: ["--v8-flags=--expose-gc,--no-opt,--no-maglev"],
  bun: [],
};

async function cost(scope: Scope, way: string): Promise<Cost> {
  const program = new URL("./peers/costs_memory.ts", import.meta.url);
  const command = launch(program, [way], { flags: flags[runtimeName] });
  const peer = scope.add(start(command, { env: { ...env, BUN_JSC_useJIT: "0" } }));
  return await peer.json<Cost>();
}

/**
 * Bytes of one message over the memory adapter: what was measured and 2 % (Bun: 3 %). One `then`
 * more is 130 bytes (Bun: 80), one `async` function more 400 (Bun: 160).
 */
const allowed: Record<string, Record<typeof runtimeName, number>> = {
  waiting: { node: 2_302, deno: 2_385, bun: 930 },
  ready: { node: 2_776, deno: 2_930, bun: 1_160 },
  into: { node: 2_383, deno: 2_468, bun: 992 },
  timeout: { node: 2_570, deno: 2_642, bun: 1_013 },
  timeoutOff: { node: 2_302, deno: 2_420, bun: 930 },
};

const notNode: string | false = runtimeName !== "node" && "it is about Node's adapter";

/** Why allocations cannot be counted here, or false. */
const noAllocations: string | false = "total_allocated_bytes" in getHeapStatistics()
  ? false
  : `${process.version} does not count what it allocates`;

const noPromises: string | false = runtimeName !== "node" &&
  `${runtimeName} does not call the hooks of node:async_hooks for promises`;

describe("one message over the memory adapter", () => {
  for (const [way, limits] of Object.entries(allowed)) {
    it(
      `${way}: allocates no more than it did`,
      { skip: noAllocations },
      bounded(async (scope) => {
        const { bytes } = await cost(scope, way);
        const limit = limits[runtimeName];
        assert.ok(bytes <= limit, `${bytes.toFixed(0)} bytes, ${limit} allowed`);
        // What was won is to be kept.
        assert.ok(bytes > limit / 2, `${bytes.toFixed(0)} bytes: lower the limit of ${limit}`);
      }, 60_000),
    );

    it(
      `${way}: makes one promise for the receive, and none for a send that needs no waiting`,
      { skip: noPromises },
      bounded(async (scope) => {
        const { promises } = await cost(scope, way);
        assert.ok(promises < 1.02, `${promises} promises`);
      }, 60_000),
    );

    it(
      `${way}: leaves nothing in the heap`,
      bounded(async (scope) => {
        const { growth } = await cost(scope, way);
        assert.ok(growth < 200_000, `${growth} bytes after 10,000 messages`);
      }, 60_000),
    );
  }
});

describe("a line in the buffer of a file", () => {
  const lines = 500;
  for (const mode of ["r", "rb"] as const) {
    it(
      `makes one promise, and none in readlines, mode ${mode}`,
      { skip: noPromises },
      bounded(async (scope) => {
        const [from, to] = await socketpair();
        scope.add(from);
        const file = scope.add(scope.add(to).makefile(mode));
        let made = 0;
        const hook = createHook({ init: (_id, type) => void (type === "PROMISE" && made++) });
        scope.add({ close: () => void hook.disable() });
        const inBuffer = async (): Promise<void> => {
          await from.sendall("line\n".repeat(lines + 1));
          assert.equal((await file.readline()).length, 5);
          made = 0;
          hook.enable();
        };
        for (const read of [() => file.readline(), () => file[Symbol.asyncIterator]().next()]) {
          await inBuffer();
          for (let i = 0; i < lines; i++) void read();
          hook.disable();
          // Now and then one lets the event loop turn, which takes a few more.
          assert.ok(made < 1.1 * lines, `${made} promises for ${lines} lines`);
        }
        await inBuffer();
        assert.equal((await file.readlines(5 * lines - 1)).length, lines);
        hook.disable();
        assert.ok(made < lines / 10, `${made} promises for ${lines} lines at once`);
      }),
    );
  }
});

/** Collects the lengths of the arrays made until the scope ends. */
function watchArrays(scope: Scope): number[] {
  const Original = Uint8Array;
  const lengths: number[] = [];
  scope.add({ close: () => void (globalThis.Uint8Array = Original) });
  globalThis.Uint8Array = new Proxy(Original, {
    construct(target, args, newTarget) {
      if (typeof args[0] === "number") lengths.push(args[0]);
      return Reflect.construct(target, args, newTarget);
    },
  });
  return lengths;
}

describe("the memory of a call is that of what comes", () => {
  it(
    "recvmsg_into",
    bounded(async (scope) => {
      const pairs = [await socketpair(), await socketpair(AF_INET, SOCK_DGRAM)];
      const buffers = [4, 8 << 20].map((length) => new Uint8Array(length));
      const lengths = watchArrays(scope);
      for (const [from, to] of pairs) {
        for (const several of [buffers, buffers.slice(1)]) {
          const receiving = scope.add(to).recvmsg_into(several);
          await scope.add(from).send("hello");
          assert.equal((await receiving)[0], 5);
        }
      }
      const largest = Math.max(0, ...lengths);
      assert.ok(largest < 1 << 20, `an array of ${largest} bytes`);
    }),
  );

  it(
    "readline of a file without a buffer",
    bounded(async (scope) => {
      const [from, to] = await socketpair();
      scope.add(from);
      const file = scope.add(scope.add(to).makefile("rb", { buffering: 0 }));
      await from.sendall("a short line\n".repeat(4000));
      assert.equal((await file.readline())?.length, 13);
      const lengths = watchArrays(scope);
      for (let i = 0; i < 200; i++) assert.equal((await file.readline())?.length, 13);
      const sum = lengths.reduce((sum, length) => sum + length, 0);
      assert.ok(sum < 1 << 20, `arrays of ${sum} bytes`);
    }),
  );
});

describe("what is of node:net", () => {
  it(
    "listens for errors of a server once",
    { skip: notNode },
    bounded(async (scope) => {
      const { createServer } = net;
      const made: net.Server[] = [];
      net.createServer = ((options: net.ServerOpts) => {
        const server = createServer(options);
        made.push(server);
        return server;
      }) as typeof createServer;
      scope.add({ close: () => void (net.createServer = createServer) });
      scope.add(await create_server(["127.0.0.1", 0]));
      assert.deepEqual(made.map((server) => server.listenerCount("error")), [1]);
    }),
  );

  it(
    "has no listener for the end of a connection that nobody needs",
    { skip: notNode },
    bounded(async (scope) => {
      const { prototype } = net.Socket;
      const { connect } = prototype;
      const made: net.Socket[] = [];
      prototype.connect = function (this: net.Socket, ...args: unknown[]) {
        made.push(this);
        return Reflect.apply(connect, this, args);
      } as typeof connect;
      scope.add({ close: () => void (prototype.connect = connect) });
      const server = scope.add(await create_server(["127.0.0.1", 0]));
      scope.add(await create_connection(server.getsockname()));
      assert.deepEqual(made.map((s) => s.listenerCount("close")), [0]);
    }),
  );
});

describe("sendmsg of many buffers", () => {
  it(
    "copies only what the system may take",
    bounded(async (scope) => {
      const [s, peer] = await socketpair();
      [s, peer].forEach((end) => scope.add(end));
      let copied = 0;
      const { prototype } = Uint8Array;
      const { set } = prototype;
      prototype.set = function (this: Uint8Array, ...args: Parameters<typeof set>) {
        copied += args[0].length;
        return Reflect.apply(set, this, args);
      };
      scope.add({ close: () => void (prototype.set = set) });
      let received = 0;
      const reading = (async () => {
        const buffer = new Uint8Array(65536);
        for (let count = -1; count !== 0; received += count) count = await peer.recv_into(buffer);
      })();
      const size = 200_000;
      const buffers = Array.from({ length: 200 }, () => new Uint8Array(size));
      while (buffers.length > 0) {
        let taken = await s.sendmsg(buffers);
        while (buffers.length > 0 && taken >= buffers[0]!.length) taken -= buffers.shift()!.length;
        if (taken > 0) buffers[0] = buffers[0]!.subarray(taken);
      }
      await s.close();
      await reading;
      assert.equal(received, 200 * size);
      assert.ok(copied < 5 * received, `copied ${copied} bytes to send ${received}`);
    }),
  );
});

describe("sends that wait for room", () => {
  it(
    "are tried again less and less often",
    { skip: capabilities().types["AF_UNIX"] === undefined && "needs sockets that stay full" },
    bounded(async (scope) => {
      const pairs = await Promise.all(Array.from({ length: 20 }, () => socketpair()));
      for (const [full, peer] of pairs) {
        scope.add(full);
        scope.add(peer);
        full.setblocking(false);
        // Until there is no room for a byte.
        for (const size of [65536, 1]) {
          for (let left = 10_000; left > 0; left--) {
            const sent = await full.send(new Uint8Array(size)).catch((error) => error);
            if (sent instanceof SocketError) break;
          }
        }
        full.settimeout(1);
      }
      let tries = 0;
      const { writeSync } = fs;
      // What Node tries with: it does not tell of room. The others have calls that do.
      fs.writeSync = ((...args: Parameters<typeof writeSync>) => {
        tries++;
        return writeSync(...args);
      }) as typeof writeSync;
      scope.add({ close: () => void (fs.writeSync = writeSync) });
      const sends = pairs.map(([full]) => full.send("x").catch((error) => error));
      for (const error of await Promise.all(sends)) assert.equal(error.code, "ETIMEDOUT");
      assert.ok(tries < 40 * pairs.length, `${tries} tries in a second by ${pairs.length} sends`);
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
