/** What SECURITY.md promises of UNIX paths, of ports, and of names that come from others. */

import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import {
  AF_INET,
  AF_UNIX,
  create_connection,
  SOCK_DGRAM,
  SOCK_STREAM,
  socket,
  SocketError,
} from "../mod.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { noPeer, pythonProgram } from "./support/peers.ts";
import { start } from "./support/process.ts";
import { launch } from "./support/runtime.ts";
import { bounded, rejection, rejects, type Scope } from "./support/scope.ts";

const noUnix = process.platform === "win32" && "Windows has no umask";

function folder(scope: Scope): string {
  const path = mkdtempSync(join(tmpdir(), "bsdsock-"));
  scope.add({ close: () => rmSync(path, { recursive: true, force: true }) });
  return path;
}

const listener = (path: string) =>
  launch(new URL("./peers/unix_listener.ts", import.meta.url), [path], {
    permissions: ["--allow-net", "--allow-read", "--allow-write"],
  });

describe("the file of a UNIX socket", () => {
  for (const umask of ["000", "022", "077", "177"]) {
    it(
      `has the mode that umask ${umask} leaves`,
      { skip: noUnix },
      bounded(async (scope) => {
        const path = join(folder(scope), "s");
        const command = ["sh", "-c", 'umask "$0"; exec "$@"', umask, ...listener(path)] as const;
        const program = scope.add(start(command));
        assert.equal(await program.line(), "bound", program.stderr);
        assert.equal(statSync(path).mode & 0o777, 0o777 & ~Number.parseInt(umask, 8));
        program.end();
        assert.equal((await program.exit()).code, 0);
        assert.equal(existsSync(path), false, "and is removed by who has bound it");
      }),
    );
  }

  it(
    "takes no other's place, and what is there stays",
    { skip: noUnix },
    bounded(async (scope) => {
      const path = folder(scope);
      const [file, link, other] = ["file", "link", "other"].map((name) => join(path, name));
      writeFileSync(file!, "precious");
      symlinkSync(file!, link!);
      const first = scope.add(start(listener(other!)));
      assert.equal(await first.line(), "bound", first.stderr);
      for (const taken of [file!, link!, other!, path]) {
        const s = scope.add(socket(AF_UNIX));
        await rejects(() => s.bind(taken), "EADDRINUSE", "bind");
        await s.close();
        assert.ok(existsSync(taken), taken);
        const second = scope.add(start(listener(taken)));
        assert.equal(await second.line(), "EADDRINUSE", second.stderr);
        await second.exit();
      }
      assert.equal(readFileSync(file!, "utf8"), "precious");
      // Nor does a client remove what it could not connect to, or has.
      const client = scope.add(socket(AF_UNIX));
      await rejects(() => client.connect(file!), "ECONNREFUSED", "connect");
      await client.close();
      const connected = scope.add(socket(AF_UNIX));
      await connected.connect(other!);
      await connected.close();
      assert.ok(existsSync(file!) && existsSync(other!));
      first.end();
      await first.exit();
    }),
  );
});

// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f-\x9f]/;

describe("a port", () => {
  for (const kind of ["of a listener", "of a client", "of UDP"]) {
    it(
      `is not shared with a program that would, ${kind}`,
      { skip: noPeer },
      bounded(async (scope) => {
        const type = kind === "of UDP" ? SOCK_DGRAM : SOCK_STREAM;
        const bound = scope.add(socket(AF_INET, type));
        await bound.bind(["127.0.0.1", 0]);
        if (type === SOCK_STREAM) await bound.listen();
        const client = scope.add(socket(AF_INET, type));
        if (kind === "of a client") await client.connect(bound.getsockname());
        const s = kind === "of a client" ? client : bound;
        const program = pythonProgram(
          scope,
          `
import errno, json, socket, sys
for option in socket.SO_REUSEADDR, socket.SO_REUSEPORT:
    s = socket.socket(socket.AF_INET, int(sys.argv[2]))
    s.setsockopt(socket.SOL_SOCKET, option, 1)
    try:
        s.bind(("127.0.0.1", int(sys.argv[1])))
        print(json.dumps("shared"), flush=True)
    except OSError as error:
        print(json.dumps(errno.errorcode[error.errno]), flush=True)
    s.close()
`,
          [String(s.getsockname()[1]), String(type)],
        );
        assert.equal(await program.json(), "EADDRINUSE");
        assert.equal(await program.json(), "EADDRINUSE");
      }),
    );
  }
});

describe("a name with control characters", () => {
  it(
    "comes as it is from getpeername, and escaped in messages and toString()",
    { skip: noPeer || noUnix },
    bounded(async (scope) => {
      const name = join(folder(scope), "\x1b[31m\x07\r\n\x7f\u009b");
      const peer = pythonProgram(
        scope,
        `
        import socket, sys
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(sys.argv[1])
        listener.listen()
        print("bound", flush=True)
        conn, _ = listener.accept()
        conn.close()
        sys.stdin.read()`,
        [name],
      );
      assert.equal(await peer.line(), "bound", peer.stderr);
      const s = scope.add(socket(AF_UNIX));
      await s.connect(name);
      assert.equal(s.getpeername(), name);
      assert.doesNotMatch(String(s), CONTROL);
      assert.equal((await s.recv(1)).length, 0);
      let error: unknown;
      for (let i = 0; i < 100 && error === undefined; i++) {
        error = await s.sendall("x").then(() => undefined, (reason) => reason);
      }
      assert.ok(error instanceof SocketError);
      assert.doesNotMatch(error.message, CONTROL);
    }),
  );

  it(
    "of the program's own choice is escaped, too",
    bounded(async () => {
      const errors = [
        await rejection(() => create_connection(["\x1b]0;title\x07.invalid", 80])),
        await rejection(() => socket().bind(["\r\nhost", 80])),
        await rejection(() => socket(AF_UNIX).connect("/no/\x1b[2J/\x9b\x7fpath")),
        await rejection(() => socket().connect("\x07" as never)),
      ];
      for (const error of errors) {
        assert.doesNotMatch((error as Error).message, CONTROL);
        assert.ok((error as Error).message.length > 10);
      }
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
