/** Taking over descriptors that a parent process has passed on. */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "../mod.ts";
import { noAdopted, noLibc, noParent, test } from "./support/descriptors.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { pythonProgram } from "./support/peers.ts";
import type { Program } from "./support/process.ts";
import { hasFfi, launch, runtimeName } from "./support/runtime.ts";
import type { Scope } from "./support/scope.ts";
import { noIPv6, noUnix } from "./support/tcp.ts";

/** The program that gets the descriptor; Deno's may do what a service with such a socket may. */
const inherited = launch(new URL("./peers/inherited.ts", import.meta.url), [], {
  permissions: [
    "--allow-net",
    "--allow-read",
    "--allow-write",
    "--allow-env",
    ...(hasFfi ? ["--allow-ffi"] : []),
  ],
});

/** What the parents begin with: `run(s)` starts the program with the socket as descriptor 3. */
const parent = `
import json, os, socket, subprocess, sys
command = json.loads(sys.argv[1])
def run(s, fd=3):
    # The child's descriptor 3, as systemd passes it; Python keeps the lower ones for itself.
    if s.fileno() != fd:
        os.dup2(s.fileno(), fd)
    os.set_inheritable(fd, True)
    return subprocess.Popen(command + [str(fd)], pass_fds=[fd], stdout=subprocess.PIPE, text=True)
def facts(child):
    print(child.stdout.readline().strip(), flush=True)
def end(child):
    print(child.stdout.readline().strip(), flush=True)
    print(json.dumps(child.wait(20)), flush=True)
def read(s):
    data = b""
    while part := s.recv(100):
        data += part
    return data.decode()
`;

const listen = (family: string, address: string): string =>
  `${parent}
s = socket.socket(${family})
address = ${address}
s.bind(address)
s.listen()
name = s.getsockname()
child = run(s)
facts(child)
print(json.dumps(name), flush=True)
c = socket.socket(${family})
c.settimeout(15)
c.connect(name)
c.sendall(b"guest")
print(json.dumps(read(c)), flush=True)
end(child)
`;

const connect = (family: string, address: string): string =>
  `${parent}
listener = socket.socket(${family})
listener.bind(${address})
listener.listen()
c = socket.socket(${family})
c.connect(listener.getsockname())
s, _ = listener.accept()
listener.close()
names = [s.getsockname(), s.getpeername()]
child = run(s)
s.close()
os.close(3)
facts(child)
print(json.dumps(names), flush=True)
c.settimeout(15)
c.sendall(b"shout")
print(json.dumps(c.recv(100).decode()), flush=True)
c.shutdown(socket.SHUT_WR)
print(json.dumps(c.recv(100).decode()), flush=True)
end(child)
`;

/** Passes a listener, then a connection, and tells what the kernel says of each in the child; Node hides low numbers. */
const pass = `${parent}
l = socket.socket()
l.bind(("127.0.0.1", 0))
l.listen()
c = socket.create_connection(l.getsockname())
for s in [l, l.accept()[0]]:
    child = run(s, 100)
    told = child.stdout.readline().strip()
    try:
        with open(f"/proc/{child.pid}/fdinfo/100") as lines:
            flags = [line.split()[1] for line in lines if line.startswith("flags:")][0]
        inherited = int(flags, 8) & os.O_CLOEXEC == 0
    except FileNotFoundError:
        inherited = None
    child.kill()
    child.wait()
    print(told, flush=True)
    print(json.dumps(inherited), flush=True)
`;

interface Facts {
  family: number;
  type: number;
  proto: number;
  listening: boolean;
  local: unknown;
}

