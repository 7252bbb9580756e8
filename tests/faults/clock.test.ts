/** A wall clock that is set forward or back moves no timeout. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkNothingLeft, noDescriptors } from "../support/outside.ts";
import { start } from "../support/process.ts";
import { launch } from "../support/runtime.ts";
import { bounded } from "../support/scope.ts";
import { tally } from "../support/tally.ts";

const expected: Record<string, string> = {
  recv: "ETIMEDOUT",
  accept: "ETIMEDOUT",
  sendall: "ETIMEDOUT",
  datagrams: "ETIMEDOUT",
  SO_RCVTIMEO: "EAGAIN",
};

describe("a wall clock that is set", () => {
  it(
    "by a day while calls wait ends none of them early or late",
    bounded(async (scope) => {
      const program = new URL("../peers/clock.ts", import.meta.url);
      const { stdout, stderr } = await scope.add(start(launch(program))).exit();
      assert.notEqual(stdout, "", stderr);
      const told = JSON.parse(stdout) as Record<string, [code: string, milliseconds: number][]>;
      assert.deepEqual(Object.keys(told), Object.keys(expected));
      let tried = 0;
      for (const [name, waits] of Object.entries(told)) {
        for (const [code, milliseconds] of waits) {
          assert.equal(code, expected[name], name);
          // Timers may fire a little early; a loaded machine is late.
          assert.ok(milliseconds > 295 && milliseconds < 10_000, `${name}: ${milliseconds} ms`);
          tried++;
        }
      }
      tally({ what: "a wall clock that is set while a call waits", tried, unit: "calls", lost: 0 });
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
