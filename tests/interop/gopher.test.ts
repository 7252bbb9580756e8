// The gopher client against gophernicus, and the gopher server against curl and Python.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  example,
  find,
  folder,
  missing,
  other,
  redirected,
  run,
  server,
} from "../support/examples.ts";
import { checkNothingLeft, noDescriptors } from "../support/outside.ts";
import { noPeer } from "../support/peers.ts";
import { python, start } from "../support/process.ts";
import { bounded, type Scope } from "../support/scope.ts";

const picture = randomBytes(300_000);

/** A folder to serve: a text, a picture and a folder in it, and a link that leads out. */
function site(scope: Scope): string {
  const made = folder(scope);
  mkdirSync(join(made, "pub", "more"), { recursive: true });
  writeFileSync(join(made, "pub", "hello.txt"), "Hello, gopher\n.hidden dot\nlast line\n");
  writeFileSync(join(made, "pub", "bytes.bin"), picture);
  writeFileSync(join(made, "pub", "more", "deep.txt"), "deep\n");
  writeFileSync(join(made, "secret.txt"), "secret\n");
  symlinkSync(join(made, "secret.txt"), join(made, "pub", "out.txt"));
  return join(made, "pub");
}

/**
 * gophernicus as inetd starts it: the connection itself is its input and output. (Behind a pair of
 * pipes, as `socat SYSTEM:` has them, the end of an answer may be lost when the program ends.)
 */
async function gophernicus(scope: Scope): Promise<number> {
  const program = scope.add(python(
    `
    import os, socket, subprocess, sys
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    print(port)
    command = [sys.argv[1], "-nf", "-r", sys.argv[2], "-h", "127.0.0.1", "-p", str(port)]
    # It refuses to run as root.
    user = "nobody" if os.getuid() == 0 else None
    while True:
        conn, _ = listener.accept()
        subprocess.Popen(command, stdin=conn, stdout=conn, user=user)
        conn.close()`,
    [find("gophernicus")!, site(scope)],
  ));
  return await program.json<number>();
}

describe("gopher.ts and gophernicus", () => {
  const skip = missing("gophernicus") || noPeer;

  it(
    "shows a menu, and who talked to whom",
    { skip },
    bounded(async (scope) => {
      const port = await gophernicus(scope);
      const { code, stdout, stderr } = await run(scope, "gopher", ["127.0.0.1", "--port", port])
        .exit();
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^\[0\] hello\.txt.* {2}\/hello\.txt {2}127\.0\.0\.1:\d+$/m);
      assert.match(stdout, /^\[1\] more/m);
      assert.match(stderr, new RegExp(`^127\\.0\\.0\\.1 \\d+ to 127\\.0\\.0\\.1 ${port}$`, "m"));
    }),
  );

  it(
    "gets a text and a file of bytes",
    { skip },
    bounded(async (scope) => {
      const port = await gophernicus(scope);
      const text = await run(scope, "gopher", ["127.0.0.1", "/hello.txt", "--port", port]).exit();
      assert.match(text.stdout, /^Hello, gopher\r?\n/, text.stderr);
      const output = join(folder(scope), "got");
      const command = example("gopher", ["127.0.0.1", "/bytes.bin", "--port", port]);
      const { code, stderr } = await scope.add(start(redirected(command, { output }))).exit();
      assert.equal(code, 0, stderr);
      assert.ok(picture.equals(readFileSync(output)));
    }),
  );

  it(
    "recognises what does not exist",
    { skip },
    bounded(async (scope) => {
      const port = await gophernicus(scope);
      // The second is asked for as a menu, and answered in another form.
      for (const selector of ["/nothing", "/nothing/"]) {
        const done = await run(scope, "gopher", ["127.0.0.1", selector, "--port", port]).exit();
        assert.equal(done.code, 8, done.stderr);
        assert.equal(done.stdout, "");
      }
    }),
  );
});

describe("gopher_server.ts", () => {
  const serve = (scope: Scope): Promise<[unknown, number]> => {
    const root = site(scope);
    return server(scope, "gopher_server", [root, 0], ["--allow-net", `--allow-read=${root}`]);
  };
  const noCurl = missing("curl");

  it(
    "serves curl",
    { skip: noCurl },
    bounded(async (scope) => {
      const [, port] = await serve(scope);
      const get = async (selector: string): Promise<string> => {
        const url = `gopher://127.0.0.1:${port}/${selector}`;
        const { code, stdout, stderr } = await other(scope, ["curl", "-sS", url]).exit();
        assert.equal(code, 0, stderr);
        return stdout;
      };
      assert.equal(
        await get("1/"),
        `9bytes.bin\t/bytes.bin\t127.0.0.1\t${port}\r\n` +
          `0hello.txt\t/hello.txt\t127.0.0.1\t${port}\r\n` +
          `1more\t/more\t127.0.0.1\t${port}\r\n.\r\n`,
      );
      assert.equal(await get("1/more"), `0deep.txt\t/more/deep.txt\t127.0.0.1\t${port}\r\n.\r\n`);
      assert.equal(await get("0/hello.txt"), "Hello, gopher\r\n..hidden dot\r\nlast line\r\n.\r\n");
      const output = join(folder(scope), "got");
      const url = `gopher://127.0.0.1:${port}/9/bytes.bin`;
      await other(scope, ["curl", "-sS", "-o", output, url]).exit();
      assert.ok(picture.equals(readFileSync(output)));
    }),
  );

  it(
    "lets no selector out of the folder",
    { skip: noPeer },
    bounded(async (scope) => {
      const [, port] = await serve(scope);
      const peer = scope.add(python(
        `
      import json, socket, sys
      for selector in json.loads(sys.argv[2]):
          s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
          for byte in (selector + "\\r\\n").encode():
              s.sendall(bytes([byte]))
          data = b""
          while piece := s.recv(4096):
              data += piece
          print(json.dumps(data.decode()))`,
        [
          String(port),
          JSON.stringify(["/../secret.txt", "../secret.txt", "/more/../../secret.txt", "/out.txt"]),
        ],
      ));
      for (let i = 0; i < 4; i++) {
        assert.match(await peer.json<string>(), /^3.* does not exist\t\terror\.host\t1\r\n\.\r\n$/);
      }
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
