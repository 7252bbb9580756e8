/** A process without free descriptors: every call says so, nothing spins but Bun's `accept`, and all goes on when there are some again. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { start } from "./support/process.ts";
import { launch, runtimeName } from "./support/runtime.ts";
import { bounded, type Scope } from "./support/scope.ts";

const noUlimit = process.platform !== "linux" && "ulimit and /dev/null are tried on Linux";

interface Told {
  readonly [name: string]: string | number;
}

async function starved(scope: Scope): Promise<Told> {
  const folder = mkdtempSync(join(tmpdir(), "bsdsock-"));
  scope.add({ close: () => rmSync(folder, { recursive: true }) });
  const command = launch(new URL("./peers/starved.ts", import.meta.url), [join(folder, "s")], {
    permissions: ["--allow-all"],
  });
  const program = scope.add(start(["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", ...command]));
  const { stdout, stderr } = await program.exit();
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout) as Told;
}

describe("no free descriptors", () => {
  it(
    "is EMFILE from every call, and a listener goes on afterwards",
    { skip: noUlimit },
    bounded(async (scope) => {
      const { cpu, accept, path, server, ...told } = await starved(scope);
      assert.deepEqual(told, {
        before: "ok",
        "all used": "Error: EMFILE: too many open files, open '/dev/null'",
        connect: `connect EMFILE ${server}`,
        bind: "bind EMFILE 127.0.0.1:0",
        listen: "listen EMFILE 0.0.0.0:0",
        unix: `bind EMFILE ${path}`,
        udp: "bind EMFILE 127.0.0.1:0",
        "udp connect": "connect EMFILE 127.0.0.1:9",
        udp6: "sendto EMFILE [::1]:9",
        lookup: "getaddrinfo EMFILE",
        "accept again": "ok",
      });
      // libuv accepts and closes such a connection, and Bun keeps silent; Deno alone tells.
      assert.equal(accept, `accept ${runtimeName === "deno" ? "EMFILE" : "ETIMEDOUT"}`);
      // Bun 1.4 tries accept(2) again without a rest.
      if (runtimeName !== "bun") assert.ok(Number(cpu) < 75, `${cpu} ms of CPU in 1.5 s`);
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
