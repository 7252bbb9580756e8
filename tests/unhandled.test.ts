/** No rejection and no exception goes unhandled, and no test file would pass that had one. */

import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { start } from "./support/process.ts";
import { isCompiled, launch, runtimeName } from "./support/runtime.ts";
import { bounded, rejection, type Scope } from "./support/scope.ts";
import { tally } from "./support/tally.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const noRunner = isCompiled && "the runner of the tests is no part of the npm package";

describe("nothing is unhandled", () => {
  it(
    "where a program drops the promises of its calls",
    bounded(async (scope) => {
      const program = new URL("./peers/dropped.ts", import.meta.url);
      const { stdout, stderr, code } = await scope.add(start(launch(program))).exit();
      assert.equal(code, 0, stderr);
      const { ways, unhandled } = JSON.parse(stdout) as { ways: number; unhandled: string[] };
      assert.deepEqual(unhandled, []);
      const what = "promises of all calls, dropped, which fail";
      tally({ what, tried: ways, unit: "ways to fail", lost: unhandled.length });
    }),
  );
});

describe("the runner fails a file", () => {
  for (const name of ["rejection", "late_rejection", "exception", "listener"]) {
    it(
      `of passing tests with an unhandled ${name.replace("_", " ")}`,
      { skip: noRunner },
      bounded(async (scope) => assert.match(await result(scope, name), /^ +FAILED /m)),
    );
  }

  it(
    "and no other",
    { skip: noRunner },
    bounded(async (scope) => assert.match(await result(scope, "none"), /^ +ok /m)),
  );
});

describe("a test's body that fails", () => {
  const bad = { close: () => Promise.reject(new Error("no close")) };

  it("closes all that it has opened, and its own error comes first", async () => {
    const closed: number[] = [];
    const failing = bounded((scope) => {
      for (const n of [1, 2]) scope.add({ close: () => closed.push(n) });
      scope.add(bad);
      return Promise.reject(new Error("no test"));
    });
    const error = await rejection(failing);
    assert.ok(error instanceof AggregateError);
    assert.deepEqual(error.errors.map(({ message }) => message), ["no test", "no close"]);
    assert.equal(error.message, "no test; no close");
    assert.deepEqual(closed, [2, 1]);
  });

  it("fails with the one error that there is", async () => {
    const own = new Error("no test");
    assert.equal(await rejection(bounded(() => Promise.reject(own))), own);
    const closing = bounded((scope) => {
      scope.add(bad);
      return Promise.resolve();
    });
    assert.equal((await rejection(closing) as Error).message, "no close");
  });
});

/** What the runner says of a file, on the runtime of this test. */
async function result(scope: Scope, name: string): Promise<string> {
  const node = runtimeName === "node" ? process.execPath : "node_modules/node/bin/node";
  const file = `tests/support/unhandled/${name}.ts`;
  const command = ["scripts/test.mjs", `--runtime=${runtimeName}`, file];
  const program = scope.add(start([node, ...command], { cwd: root }));
  const { stdout, stderr, code } = await program.exit();
  assert.equal(code, name === "none" ? 0 : 1, stdout + stderr);
  return stdout;
}

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
