/**
 * Random programs on two or more sockets: the library, in memory and on the system's network, against a model of BSD
 * sockets and against Python's socket on this kernel, call by call. Another seed: `BSDSOCK_MODEL_SEED=7`. Most of them run
 * in memory, where nothing hangs on the load of the machine; `npm run soak` runs thousands on the system's network.
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { type Adapter, capabilities, createMemoryAdapter, getAdapter } from "../../mod.ts";
import { checkNothingLeft, noDescriptors } from "../support/outside.ts";
import { hasPython } from "../support/process.ts";
import { isCompiled, runtimeName } from "../support/runtime.ts";
import { tally } from "../support/tally.ts";
import { checkMany, type Difference, Laboratory } from "./check.ts";
import { NOT_GENERATED, rowNames } from "./differences.ts";
import { generate, type Predicted } from "./generate.ts";
import { shrink } from "./shrink.ts";

const SEED = Number(process.env["BSDSOCK_MODEL_SEED"] ?? 1);
const PROGRAMS = 2000;
const NATIVE_PROGRAMS = 200;

const notLinux = process.platform !== "linux" && `the model is Linux's, not ${process.platform}'s`;

async function run(
  makeAdapter: () => Adapter,
  firstSeed: number,
  programs: number,
): Promise<number> {
  const laboratory = new Laboratory(hasPython && !notLinux, 110_000);
  try {
    const limits = { firstSeed, programs, time: 100_000 };
    const report = await checkMany(laboratory, makeAdapter, limits);
    assert.equal(report.failures.length, 0, `\n${report.failures.join("\n\n")}`);
    assert.equal(report.programs, programs, "not all programs have run in time");
    return programs;
  } finally {
    await laboratory.close();
  }
}

describe("generated programs give what the model says", () => {
  it(`${PROGRAMS} from seed ${SEED}, in memory`, async () => {
    const tried = await run(createMemoryAdapter, SEED, PROGRAMS);
    tally({ what: "generated programs in memory, call by call", tried, unit: "programs", lost: 0 });
  });

  const withoutNames = runtimeName === "node" &&
    capabilities().options["SOCK_STREAM"]?.["TCP_CORK"] === undefined &&
    "Node before 26 does not tell the name of a UNIX peer";
  it(`${NATIVE_PROGRAMS} from seed ${SEED}, on the system's network`, {
    skip: notLinux || withoutNames,
  }, async () => {
    const adapter = getAdapter();
    const tried = await run(() => adapter, SEED, NATIVE_PROGRAMS);
    const what = "generated programs on the system's network, call by call";
    tally({ what, tried, unit: "programs", lost: 0 });
  });
});

describe("the test itself", () => {
  it("makes the same program of the same seed", () => {
    assert.deepEqual(generate(42), generate(42));
    assert.notDeepEqual(generate(42).steps, generate(43).steps);
  });

  it("shrinks a program that fails to the calls that matter", async () => {
    // As if every shutdown(SHUT_WR) of a connection were wrong.
    const check = (program: Predicted): Promise<Difference | undefined> => {
      const at = program.steps.findIndex(({ op, how }, i) =>
        op === "shutdown" && how === "SHUT_WR" && program.results[i] === "ok"
      );
      const expected = program.results[at]!;
      return Promise.resolve(
        at < 0 ? undefined : { program, at, who: "library", expected, actual: "!EINVAL" },
      );
    };
    let seed = 1;
    while (await check(generate(seed)) === undefined) seed++;
    const lines = (await shrink((await check(generate(seed)))!, check)).split("\n");
    assert.match(lines.at(-1)!, /shutdown\(SHUT_WR\); {2}\/\/ gives !EINVAL, expected ok$/);
    assert.ok(lines.length <= 7, lines.join("\n"));
  });

  const noDocs = isCompiled && "the docs are no part of the package";
  it("knows no difference that is not in docs/differences.md", { skip: noDocs }, () => {
    const page = readFileSync(new URL("../../docs/differences.md", import.meta.url), "utf8");
    for (const name of [...rowNames, ...Object.keys(NOT_GENERATED)]) {
      assert.ok(page.includes(`| ${name} `), `no row: ${name}`);
    }
  });
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
