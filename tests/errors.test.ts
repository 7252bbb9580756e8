/** The errors: for each failure the same class, code, number and call on every runtime. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as bsdsock from "../mod.ts";
import {
  type Address,
  AF_INET,
  AF_INET6,
  EAI_AGAIN,
  EAI_NONAME,
  errno,
  GaiError,
  type InetAddress,
  MSG_CONFIRM,
  MSG_CTRUNC,
  MSG_DONTROUTE,
  MSG_EOR,
  MSG_ERRQUEUE,
  MSG_MORE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  SHUT_WR,
  SO_LINGER,
  SO_REUSEADDR,
  SOCK_RAW,
  SOCK_STREAM,
  type Socket,
  socket,
  SocketError,
  SOL_SOCKET,
  TimeoutError,
} from "../mod.ts";
import { receive } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { noPeer, pythonPeer, pythonProgram } from "./support/peers.ts";
import { noPrivilegedPort, unprivileged } from "./support/privileges.ts";
import { pythonFile, start } from "./support/process.ts";
import { isCompiled, launch, runtimeName } from "./support/runtime.ts";
import { bounded, rejection, rejects, type Scope, sleep, thrown } from "./support/scope.ts";
import { native, type Setting, settings } from "./support/tcp.ts";

type Inet = Socket<InetAddress>;

const nodeFlags = process.allowedNodeEnvironmentFlags;

/** Why no permissions of Node can be left out, or false. */
const notPermitting: string | false = runtimeName !== "node"
  ? "it is about the permissions of Node"
  : !nodeFlags.has("--permission") && "this Node has no --permission";

/** Whether `--permission` keeps the network from a program. */
const guardsNetwork = nodeFlags?.has("--allow-net") ?? false;

/** What an error must be. */
interface Expected {
  readonly class?: typeof SocketError;
  readonly code: string;
  readonly errno: number;
  readonly syscall: string;
  /** The whole message. */
  readonly message: string | RegExp;
  readonly address?: Address;
  /** Whether the runtime's own error is its cause. */
  readonly cause?: boolean;
}

function check(error: unknown, expected: Expected): void {
  assert.ok(error instanceof SocketError, `not a SocketError: ${error}`);
  assert.ok(error instanceof Error);
  const { name } = expected.class ?? SocketError;
  assert.equal(error.name, name);
  assert.ok(error instanceof (expected.class ?? SocketError), `it is a ${name}`);
  assert.equal(error instanceof GaiError, name === "GaiError");
  assert.equal(error instanceof TimeoutError, name === "TimeoutError");
  assert.equal(error.code, expected.code, error.message);
  assert.equal(error.errno, expected.errno, error.message);
  assert.equal(error.syscall, expected.syscall, error.message);
  if (typeof expected.message === "string") assert.equal(error.message, expected.message);
  else assert.match(error.message, expected.message);
  if (expected.address !== undefined) assert.deepEqual(error.address, expected.address);
  if (expected.cause === true) assert.ok(error.cause instanceof Error, "its cause is an Error");
  if (expected.cause === false) assert.equal(error.cause, undefined);
  assert.match(error.stack ?? "", /\n/);
}

