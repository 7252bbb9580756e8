/** Calls that begin in one turn of the event loop: the second sees what the first has begun. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SOCK_DGRAM, SOCK_STREAM, Socket } from "../mod.ts";
import { bounded, rejects, type Scope, sleep } from "./support/scope.ts";
import { settings } from "./support/tcp.ts";

/** The codes of calls that were made together, "ok" for success; sorted. */
async function codes(calls: Promise<unknown>[]): Promise<string[]> {
  const ends = await Promise.allSettled(calls);
  return ends.map((end) => end.status === "fulfilled" ? "ok" : String(end.reason.code)).sort();
}

for (const setting of settings) {
  const test = (name: string, body: (scope: Scope) => Promise<void>) =>
    it(name, { skip: setting.skip }, bounded(body));

  describe(`calls at once, ${setting.name}`, () => {
    for (const type of [SOCK_STREAM, SOCK_DGRAM]) {
      const kind = type === SOCK_STREAM ? "TCP" : "UDP";
      const socketOf = (scope: Scope): Socket => {
        const { adapter, family } = setting;
        return scope.add(new Socket(family, type, 0, { adapter }));
      };

      test(`one of several binds of a ${kind} port gets it`, async (scope) => {
        const first = socketOf(scope);
        await first.bind([setting.host, 0]);
        const [, port] = first.getsockname();
        await first.close();
        const sockets = [socketOf(scope), socketOf(scope), socketOf(scope)];
        const binds = sockets.map((s) => s.bind([setting.host, port]));
        assert.deepEqual(await codes(binds), ["EADDRINUSE", "EADDRINUSE", "ok"]);
        // The claim of the one that is closed is gone, those of the others never were.
        for (const s of sockets) await s.close();
        await socketOf(scope).bind([setting.host, port]);
      });

      test(`two binds of one ${kind} socket`, async (scope) => {
        const s = socketOf(scope);
        const binds = [s.bind([setting.host, 0]), s.bind([setting.host, 0])];
        assert.deepEqual(await codes(binds), ["EINVAL", "ok"]);
        await rejects(() => s.bind([setting.host, 0]), "EINVAL", "bind");
      });

      test(`a bind of a ${kind} socket that is closed at once`, async (scope) => {
        const probe = socketOf(scope);
        await probe.bind([setting.host, 0]);
        const [, port] = probe.getsockname();
        await probe.close();
        const s = socketOf(scope);
        const ends = codes([s.bind([setting.host, port]), s.close()]);
        assert.deepEqual(await ends, ["EBADF", "ok"]);
        const next = socketOf(scope);
        await next.bind([setting.host, port]);
        assert.equal(next.getsockname()[1], port);
      });
    }

    test("a listen and what may not be done meanwhile", async (scope) => {
      const s = await setting.bound(scope);
      const ends = codes([
        s.listen(),
        s.bind([setting.host, 0]),
        s.connect([setting.host, 1]),
        s.accept(),
      ]);
      assert.deepEqual(await ends, ["EINVAL", "EINVAL", "EINVAL", "ok"]);
      const client = setting.socket(scope);
      await client.connect(s.getsockname());
      scope.add((await s.accept())[0]);
    });

    test("a listen of a socket that is closed at once", async (scope) => {
      const s = await setting.bound(scope);
      const address = s.getsockname();
      assert.deepEqual(await codes([s.listen(), s.close()]), ["EBADF", "ok"]);
      await sleep(0);
      const next = setting.socket(scope);
      await next.bind(address);
      await next.listen();
    });

    test("a connect and what may not be done meanwhile", async (scope) => {
      const server = await setting.server(scope);
      const s = setting.socket(scope);
      const address = server.getsockname();
      const ends = codes([
        s.connect(address),
        s.connect(address),
        s.bind([setting.host, 0]),
        s.listen(),
      ]);
      assert.deepEqual(await ends, ["EALREADY", "EINVAL", "EINVAL", "ok"]);
      scope.add((await server.accept())[0]);
    });

    test("what was not awaited is named by the call that it stops", async (scope) => {
      const s = setting.socket(scope);
      const binding = s.bind([setting.host, 0]);
      const { message } = await rejects(() => s.listen(), "EINVAL", "listen");
      assert.match(message, /bind is under way: await it first/);
      await binding;
      const listening = s.listen();
      const refused = await rejects(() => s.accept(), "EINVAL", "accept");
      assert.match(refused.message, /listen is under way: await it first/);
      await listening;
    });
  });
}
