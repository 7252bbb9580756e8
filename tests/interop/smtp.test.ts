// smtp_send.ts against exim.

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { folder, freePort, listening, missing, other, run } from "../support/examples.ts";
import { checkNothingLeft, noDescriptors } from "../support/outside.ts";
import type { Exit } from "../support/process.ts";
import { bounded, type Scope } from "../support/scope.ts";

const skip = missing("exim4");

/** An exim that keeps what it gets in its spool, for addresses at example.org. */
async function exim(scope: Scope): Promise<[port: number, spool: string]> {
  const [port, home] = [await freePort(), folder(scope)];
  const config = join(home, "conf");
  writeFileSync(
    config,
    `primary_hostname = mail.test
spool_directory = ${home}/spool
log_file_path = ${home}/%slog
pid_file_path = ${home}/pid
queue_only = true
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
keep_environment =
add_environment = PATH=/usr/bin
acl_smtp_rcpt = check
begin acl
check:
  deny domains = !example.org
       message = no such domain here
  accept
`,
  );
  const program = other(scope, ["exim4", "-C", config, "-bdf", "-oX", `127.0.0.1.${port}`]);
  await listening(port, program);
  return [port, `${home}/spool/input`];
}

function send(
  scope: Scope,
  port: number,
  recipients: readonly string[],
  mail: string,
): Promise<Exit> {
  const args = ["127.0.0.1", port, "ann@example.org", ...recipients];
  const program = run(scope, "smtp_send", args, ["--allow-net=127.0.0.1"]);
  program.write(mail);
  program.end();
  return program.exit();
}

describe("smtp_send.ts and exim", () => {
  it(
    "delivers a mail, its dots and its letters",
    { skip },
    bounded(async (scope) => {
      const [port, spool] = await exim(scope);
      const body = ".one\nGrüße\n..\n.\n\nend\n";
      const to = ["bob@example.org", "cid@example.org"];
      const done = await send(scope, port, to, `Subject: dots\n\n${body}`);
      assert.deepEqual([done.code, done.stderr], [0, ""]);
      const [data, head] = readdirSync(spool).sort().map((name) =>
        readFileSync(join(spool, name), "utf8")
      );
      // The first line of the file is its own name.
      assert.equal(data!.slice(data!.indexOf("\n") + 1), body);
      assert.match(head!, /Subject: dots/);
      for (const recipient of to) assert.match(head!, new RegExp(`^${recipient}$`, "m"));
    }),
  );

  it(
    "tells what the server refuses",
    { skip },
    bounded(async (scope) => {
      const [port, spool] = await exim(scope);
      const done = await send(scope, port, ["bob@elsewhere.test"], "\nhello\n");
      assert.equal(done.code, 1);
      assert.equal(done.stderr, "smtp_send: the server says: 550 no such domain here\n");
      assert.deepEqual(existsSync(spool) ? readdirSync(spool) : [], []);
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
