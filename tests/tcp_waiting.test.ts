/** What ends a waiting call: its timeout, its signal, the closing of its socket, or not waiting at all. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate } from "node:timers";
import {
  AF_INET,
  capabilities,
  createMemoryAdapter,
  errno,
  type InetAddress,
  MSG_PEEK,
  MSG_WAITALL,
  SHUT_RDWR,
  SHUT_WR,
  SO_ERROR,
  SO_LINGER,
  SO_SNDTIMEO,
  SOCK_STREAM,
  Socket,
  SocketError,
  SOL_SOCKET,
  TimeoutError,
} from "../mod.ts";
import { type InRow, WaitQueue } from "../core/waiting/wait_queue.ts";
import { pattern, Random, receive, receiveAll, sha256, text, timeval } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { bounded, rejection, rejects, type Scope, sleep, throws, until } from "./support/scope.ts";
import { type Setting, settings } from "./support/tcp.ts";

type Inet = Socket<InetAddress>;
type Options = { signal?: AbortSignal };

/** A call that waits until something ends it, and the name its errors carry. */
interface Waiting {
  readonly name: string;
  readonly syscall: string;
  readonly skip: string | false;
  /** Gives a socket and starts its call. */
  prepare(scope: Scope): Promise<[Inet, (options?: Options) => Promise<unknown>]>;
}

const MiB = 1024 * 1024;

/** More than every buffer of the system between two sockets holds. */
const flood = pattern(48 * MiB);

/** Every call that can wait. */
function waitingCalls(setting: Setting): Waiting[] {
  const connected = (
    name: string,
    syscall: string,
    call: (s: Inet, options?: Options) => Promise<unknown>,
  ): Waiting => ({
    name,
    syscall,
    skip: setting.skip,
    async prepare(scope) {
      const [client] = await setting.pair(scope);
      return [client, (options) => call(client, options)];
    },
  });
  return [
    {
      name: "accept",
      syscall: "accept",
      skip: setting.skip,
      async prepare(scope) {
        const server = await setting.server(scope);
        return [server, (options) => server.accept(options)];
      },
    },
    {
      name: "connect",
      syscall: "connect",
      skip: setting.noStalled,
      async prepare(scope) {
        const address = await setting.stalled(scope);
        const s = setting.socket(scope);
        return [s, (options) => s.connect(address, options)];
      },
    },
    connected("recv", "recv", (s, o) => s.recv(1, 0, o)),
    connected("recv with MSG_PEEK", "recv", (s, o) => s.recv(1, MSG_PEEK, o)),
    connected("recv with MSG_WAITALL", "recv", (s, o) => s.recv(9, MSG_WAITALL, o)),
    connected("recv_into", "recv", (s, o) => s.recv_into(new Uint8Array(1), 0, 0, o)),
    connected("recvfrom", "recvfrom", (s, o) => s.recvfrom(1, 0, o)),
    connected(
      "recvfrom_into",
      "recvfrom",
      (s, o) => s.recvfrom_into(new Uint8Array(1), 1, 0, o),
    ),
    connected("send", "send", async (s, o) => {
      for (;;) await s.send(flood.subarray(0, MiB), 0, o);
    }),
    connected("sendall", "send", (s, o) => s.sendall(flood, 0, o)),
  ];
}

/** Waits with each of the timeouts, in seconds. Gives them in the order in which they ended. */
async function endsOf(
  s: Inet,
  timeouts: readonly number[],
  check?: (seconds: number) => void,
): Promise<number[]> {
  const ended: number[] = [];
  await Promise.all(timeouts.map(async (seconds) => {
    s.settimeout(seconds);
    await rejects(() => s.recv(1), "ETIMEDOUT");
    ended.push(seconds);
    check?.(seconds);
  }));
  return ended;
}

