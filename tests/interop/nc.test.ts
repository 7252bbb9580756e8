// nc.ts against OpenBSD's nc and against socat, each side the server once.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
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
import { noSs, ss } from "../support/outside.ts";
import { type Program, start } from "../support/process.ts";
import { bounded, type Scope, until } from "../support/scope.ts";

const noNc = missing("nc");
const noSocat = missing("socat");

/** A megabyte to send, and where to put what comes. */
function files(scope: Scope): { sent: Uint8Array; input: string; output: string } {
  const home = folder(scope);
  const [sent, input, output] = [randomBytes(2 ** 20), join(home, "in"), join(home, "out")];
  writeFileSync(input, sent);
  return { sent, input, output };
}

/** Waits for a listener without connecting to it, which would take the one caller's place. */
async function announced(port: number): Promise<void> {
  await until(() => ss(port).some((line) => line.state === "LISTEN"), "a listener", 10_000);
}

async function ends(program: Program): Promise<void> {
  const { code, stderr } = await program.exit();
  assert.equal(code, 0, stderr);
}

describe("nc.ts", () => {
  it(
    "sends to nc -l",
    { skip: noNc || noSs },
    bounded(async (scope) => {
      const [port, { sent, input, output }] = [await freePort(), files(scope)];
      const listen = other(
        scope,
        redirected(["nc", "-l", "-N", "127.0.0.1", String(port)], {
          output,
        }),
      );
      listen.end();
      await announced(port);
      const send = example("nc", ["-N", "127.0.0.1", port]);
      await ends(scope.add(start(redirected(send, { input }))));
      await ends(listen);
      assert.deepEqual(new Uint8Array(readFileSync(output)), new Uint8Array(sent));
    }),
  );

  it(
    "listens for nc, and ends when it has",
    {
      skip: noNc || noSs,
    },
    bounded(async (scope) => {
      const [port, { sent, input, output }] = [await freePort(), files(scope)];
      const listen = example("nc", ["-l", "-N", "127.0.0.1", port]);
      const server = scope.add(start(redirected(listen, { output })));
      await announced(port);
      const client = other(
        scope,
        redirected(["nc", "-N", "127.0.0.1", String(port)], {
          input,
        }),
      );
      await ends(client);
      await ends(server);
      assert.deepEqual(new Uint8Array(readFileSync(output)), new Uint8Array(sent));
    }),
  );

  it(
    "gets its own back from socat",
    { skip: noSocat },
    bounded(async (scope) => {
      const [port, { sent, input, output }] = [await freePort(), files(scope)];
      const address = `TCP-LISTEN:${port},bind=127.0.0.1,reuseaddr,fork`;
      const echo = other(scope, ["socat", "-t5", address, "EXEC:cat"]);
      await listening(port, echo);
      const command = example("nc", ["-N", "127.0.0.1", port]);
      await ends(scope.add(start(redirected(command, { input, output }))));
      assert.deepEqual(new Uint8Array(readFileSync(output)), new Uint8Array(sent));
    }),
  );

  it(
    "speaks UDP with socat and gives up when nothing more comes",
    {
      skip: noSocat,
    },
    bounded(async (scope) => {
      const port = await freePort();
      const address = `UDP-RECVFROM:${port},bind=127.0.0.1,reuseaddr,fork`;
      other(scope, ["socat", address, "SYSTEM:tr a-z A-Z"]);
      await new Promise((resolve) => setTimeout(resolve, 300));
      const client = run(scope, "nc", ["-u", "-w", 1, "127.0.0.1", port]);
      client.write("datagram");
      client.end();
      const { code, stdout, stderr } = await client.exit();
      assert.deepEqual([code, stdout], [0, "DATAGRAM"], stderr);
    }),
  );

  it(
    "listens on a UNIX socket for nc -U",
    { skip: noNc },
    bounded(async (scope) => {
      const path = join(folder(scope), "socket");
      const permissions = [
        `--allow-net=unix:${path}`,
        `--allow-read=${path}`,
        `--allow-write=${path}`,
      ];
      const server = run(scope, "nc", ["-l", "-N", "-U", path], permissions);
      await until(() => existsSync(path), "the socket's file", 10_000);
      const client = other(scope, ["nc", "-N", "-U", path]);
      client.write("question\n");
      assert.equal(await server.line(), "question");
      server.write("answer\n");
      assert.equal(await client.line(), "answer");
      client.end();
      assert.equal((await client.exit()).code, 0);
      await ends(server);
    }),
  );
});
