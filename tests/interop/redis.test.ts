// The Redis client against redis-server.

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  example,
  folder,
  freePort,
  listening,
  missing,
  other,
  redirected,
  run,
} from "../support/examples.ts";
import { checkNothingLeft, noDescriptors } from "../support/outside.ts";
import { start } from "../support/process.ts";
import { bounded, type Scope } from "../support/scope.ts";

const skip = missing("redis-server");
const permissions = ["--allow-net=127.0.0.1"];

async function redis(scope: Scope): Promise<number> {
  const port = await freePort();
  const program = other(scope, [
    "redis-server",
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder(scope)],
    ...["--save", "", "--appendonly", "no", "--daemonize", "no"],
  ]);
  await listening(port, program);
  return port;
}

describe("redis.ts and redis-server", () => {
  it(
    "sets, gets, counts, lists and reports errors",
    { skip },
    bounded(async (scope) => {
      const port = await redis(scope);
      const command = async (...words: string[]): Promise<[number | null, string]> => {
        const { code, stdout, stderr } = await run(
          scope,
          "redis",
          ["--port", port, "--", ...words],
          permissions,
        ).exit();
        return [code, stdout + stderr];
      };
      assert.deepEqual(await command("SET", "greeting", "Grüße"), [0, "OK\n"]);
      assert.deepEqual(await command("GET", "greeting"), [0, "Grüße"]);
      assert.deepEqual(await command("GET", "nothing"), [0, "(nil)\n"]);
      assert.deepEqual(await command("RPUSH", "list", "a", "b"), [0, "(integer) 2\n"]);
      assert.deepEqual(await command("LRANGE", "list", "0", "-1"), [0, '1) "a"\n2) "b"\n']);
      assert.deepEqual(await command("INCR", "greeting"), [
        1,
        "(error) ERR value is not an integer or out of range\nredis: 1 of 1 commands failed\n",
      ]);
    }),
  );

  it(
    "pipelines 10,000 commands",
    { skip },
    bounded(async (scope) => {
      const port = await redis(scope);
      const program = run(scope, "redis", ["--port", port], permissions);
      program.write("INCR counter\n".repeat(10_000));
      program.end();
      const { code, stdout, stderr } = await program.exit();
      assert.equal(code, 0, stderr);
      const expected = Array.from({ length: 10_000 }, (_, i) => `(integer) ${i + 1}\n`);
      assert.equal(stdout, expected.join(""));
    }),
  );

  it(
    "keeps a value of 64 MiB",
    { skip },
    bounded(async (scope) => {
      const port = await redis(scope);
      const [input, output] = [join(folder(scope), "value"), join(folder(scope), "got")];
      const value = Buffer.concat(Array(64).fill(randomBytes(2 ** 20)));
      writeFileSync(input, value);
      const set = example("redis", ["--port", port, "-x", "SET", "big"], permissions);
      const put = await scope.add(start(redirected(set, { input }))).exit();
      assert.deepEqual([put.code, put.stdout], [0, "OK\n"], put.stderr);
      const get = example("redis", ["--port", port, "GET", "big"], permissions);
      const got = await scope.add(start(redirected(get, { output }))).exit();
      assert.equal(got.code, 0, got.stderr);
      const sha = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");
      assert.equal(sha(readFileSync(output)), sha(value));
    }, 60_000),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