for (const setting of settings) {
  const { skip } = setting;
  const test = (name: string, body: Parameters<typeof bounded>[0]) =>
    it(name, { skip }, bounded(body));
  const calls = waitingCalls(setting);

  describe(`timeouts, ${setting.name}`, () => {
    for (const call of calls) {
      it(
        `${call.name} ends with TimeoutError`,
        { skip: call.skip },
        bounded(async (scope) => {
          const [s, start] = await call.prepare(scope);
          s.settimeout(0.06);
          const begun = performance.now();
          const error = await rejects(() => start(), "ETIMEDOUT", call.syscall);
          const took = performance.now() - begun;
          assert.ok(error instanceof TimeoutError, error.name);
          assert.equal(error.errno, errno.ETIMEDOUT);
          assert.match(error.message, /timed out/);
          assert.ok(took > 55, `it came after ${took} ms of 60`);
          assert.ok(took < 5_000, `it came after ${took} ms of 60`);
          assert.equal(s.closed, false);
        }),
      );
    }

    test("each wait ends at its own time", async (scope) => {
      const [client] = await setting.pair(scope);
      const start = performance.now();
      const timeouts = [0.2, 0.05, 0.15, 0.1, 0.02, 0.25];
      const ended = await endsOf(client, timeouts, (seconds) => {
        const took = performance.now() - start;
        assert.ok(took >= seconds * 1000 - 3, `${seconds} s took ${took} ms`);
      });
      assert.deepEqual(ended, timeouts.toSorted((a, b) => a - b));
    });

    test("waits whose ends are noticed together end in their order", async (scope) => {
      const [client] = await setting.pair(scope);
      for (let round = 0; round < 5; round++) {
        const start = performance.now();
        const ended = endsOf(client, [0.1, 0.05]);
        await sleep(10);
        // When it goes on, the second end has just passed, and the first long ago.
        while (performance.now() < start + 101.2);
        assert.deepEqual(await ended, [0.05, 0.1]);
      }
    });

    test("waits end in their order while the event loop is slow", async (scope) => {
      const [client] = await setting.pair(scope);
      let isSlow = true;
      const slow = (): void => {
        const start = performance.now();
        while (performance.now() < start + 4);
        if (isSlow) setImmediate(slow);
      };
      slow();
      const timeouts = Array.from({ length: 40 }, (_, i) => (50 + 5 * i) / 1000);
      const ended = await endsOf(client, timeouts).finally(() => isSlow = false);
      assert.deepEqual(ended, timeouts);
    });

    test("a fraction of a millisecond is a timeout, not a refusal to wait", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      client.settimeout(1e-6);
      assert.equal(client.getblocking(), true);
      await rejects(() => client.recv(1), "ETIMEDOUT");
      await conn.sendall("x");
      client.settimeout(9);
      assert.equal(text(await client.recv(1)), "x");
    });

    test("an accept that timed out takes no connection", async (scope) => {
      const server = await setting.server(scope);
      server.settimeout(0.02);
      await rejects(() => server.accept(), "ETIMEDOUT", "accept");
      const client = setting.socket(scope);
      await client.connect(server.getsockname());
      await client.sendall("mine");
      server.settimeout(9);
      const [conn] = await server.accept();
      scope.add(conn);
      assert.equal(text(await conn.recv(9)), "mine");
      assert.equal(conn.gettimeout(), null);
    });

    test("MSG_WAITALL that timed out keeps what had come", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.sendall("half");
      conn.settimeout(0.05);
      await rejects(() => conn.recv(8, MSG_WAITALL), "ETIMEDOUT", "recv");
      await client.sendall("rest");
      conn.settimeout(9);
      assert.equal(text(await conn.recv(8, MSG_WAITALL)), "halfrest");
    });

    test("recv_into that timed out writes nothing later", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const buffer = new Uint8Array(4).fill(33);
      conn.settimeout(0.02);
      await rejects(() => conn.recv_into(buffer), "ETIMEDOUT", "recv");
      await client.sendall("abcd");
      await sleep(30);
      assert.equal(text(buffer), "!!!!");
      assert.equal(text(await conn.recv(9)), "abcd");
    });

    test("sendall that timed out tells what was taken, and the socket stays usable", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      client.settimeout(0.1);
      const error = await rejects(() => client.sendall(flood), "ETIMEDOUT", "send");
      const { bytes_sent } = error;
      assert.ok(
        bytes_sent !== undefined && bytes_sent > 0 && bytes_sent < flood.length,
        `bytes_sent ${bytes_sent}`,
      );
      client.settimeout(null);
      const received = receiveAll(conn);
      await client.sendall("tail");
      await client.shutdown(SHUT_WR);
      const all = await received;
      assert.equal(all.length, bytes_sent + 4);
      assert.equal(sha256(all.subarray(0, -4)), sha256(flood.subarray(0, bytes_sent)));
      assert.equal(text(all.subarray(-4)), "tail");
      await conn.sendall("answer");
      assert.equal(text(await client.recv(9)), "answer");
    });

    test("shutdown behind a send that waits ends in time, and FIN still follows", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const sending = client.sendall(flood);
      for (const how of [SHUT_WR, SHUT_RDWR]) {
        client.settimeout(0.05);
        const error = await rejects(() => client.shutdown(how), "ETIMEDOUT", "shutdown");
        assert.ok(error instanceof TimeoutError);
      }
      // As in C, a non-blocking one is not EAGAIN.
      client.settimeout(0);
      const shutting = client.shutdown(SHUT_WR);
      assert.equal((await receiveAll(conn)).length, flood.length);
      await Promise.all([sending, shutting]);
    });

    test("shutdown behind a send that close() ends is EBADF: no FIN has gone", async (scope) => {
      const [client] = await setting.pair(scope);
      const sending = rejects(() => client.sendall(flood), "EBADF", "send");
      const shutting = rejects(() => client.shutdown(SHUT_WR), "EBADF", "shutdown");
      await sleep(20);
      await client.close();
      await Promise.all([sending, shutting]);
    });

    test("send that timed out has sent nothing, and close() drops nothing", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      let sent = 0;
      client.setblocking(false);
      const filling = await rejection(async () => {
        for (;;) sent += await client.send(flood.subarray(sent));
      });
      assert.equal((filling as SocketError).code, "EAGAIN");
      client.settimeout(0.05);
      // The kernel may make room yet, while it moves bytes to the receiver.
      const fill = async (): Promise<never> => {
        for (;;) sent += await client.send(flood.subarray(sent));
      };
      await rejects(fill, "ETIMEDOUT", "send");
      const error = await rejects(() => client.sendall(flood.subarray(sent)), "ETIMEDOUT", "send");
      sent += error.bytes_sent ?? assert.fail("no bytes_sent");
      await client.close();
      const all = await receiveAll(conn);
      assert.equal(all.length, sent);
      assert.equal(sha256(all), sha256(flood.subarray(0, sent)));
    });

    test("send whose room comes in time goes on", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      let sent = 0;
      client.setblocking(false);
      await rejection(async () => {
        for (;;) sent += await client.send(flood.subarray(sent));
      });
      client.settimeout(30);
      const sending = client.send(flood.subarray(sent, sent + 1000));
      const received = receiveAll(conn);
      sent += await sending;
      await client.close();
      assert.equal(sha256(await received), sha256(flood.subarray(0, sent)));
    });
  });

  describe(`signals, ${setting.name}`, () => {
    for (const call of calls) {
      it(
        `${call.name} rejects with the signal's reason`,
        { skip: call.skip },
        bounded(async (scope) => {
          const [s, start] = await call.prepare(scope);
          const controller = new AbortController();
          const reason = { why: "enough" };
          const waiting = rejection(() => start({ signal: controller.signal }));
          await sleep(30);
          controller.abort(reason);
          assert.equal(await waiting, reason);
          assert.equal(s.closed, false);
        }),
      );

      it(
        `${call.name} does nothing where the signal had come before`,
        { skip: call.skip },
        bounded(async (scope) => {
          const [s, start] = await call.prepare(scope);
          const reason = new Error("before");
          assert.equal(await rejection(() => start({ signal: AbortSignal.abort(reason) })), reason);
          assert.equal(s.closed, false);
        }, 5_000),
      );
    }

    test("a signal that had come before takes no byte, though there are some", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await client.sendall("data");
      assert.equal((await conn.recv(4, MSG_PEEK | MSG_WAITALL)).length, 4);
      const signal = AbortSignal.abort();
      assert.equal(await rejection(() => conn.recv(4, 0, { signal })), signal.reason);
      assert.equal(text(await conn.recv(4)), "data");
      assert.equal(await rejection(() => conn.sendall("not sent", 0, { signal })), signal.reason);
      const sends = [
        (signal: AbortSignal) => conn.sendall("not sent", 0, { signal }),
        (signal: AbortSignal) => conn.sendfile(new Blob(["not sent"]), 0, null, { signal }),
      ];
      for (const send of sends) {
        const reason = new SocketError("enough");
        assert.equal(await rejection(() => send(AbortSignal.abort(reason))), reason);
        assert.equal(reason.bytes_sent, 0);
      }
      await conn.sendall("sent");
      assert.equal(text(await client.recv(99)), "sent");
    });

    test("AbortSignal.timeout is not the library's timeout", async (scope) => {
      const [client] = await setting.pair(scope);
      const signal = AbortSignal.timeout(20);
      const error = await rejection(() => client.recv(1, 0, { signal }));
      assert.equal(error, signal.reason);
      assert.ok(!(error instanceof SocketError));
      assert.equal((error as Error).name, "TimeoutError");
    });

    test("the reason may be any value", async (scope) => {
      const [client] = await setting.pair(scope);
      for (const reason of [null, "text", 0]) {
        const controller = new AbortController();
        const waiting = rejection(() => client.recv(1, 0, { signal: controller.signal }));
        controller.abort(reason);
        assert.equal(await waiting, reason);
      }
    });

    it(
      "a receive and a send that wait for a connect end",
      { skip: setting.noStalled },
      bounded(async (scope) => {
        const s = setting.socket(scope);
        const connecting = s.connect(await setting.stalled(scope));
        const controller = new AbortController();
        const calls = [s.recv(1, 0, controller), s.sendall("x", 0, controller)];
        await sleep(10);
        controller.abort("enough");
        for (const call of calls) assert.equal(await rejection(() => call), "enough");
        s.settimeout(0.02);
        await rejects(() => s.recv(1), "ETIMEDOUT", "recv");
        const late = await rejects(() => s.sendall("x"), "ETIMEDOUT", "send");
        assert.equal(late.bytes_sent, 0);
        await s.close();
        await rejects(() => connecting, "EBADF", "connect");
      }),
    );

    it(
      "a receive and a send that wait for a connect fail with it, each in its own name",
      { skip: setting.noStalled },
      bounded(async (scope) => {
        const s = setting.socket(scope);
        s.settimeout(0.2);
        const address = await setting.stalled(scope);
        const connecting = s.connect(address);
        s.settimeout(9);
        const calls = [connecting, s.recv(1), s.sendall("x"), s.sendall("y")];
        const errors = await Promise.all(calls.map((call) => rejection(() => call)));
        const told = errors.map((error) => {
          const { code, syscall, bytes_sent } = error as SocketError;
          return [code, syscall, bytes_sent];
        });
        assert.deepEqual(told, [
          ["ETIMEDOUT", "connect", undefined],
          ["ETIMEDOUT", "recv", undefined],
          ["ETIMEDOUT", "send", 0],
          ["ETIMEDOUT", "send", 0],
        ]);
        assert.equal(new Set(errors).size, 4);
      }),
    );

    test("one of several waiting receives is aborted, the others keep their order", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const controller = new AbortController();
      const first = conn.recv(2);
      const second = rejection(() => conn.recv(2, 0, { signal: controller.signal }));
      const third = conn.recv(2);
      controller.abort("second");
      assert.equal(await second, "second");
      await client.sendall("aabb");
      assert.equal(text(await first), "aa");
      assert.equal(text(await third), "bb");
    });

    test("one of several waiting accepts is aborted, no connection is lost", async (scope) => {
      const server = await setting.server(scope);
      const controller = new AbortController();
      const aborted = rejection(() => server.accept({ signal: controller.signal }));
      const other = server.accept();
      controller.abort("first");
      assert.equal(await aborted, "first");
      const client = setting.socket(scope);
      await client.connect(server.getsockname());
      const [conn, address] = await other;
      scope.add(conn);
      assert.deepEqual(address, client.getsockname());
    });

    test("sendall that was aborted drops only what was not taken", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const controller = new AbortController();
      const { signal } = controller;
      const blocking = rejection(() => client.sendall(flood, 0, { signal }));
      const queued = rejection(() => client.sendall("never sent", 0, { signal }));
      const last = client.sendall("tail");
      await sleep(80);
      controller.abort("stop");
      assert.equal(await blocking, "stop");
      assert.equal(await queued, "stop");
      const received = receiveAll(conn);
      await last;
      await client.shutdown(SHUT_WR);
      const all = await received;
      assert.ok(all.length > 4 && all.length < flood.length);
      assert.equal(sha256(all.subarray(0, -4)), sha256(flood.subarray(0, all.length - 4)));
      assert.equal(text(all.subarray(-4)), "tail");
    });

    test("leaves no listener on the signal", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const { signal } = new AbortController();
      let listeners = 0;
      const { addEventListener, removeEventListener } = signal;
      signal.addEventListener = (...args: [string, EventListener]) => {
        listeners++;
        addEventListener.apply(signal, args);
      };
      signal.removeEventListener = (...args: [string, EventListener]) => {
        listeners--;
        removeEventListener.apply(signal, args);
      };
      for (let i = 0; i < 20; i++) {
        const waiting = conn.recv(9, 0, { signal });
        await sleep(1);
        await client.sendall("x", 0, { signal });
        await waiting;
      }
      conn.settimeout(0.01);
      await rejects(() => conn.recv(9, 0, { signal }), "ETIMEDOUT");
      const waiting = rejection(() => client.recv(9, 0, { signal }));
      await client.close();
      await waiting;
      assert.equal(listeners, 0);
    });

    test("any number of calls have one listener on it, and all end", async (scope) => {
      const [, conn] = await setting.pair(scope);
      const controller = new AbortController();
      const { signal } = controller;
      let listeners = 0;
      const { addEventListener } = signal;
      signal.addEventListener = (...args: [string, EventListener]) => {
        listeners++;
        addEventListener.apply(signal, args);
      };
      const waiting = Array.from(
        { length: 30 },
        () => rejection(() => conn.recv(9, 0, { signal })),
      );
      assert.equal(listeners, 1);
      controller.abort("all of you");
      assert.deepEqual(await Promise.all(waiting), Array(30).fill("all of you"));
    });
  });

  describe(`close while waiting, ${setting.name}`, () => {
    for (const call of calls) {
      it(
        `${call.name} ends with EBADF`,
        { skip: call.skip },
        bounded(async (scope) => {
          const [s, start] = await call.prepare(scope);
          s.settimeout(60);
          const { signal } = new AbortController();
          const waiting = rejects(() => start({ signal }), "EBADF", call.syscall);
          const plain = rejects(() => start(), call.name === "connect" ? "EALREADY" : "EBADF");
          await sleep(30);
          await s.close();
          await Promise.all([waiting, plain]);
          assert.equal(s.closed, true);
        }),
      );
    }

    test("every waiting receive ends", async (scope) => {
      const [client] = await setting.pair(scope);
      const waiting = Array.from({ length: 5 }, () => rejects(() => client.recv(1), "EBADF"));
      await client.close();
      await Promise.all(waiting);
    });

    test("the peer sees the end", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const waiting = rejects(() => client.recv(1), "EBADF");
      await client.close();
      await waiting;
      assert.equal((await conn.recv(1)).length, 0);
    });
  });

  describe(`calls that wait for a connect, ${setting.name}`, () => {
    for (const call of ["recv", "recv_into", "recvfrom"] as const) {
      test(`${call} keeps the order of the calls`, async (scope) => {
        // After as many microtasks as the steps of a connect may take.
        for (let pause = 0; pause < 10; pause++) {
          const server = await setting.server(scope);
          const client = setting.socket(scope);
          const connecting = client.connect(server.getsockname());
          const one = async (): Promise<string> => {
            const buffer = new Uint8Array(1);
            if (call === "recv_into") await client.recv_into(buffer);
            else if (call === "recv") buffer.set(await client.recv(1));
            else buffer.set((await client.recvfrom(1))[0]);
            return text(buffer);
          };
          const calls = [one()];
          const [conn] = await server.accept();
          scope.add(conn);
          for (let i = 0; i < pause; i++) await null;
          calls.push(one());
          await connecting;
          calls.push(one());
          await conn.sendall("ABC");
          assert.deepEqual(await Promise.all(calls), ["A", "B", "C"], `${pause} microtasks`);
        }
      });
    }

    test("sends keep the order of the calls, and who gives up holds up nobody", async (scope) => {
      for (let pause = 0; pause < 10; pause++) {
        const server = await setting.server(scope);
        const client = setting.socket(scope);
        const connecting = client.connect(server.getsockname());
        const given = new AbortController();
        const dropped = [
          rejection(() => client.sendall("-", 0, given)),
          rejection(() => client.recv(1, 0, given)),
        ];
        const calls: Promise<unknown>[] = [client.sendall("A"), client.send("B")];
        given.abort("not any more");
        assert.deepEqual(await Promise.all(dropped), ["not any more", "not any more"]);
        const [conn] = await server.accept();
        scope.add(conn);
        for (let i = 0; i < pause; i++) await null;
        calls.push(client.sendall("C"));
        await connecting;
        calls.push(client.sendall("D"));
        assert.equal(text(await receive(conn, 4)), "ABCD", `${pause} microtasks`);
        await Promise.all(calls);
      }
    });

    it(
      "they end with it",
      { skip: setting.noStalled },
      bounded(async (scope) => {
        const address = await setting.stalled(scope);
        const late = setting.socket(scope);
        late.settimeout(0.05);
        const attempt = rejects(() => late.connect(address), "ETIMEDOUT", "connect");
        late.settimeout(null);
        const behind = [rejection(() => late.recv(1)), rejection(() => late.sendall("x"))];
        assert.deepEqual((await attempt).address?.slice(0, 2), address, "it tells where to");
        for (const error of await Promise.all(behind)) assert.ok(error instanceof TimeoutError);

        const client = setting.socket(scope);
        const connecting = rejects(() => client.connect(address), "EBADF", "connect");
        const calls = [
          rejects(() => client.recv(1), "EBADF", "recv"),
          rejects(() => client.sendall("x"), "EBADF", "send"),
        ];
        await client.close();
        await Promise.all([connecting, ...calls]);
      }),
    );
  });

  describe(`an empty send behind one that waits, ${setting.name}`, () => {
    const nothing = new Uint8Array();
    const empty: Record<string, (s: Inet, options?: Options) => Promise<unknown>> = {
      send: (s, o) => s.send(nothing, 0, o),
      sendall: (s, o) => s.sendall(nothing, 0, o),
      sendmsg: (s, o) => s.sendmsg([], [], 0, null, o),
    };
    for (const [name, call] of Object.entries(empty)) {
      test(`${name} ends in its turn, with a timeout, a signal or neither`, async (scope) => {
        const [client, conn] = await setting.pair(scope);
        let isSent = false;
        const first = client.sendall(flood).then(() => isSent = true);
        const behind = async (timeout: number | null, options?: Options): Promise<void> => {
          client.settimeout(timeout);
          assert.equal(await call(client, options), name === "sendall" ? undefined : 0);
          assert.ok(isSent, "not before the first");
        };
        const { signal } = new AbortController();
        const calls = [behind(60), behind(null, { signal }), behind(null)];
        const last = client.sendall("end");
        const received = await receive(conn, flood.length + 3);
        assert.equal(text(received.subarray(-3)), "end");
        await Promise.all([first, ...calls, last]);
      });
    }

    const skip = setting.skip ||
      capabilities().reset !== "always" && "this runtime cannot reset an open connection";
    it(
      "fails as the send before it where the connection was reset",
      { skip },
      bounded(async (scope) => {
        const [client, conn] = await setting.pair(scope);
        const first = rejection(() => client.sendall(flood));
        const behind = [
          rejects(() => client.send(""), "EPIPE"),
          rejects(() => client.sendall(""), "EPIPE"),
        ];
        await sleep(20);
        conn.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
        await conn.close();
        assert.match((await first as SocketError).code, /^(ECONNRESET|EPIPE)$/);
        await Promise.all(behind);
      }),
    );
  });

  describe(`SO_SNDTIMEO, ${setting.name}`, () => {
    const tenth = timeval(100);
    const long = timeval(9000);

    it(
      "ends connect with EINPROGRESS, and the attempt goes on",
      { skip: setting.noStalled },
      bounded(async (scope) => {
        const address = await setting.stalled(scope);
        const client = setting.socket(scope);
        client.setsockopt(SOL_SOCKET, SO_SNDTIMEO, tenth);
        const begun = performance.now();
        const error = await rejects(() => client.connect(address), "EINPROGRESS", "connect");
        assert.deepEqual(error.address?.slice(0, 2), address);
        assert.ok(performance.now() - begun > 95);
        await rejects(() => client.connect(address), "EALREADY", "connect");
        assert.equal(client.getsockopt(SOL_SOCKET, SO_ERROR), 0);
        const waiting = rejects(() => client.recv(1), "EBADF", "recv");
        await client.close();
        await waiting;

        const own = setting.socket(scope);
        own.setsockopt(SOL_SOCKET, SO_SNDTIMEO, long);
        own.settimeout(0.05);
        await rejects(() => own.connect(address), "ETIMEDOUT", "connect");
      }),
    );

    test("leaves a connect alone that is quicker", async (scope) => {
      const server = await setting.server(scope);
      const client = setting.socket(scope);
      client.setsockopt(SOL_SOCKET, SO_SNDTIMEO, long);
      await client.connect(server.getsockname());
      const refused = setting.socket(scope);
      refused.setsockopt(SOL_SOCKET, SO_SNDTIMEO, long);
      const closed: [string, number] = [setting.host, await setting.freePort()];
      await rejects(() => refused.connect(closed), "ECONNREFUSED", "connect");
      assert.equal(refused.getsockopt(SOL_SOCKET, SO_ERROR), 0, "it is told once");
    });
  });

  describe(`without waiting, ${setting.name}`, () => {
    test("what cannot be done now is EAGAIN", async (scope) => {
      const server = await setting.server(scope);
      server.setblocking(false);
      assert.equal(server.getblocking(), false);
      assert.equal(server.gettimeout(), 0);
      const error = await rejects(() => server.accept(), "EAGAIN", "accept");
      assert.equal(error.errno, errno.EAGAIN);

      const [client, conn] = await setting.pair(scope);
      client.settimeout(0);
      assert.equal(client.getblocking(), false);
      await rejects(() => client.recv(1), "EAGAIN", "recv");
      await rejects(() => client.recv_into(new Uint8Array(1)), "EAGAIN", "recv");
      await rejects(() => client.recvfrom(1), "EAGAIN", "recvfrom");
      await rejects(() => client.recv(1, MSG_PEEK), "EAGAIN", "recv");
      await conn.sendall("now");
      await sleep(30);
      assert.equal(text(await client.recv(9)), "now");
      client.setblocking(true);
      assert.equal(client.gettimeout(), null);
      const waiting = client.recv(9);
      await conn.sendall("later");
      assert.equal(text(await waiting), "later");
    });

    test("accept takes a connection that is there", async (scope) => {
      const server = await setting.server(scope);
      server.setblocking(false);
      await rejects(() => server.accept(), "EAGAIN", "accept");
      for (let i = 0; i < 5; i++) {
        const client = setting.socket(scope);
        await client.connect(server.getsockname());
        await sleep(20);
        const [conn, address] = await server.accept();
        scope.add(conn);
        assert.deepEqual(address, client.getsockname());
        assert.equal(conn.gettimeout(), null);
      }
    });

    test("a frozen reason ends a send as it is", async (scope) => {
      const sends = [
        (s: Inet, signal: AbortSignal) => s.sendall(flood, 0, { signal }),
        (s: Inet, signal: AbortSignal) => s.sendfile(new Blob([flood]), 0, null, { signal }),
      ];
      for (const send of sends) {
        const [client] = await setting.pair(scope);
        const stop = new AbortController();
        const reason = Object.freeze(new SocketError("enough", { code: "ECANCELED" }));
        const sending = rejection(() => send(client, stop.signal));
        await sleep(50);
        stop.abort(reason);
        assert.equal(await sending, reason);
        assert.equal(reason.bytes_sent, undefined);
      }
    });

    test("send takes what fits and is then EAGAIN, and all of it arrives", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      client.setblocking(false);
      let sent = 0;
      for (;;) {
        const count = await client.send(flood.subarray(sent, sent + MiB)).catch((error) => error);
        if (typeof count !== "number") {
          await rejects(() => Promise.reject(count), "EAGAIN", "send");
          break;
        }
        assert.ok(count > 0, "0 bytes are not a success");
        sent += count;
        assert.ok(sent < flood.length, "a peer that does not read takes no flood");
      }
      const error = await rejects(() => client.sendall(flood), "EAGAIN", "send");
      sent += error.bytes_sent ?? assert.fail("an error of sendall has bytes_sent");
      client.setblocking(true);
      const received = receiveAll(conn);
      await client.sendall("tail");
      await client.shutdown(SHUT_WR);
      const all = await received;
      assert.equal(all.length, sent + 4);
      assert.equal(text(all.subarray(-4)), "tail");
    });

    test("connect is EINPROGRESS, then EALREADY, then EISCONN", async (scope) => {
      const server = await setting.server(scope);
      const client = setting.socket(scope);
      client.setblocking(false);
      const first = rejects(() => client.connect(server.getsockname()), "EINPROGRESS", "connect");
      const second = rejects(() => client.connect(server.getsockname()), "EALREADY", "connect");
      assert.equal((await first).errno, errno.EINPROGRESS);
      await second;
      await until(() => {
        try {
          return client.getpeername().length > 0;
        } catch {
          return false;
        }
      }, "getpeername tells that it is done");
      assert.equal(client.getsockopt(SOL_SOCKET, SO_ERROR), 0);
      await rejects(() => client.connect(server.getsockname()), "EISCONN", "connect");
      assert.equal(await client.connect_ex(server.getsockname()), errno.EISCONN);
      const [conn] = await server.accept();
      scope.add(conn);
      client.setblocking(true);
      await client.sendall("made it");
      assert.equal(text(await receive(conn, 7)), "made it");
    });

    test("SO_ERROR tells once how a refused connect ended", async (scope) => {
      const server = await setting.server(scope);
      const closed: [string, number] = [setting.host, await setting.freePort()];
      const client = setting.socket(scope);
      client.setblocking(false);
      assert.equal(await client.connect_ex(closed), errno.EINPROGRESS);
      let answer = 0;
      await until(() => {
        answer = client.getsockopt(SOL_SOCKET, SO_ERROR);
        return answer !== 0;
      }, "SO_ERROR tells");
      assert.equal(answer, errno.ECONNREFUSED);
      assert.equal(client.getsockopt(SOL_SOCKET, SO_ERROR), 0);
      throws(() => client.getpeername(), "ENOTCONN");
      client.setblocking(true);
      await client.connect(server.getsockname());
    });

    test("a second connect tells how a refused one ended", async (scope) => {
      const closed: [string, number] = [setting.host, await setting.freePort()];
      const client = setting.socket(scope);
      client.setblocking(false);
      await rejects(() => client.connect(closed), "EINPROGRESS", "connect");
      await until(
        async () => await client.connect_ex(closed) === errno.ECONNREFUSED,
        "connect tells how the first ended",
      );
    });

    test("the first send or receive tells how a refused connect ended", async (scope) => {
      const closed: [string, number] = [setting.host, await setting.freePort()];
      for (const call of ["send", "recv"] as const) {
        const client = setting.socket(scope);
        client.setblocking(false);
        await rejects(() => client.connect(closed), "EINPROGRESS", "connect");
        await sleep(50);
        const start = () => call === "send" ? client.send("x") : client.recv(1);
        await rejects(start, "ECONNREFUSED", call);
        assert.equal(client.getsockopt(SOL_SOCKET, SO_ERROR), 0, "it is told once");
      }
    });

    it(
      "an attempt that goes on can neither send nor receive, and can be closed",
      { skip: setting.noStalled },
      bounded(async (scope) => {
        const address = await setting.stalled(scope);
        const client = setting.socket(scope);
        client.setblocking(false);
        await rejects(() => client.connect(address), "EINPROGRESS", "connect");
        assert.equal(await client.connect_ex(address), errno.EALREADY);
        await rejects(() => client.recv(1), "EAGAIN", "recv");
        await rejects(() => client.send("x"), "EAGAIN", "send");
        throws(() => client.getpeername(), "ENOTCONN", "getpeername");
        assert.equal(client.getsockopt(SOL_SOCKET, SO_ERROR), 0);
        await client.close();
        await rejects(() => client.connect(address), "EBADF", "connect");
      }),
    );

    it(
      "an attempt that was given up can neither send nor receive, and another can be made",
      { skip: setting.noStalled },
      bounded(async (scope) => {
        const address = await setting.stalled(scope);
        const server = await setting.server(scope);
        const client = setting.socket(scope);
        client.settimeout(0.1);
        await rejects(() => client.connect(address), "ETIMEDOUT", "connect");
        await rejects(() => client.send("x"), "EPIPE", "send");
        await rejects(() => client.recv(1), "ENOTCONN", "recv");
        await rejects(() => client.connect(address), "ETIMEDOUT", "connect");
        client.settimeout(null);
        await client.connect(server.getsockname());
      }),
    );
  });
}

