/** Bun's adapter where there is no C library that it knows: the same tests, by Bun's own API alone. */

import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { start } from "./support/process.ts";
import { runtimeName } from "./support/runtime.ts";
import { bounded } from "./support/scope.ts";

const notBun: string | false = runtimeName !== "bun" && "it is about a part of Bun's adapter";

describe("Bun without libc", () => {
  for (const subject of ["tcp_conversation", "tcp_states", "options", "udp"]) {
    it(
      `${subject} holds`,
      { skip: notBun },
      bounded(async (scope) => {
        const preload = fileURLToPath(new URL("./peers/without_libc.ts", import.meta.url));
        const file = fileURLToPath(new URL(`./${subject}.test.ts`, import.meta.url));
        const program = scope.add(
          start([process.execPath, "test", "--preload", preload, file]),
        );
        const { code, stderr } = await program.exit();
        assert.equal(
          code,
          0,
          stderr.split("\n").filter((line) => !line.startsWith("(pass)")).join("\n"),
        );
      }),
    );
  }
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