/** An address as the messages show it. */
function show([host, port]: InetAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function ipOf(setting: Setting, ipv4: string, ipv6: string): string {
  return setting.family === AF_INET ? ipv4 : ipv6;
}

for (const setting of settings) {
  const { skip } = setting;
  const test = (name: string, body: (scope: Scope) => Promise<void>) =>
    it(name, { skip }, bounded(body));

  describe(`errors, ${setting.name}`, () => {
    test("refused", async (scope) => {
      const address = setting.address(setting.host, await setting.freePort());
      for (let i = 0; i < 2; i++) {
        const s = setting.socket(scope);
        check(await rejection(() => s.connect(address)), {
          code: "ECONNREFUSED",
          errno: 111,
          syscall: "connect",
          message: `connect ECONNREFUSED ${show(address)}: Connection refused`,
          address,
          cause: true,
        });
      }
      const bound = await setting.bound(scope);
      const local = bound.getsockname();
      const error = await rejection(() => bound.connect(address));
      check(error, {
        code: "ECONNREFUSED",
        errno: 111,
        syscall: "connect",
        message: `connect ECONNREFUSED ${show(address)}: Connection refused`,
        address,
        cause: true,
      });
      assert.deepEqual((error as SocketError).local, local);
    });

    test("refused at port 0", async (scope) => {
      const s = setting.socket(scope);
      const address = setting.address(setting.host, 0);
      check(await rejection(() => s.connect(address)), {
        code: "ECONNREFUSED",
        errno: 111,
        syscall: "connect",
        message: `connect ECONNREFUSED ${show(address)}: Connection refused`,
        address,
      });
    });

    it(
      "reset",
      { skip: skip || (setting.native && noPeer) },
      bounded(async (scope) => {
        const checked = async (s: Inet, call: (s: Inet) => Promise<unknown>, syscall: string) => {
          const address = s.getpeername();
          const local = s.getsockname();
          const error = await rejection(() => call(s));
          check(error, {
            code: "ECONNRESET",
            errno: 104,
            syscall,
            message: `${syscall} ECONNRESET ${show(address)}: Connection reset by peer`,
            address,
            cause: true,
          });
          assert.deepEqual((error as SocketError).local, local);
        };
        const calls: [string, (s: Inet) => Promise<unknown>][] = [
          ["recv", (s) => s.recv(9)],
          ["recv", (s) => s.recv_into(new Uint8Array(9))],
          ["recvfrom", (s) => s.recvfrom(9)],
          ["send", (s) => s.send("x")],
          ["send", (s) => s.sendall("x")],
        ];
        for (const [syscall, call] of calls) {
          const s = await resetBy(scope, setting);
          await checked(s, call, syscall);
        }
      }),
    );

    test("broken pipe", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const expected = {
        code: "EPIPE",
        errno: 32,
        syscall: "send",
        message: /^send EPIPE( \S+:\d+)?: Broken pipe$/,
      };
      await client.shutdown(SHUT_WR);
      check(await rejection(() => client.send("x")), expected);
      await client.close();
      await receive(conn, 0);
      assert.equal((await conn.recv(9)).length, 0);
      await conn.send("to nobody");
      await sleep(50);
      for (let again = 0; again < 3; again++) {
        const error = await rejection(() => conn.sendall("x"));
        check(error, { ...expected, address: conn.getpeername() });
        assert.deepEqual((error as SocketError).local, conn.getsockname());
        assert.equal((error as SocketError).bytes_sent, 0);
      }
    });

    test("a state that allows no send, told before an address that is wrong", async (scope) => {
      const nobody: InetAddress = ["no.such.invalid", 9];
      const fresh = setting.socket(scope);
      const [shut, closed] = await setting.pair(scope);
      await shut.shutdown(SHUT_WR);
      await closed.close();
      const busy = setting.socket(scope);
      const binding = busy.bind([setting.host, 0]);
      const states = [[busy, "EPIPE"], [fresh, "EPIPE"], [shut, "EPIPE"], [
        closed,
        "EBADF",
      ]] as const;
      for (const [s, code] of states) {
        await rejects(() => s.sendto("x", nobody), code, "sendto");
        await rejects(() => s.sendmsg(["x"], [], 0, nobody), code, "sendmsg");
      }
      await binding;
    });

    test("address in use, told by bind", async (scope) => {
      const inUse = async (s: Inet, address: InetAddress) => {
        const error = await rejection(() => s.bind(address));
        check(error, {
          code: "EADDRINUSE",
          errno: 98,
          syscall: "bind",
          message: `bind EADDRINUSE ${show(address)}: Address already in use`,
          address,
        });
        assert.equal(s.getsockname()[1], 0, "it has no address");
      };
      const bound = await setting.bound(scope);
      const s = setting.socket(scope);
      await inUse(s, bound.getsockname());
      const server = await setting.server(scope);
      await inUse(s, server.getsockname());
      await inUse(s, setting.address(setting.wildcard, server.getsockname()[1]));
      const wide = setting.socket(scope);
      await wide.bind(["", 0]);
      await inUse(s, setting.address(setting.host, wide.getsockname()[1]));
      await wide.listen();
      await inUse(s, setting.address(setting.host, wide.getsockname()[1]));
      // A bind that failed leaves the socket as it was.
      await s.bind([setting.host, 0]);
      await s.listen();
      // A port is free again when its socket is closed.
      const address = bound.getsockname();
      await bound.close();
      const next = setting.socket(scope);
      await next.bind(address);
      assert.deepEqual(next.getsockname(), address);
    });

    test("address not available", async (scope) => {
      const s = setting.socket(scope);
      const address = setting.address(ipOf(setting, "203.0.113.1", "2001:db8::1"), 0);
      check(await rejection(() => s.bind(address)), {
        code: "EADDRNOTAVAIL",
        errno: 99,
        syscall: "bind",
        message: `bind EADDRNOTAVAIL ${show(address)}: Cannot assign requested address`,
        address,
        cause: true,
      });
      await s.bind([setting.host, 0]);
    });

    if (setting.native) {
      test("network unreachable", async (scope) => {
        // TCP has no multicast: Linux answers without a packet.
        const address = setting.address(ipOf(setting, "224.0.0.1", "ff02::1"), 9);
        const s = setting.socket(scope);
        check(await rejection(() => s.connect(address)), {
          code: "ENETUNREACH",
          errno: 101,
          syscall: "connect",
          message: `connect ENETUNREACH ${show(address)}: Network is unreachable`,
          address,
          cause: true,
        });
      });
    }

    test("an address of another family", async (scope) => {
      const s = setting.socket(scope);
      const other = ipOf(setting, "::1", "127.0.0.1");
      const expected = {
        class: GaiError,
        code: "EAI_ADDRFAMILY",
        errno: -9,
        syscall: "getaddrinfo",
        message: /^getaddrinfo EAI_ADDRFAMILY.*: Address family for hostname not supported/,
      };
      check(await rejection(() => s.connect([other, 9])), expected);
      check(await rejection(() => s.connect_ex([other, 9])), expected);
      check(await rejection(() => s.bind([other, 0])), expected);
    });

    test("name not found", async (scope) => {
      const s = setting.socket(scope);
      for (const name of ["bsdsock-test.invalid", "1:2:", "300.1.1.1"]) {
        const number = setting.native && name.endsWith("invalid") ? unknownName() : EAI_NONAME;
        const [code, words] = number === EAI_NONAME
          ? ["EAI_NONAME", "Name or service not known"]
          : ["EAI_AGAIN", "Temporary failure in name resolution"];
        const expected = {
          class: GaiError,
          code,
          errno: number,
          syscall: "getaddrinfo",
          message: new RegExp(`^getaddrinfo ${code}.*: ${words}.*`),
        };
        const error = await rejection(() => s.connect([name, 9]));
        check(error, expected);
        assert.ok((error as Error).message.includes(name), "the message names it");
        check(await rejection(() => s.bind([name, 0])), expected);
        check(await rejection(() => s.connect_ex([name, 9])), expected);
      }
    });

    test("timed out", async (scope) => {
      const [client] = await setting.pair(scope);
      const server = await setting.server(scope);
      const expected = (syscall: string) => ({
        class: TimeoutError,
        code: "ETIMEDOUT",
        errno: 110,
        syscall,
        message: `${syscall} ETIMEDOUT: timed out`,
        cause: false,
      });
      client.settimeout(0.01);
      server.settimeout(0.01);
      check(await rejection(() => client.recv(1)), expected("recv"));
      check(await rejection(() => client.recvfrom(1)), expected("recvfrom"));
      check(await rejection(() => server.accept()), expected("accept"));
    });

    test("the stack tells which functions of the program wait for the call", async (scope) => {
      const closed = setting.address(setting.host, await setting.freePort());
      async function connecting(): Promise<void> {
        await setting.socket(scope).connect(closed);
      }
      async function resolving(): Promise<void> {
        await setting.socket(scope).bind(["bsdsock-test.invalid", 0]);
      }
      for (const call of [connecting, resolving]) {
        const stack = String((await rejection(call) as Error).stack);
        assert.equal(stack.split(`at async ${call.name} `).length, 2, stack);
      }
    });

    test("the stack may be read through another object, replaced, and shares its functions", async (scope) => {
      const closed = setting.address(setting.host, await setting.freePort());
      const [one, other] = [1, 2].map(() => rejection(() => setting.socket(scope).connect(closed)));
      const error = await one as SocketError;
      const stackOf = (object: unknown) => Object.getOwnPropertyDescriptor(object, "stack");
      // With functions of its own, making the stack would take longer than making the error.
      assert.equal(stackOf(error)?.get, stackOf(await other)?.get);
      const { stack } = error;
      assert.equal(new Proxy(error, {}).stack, stack);
      assert.equal((Object.create(error) as Error).stack, stack);
      // As V8's own accessor does.
      assert.equal(Reflect.get(error, "stack", {}), undefined);
      const named: ProxyHandler<SocketError> = {
        get: (target: object, key: string | symbol) =>
          typeof key === "string" ? Reflect.get(target, key) : undefined,
      };
      assert.equal(new Proxy(error, named).stack, stack);
      error.stack = "mine";
      assert.equal(error.stack, "mine");
      assert.deepEqual(Object.keys(error).sort(), ["address", "code", "errno", "syscall"]);
    });

    test("stays itself where the program has stacks written in its own way", async (scope) => {
      const closed = setting.address(setting.host, await setting.freePort());
      const stacks = Error as { prepareStackTrace?: unknown };
      const before = stacks.prepareStackTrace;
      stacks.prepareStackTrace = (_: Error, frames: unknown) => frames;
      try {
        const error = await rejection(() => setting.socket(scope).connect(closed));
        assert.equal((error as SocketError).code, "ECONNREFUSED");
      } finally {
        stacks.prepareStackTrace = before;
      }
    });

    test("aborted", async (scope) => {
      const [client] = await setting.pair(scope);
      const controller = new AbortController();
      const waiting = rejection(() => client.recv(1, 0, { signal: controller.signal }));
      controller.abort();
      const error = await waiting;
      assert.equal(error, controller.signal.reason);
      assert.equal((error as Error).name, "AbortError");
      assert.ok(!(error instanceof SocketError));
    });

    test("closed while waiting, and after", async (scope) => {
      const [client] = await setting.pair(scope);
      const expected = (syscall: string) => ({
        code: "EBADF",
        errno: 9,
        syscall,
        message: `${syscall} EBADF: Bad file descriptor`,
        cause: false,
      });
      const waiting = rejection(() => client.recv(1));
      await client.close();
      check(await waiting, expected("recv"));
      check(await rejection(() => client.send("x")), expected("send"));
      check(thrown(() => client.getsockname()), expected("getsockname"));
    });

    test("not connected, already connected, wrong state", async (scope) => {
      const fresh = setting.socket(scope);
      const [client] = await setting.pair(scope);
      const bound = await setting.bound(scope);
      const rows: [string, number, string, string, () => Promise<unknown>][] = [
        ["recv", 107, "ENOTCONN", "Transport endpoint is not connected", () => fresh.recv(1)],
        [
          "shutdown",
          107,
          "ENOTCONN",
          "Transport endpoint is not connected",
          () => fresh.shutdown(SHUT_WR),
        ],
        ["send", 32, "EPIPE", "Broken pipe", () => fresh.send("x")],
        ["accept", 22, "EINVAL", "Invalid argument", () => fresh.accept()],
        ["bind", 22, "EINVAL", "Invalid argument", () => bound.bind([setting.host, 0])],
        [
          "connect",
          106,
          "EISCONN",
          "Transport endpoint is already connected",
          () => client.connect([setting.host, 9]),
        ],
        ["listen", 22, "EINVAL", "Invalid argument", () => client.listen()],
      ];
      for (const [syscall, number, code, words, call] of rows) {
        const message = new RegExp(`^${syscall} ${code}.*: ${words}`);
        check(await rejection(call), { code, errno: number, syscall, message, cause: false });
      }
      check(thrown(() => fresh.getpeername()), {
        code: "ENOTCONN",
        errno: 107,
        syscall: "getpeername",
        message: "getpeername ENOTCONN: Transport endpoint is not connected",
      });
    });

    test("would have to wait", async (scope) => {
      const [client] = await setting.pair(scope);
      const server = await setting.server(scope);
      client.setblocking(false);
      server.setblocking(false);
      for (
        const [syscall, call] of [
          ["recv", () => client.recv(1)],
          ["accept", () => server.accept()],
        ] as [string, () => Promise<unknown>][]
      ) {
        check(await rejection(call), {
          code: "EAGAIN",
          errno: 11,
          syscall,
          message: `${syscall} EAGAIN: Resource temporarily unavailable`,
          cause: false,
        });
      }
      const fresh = setting.socket(scope);
      fresh.setblocking(false);
      check(await rejection(() => fresh.connect(server.getsockname())), {
        code: "EINPROGRESS",
        errno: 115,
        syscall: "connect",
        message: `connect EINPROGRESS ${show(server.getsockname())}: Operation now in progress`,
        address: server.getsockname(),
      });
    });

    test("flags that Linux ignores", async (scope) => {
      const [client, conn] = await setting.pair(scope);
      for (const flag of [MSG_PEEK, MSG_CTRUNC, MSG_TRUNC, MSG_EOR, MSG_WAITALL]) {
        assert.equal(await client.send("ab", flag), 2);
        assert.deepEqual(await conn.recv(9), Uint8Array.of(97, 98));
      }
      for (const flag of [MSG_CTRUNC, MSG_EOR, MSG_CONFIRM]) {
        await client.sendall("ab", MSG_EOR);
        const [data, , flags] = await conn.recvmsg(9, 0, flag);
        assert.deepEqual([data, flags], [Uint8Array.of(97, 98), 0]);
      }
    });

    test("a flag or an option that is not there", async (scope) => {
      const [client] = await setting.pair(scope);
      check(await rejection(() => client.recv(1, MSG_TRUNC)), {
        code: "EOPNOTSUPP",
        errno: 95,
        syscall: "recv",
        message: /^recv EOPNOTSUPP: .*MSG_TRUNC/,
      });
      for (const flag of [MSG_CONFIRM, MSG_MORE, MSG_DONTROUTE]) {
        check(await rejection(() => client.send("x", flag)), {
          code: "EOPNOTSUPP",
          errno: 95,
          syscall: "send",
          message: /^send EOPNOTSUPP: .*MSG_(CONFIRM|MORE|DONTROUTE)/,
        });
      }
      for (const flag of [MSG_OOB, MSG_ERRQUEUE]) {
        check(await rejection(() => client.recv(1, flag)), {
          code: "EOPNOTSUPP",
          errno: 95,
          syscall: "recv",
          message: /^recv EOPNOTSUPP: Operation not supported .*MSG_/,
        });
        check(await rejection(() => client.send("x", flag)), {
          code: "EOPNOTSUPP",
          errno: 95,
          syscall: "send",
          message: /^send EOPNOTSUPP: Operation not supported .*MSG_/,
        });
      }
      check(thrown(() => client.getsockopt(SOL_SOCKET, 9999)), {
        code: "ENOPROTOOPT",
        errno: 92,
        syscall: "getsockopt",
        message: /^getsockopt ENOPROTOOPT: Protocol not available .*9999/,
      });
      check(await rejection(() => client.shutdown(7)), {
        code: "EINVAL",
        errno: 22,
        syscall: "shutdown",
        message: /^shutdown EINVAL: Invalid argument .*7/,
      });
    });

    test("a kind of socket that does not exist", () => {
      const { adapter } = setting;
      const name = adapter.capabilities().adapter;
      const rows: [string, number, [number, number, number]][] = [
        ["EAFNOSUPPORT", 97, [99, SOCK_STREAM, 0]],
        ["ESOCKTNOSUPPORT", 94, [AF_INET, SOCK_RAW, 0]],
        ["ESOCKTNOSUPPORT", 94, [AF_INET6, 77, 0]],
        ["EPROTONOSUPPORT", 93, [AF_INET, SOCK_STREAM, 17]],
      ];
      for (const [code, number, [family, type, proto]] of rows) {
        const error = thrown(() => socket(family, type, proto, { adapter }));
        check(error, {
          code,
          errno: number,
          syscall: "socket",
          message: new RegExp(`^socket ${code}: .*${name}.*AF_INET`),
        });
      }
      return Promise.resolve();
    });
  });
}