describe("inherited descriptors", () => {
  const listener = async (
    scope: Scope,
    source: string,
    family: number,
    args: string[] = [],
  ): Promise<void> => {
    const program = pythonProgram(scope, source, [JSON.stringify(inherited), ...args]);
    const { local, ...facts } = await program.json<Facts>();
    const proto = family === AF_UNIX ? 0 : IPPROTO_TCP;
    assert.deepEqual(facts, { family, type: SOCK_STREAM, proto, listening: true });
    const name = await program.json();
    assert.deepEqual(local, name);
    assert.equal(await program.json(), "welcome guest");
    assert.deepEqual(await program.json(), { local: name, family, proto });
    assert.equal(await program.json(), 0);
  };

  test("a listening TCP socket", async (scope) => {
    await listener(scope, listen("socket.AF_INET", '("127.0.0.1", 0)'), AF_INET);
  }, noParent);

  test("a listening TCP socket over IPv6", async (scope) => {
    await listener(scope, listen("socket.AF_INET6", '("::1", 0)'), AF_INET6);
  }, noParent || noIPv6);

  test("a listening UNIX socket", async (scope) => {
    const folder = mkdtempSync(join(tmpdir(), "bsdsock-"));
    scope.add({ close: () => rmSync(folder, { recursive: true, force: true }) });
    const path = join(folder, "a name with spaces");
    await listener(scope, listen("socket.AF_UNIX", "sys.argv[2]"), AF_UNIX, [path]);
    assert.ok(existsSync(path), "it is the file of the process that bound it");
  }, noParent || noAdopted("AF_UNIX", SOCK_STREAM));

  const connection = async (scope: Scope, source: string, family: number): Promise<void> => {
    const program = pythonProgram(scope, source, [JSON.stringify(inherited)]);
    const { local, ...facts } = await program.json<Facts>();
    assert.deepEqual(facts, { family, type: SOCK_STREAM, proto: IPPROTO_TCP, listening: false });
    const [ours, theirs] = await program.json<[unknown, unknown]>();
    assert.deepEqual(local, ours);
    assert.equal(await program.json(), "SHOUT");
    assert.equal(await program.json(), "");
    assert.deepEqual(await program.json(), { rest: 0, remote: theirs });
    assert.equal(await program.json(), 0);
  };

  test("a connected TCP socket", async (scope) => {
    await connection(scope, connect("socket.AF_INET", '("127.0.0.1", 0)'), AF_INET);
  }, noParent);

  test("a connected TCP socket over IPv6", async (scope) => {
    await connection(scope, connect("socket.AF_INET6", '("::1", 0)'), AF_INET6);
  }, noParent || noIPv6);
});

/** What a program says that has bound a socket and listens. */
interface Told {
  readonly local: unknown[];
  readonly refused?: string;
  readonly again?: string;
}

/** What the parents of `peers/adopted.ts` begin with: `run` passes descriptors on, with what to do with each. */
const giver = `
import json, os, socket, struct, subprocess, sys
command = json.loads(sys.argv[1])
def run(*given):
    fds = [fd for fd, _ in given]
    child = subprocess.Popen(command + [str(fd) + action for fd, action in given], pass_fds=fds,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for _ in given:
        say(json.loads(child.stdout.readline()))
    return child
def say(value):
    print(json.dumps(value), flush=True)
def end(child):
    child.stdin.close()
    say(child.wait(20))
def listener():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    return s
`;