describe("a call that waits in a row", () => {
  /** Two sockets that are connected after 200 ms, and one that is at once. */
  async function setUp(scope: Scope) {
    const adapter = createMemoryAdapter();
    const open = () => scope.add(new Socket(AF_INET, SOCK_STREAM, 0, { adapter }));
    const server = open();
    await server.bind(["127.0.0.1", 0]);
    await server.listen();
    const other = open();
    await other.connect(server.getsockname());
    adapter.faults.delay(100);
    const s = open();
    return { s, other, connecting: s.connect(server.getsockname()) };
  }

  for (const [name, first] of [["recv", "recv"], ["sendall", "send"]] as const) {
    it(
      `ends by its timeout, counted from the call: ${name} behind a connect`,
      bounded(async (scope) => {
        const { s, other, connecting } = await setUp(scope);
        s.settimeout(0.4);
        const ends: string[] = [];
        const noted = async (call: Promise<unknown>): Promise<void> => {
          const { syscall } = await rejection(() => call) as SocketError;
          ends.push(String(syscall));
        };
        const flood = new Uint8Array(64 << 20);
        const call = noted(name === "recv" ? s.recv(1) : s.sendall(flood));
        await connecting;
        // Counted from here, the call would end after 0.4 s.
        other.settimeout(0.3);
        await Promise.all([call, noted(other.recvfrom(1))]);
        assert.deepEqual(ends, [first, "recvfrom"]);
      }),
    );
  }

  it(
    "ends by its timeout, counted from the call: a send behind a sendfile",
    bounded(async (scope) => {
      const { s, other, connecting } = await setUp(scope);
      await connecting;
      const flood = new Uint8Array(64 << 20);
      async function* slow(): AsyncGenerator<Uint8Array> {
        await sleep(200);
        yield Uint8Array.of(1);
      }
      const file = s.sendfile(slow());
      s.settimeout(0.4);
      const late = rejection(() => s.sendall(flood)).then(() => "behind");
      await file;
      // Counted from here, the call would end after 0.4 s.
      other.settimeout(0.3);
      const once = rejection(() => other.recv(1)).then(() => "other");
      assert.equal(await Promise.race([late, once]), "behind");
      await Promise.all([late, once]);
    }),
  );
});

