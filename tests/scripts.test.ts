/** The commands of package.json: what is wrong with a command line is said in one line, and nothing is done. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { start } from "./support/process.ts";
import { isCompiled, runtimeName } from "./support/runtime.ts";
import { bounded, type Scope } from "./support/scope.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const skip = isCompiled && "the scripts are not in the npm package";

/** What npm runs for a command: the words of `node scripts/NAME.mjs`. */
function commands(): Record<string, string> {
  return JSON.parse(readFileSync(join(root, "package.json"), "utf8")).scripts;
}

/** How a command ends that is given these arguments. */
async function ends(scope: Scope, name: string, args: readonly string[]): Promise<unknown[]> {
  const node = runtimeName === "node" ? process.execPath : "node_modules/node/bin/node";
  const [, script = ""] = commands()[name]?.split(" ") ?? [];
  const program = scope.add(start([node, script, ...args], { cwd: root }));
  const { code, stdout, stderr } = await program.exit();
  return [code, stdout, stderr];
}

describe("a command refuses", () => {
  it(
    "an option that is not its own, with exit code 2 and what it takes",
    { skip },
    bounded(async (scope) => {
      const names = Object.keys(commands());
      assert.ok(names.length > 8);
      await Promise.all(names.map(async (name) => {
        const [code, stdout, stderr] = await ends(scope, name, ["--bogus"]);
        assert.deepEqual([code, stdout], [2, ""], `${name}: ${stderr}`);
        assert.match(String(stderr), /^Unknown option '--bogus'; usage: npm .*\n$/, name);
      }));
    }),
  );

  for (
    const [name, arg, why] of [
      ["test", "--runtime=node,perl", "unknown: perl"],
      ["test", "tests/nothing.test.ts", "no such test: tests/nothing.test.ts"],
      ["soak", "--minutes=many", "--minutes must be a number, not many"],
      ["soak", "--seed=", "--seed must be a number, not "],
      ["soak", "--runtime=perl", "unknown: perl"],
      ["coverage", "tests/nothing", "no such test: tests/nothing"],
      ["bench", "--rounds=0", "not a number of rounds: 0"],
      ["check", "docs", "Unexpected argument 'docs'"],
    ] as const
  ) {
    it(
      `${name} ${arg}`,
      { skip: skip || (name === "bench" && process.platform !== "linux" && "it needs Linux") },
      bounded(async (scope) => {
        const [code, stdout, stderr] = await ends(scope, name, [arg]);
        assert.deepEqual([code, stdout], [2, ""], String(stderr));
        const [said, usage] = String(stderr).split("; usage: ");
        assert.equal(said, why);
        assert.match(usage ?? "", /^npm [^\n]+\n$/);
      }),
    );
  }
});