describe("errors that other processes bring about", () => {
  for (const setting of native) {
    for (const how of ["listens", "is bound"]) {
      it(
        `a port where another process ${how} is in use, ${setting.name}`,
        { skip: setting.skip || noPeer },
        bounded(async (scope) => {
          const peer = pythonProgram(
            scope,
            `
            import socket, sys
            s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
            s.bind((sys.argv[1], 0))
            if sys.argv[2] == "listens":
                s.listen()
            print(s.getsockname()[1])
            sys.stdin.read()`,
            [setting.host, how],
          );
          const address = setting.address(setting.host, await peer.json<number>());
          for (const reuse of [0, 1]) {
            const s = setting.socket(scope);
            s.setsockopt(SOL_SOCKET, SO_REUSEADDR, reuse);
            check(await rejection(() => s.bind(address)), {
              code: "EADDRINUSE",
              errno: 98,
              syscall: "bind",
              message: `bind EADDRINUSE ${show(address)}: Address already in use`,
              address,
              cause: true,
            });
          }
        }),
      );
    }
  }

  it(
    "a port that needs privileges",
    { skip: noPrivilegedPort || unprivileged.skip },
    bounded(async (scope) => {
      const program = new URL("./peers/privileged.ts", import.meta.url);
      const scratch = mkdtempSync(join(tmpdir(), "bsdsock-privileged-"));
      try {
        const command = [...unprivileged.command, ...launch(program, ["81"])];
        const peer = scope.add(start(command as [string], {
          env: { HOME: scratch, DENO_DIR: scratch, DENO_NO_UPDATE_CHECK: "1" },
        }));
        assert.deepEqual(await peer.json(), {
          name: "SocketError",
          code: "EACCES",
          errno: 13,
          syscall: "bind",
          message: "bind EACCES 127.0.0.1:81: Permission denied",
          address: ["127.0.0.1", 81],
        });
        await peer.exit();
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    }),
  );

  it(
    "a permission that the runtime was not given",
    { skip: runtimeName !== "deno" && `${runtimeName} has no permissions to leave out` },
    bounded(async (scope) => {
      const program = new URL("./peers/privileged.ts", import.meta.url);
      const peer = scope.add(start(launch(program, ["8081"], { permissions: [] })));
      const error = await peer.json<Record<string, unknown>>();
      assert.equal(error["code"], "EACCES");
      assert.equal(error["errno"], 13);
      assert.equal(error["syscall"], "bind");
      assert.match(String(error["message"]), /^bind EACCES .*: Permission denied .*--allow-net/);
    }),
  );

  /** What calls say in a program that may read all files, and what the flags add. */
  const permitted = async (scope: Scope, ...added: string[]) => {
    const scratch = mkdtempSync(join(tmpdir(), "bsdsock-errors-"));
    scope.add({ close: () => rmSync(scratch, { recursive: true, force: true }) });
    const flags = ["--permission", "--no-warnings", ...added];
    const program = new URL("./peers/permitted.ts", import.meta.url);
    const peer = scope.add(start(launch(program, [join(scratch, "s")], { flags })));
    const said = await peer.json<Record<string, string>>();
    const { code, stderr } = await peer.exit();
    assert.deepEqual([code, stderr], [0, ""]);
    return said;
  };

  it(
    "node --permission: the flag that is missing is named",
    { skip: notPermitting || (!guardsNetwork && "Node before 25 has no --allow-net") },
    bounded(async (scope) => {
      const { setsockopt, ...calls } = await permitted(scope, "--allow-fs-read=*");
      for (const [call, message] of Object.entries(calls)) {
        assert.match(message, /EACCES.*: Permission denied \(.*--allow-net/, call);
      }
      const free = await permitted(scope, "--allow-fs-read=*", "--allow-net");
      for (const refused of [setsockopt, free["setsockopt"]]) {
        assert.match(refused ?? "", /ENOPROTOOPT.*TCP_KEEPIDLE.* needs --allow-ffi\)$/);
      }
      assert.match(free["dup"] ?? "", /ENOTSUP.*\(it needs --allow-ffi\)$/);
      const all = await permitted(scope, "--allow-fs-read=*", "--allow-net", "--allow-ffi");
      assert.deepEqual([all["setsockopt"], all["dup"]], ["", ""]);
    }),
  );

  it(
    "node --permission: UNIX paths need no flag, to tell a missing directory does",
    { skip: notPermitting },
    bounded(async (scope) => {
      const network = guardsNetwork ? ["--allow-net"] : [];
      const sources = fileURLToPath(new URL("..", import.meta.url));
      const few = await permitted(scope, `--allow-fs-read=${sources}`, ...network);
      assert.equal(few["unix"], "");
      assert.match(few["missing"] ?? "", /bind EACCES .*--allow-fs-read/);
      const more = await permitted(scope, "--allow-fs-read=*", ...network);
      assert.match(more["missing"] ?? "", /bind ENOENT /);
      const { bind, connect, sendto, getaddrinfo, gethostbyaddr } = more;
      assert.match(connect ?? "", /ECONNREFUSED/);
      assert.deepEqual([bind, sendto, getaddrinfo, gethostbyaddr], ["", "", "", ""]);
    }),
  );
});

describe("the classes of errors", () => {
  it("have Python's names too", () => {
    assert.equal(bsdsock.error, SocketError);
    assert.equal(bsdsock.OSError, SocketError);
    assert.equal(bsdsock.gaierror, GaiError);
    assert.equal(bsdsock.herror, bsdsock.HostError);
    assert.equal(bsdsock.timeout, TimeoutError);
    for (const derived of [GaiError, bsdsock.HostError, TimeoutError]) {
      assert.ok(new derived("x", { code: "EIO" }) instanceof SocketError);
    }
    assert.ok(!(new SocketError("x") instanceof TimeoutError));
    const timedOut = new TimeoutError("x");
    assert.deepEqual([timedOut.code, timedOut.errno], ["ETIMEDOUT", errno.ETIMEDOUT]);
    assert.equal(timedOut.syscall, "");
    assert.equal(errno.ECONNREFUSED, 111);
  });

  it("a user's subclass is told apart from its base", () => {
    class Mine extends TimeoutError {}
    const mine = new Mine("mine", { code: "ETIMEDOUT" });
    assert.ok(mine instanceof Mine && mine instanceof TimeoutError && mine instanceof SocketError);
    assert.ok(!(new TimeoutError("x") instanceof Mine));
    assert.ok(!(new Error("x") instanceof SocketError));
    for (const value of [null, undefined, "text"]) {
      assert.ok(!((value as unknown) instanceof SocketError));
    }
  });

  it(
    "hold across two copies of the library",
    bounded(async () => {
      const scratch = mkdtempSync(join(tmpdir(), "bsdsock-copy-"));
      try {
        const library = new URL(isCompiled ? "../node_modules/bsdsock/" : "../", import.meta.url);
        for (const part of isCompiled ? ["dist"] : ["mod.ts", "core", "adapters"]) {
          cpSync(fileURLToPath(new URL(part, library)), join(scratch, part), { recursive: true });
        }
        cpSync(fileURLToPath(new URL("package.json", library)), join(scratch, "package.json"));
        const file = join(scratch, isCompiled ? "dist/mod.js" : "mod.ts");
        const copy: typeof bsdsock = await import(pathToFileURL(file).href);
        assert.notEqual(copy.SocketError, SocketError);

        const [setting] = native;
        const address: [string, number] = [setting.host, await setting.freePort()];
        const ours = socket();
        const theirs = copy.socket();
        const pairs: [unknown, typeof bsdsock][] = [
          [await rejection(() => ours.connect(address)), copy],
          [await rejection(() => theirs.connect(address)), bsdsock],
        ];
        for (const [error, other] of pairs) {
          assert.ok(error instanceof other.SocketError);
          assert.ok(!(error instanceof other.TimeoutError));
          assert.ok(!(error instanceof other.GaiError));
        }
        assert.ok(new copy.TimeoutError("x") instanceof TimeoutError);
        assert.ok(new copy.GaiError("x") instanceof GaiError);
        assert.ok(new copy.HostError("x") instanceof bsdsock.HostError);
        assert.ok(new copy.HostError("x") instanceof SocketError);
        assert.ok(!(new copy.SocketError("x") instanceof TimeoutError));
        await ours.close();
        await theirs.close();
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    }),
  );
});

/** A socket of the setting whose peer has just reset the connection. */
async function resetBy(scope: Scope, setting: Setting): Promise<Inet> {
  if (setting.native) {
    const [s, peer] = await pythonPeer(
      scope,
      setting,
      "connected",
      `command(); reset(); say("reset")`,
    );
    peer.write("\n");
    await peer.json();
    await sleep(30);
    return s;
  }
  const [client, conn] = await setting.pair(scope);
  conn.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
  await conn.close();
  await sleep(10);
  return client;
}

let unknownNumber: number | undefined;

/** What this machine's resolver says to a name that does not exist: EAI_AGAIN where it is away. */
function unknownName(): number {
  if (unknownNumber === undefined) {
    const script = "import socket, sys\n" +
      "try: socket.getaddrinfo('bsdsock-test.invalid', 9)\n" +
      "except socket.gaierror as error: print(error.errno)";
    const done = spawnSync(pythonFile, ["-c", script], { encoding: "utf8", timeout: 60_000 });
    unknownNumber = Number(done.stdout) === EAI_AGAIN ? EAI_AGAIN : EAI_NONAME;
  }
  return unknownNumber;
}

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