describe("inherited descriptors of other kinds", () => {
  const adopting = JSON.stringify(launch(new URL("./peers/adopted.ts", import.meta.url)));
  const isDeno = runtimeName === "deno";
  /** Without libc Deno can tell TCP sockets and files only. */
  const isBlind = isDeno && !hasFfi;
  const give = (scope: Scope, source: string): Program =>
    pythonProgram(scope, giver + source, [adopting]);

  test("one that is refused stays open", async (scope) => {
    const program = give(
      scope,
      `
r, w = os.pipe()
a, b = socket.socketpair()
u, bound = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
bound.bind(("127.0.0.1", 0))
folder = os.open("/", os.O_RDONLY)
null = os.open("/dev/null", os.O_RDONLY)
child = run((r, ""), (a.fileno(), ""), (u.fileno(), ""), (bound.fileno(), ",stream"), (folder, ""), (null, ""))
os.close(r)
a.close()
os.write(w, b"x")
b.sendall(b"x")
b.setblocking(False)
try:
    say(len(b.recv(1)))
except BlockingIOError:
    say("open")
end(child)
`,
    );
    assert.deepEqual(await program.json(), { code: isBlind ? "ENOTSUP" : "ENOTSOCK" }, "pipe");
    const unix = isDeno ? { code: "ENOTSUP" } : { listening: false };
    assert.deepEqual(await program.json(), unix, "UNIX");
    const udp = { code: isBlind ? "EBADF" : "ENOTSUP" };
    assert.deepEqual(await program.json(), udp, "UDP that is not bound");
    assert.deepEqual(await program.json(), udp, "UDP as a stream");
    assert.deepEqual(await program.json(), { code: isBlind ? "EBADF" : "ENOTSOCK" }, "folder");
    assert.deepEqual(await program.json(), { code: "ENOTSOCK" }, "device");
    assert.equal(await program.json(), "open");
    assert.equal(await program.json(), 0);
  }, noParent || noUnix);

  for (
    const [name, family, loopback, skip] of [
      ["AF_INET", AF_INET, "127.0.0.1", false],
      ["AF_INET6", AF_INET6, "::1", noIPv6],
    ] as const
  ) {
    test(`a UDP socket, ${name}`, async (scope) => {
      const program = give(
        scope,
        `
open_socket = lambda: socket.socket(socket.${name}, socket.SOCK_DGRAM)
u, peer = open_socket(), open_socket()
u.bind(("${loopback}", 0))
peer.settimeout(15)
peer.sendto(b"question", u.getsockname())
child = run((u.fileno(), ",answer"))
say(u.getsockname())
say([part.decode() if type(part) is bytes else part for part in peer.recvfrom(100)])
say(u.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR))
u.setblocking(False)
end(child)
peer.sendto(b"second", u.getsockname())
say(u.recv(100).decode())
`,
      );
      const facts = await program.json<Record<string, unknown>>();
      if (noAdopted(name, SOCK_DGRAM)) {
        assert.deepEqual(facts, { code: isBlind ? "EBADF" : "ENOTSUP" });
        return;
      }
      const local = await program.json();
      assert.deepEqual(facts, {
        family,
        type: SOCK_DGRAM,
        proto: IPPROTO_UDP,
        local,
        peer: null,
      });
      assert.deepEqual(await program.json(), ["QUESTION", local]);
      assert.equal(await program.json(), 0, "nobody else may share its port now");
      assert.equal(await program.json(), 0);
      assert.equal(await program.json(), "second");
    }, noParent || skip);
  }

  test("a UDP socket as standard input, which Node would not take", async (scope) => {
    const program = give(
      scope,
      `
u, peer = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
u.bind(("127.0.0.1", 0))
peer.sendto(b"question", u.getsockname())
child = subprocess.Popen(command + ["0,answer"], stdin=u, stdout=subprocess.PIPE, text=True)
say(json.loads(child.stdout.readline()))
child.kill()
child.wait()
`,
    );
    const { code } = await program.json<{ code?: string }>();
    assert.equal(code, runtimeName === "node" ? "ENOTSUP" : undefined);
  }, noParent || noAdopted("AF_INET", SOCK_DGRAM));

  test("a UDP socket with a peer keeps it, and its port when it gets another", async (scope) => {
    const program = give(
      scope,
      `
first, second = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
for s in first, second:
    s.bind(("127.0.0.1", 0))
    s.settimeout(15)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.connect(first.getsockname())
first.sendto(b"question", u.getsockname())
child = run((u.fileno(), ",answer"))
say(first.getsockname())
say(first.recv(100).decode())
end(child)
child = run((u.fileno(), ",call," + str(second.getsockname()[1])))
say(second.getsockname())
say(second.recv(100).decode())
end(child)
`,
    );
    const { local, peer } = await program.json<{ local: unknown; peer: unknown }>();
    assert.deepEqual(await program.json(), peer);
    assert.equal(await program.json(), "QUESTION");
    assert.equal(await program.json(), 0);
    const facts = await program.json();
    assert.deepEqual(facts, { local, after: local, peer: await program.json() });
    assert.equal(await program.json(), "a call");
    assert.equal(await program.json(), 0);
  }, noParent || noAdopted("AF_INET", SOCK_DGRAM));

  test("a UDP socket in a group, and one that may broadcast", async (scope) => {
    const program = give(
      scope,
      `
u, peer = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
group = socket.inet_aton("239.255.0.1") + socket.inet_aton("127.0.0.1")
u.bind(("0.0.0.0", 0))
u.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
u.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
peer.settimeout(15)
peer.bind(("127.255.255.255", 0))
child = run((u.fileno(), ",leave"))
end(child)
child = run((u.fileno(), ",broadcast," + str(peer.getsockname()[1])))
say(peer.recv(100).decode())
end(child)
try:
    u.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, group)
except OSError:
    say("it is in no group")
`,
    );
    assert.equal(await program.json(), "left");
    assert.equal(await program.json(), 0);
    assert.equal(await program.json(), 6);
    assert.equal(await program.json(), "to all");
    assert.equal(await program.json(), 0);
    assert.equal(await program.json(), "it is in no group");
  }, noParent || noAdopted("AF_INET", SOCK_DGRAM));

  /** Node there has neither the C library nor the kernel's table of UNIX sockets. */
  const confined = launch(new URL("./peers/adopted.ts", import.meta.url), [], {
    flags: [
      "--permission",
      "--no-warnings",
      `--allow-fs-read=${fileURLToPath(new URL("..", import.meta.url))}`,
      ...(process.allowedNodeEnvironmentFlags?.has("--allow-net") ? ["--allow-net"] : []),
    ],
  });
  const noConfined = runtimeName !== "node"
    ? "it is about the permissions of Node"
    : !process.allowedNodeEnvironmentFlags.has("--permission") && "this Node has no --permission";

  test("UNIX sockets with node --permission", async (scope) => {
    const program = pythonProgram(
      scope,
      `${giver}
server, (a, b) = socket.socket(socket.AF_UNIX), socket.socketpair()
server.bind("\\0bsdsock-" + str(os.getpid()))
server.listen()
client = socket.socket(socket.AF_UNIX)
client.connect(server.getsockname())
client.sendall(b"guest")
client.shutdown(socket.SHUT_WR)
a.sendall(b"mate")
a.shutdown(socket.SHUT_WR)
child = run((server.fileno(), ",accept"), (b.fileno(), ",read"))
end(child)
`,
      [JSON.stringify(confined)],
    );
    assert.deepEqual(await program.json(), ["guest"]);
    assert.deepEqual(await program.json(), { peer: "", read: ["mate"] });
    assert.equal(await program.json(), 0);
  }, noParent || noConfined);

  test("a TCP socket that is not connected does not listen", async (scope) => {
    const program = give(
      scope,
      `
server = listener()
fresh, fresh6, bound = socket.socket(), socket.socket(socket.AF_INET6), socket.socket()
bound.bind(("127.0.0.1", 0))
port = "," + str(server.getsockname()[1])
child = run((fresh6.fileno(), ""), (fresh.fileno(), ",connect" + port), (bound.fileno(), ",connect" + port))
server.settimeout(0.1)
try:
    for s in fresh, bound:
        c, address = server.accept()
        say([address == s.getsockname(), c.recv(100).decode()])
except TimeoutError:
    pass
say([s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) for s in (fresh, fresh6)])
end(child)
`,
    );
    const taken = isDeno ? { code: "ENOTSUP" } : { listening: false };
    assert.deepEqual(await program.json(), taken, "IPv6");
    assert.deepEqual(await program.json(), taken, "IPv4");
    assert.deepEqual(await program.json(), isBlind ? { code: "EISCONN" } : taken, "bound");
    if (!isDeno) {
      assert.deepEqual(await program.json(), [true, "connected"]);
      assert.deepEqual(await program.json(), [true, "connected"]);
    }
    assert.deepEqual(await program.json(), [0, 0], "SO_ACCEPTCONN");
    assert.equal(await program.json(), 0);
  }, noParent || noIPv6);

  const noUnbound = isDeno && "Deno takes over no socket without an address";

  test("a TCP socket that is not bound is bound, and listens", async (scope) => {
    const program = give(
      scope,
      `
taken = listener()
taken6 = socket.socket(socket.AF_INET6)
taken6.bind(("::1", 0))
taken6.listen()
s, s6, fresh = socket.socket(), socket.socket(socket.AF_INET6), socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
s6.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
def port(s):
    return str(s.getsockname()[1])
child = run((s.fileno(), ",bind," + port(taken)), (s6.fileno(), ",bind," + port(taken6)), (fresh.fileno(), ",listen"))
for one in s, s6, fresh:
    name = one.getsockname()
    say(name)
    c = socket.create_connection(name[:2], 15)
    say(c.recv(100).decode())
say([s.getsockopt(socket.SOL_SOCKET, option) for option in (socket.SO_KEEPALIVE, socket.SO_ACCEPTCONN)])
say(s6.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY))
end(child)
`,
    );
    const told = [
      await program.json<Told>(),
      await program.json<Told>(),
      await program.json<Told>(),
    ];
    for (const [index, { local, ...rest }] of told.entries()) {
      assert.deepEqual(rest, index < 2 ? { refused: "EADDRINUSE", again: "EINVAL" } : {});
      assert.notEqual(local[1], 0);
      assert.deepEqual(await program.json(), local);
      assert.equal(await program.json(), "hello");
    }
    assert.deepEqual(await program.json(), [1, 1], "the option of its owner, and SO_ACCEPTCONN");
    assert.equal(await program.json(), noLibc ? 0 : 1, "IPV6_V6ONLY of its owner");
    assert.equal(await program.json(), 0);
  }, noParent || noIPv6 || noUnbound);

  test("a UNIX socket that is not bound is bound, with libc", async (scope) => {
    const folder = mkdtempSync(join(tmpdir(), "bsdsock-"));
    scope.add({ close: () => rmSync(folder, { recursive: true, force: true }) });
    const path = join(folder, "s");
    const program = give(
      scope,
      `
path = ${JSON.stringify(path)}
s = socket.socket(socket.AF_UNIX)
child = run((s.fileno(), ",bind," + path))
try:
    c = socket.socket(socket.AF_UNIX)
    c.settimeout(15)
    c.connect(path)
    say(c.recv(100).decode())
except FileNotFoundError:
    say("none")
end(child)
say(os.path.exists(path))
`,
    );
    const facts = noLibc
      ? { code: "ENOTSUP" }
      : { refused: "EINVAL", again: "EINVAL", local: path };
    assert.deepEqual(await program.json(), facts);
    assert.equal(await program.json(), noLibc ? "none" : "hello");
    assert.equal(await program.json(), 0);
    assert.equal(await program.json(), false, "its file is removed");
  }, noParent || noAdopted("AF_UNIX", SOCK_STREAM));

  test("to bind one needs --allow-net with node --permission", async (scope) => {
    const child = launch(new URL("./peers/adopted.ts", import.meta.url), [], {
      flags: [
        "--permission",
        "--no-warnings",
        "--allow-ffi",
        `--allow-fs-read=${fileURLToPath(new URL("..", import.meta.url))}`,
      ],
    });
    const program = pythonProgram(
      scope,
      `${giver}
s, u = socket.socket(), socket.socket(socket.AF_UNIX)
end(run((s.fileno(), ",bind,0"), (u.fileno(), ",bind,/nowhere/" + str(os.getpid()))))
`,
      [JSON.stringify(child)],
    );
    assert.deepEqual(await program.json(), { code: "EACCES" });
    assert.deepEqual(await program.json(), { code: "EACCES" });
    assert.equal(await program.json(), 0);
  }, noParent || noConfined || noLibc);

  test(
    "a listener whose first call is aborted at once, or that is closed meanwhile",
    async (scope) => {
      const program = give(
        scope,
        `
listeners = [listener() for _ in range(4)]
actions = [",abort", ",serve", ",close", ",shut"]
end(run(*[(s.fileno(), action) for s, action in zip(listeners, actions)]))
`,
      );
      assert.equal(await program.json(), "enough");
      assert.equal(await program.json(), "done");
      for (const syscall of ["accept", "shutdown"]) {
        assert.deepEqual(await program.json(), { code: "EBADF", syscall });
      }
      assert.equal(await program.json(), 0);
    },
    noParent,
  );

  test("a connection that was reset gives its bytes, then the error", async (scope) => {
    const program = give(
      scope,
      `
def reset(data, accepted, timeout):
    server = listener()
    c = socket.socket()
    # With a timeout it connects without blocking, as the runtimes do.
    c.settimeout(timeout)
    c.connect(server.getsockname())
    s, _ = server.accept()
    given, other = (s, c) if accepted else (c, s)
    other.sendall(data)
    other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    other.close()
    return given
sockets = [reset(data, *way) for data in (b"some", b"") for way in ((True, None), (False, None), (False, 5))]
end(run(*[(s.fileno(), ",read") for s in sockets]))
`,
    );
    const peer = ["0.0.0.0", 0];
    for (const read of [["some", "ECONNRESET"], ["ECONNRESET"]]) {
      for (let i = 0; i < 3; i++) assert.deepEqual(await program.json(), { peer, read });
    }
    assert.equal(await program.json(), 0);
  }, noParent);

  test("a listener leaves connections to others until the first accept", async (scope) => {
    const program = give(
      scope,
      `
import time
server = listener()
child = run((server.fileno(), ""))
server.settimeout(0.3)
accepted = 0
for i in range(3):
    c = socket.create_connection(server.getsockname())
    time.sleep(0.1)
    try:
        server.accept()[0].close()
        accepted += 1
    except TimeoutError:
        pass
say(accepted)
end(child)
`,
    );
    assert.deepEqual(await program.json(), { listening: true });
    assert.equal(await program.json(), isBlind ? 0 : 3);
    assert.equal(await program.json(), 0);
  }, noParent);

  test("a listener that is stopped here is not stopped for its owner", async (scope) => {
    const program = give(
      scope,
      `
server = listener()
child = run((server.fileno(), ",stop"))
c = socket.create_connection(server.getsockname())
server.settimeout(15)
server.accept()
say("accepted")
end(child)
`,
    );
    assert.deepEqual(await program.json(), { again: "EADDRINUSE" });
    assert.equal(await program.json(), "accepted");
    assert.equal(await program.json(), 0);
  }, noParent);

  test("the options of a connection stay its owner's", async (scope) => {
    const program = give(
      scope,
      `
server = listener()
c = socket.create_connection(server.getsockname())
s, _ = server.accept()
for option in (socket.SOL_SOCKET, socket.SO_KEEPALIVE), (socket.IPPROTO_TCP, socket.TCP_NODELAY):
    c.setsockopt(*option, 1)
child = run((c.fileno(), ",options"))
say([c.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE), c.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)])
end(child)
`,
    );
    const known = await program.json();
    assert.deepEqual(known, noLibc ? [0, 0] : [1, 1]);
    assert.deepEqual(await program.json(), [1, 1]);
    assert.equal(await program.json(), 0);
  }, noParent);
});

describe("whether children inherit an inherited socket", () => {
  for (const permission of ["--allow-net", "--allow-ffi"]) {
    test(`is told, or ENOTSUP, with ${permission}`, async (scope) => {
      const permissions = ["--allow-net", permission];
      const child = launch(new URL("./peers/inheritable.ts", import.meta.url), [], { permissions });
      const program = pythonProgram(scope, pass, [JSON.stringify(child)]);
      for (const kind of ["listener", "connection"]) {
        const [first, set, then] = await program.json<unknown[]>();
        // Absent if the runtime goes on with a duplicate.
        const actual = await program.json<boolean | null>();
        const shown = `${kind}: ${first}, ${set}, ${then}; it is ${actual}`;
        const cannotTell = runtimeName === "deno" && permission !== "--allow-ffi";
        assert.equal(then, cannotTell ? "ENOTSUP" : actual, shown);
        assert.equal(set, cannotTell || actual ? "ENOTSUP" : null, shown);
        if (actual) assert.equal(first, then, shown);
      }
    }, noParent);
  }
});

describe("after all tests of this file", () => {
  it("no socket is left", { skip: noDescriptors }, checkNothingLeft);
});
