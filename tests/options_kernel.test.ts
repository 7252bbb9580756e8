/**
 * Socket options as the kernel has them and as a peer sees them. The sockets are those of another program, which Deno
 * gives `--allow-ffi`.
 */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import {
  type Capabilities,
  capabilities,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../mod.ts";
import * as bsdsock from "../mod.ts";
import { checkNothingLeft, noAdministrator, noDescriptors, noSs } from "./support/outside.ts";
import { noPeer, pythonProgram } from "./support/peers.ts";
import { isRoot, unprivileged } from "./support/privileges.ts";
import { type Program, start } from "./support/process.ts";
import { launch, runtimeName } from "./support/runtime.ts";
import { bounded, type Scope } from "./support/scope.ts";
import { noIPv6 } from "./support/tcp.ts";

const { options } = capabilities();
const onDeno = runtimeName === "deno";
const offers = (type: string, name: string): boolean =>
  onDeno ? process.platform === "linux" : options[type]?.[name] === "set";

const noTuning: string | false = offers("SOCK_STREAM", "TCP_KEEPIDLE")
  ? false
  : "this runtime cannot set the options of a descriptor";
const noDatagramTuning: string | false = offers("SOCK_DGRAM", "IP_TOS")
  ? false
  : "this runtime cannot set IP_TOS on a datagram socket";
const noPermissions: string | false = onDeno ? false : "permissions and flags are Deno's";

const noLinux: string | false = process.platform !== "linux" && "only Linux keeps the packet";

const families = [
  { name: "IPv4", host: "127.0.0.1", skip: false as string | false },
  { name: "IPv6", host: "::1", skip: noIPv6 },
] as const;

/** Starts the program that sets options. */
function tuned(scope: Scope, args: readonly string[], flags: readonly string[] = []): Program {
  const permissions = ["--allow-net", "--allow-ffi"];
  const program = new URL("./peers/tuned.ts", import.meta.url);
  return scope.add(start(launch(program, args, { permissions, flags: onDeno ? flags : [] })));
}

/** What `ss` says of the connection from a local port, with its timer, memory and TCP's own facts. */
function connection(port: number): string {
  const args = ["-tnHomie", "--tos", "state", "established", "sport", "=", `:${port}`];
  const { stdout, stderr, status } = spawnSync("ss", args, { encoding: "utf8", timeout: 10_000 });
  assert.equal(status, 0, stderr);
  return stdout;
}

/** Says its port, or connects; then lets the program go on and says how the connection ended. */
const PEER = `
import socket, sys
host, port = sys.argv[1], int(sys.argv[2])
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
if port == 0:
    s.bind((host, 0)); s.listen(); print(s.getsockname()[1], flush=True)
    s, _ = s.accept()
else:
    s.connect((host, port))
sys.stdin.readline()
s.sendall(b"x")
try:
    print(repr(s.recv(1)), flush=True)
except ConnectionResetError:
    print("reset", flush=True)
`;

/** Says what the first packet of a connection has in its header: how far it may go, and how it wants to be treated. */
const SYN = `
import socket, sys
TCP_SAVE_SYN, TCP_SAVED_SYN = 27, 28
six = ":" in sys.argv[1]
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
s.settimeout(15)
s.setsockopt(socket.IPPROTO_TCP, TCP_SAVE_SYN, 1)
s.bind((sys.argv[1], 0)); s.listen(); print(s.getsockname()[1], flush=True)
conn, _ = s.accept()
header = conn.getsockopt(socket.IPPROTO_TCP, TCP_SAVED_SYN, 100)
print([header[7]] if six else [header[8], header[1]], flush=True)
`;

/** Says whether its port is free for IPv4, how IPv4 gets on there, and what comes back over IPv6. */
const SIX = `
import socket, sys
port = int(sys.argv[1])
try:
    socket.create_connection(("127.0.0.1", port)); print("connected", flush=True)
except ConnectionRefusedError:
    print("refused", flush=True)
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", port)); s.listen(); s.close(); print("free", flush=True)
s = socket.create_connection(("::1", port)); s.sendall(b"x" * 100000); s.shutdown(socket.SHUT_WR)
data = b""
while part := s.recv(65536): data += part
print(len(data), flush=True)
`;

/** Says what the servers on a port send: there are as many connections that one of two gets none by chance in 2^60. */
const BOTH = `
import socket, sys
def said():
    with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as s:
        return s.recv(100).decode()
print(sorted({said() for _ in range(60)}), flush=True)
try:
    s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[1]))); print("free", flush=True)
except OSError as e:
    print(e.strerror, flush=True)
`;

/** Receives a datagram and says how far it may go and how it wants to be treated; what is sent back must come again. */
const RECEIVER = `
import socket, struct, sys
six = ":" in sys.argv[1]
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(15)
if six:
    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVHOPLIMIT, 1)
else:
    s.setsockopt(socket.IPPROTO_IP, 12, 1)  # IP_RECVTTL, which Python names from 3.14 on
    s.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
s.bind((sys.argv[1], 0)); print(s.getsockname()[1], flush=True)
data, ancillary, flags, address = s.recvmsg(100, 1000)
print(data.decode(), sorted(value[0] for level, kind, value in ancillary), flush=True)
s.sendto(b"again", address); print(s.recv(100).decode(), flush=True)
`;

/** The same as the program: what is read of each option in turn, set to each of its values. */
const EACH = `
import errno, json, socket, sys
host = sys.argv[1]
rows, kind = json.loads(sys.argv[2])
family = socket.AF_INET6 if ":" in host else socket.AF_INET
server = socket.create_server((host, 0), family=family)
print(server.getsockname()[1], flush=True)
s = socket.socket(family, kind)
if kind == socket.SOCK_STREAM:
    s.connect(server.getsockname())
else:
    s.bind((host, 0))
def tried(level, number, value):
    try:
        s.setsockopt(level, number, value)
        return s.getsockopt(level, number)
    except OSError as e:
        return errno.errorcode[e.errno]
print(json.dumps({name: [tried(level, number, v) for v in values] for name, level, number, values in rows}), flush=True)
sys.stdin.readline()
`;

/** Options whose values the kernel rounds, bounds or refuses, and values. */
const TRIED: ReadonlyArray<readonly [name: string, level: number, values: number[]]> = [
  ["SO_PRIORITY", SOL_SOCKET, [0, 3, 6]],
  ["SO_DONTROUTE", SOL_SOCKET, [1, 7, 0]],
  ["SO_INCOMING_CPU", SOL_SOCKET, [1, 0]],
  ["SO_RCVBUF", SOL_SOCKET, [-1, 0, 1000, 50_000, 0x7fffffff]],
  ["SO_SNDBUF", SOL_SOCKET, [-1, 0, 1000, 50_000, 0x7fffffff]],
  ["SO_KEEPALIVE", SOL_SOCKET, [1, 0]],
  ["SO_OOBINLINE", SOL_SOCKET, [1, 0]],
  ["IP_TOS", IPPROTO_IP, [0x10, 264, -1, -256, 0]],
  ["IP_TTL", IPPROTO_IP, [9, -1, -2, 0, 256]],
  ["TCP_MAXSEG", IPPROTO_TCP, [0, 87, -1]],
  ["IPV6_UNICAST_HOPS", IPPROTO_IPV6, [9, -1, -2, 0, 256]],
  ["TCP_SYNCNT", IPPROTO_TCP, [1, 127, 0, 128, -1]],
  ["TCP_LINGER2", IPPROTO_TCP, [5, 1000, 0, -1]],
  ["TCP_DEFER_ACCEPT", IPPROTO_TCP, [1, 2, 8, 100, -1]],
  ["TCP_WINDOW_CLAMP", IPPROTO_TCP, [1, 100_000]],
  ["TCP_QUICKACK", IPPROTO_TCP, [0, 1]],
  ["TCP_NOTSENT_LOWAT", IPPROTO_TCP, [16384, 0, -1]],
  ["TCP_FASTOPEN", IPPROTO_TCP, [5]],
  ["IPV6_TCLASS", IPPROTO_IPV6, [0x10, 255, 256, -2, -1]],
  ["SO_RCVLOWAT", SOL_SOCKET, []],
];

interface Shown {
  port: number;
  values: Record<string, number>;
}

for (const { name, host, skip } of families) {
  const hops = host === "::1" ? { IPV6_UNICAST_HOPS: 33 } : { IP_TTL: 33, IP_TOS: 0x10 };
  const expected = {
    SO_KEEPALIVE: 1,
    SO_RCVBUF: 100_000,
    SO_SNDBUF: 120_000,
    TCP_KEEPIDLE: 1000,
    TCP_KEEPINTVL: 11,
    TCP_KEEPCNT: 3,
    TCP_USER_TIMEOUT: 9000,
    TCP_CORK: 0,
    ...hops,
  };

  const checkKernel = ({ port, values }: Shown): void => {
    assert.deepEqual(values, expected);
    const seen = connection(port);
    assert.match(seen, /timer:\(keepalive,1[56]min/);
    assert.match(seen, /skmem:\(r\d+,rb100000,t\d+,tb120000,/);
    if (host !== "::1") assert.match(seen, /tos:0x10/);
  };

  describe(`options in the kernel, ${name}`, () => {
    for (const how of ["after", "before", "bound"]) {
      it(
        `of a connected socket, set ${how === "after" ? "after" : "before"} connect` +
          (how === "bound" ? " on a bound one" : "") + "; SO_LINGER [1, 0] resets",
        { skip: skip || noTuning || noSs || noPeer },
        bounded(async (scope) => {
          const peer = pythonProgram(scope, PEER, [host, "0"]);
          const port = await peer.json<number>();
          const program = tuned(scope, [how, host, String(port)]);
          checkKernel(await program.json<Shown>());
          peer.write("\n");
          assert.equal(await peer.line(), "reset");
          assert.equal((await program.exit()).stderr, "");
        }),
      );
    }

    it(
      "set before connect, as the first packet shows",
      { skip: skip || noTuning || noPeer || noLinux },
      bounded(async (scope) => {
        const peer = pythonProgram(scope, SYN, [host]);
        const program = tuned(scope, ["first", host, (await peer.line())!]);
        const [hopLimit, tos] = await peer.json<number[]>();
        // Deno gives nobody a socket before it is connected.
        if (onDeno) assert.notEqual(hopLimit, 33);
        else {assert.deepEqual({ hopLimit, tos }, {
            hopLimit: 33,
            tos: host === "::1" ? undefined : 0x10,
          });}
        assert.equal((await program.exit()).stderr, "");
      }),
    );

    it(
      "of an accepted socket, set on the listener; SO_LINGER [1, 0] resets",
      { skip: skip || noTuning || noSs || noPeer },
      bounded(async (scope) => {
        const program = tuned(scope, ["accepted", host]);
        const port = await program.json<number>();
        const peer = pythonProgram(scope, PEER, [host, String(port)]);
        checkKernel(await program.json<Shown>());
        peer.write("\n");
        assert.equal(await peer.line(), "reset");
        assert.equal((await program.exit()).stderr, "");
      }),
    );

    for (const flags of [[], ["--unstable-net"]]) {
      it(
        `of a UDP socket${flags.length > 0 ? " with what Deno calls unstable" : ""}`,
        { skip: skip || noDatagramTuning || noPeer },
        bounded(async (scope) => {
          const peer = pythonProgram(scope, RECEIVER, [host]);
          const program = tuned(scope, ["datagram", host, (await peer.line())!], flags);
          assert.deepEqual(await program.json(), { SO_RCVBUF: 100_000, ...hops });
          assert.equal(await peer.line(), `hello ${host === "::1" ? "[33]" : "[16, 33]"}`);
          assert.equal(await peer.line(), "again");
          assert.equal((await program.exit()).stderr, "");
        }),
      );
    }
  });
}

for (const { name, host, skip } of families) {
  for (const type of [SOCK_STREAM, SOCK_DGRAM]) {
    it(
      `Python reads the same of a ${type === SOCK_STREAM ? "TCP" : "UDP"} socket, ${name}`,
      { skip: skip || noTuning || noPeer },
      bounded(async (scope) => {
        const six = host === "::1";
        const rows = TRIED.filter(([option, level]) =>
          (level !== IPPROTO_TCP || type === SOCK_STREAM) && (level !== IPPROTO_IPV6 || six) &&
          // It matters before connect(2) only, which Deno does by itself.
          !(onDeno && option === "TCP_SYNCNT")
        ).map(([option, level, values]) => [option, level, Reflect.get(bsdsock, option), values]);
        const question = JSON.stringify([rows, type]);
        const peer = pythonProgram(scope, EACH, [host, question]);
        const program = tuned(scope, ["each", host, (await peer.line())!, question]);
        assert.deepEqual(await program.json(), await peer.json());
      }),
    );
  }
}

describe("what is set before bind", () => {
  it(
    "keeps IPv4 out: a server for IPv6 alone",
    { skip: noIPv6 || noTuning || noPeer },
    bounded(async (scope) => {
      const program = tuned(scope, ["alone"]);
      const peer = pythonProgram(scope, SIX, [(await program.line())!]);
      assert.equal(await peer.line(), "refused");
      assert.equal(await peer.line(), "free");
      assert.equal(await peer.line(), "100000");
      assert.equal((await program.exit()).stderr, "");
    }),
  );

  for (const flags of [[], ["--unstable-net"]]) {
    it(
      `lets two servers share a port${
        flags.length > 0 ? " with what Deno calls unstable" : ""
      }, and nobody else`,
      { skip: noTuning || noPeer },
      bounded(async (scope) => {
        const program = tuned(scope, ["shared", "127.0.0.1"], flags);
        const peer = pythonProgram(scope, BOTH, [(await program.line())!]);
        assert.equal(await peer.line(), "['100', '101']");
        assert.equal(await peer.line(), "Address already in use");
        program.write("\n");
        assert.equal((await program.exit()).stderr, "");
      }),
    );
  }
});

describe("what Deno's permissions and flags add", () => {
  const ask = async <T>(scope: Scope, how: string, given: readonly string[]): Promise<T> => {
    const permissions = ["--allow-net", ...given];
    const program = new URL("./peers/tuned.ts", import.meta.url);
    return await scope.add(start(launch(program, [how], { permissions }))).json<T>();
  };

  it(
    "ENOPROTOOPT names --allow-ffi where it is missing",
    { skip: noPermissions },
    bounded(async (scope) => {
      assert.match(await ask(scope, "refused", []), /^setsockopt ENOPROTOOPT.*--allow-ffi/);
      assert.match(await ask(scope, "refused", ["--deny-ffi"]), /--allow-ffi/);
    }),
  );

  it(
    "capabilities tells what is granted",
    { skip: noPermissions || noTuning },
    bounded(async (scope) => {
      const plain = await ask<Capabilities>(scope, "capabilities", []);
      assert.equal(plain.options["SOCK_STREAM"]?.["TCP_KEEPIDLE"], undefined);
      assert.equal(plain.options["SOCK_STREAM"]?.["SO_REUSEPORT"], undefined);
      assert.equal(plain.options["SOCK_DGRAM"]?.["IPV6_UNICAST_HOPS"], undefined);
      assert.equal(plain.reset, "before-open");
      assert.deepEqual(plain.types["AF_UNIX"], ["SOCK_STREAM"]);
      assert.equal(await ask(scope, "refused", ["--allow-ffi"]), "");
      const free = await ask<Capabilities>(scope, "capabilities", ["--allow-ffi"]);
      assert.equal(free.options["SOCK_STREAM"]?.["TCP_KEEPIDLE"], "set");
      assert.equal(free.options["SOCK_STREAM"]?.["SO_REUSEPORT"], "before-open");
      assert.equal(free.options["SOCK_DGRAM"]?.["SO_REUSEPORT"], undefined);
      assert.equal(free.options["SOCK_DGRAM"]?.["IPV6_UNICAST_HOPS"], "set");
      assert.equal(free.reset, "always");
      assert.doesNotMatch(free.optionsReason, /--/, "no advice to do what was done");
      const unstable = await ask<Capabilities>(scope, "capabilities", ["--unstable-net"]);
      assert.equal(unstable.options["SOCK_STREAM"]?.["SO_REUSEPORT"], "before-open");
      assert.deepEqual(unstable.types["AF_UNIX"], ["SOCK_STREAM", "SOCK_DGRAM"]);
      assert.doesNotMatch(unstable.optionsReason, /--unstable-net/);
    }),
  );
});

describe("--allow-ffi that is taken back", () => {
  const run = async (scope: Scope, how: string, ...flags: string[]): Promise<unknown> => {
    const program = new URL("./peers/revoked.ts", import.meta.url);
    const permissions = ["--allow-net", "--allow-ffi"];
    const ran = await scope.add(start(launch(program, [how], { permissions, flags }))).exit();
    assert.equal(ran.stderr, "");
    return ran.stdout.trim();
  };

  it(
    "changes nothing of what is sent, nor of a connection without room",
    { skip: noPermissions || noTuning },
    bounded(async (scope) => {
      assert.equal(await run(scope, "full"), "EAGAIN ETIMEDOUT EAGAIN ETIMEDOUT");
    }),
  );

  it(
    "is missed by the multicast options of an open socket",
    { skip: noPermissions || noTuning },
    bounded(async (scope) => {
      const ended = await run(scope, "multicast", "--unstable-net");
      assert.equal(ended, "set ENOPROTOOPT ENOPROTOOPT ENOPROTOOPT");
    }),
  );
});

describe("what the system refuses once there is a socket", () => {
  const run = async (scope: Scope, before: readonly string[], how: string): Promise<unknown> => {
    const scratch = mkdtempSync(join(tmpdir(), "bsdsock-refused-"));
    scope.add({ close: () => rmSync(scratch, { recursive: true, force: true }) });
    const program = new URL("./peers/refused_options.ts", import.meta.url);
    const command = [...before, ...launch(program, [how], { permissions: ["--allow-all"] })];
    const env = { HOME: scratch, DENO_DIR: scratch, DENO_NO_UPDATE_CHECK: "1" };
    const peer = scope.add(start(command as [string], { env }));
    const result = await peer.json();
    assert.equal((await peer.exit()).stderr, "");
    return result;
  };

  it(
    "ends connect and bind with its error, and leaves nothing open",
    { skip: noTuning || unprivileged.skip },
    bounded(async (scope) => {
      const ends = {
        connect: [["connect EPERM"], 0],
        unix: [["connect EPERM"], 0],
        bind: [["bind EPERM"], 0],
      };
      assert.deepEqual(await run(scope, unprivileged.command, "refused"), {
        SO_MARK: ends,
        SO_PRIORITY: ends,
      });
    }),
  );

  it(
    "does not end accept: the connection has it from the listener",
    { skip: noTuning || noAdministrator || !isRoot && "only root can become another user" },
    bounded(async (scope) => {
      assert.deepEqual(await run(scope, [], "dropped"), [["7"], 0]);
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