/** Counts how often calls in a row are asked for their neighbour. */
let steps = 0;

class CallInRow implements InRow<CallInRow> {
  readonly syscall = "recv";
  previous: CallInRow | undefined;
  #next: CallInRow | undefined;

  get next(): CallInRow | undefined {
    steps++;
    return this.#next;
  }

  set next(call: CallInRow | undefined) {
    this.#next = call;
  }

  fail(): void {}
}

describe("calls in a row", () => {
  it("leave it from any place, and the others keep their order", () => {
    const random = new Random(1);
    for (let round = 0; round < 300; round++) {
      const row = new WaitQueue<CallInRow>();
      const expected: CallInRow[] = [];
      const left: CallInRow[] = [];
      for (let i = 0; i < 30; i++) {
        const way = random.integer(0, 5);
        // One that has left may come again.
        const call = way === 0 ? left.pop() ?? new CallInRow() : new CallInRow();
        if (way <= 1) {
          row.push(call);
          expected.push(call);
        } else if (way === 2) {
          row.unshift(call);
          expected.unshift(call);
        } else if (way === 3) {
          assert.equal(row.shift(), expected.shift());
        } else if (expected.length > 0) {
          const [gone] = expected.splice(random.integer(0, expected.length - 1), 1);
          row.remove(gone!);
          // Again, and one that was never in it.
          row.remove(gone!);
          row.remove(call);
          left.push(gone!);
        }
        assert.equal(row.first, expected[0]);
      }
      assert.deepEqual(row.takeAll(), expected);
    }
  });

  it("leave it from the end without a search", () => {
    const row = new WaitQueue<CallInRow>();
    const calls = Array.from({ length: 2000 }, () => new CallInRow());
    for (const call of calls) row.push(call);
    steps = 0;
    for (const call of calls.reverse()) row.remove(call);
    assert.ok(steps <= 4 * calls.length, `${steps} steps`);
  });
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
