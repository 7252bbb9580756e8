/** Taking over descriptors: inherited from a parent, and given away in the same process. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  capabilities,
  close,
  create_server,
  createMemoryAdapter,
  errno,
  fromfd,
  type InetAddress,
  IPPROTO_TCP,
  IPPROTO_UDP,
  MSG_DONTWAIT,
  MSG_PEEK,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SO_ACCEPTCONN,
  SO_ERROR,
  SO_KEEPALIVE,
  SO_LINGER,
  SO_RCVTIMEO,
  SO_TYPE,
  SOCK_DGRAM,
  SOCK_STREAM,
  Socket,
  socket,
  SocketError,
  SOL_SOCKET,
  TCP_NODELAY,
} from "../mod.ts";
import { pattern, receive, receiveAll, text, timeval } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors, socketDescriptors } from "./support/outside.ts";
import { noPeer, pythonProgram } from "./support/peers.ts";
import { type Program, pythonFile, start } from "./support/process.ts";
import { hasFfi, launch, runtimeName } from "./support/runtime.ts";
import {
  bounded,
  rejection,
  rejects,
  type Scope,
  sleep,
  thrown,
  throws,
  until,
} from "./support/scope.ts";
import { native, noIPv6, noUnix } from "./support/tcp.ts";

const able = capabilities();
const noAdopt: string | false = able.adopt ? false : "this runtime takes over no descriptor";
const noGivenAway = noAdopt || !able.fileno && "this runtime reveals no descriptor";
/** Duplicates need libc, as the options beyond the common ones do. */
const noLibc = able.options["SOCK_STREAM"]!["SO_RCVBUF"] === undefined && "it needs libc";
/** Why no socket of a kind is taken over; whether that is so is tested where such a socket is refused. */
const noAdopted = (family: string, type: number): string | false =>
  !able.adoptTypes[family]?.includes(type === SOCK_STREAM ? "SOCK_STREAM" : "SOCK_DGRAM") &&
  `${able.adapter} takes over no such socket`;
const noParent = noAdopt || noPeer || process.platform !== "linux" && "pass_fds is POSIX's";

/** The program that gets the descriptor; Deno's may do what a service with such a socket may. */
const inherited = launch(new URL("./peers/inherited.ts", import.meta.url), [], {
  permissions: ["--allow-net", "--allow-read", "--allow-write", "--allow-env"],
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

/** Reads what the system holds, without a turn of the event loop. Returns how many bytes that was. */
function readNow(fd: number): number {
  const buffer = new Uint8Array(1 << 16);
  let total = 0;
  for (;;) {
    try {
      const count = readSync(fd, buffer);
      if (count === 0) return total;
      total += count;
    } catch (error) {
      assert.equal((error as { code?: string }).code, "EAGAIN");
      return total;
    }
  }
}

/** Sends until there is no room. Returns how many bytes that was. */
async function fill(s: Socket<InetAddress>): Promise<number> {
  let total = 0;
  try {
    for (;;) total += await s.send(new Uint8Array(1 << 20), MSG_DONTWAIT);
  } catch (error) {
    assert.equal((error as SocketError).code, "EAGAIN");
    return total;
  }
}

function test(
  name: string,
  body: (scope: Scope) => void | Promise<void>,
  skip: string | false,
): void {
  it(name, { skip }, bounded(async (scope) => await body(scope), 30_000));
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

describe("descriptors given away and taken back", () => {
  for (const setting of native) {
    const skip = noGivenAway || setting.skip;

    test(`a connection, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const names = [client.getsockname(), client.getpeername()];
      const fd = client.fileno();
      assert.equal(client.detach(), fd);
      assert.equal(client.detach(), -1);
      await conn.sendall("meanwhile");
      const s = scope.add(fromfd(fd, setting.family, SOCK_STREAM));
      assert.equal(s.fileno(), fd);
      assert.deepEqual([s.getsockname(), s.getpeername()], names);
      assert.equal(text(await receive(s, 9)), "meanwhile");
      await s.sendall("and back");
      assert.equal(text(await receive(conn, 8)), "and back");
      await rejects(() => client.sendall("x"), "EBADF", "send");
      await s.close();
      assert.equal((await conn.recv(1)).length, 0);
    }, skip);

    test(`nothing of a connection is lost, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await conn.sendall("first, second");
      assert.equal(text(await receive(client, 5)), "first");
      let s = scope.add(fromfd(client.detach(), setting.family));
      assert.equal(text(await receive(s, 8)), ", second");
      s.settimeout(0.02);
      assert.equal((await rejection(() => s.recv(1)) as SocketError).code, "ETIMEDOUT");
      const fd = s.detach();
      await conn.sendall("third");
      await conn.shutdown(SHUT_WR);
      await sleep(30);
      s = scope.add(fromfd(fd, setting.family));
      assert.equal(text(await receiveAll(s)), "third");
      s = scope.add(fromfd(s.detach(), setting.family));
      assert.equal((await s.recv(1)).length, 0, "the end is still the end");
      await s.sendall("back");
      assert.equal(text(await receive(conn, 4)), "back");
    }, skip);

    test(`a send that waited has sent what it says, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const sending = rejection(() => client.sendall(new Uint8Array(32 << 20)));
      await sleep(20);
      const fd = client.detach();
      const { bytes_sent } = await sending as SocketError;
      const taken = scope.add(fromfd(fd, AF_INET, SOCK_STREAM));
      const shut = taken.shutdown(SHUT_WR);
      assert.equal((await receiveAll(conn)).length, bytes_sent);
      await shut;
    }, skip);

    test(`what it has counted as sent goes out first, ${setting.name}`, async (scope) => {
      for (const timeout of [0.02, null]) {
        const [client, conn] = await setting.pair(scope);
        client.settimeout(timeout);
        const sending = rejection(() => client.sendall(new Uint8Array(32 << 20).fill(65)));
        await sleep(40);
        const taken = scope.add(fromfd(client.detach(), setting.family));
        const { bytes_sent } = await sending as SocketError;
        // There is room again, before the event loop can tell anybody.
        let got = readNow(conn.fileno());
        assert.ok(got > 0);
        const sends = [taken.sendall("B".repeat(1000)), taken.send("C"), taken.shutdown(SHUT_WR)];
        const rest = await receiveAll(conn);
        await Promise.all(sends);
        got += rest.length;
        assert.equal(got, bytes_sent! + 1001);
        const after = rest.slice(-1001);
        assert.equal(text(after), "B".repeat(1000) + "C");
        assert.ok(rest.subarray(0, -1001).every((byte) => byte === 65));
      }
    }, skip);

    test(`a send that waits sends what it says, ${setting.name}`, async (scope) => {
      for (const timeout of [null, 15]) {
        const [client, conn] = await setting.pair(scope);
        const told = await fill(client);
        client.settimeout(timeout);
        const sends = [client.send(new Uint8Array(4000)), client.send(new Uint8Array(4000))]
          .map((sent) => sent.catch(({ code }: SocketError) => code === "EBADF" ? 0 : NaN));
        await sleep(20);
        const taken = scope.add(fromfd(client.detach(), setting.family));
        const [first = NaN, second = NaN] = await Promise.all(sends);
        let got = readNow(conn.fileno());
        // A send that polls for room would try again by then.
        await sleep(100);
        const shut = taken.shutdown(SHUT_WR);
        got += (await receiveAll(conn)).length;
        await shut;
        assert.equal(got, told + first + second);
      }
    }, skip);

    test(`close() of the number sends what is counted, ${setting.name}`, async (scope) => {
      for (const timeout of [0.02, null]) {
        const [client, conn] = await setting.pair(scope);
        client.settimeout(timeout);
        const sending = rejection(() => client.sendall(new Uint8Array(32 << 20)));
        await sleep(40);
        const fd = client.detach();
        const { bytes_sent } = await sending as SocketError;
        close(fd);
        throws(() => close(fd), "EBADF", "close");
        throws(() => fromfd(fd, setting.family), "EBADF", "socket");
        assert.equal((await receiveAll(conn)).length, bytes_sent);
        await sleep(20);
        throws(() => close(fd), "EBADF", "close");
      }
    }, skip);

    test(`the options go with it, ${setting.name}`, async (scope) => {
      for (const closes of ["socket", "number"]) {
        const [client, conn] = await setting.pair(scope);
        client.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
        client.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
        client.setsockopt(SOL_SOCKET, SO_RCVTIMEO, timeval(20));
        const fd = client.detach();
        if (closes === "number") close(fd);
        else {
          const again = scope.add(fromfd(fd, setting.family));
          for (const option of [SO_LINGER, SO_KEEPALIVE]) {
            assert.equal(again.getsockopt(SOL_SOCKET, option), 1);
          }
          await rejects(() => again.recv(1), "EAGAIN", "recv");
          await again.close();
        }
        await rejects(() => conn.recv(1), "ECONNRESET", "recv");
      }
    }, skip);

    test(`close() of the number with unread bytes resets, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await conn.sendall("first, second");
      assert.equal(text(await receive(client, 5)), "first");
      close(client.detach());
      await rejects(() => conn.recv(1), "ECONNRESET", "recv");
    }, skip);

    test(`a child gets what comes after, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      await conn.sendall("x");
      await receive(client, 1);
      const echo = "import socket; s = socket.socket(fileno=3); s.sendall(s.recv(100))";
      const fd = client.detach();
      scope.add({ close: () => close(fd) });
      const stdio = ["ignore", "ignore", "inherit", fd] as const;
      const child = spawn(pythonFile, ["-c", echo], { stdio: [...stdio] });
      scope.add({ close: () => child.kill() });
      await conn.sendall("for the child");
      assert.equal(text(await receive(conn, 13)), "for the child");
    }, skip || noPeer);

    test(`the family, type and protocol are found out, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const fileno = client.detach();
      const s = scope.add(socket(undefined, undefined, undefined, { fileno }));
      assert.deepEqual([s.family, s.type, s.proto], [setting.family, SOCK_STREAM, IPPROTO_TCP]);
      assert.match(String(s), / proto=6,/);
      if (!noLibc) assert.equal(scope.add(s.dup()).proto, IPPROTO_TCP);
      await s.sendall("x");
      assert.equal(text(await conn.recv(1)), "x");
    }, skip);

    test(
      `fromfd finds out the family and type that are left out, ${setting.name}`,
      async (scope) => {
        const [client] = await setting.pair(scope);
        const s = scope.add(fromfd(client.detach()));
        assert.deepEqual([s.family, s.type], [setting.family, SOCK_STREAM]);
      },
      skip,
    );

    test(`a protocol that was given stays, ${setting.name}`, async (scope) => {
      const [client] = await setting.pair(scope);
      const { family } = setting;
      let fileno = client.detach();
      for (
        const [make, proto] of [
          [() => socket(family, SOCK_STREAM, 0, { fileno }), 0],
          [() => fromfd(fileno, family, SOCK_STREAM), 0],
          [() => fromfd(fileno, family, SOCK_STREAM, IPPROTO_TCP), IPPROTO_TCP],
          [() => socket(family, SOCK_STREAM, -1, { fileno }), IPPROTO_TCP],
        ] as const
      ) {
        const s = scope.add(make());
        assert.equal(s.proto, proto);
        fileno = s.detach();
      }
      close(fileno);
    }, skip);

    test(`one that is refused stays its owner's, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const fd = client.detach();
      throws(() => fromfd(fd, 99), "EAFNOSUPPORT", "socket");
      throws(() => fromfd(fd, setting.family, SOCK_DGRAM), "ENOTSUP", "socket");
      throws(() => fromfd(fd, setting.family, SOCK_STREAM, 17), "EPROTONOSUPPORT", "socket");
      const s = scope.add(fromfd(fd, setting.family));
      assert.equal(s.fileno(), fd);
      await s.sendall("x");
      assert.equal(text(await conn.recv(1)), "x");
    }, skip);

    test(
      `nor is a connection whose descriptor the runtime has closed, ${setting.name}`,
      async (scope) => {
        const [client, conn] = await setting.pair(scope);
        client.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
        await client.close();
        await rejects(() => conn.recv(1), "ECONNRESET", "recv");
        throws(() => conn.detach(), "ENOTSUP", "detach");
        assert.equal(conn.closed, false);
      },
      skip,
    );

    test(`a listener is not let go of, ${setting.name}`, async (scope) => {
      const server = await setting.server(scope);
      assert.ok(server.fileno() >= 0);
      throws(() => server.detach(), "ENOTSUP", "detach");
      const client = setting.socket(scope);
      await client.connect(server.getsockname());
      scope.add((await server.accept())[0]);
    }, skip);
  }

  test("a descriptor of a worker thread ends with the thread", async (scope) => {
    const program = new URL("./peers/detaching_worker.ts", import.meta.url);
    const main = scope.add(start(launch(program)));
    assert.deepEqual(await main.json(), ["before", ""]);
    assert.equal((await main.exit()).code, 0);
  }, noGivenAway);

  test("a UNIX connection", async (scope) => {
    const folder = mkdtempSync(join(tmpdir(), "bsdsock-"));
    scope.add({ close: () => rmSync(folder, { recursive: true, force: true }) });
    const server = scope.add(new Socket<string>(AF_UNIX));
    await server.bind(join(folder, "s"));
    await server.listen();
    const client = scope.add(new Socket<string>(AF_UNIX));
    await client.connect(server.getsockname());
    const [conn] = await server.accept();
    scope.add(conn);
    const fileno = client.detach();
    const s = scope.add(socket(-1, -1, -1, { fileno }));
    assert.equal(s.family, AF_UNIX);
    await s.sendall("x");
    assert.equal(text(await conn.recv(1)), "x");
  }, noGivenAway || noUnix);
});

describe("descriptors of open sockets", () => {
  for (const setting of native) {
    const skip = noGivenAway || setting.skip;

    test(`fromfd duplicates, as Python does, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      if (able.options["SOCK_STREAM"]!["SO_RCVBUF"] === undefined) {
        throws(() => fromfd(client.fileno(), setting.family), "ENOTSUP", "dup");
        return;
      }
      const copy = scope.add(fromfd(client.fileno(), setting.family));
      assert.notEqual(copy.fileno(), client.fileno());
      await conn.sendall("one");
      assert.equal(text(await receive(copy, 3)), "one");
      await copy.close();
      await conn.sendall("two");
      assert.equal(text(await receive(client, 3)), "two");
      await client.sendall("back");
      assert.equal(text(await receive(conn, 4)), "back");
      const server = await setting.server(scope);
      const second = scope.add(socket(undefined, undefined, 0, { fileno: server.fileno() }));
      assert.deepEqual(second.getsockname(), server.getsockname());
    }, skip);

    test(`fromfd twice, and close() of what it was given, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const fd = client.detach();
      const one = scope.add(fromfd(fd, setting.family));
      if (noLibc) {
        throws(() => fromfd(fd, setting.family), "ENOTSUP", "dup");
      } else {
        const two = scope.add(fromfd(fd, setting.family));
        await two.close();
      }
      await one.sendall("still there");
      assert.equal(text(await receive(conn, 11)), "still there");
      const receiving = rejection(() => one.recv(1));
      close(fd);
      assert.equal((await receiving as SocketError).code, "EBADF");
      await rejects(() => one.sendall("x"), "EBADF", "send");
      assert.equal((await conn.recv(1)).length, 0);
      await rejection(() => one.close());
    }, skip);

    test(`close() of the number closes the socket, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const receiving = rejection(() => client.recv(1));
      close(client.fileno());
      assert.equal((await receiving as SocketError).code, "EBADF");
      await rejects(() => client.recv(1), "EBADF", "recv");
      await rejects(() => client.sendall("x"), "EBADF", "send");
      assert.equal((await conn.recv(1)).length, 0);
      const bound = new Socket<[string, number]>(setting.family);
      await bound.bind([setting.host, 0]);
      close(bound.fileno());
      await rejects(() => bound.listen(), "EBADF", "listen");
      await rejects(() => bound.close(), "EBADF", "close");
      await rejection(() => client.close());
    }, skip);

    test(`close() of the number of its file closes the socket, ${setting.name}`, async (scope) => {
      const [client, conn] = await setting.pair(scope);
      const file = client.makefile("rb");
      const reading = rejection(() => file.read(1));
      close(file.fileno());
      assert.equal((await reading as SocketError).code, "EBADF");
      assert.equal(client.closed, true);
      assert.equal((await conn.recv(1)).length, 0);
      await client.close();
      await rejects(() => file.close(), "EBADF", "close");
    }, skip);

    test(`close() of the number ends a sendfile that waits, ${setting.name}`, async (scope) => {
      const [client] = await setting.pair(scope);
      async function* silent(): AsyncGenerator<string, void, void> {
        yield "some";
        await new Promise(() => {});
      }
      const sending = rejects(() => client.sendfile(silent()), "EBADF", "send");
      await sleep(20);
      close(client.fileno());
      assert.equal((await sending).bytes_sent, 4);
      await rejection(() => client.close());
    }, skip);

    test(`every call after close() of the number is EBADF, ${setting.name}`, async (scope) => {
      const [client] = await setting.pair(scope);
      const server = await setting.server(scope);
      for (const s of [client, server]) {
        close(s.fileno());
        assert.equal(s.closed, true);
        assert.equal(s.fileno(), -1);
        assert.equal(s.detach(), -1);
        for await (const _ of s) assert.fail("nothing is accepted");
        throws(() => s.getsockname(), "EBADF", "getsockname");
        throws(() => s.getpeername(), "EBADF", "getpeername");
        throws(() => s.getsockopt(SOL_SOCKET, SO_TYPE), "EBADF", "getsockopt");
        throws(() => s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1), "EBADF", "setsockopt");
        throws(() => s.settimeout(1), "EBADF", "settimeout");
        throws(() => s.makefile("rb"), "EBADF", "makefile");
        await rejects(() => s.shutdown(SHUT_RDWR), "EBADF", "shutdown");
        await rejects(() => s.accept(), "EBADF", "accept");
        await rejects(() => s.connect([setting.host, 1]), "EBADF", "connect");
        await rejects(() => s.close(), "EBADF", "close");
        await s.close();
      }
    }, skip);

    test(`several accepts of a listener that was taken over, ${setting.name}`, async (scope) => {
      const server = await setting.server(scope);
      const copy = scope.add(server.dup());
      await server.close();
      const accepting = [copy.accept(), copy.accept(), copy.accept()];
      assert.equal(copy.getsockopt(SOL_SOCKET, SO_ACCEPTCONN), 1);
      const clients = [1, 2, 3].map(() => setting.socket(scope));
      for (const client of clients) await client.connect(copy.getsockname());
      const names = await Promise.all(accepting.map(async (accept) => {
        const [conn] = await accept;
        return JSON.stringify(scope.add(conn).getpeername());
      }));
      assert.equal(new Set(names).size, 3);
    }, skip || noLibc);

    test(`a bound socket that was taken over connects, ${setting.name}`, async (scope) => {
      const bound = setting.socket(scope);
      await bound.bind([setting.host, 0]);
      const copy = scope.add(bound.dup());
      await bound.close();
      assert.equal(copy.getsockopt(SOL_SOCKET, SO_ACCEPTCONN), 0);
      const server = await setting.server(scope);
      const address = copy.getsockname();
      await copy.connect(server.getsockname());
      const [conn, from] = await server.accept();
      scope.add(conn);
      assert.deepEqual(from, address);
    }, skip || noLibc);

    test(`it keeps its port after a connect that failed, ${setting.name}`, async (scope) => {
      const bound = setting.socket(scope);
      await bound.bind([setting.host, 0]);
      const copy = scope.add(bound.dup());
      await bound.close();
      const address = copy.getsockname();
      const closed: InetAddress = [setting.host, await setting.freePort()];
      await rejects(() => copy.connect(closed), "ECONNREFUSED", "connect");
      assert.deepEqual(copy.getsockname(), address);
      const server = await setting.server(scope);
      await copy.connect(server.getsockname());
      assert.deepEqual(copy.getsockname(), address);
      const [conn, from] = await server.accept();
      scope.add(conn);
      assert.deepEqual(from, address);
    }, skip || noLibc);

    test(
      `a listener that was taken over is shut down before it accepts, ${setting.name}`,
      async (scope) => {
        const server = await setting.server(scope);
        const copy = scope.add(server.dup());
        await server.close();
        await rejects(() => copy.connect([setting.host, 1]), "EISCONN", "connect");
        await copy.shutdown(SHUT_RD);
        assert.equal(copy.getsockopt(SOL_SOCKET, SO_ACCEPTCONN), 0);
        await rejects(() => copy.accept(), "EINVAL", "accept");
      },
      skip || noLibc,
    );
  }
});

/** Which socket has waited in vain before, and which is closed before the rest is received; the peer means none. */
const orders = (["peer", "original", "duplicate"] as const).flatMap((one) =>
  (["peer", "original", "duplicate"] as const).map((closes) => [one, closes] as const)
);

describe("dup and inheritance", () => {
  const libc = able.fileno && !noLibc;

  for (const setting of native) {
    test(
      `a connection lives until both of its sockets are closed, ${setting.name}`,
      async (scope) => {
        const [client, conn] = await setting.pair(scope);
        conn.settimeout(7);
        if (!libc) {
          throws(() => conn.dup(), "ENOTSUP", "dup");
          return;
        }
        const copy = scope.add(conn.dup());
        assert.notEqual(copy.fileno(), conn.fileno());
        assert.deepEqual([copy.family, copy.type, copy.gettimeout()], [
          setting.family,
          SOCK_STREAM,
          7,
        ]);
        assert.deepEqual(
          [copy.getsockname(), copy.getpeername()],
          [conn.getsockname(), conn.getpeername()],
        );
        await conn.close();
        await client.sendall("still open");
        assert.equal(text(await receive(copy, 10)), "still open");
        await copy.sendall("yes");
        await copy.close();
        assert.equal(text(await receive(client, 3)), "yes");
        assert.equal((await client.recv(1)).length, 0);
      },
      setting.skip,
    );
  }

  for (const setting of native) {
    /** A socket with a duplicate, their peer, and what receives from each of them. */
    const trio = async (scope: Scope) => {
      const [peer, original] = await setting.pair(scope);
      const duplicate = scope.add(original.dup());
      return { peer, original, duplicate };
    };

    for (const [one, closes] of orders) {
      const earlier = `the ${one} has waited, ${closes} is closed`;
      test(`what arrives is for either socket, ${earlier}, ${setting.name}`, async (scope) => {
        const sockets = await trio(scope);
        const { peer, original, duplicate } = sockets;
        if (one !== "peer") {
          sockets[one].settimeout(0.02);
          await rejects(() => sockets[one].recv(9), "ETIMEDOUT", "recv");
        }
        await peer.sendall("hello, you");
        await sleep(30);
        if (closes !== "peer") await sockets[closes].close();
        const last = closes === "original" ? duplicate : original;
        const first = closes === "peer" ? duplicate : last;
        assert.equal(text(await receive(first, 5)), "hello");
        assert.equal(text(await receive(last, 5)), ", you");
        // No close was a reset: nothing is unread.
        await last.sendall("bye");
        for (const s of [original, duplicate]) await s.close();
        assert.equal(text(await receive(peer, 3)), "bye");
        assert.equal((await peer.recv(1)).length, 0);
      }, setting.skip || !libc && "no duplicates");
    }

    test(`a receive that waits in each socket, ${setting.name}`, async (scope) => {
      const { peer, original, duplicate } = await trio(scope);
      const buffers = [new Uint8Array(70_000), new Uint8Array(70_000)];
      const receiving = [original.recv_into(buffers[0]!), duplicate.recv_into(buffers[1]!)];
      await peer.sendall("A");
      await Promise.race(receiving);
      const [early, late] = buffers[0]![0] === 65 ? [0, 1] : [1, 0];
      assert.equal(await receiving[early], 1);
      await peer.sendall("B");
      assert.equal(await receiving[late], 1);
      assert.deepEqual([buffers[early]![0], buffers[late]![0]], [65, 66]);
      // The memory of a receive that is over belongs to the program.
      buffers.forEach((buffer) => buffer.fill(0));
      await peer.sendall("C");
      await sleep(20);
      assert.ok(buffers.every((buffer) => buffer.every((byte) => byte === 0)));
      assert.equal(text(await original.recv(9, MSG_PEEK)), "C");
      assert.equal(text(await duplicate.recv(9, MSG_PEEK)), "C");
      assert.equal(text(await duplicate.recv(9)), "C");
    }, setting.skip || !libc && "no duplicates");

    test(`bulk to a socket and its duplicate, ${setting.name}`, async (scope) => {
      const [peer, original] = await setting.pair(scope);
      const size = 4_000_000;
      const sent = pattern(size);
      const sending = peer.sendall(sent).then(() => peer.close());
      const buffer = new Uint8Array(100_000);
      let count = 0;
      /** Checks that bytes are those that come next. */
      const check = (part: Uint8Array): void => {
        assert.deepEqual(part, sent.subarray(count, count + part.length));
        count += part.length;
      };
      // One waits in the memory of its caller while the other is made.
      const first = original.recv_into(buffer);
      const duplicate = scope.add(original.dup());
      check(buffer.subarray(0, await first));
      const receivers = [[original, 50_000], [duplicate, 1000]] as const;
      await Promise.all(receivers.map(async ([s, most]) => {
        for (let data; (data = await s.recv(most)).length > 0;) check(data);
      }));
      await sending;
      assert.equal(count, size);
    }, setting.skip || !libc && "no duplicates");

    for (const open of [true, false]) {
      const which = open ? "that is open" : "that was closed";
      test(`a reset that a socket ${which} has met, ${setting.name}`, async (scope) => {
        const [peer, original] = await setting.pair(scope);
        await original.sendall("unread");
        await peer.sendall("data");
        await sleep(20);
        // From now on it reads ahead.
        assert.equal(text(await original.recv(1)), "d");
        const duplicate = scope.add(original.dup());
        await peer.close();
        await sleep(50);
        if (!open) await original.close();
        assert.equal(text(await duplicate.recv(9)), "ata");
        // The kernel reports it once for all.
        await rejects(() => duplicate.recv(9), "ECONNRESET", "recv");
        for (const s of open ? [original, duplicate] : [duplicate]) {
          assert.equal((await s.recv(9)).length, 0);
          assert.equal(s.getsockopt(SOL_SOCKET, SO_ERROR), 0);
        }
      }, setting.skip || !libc && "no duplicates");
    }

    test(`what a reset after the end of the stream leaves, ${setting.name}`, async (scope) => {
      const { peer, original, duplicate } = await trio(scope);
      await peer.close();
      await duplicate.sendall("for nobody").catch((error) => assert.equal(error.code, "EPIPE"));
      await sleep(30);
      for (const s of [original, duplicate]) assert.equal((await s.recv(9)).length, 0);
      for (const s of [duplicate, original]) await rejects(() => s.send("x"), "EPIPE", "send");
    }, setting.skip || !libc && "no duplicates");

    test(`a duplicate of a connection that was reset, ${setting.name}`, async (scope) => {
      const [original, conn] = await setting.pair(scope);
      conn.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
      await conn.close();
      await sleep(30);
      if (runtimeName === "bun") {
        // It has closed the descriptor.
        throws(() => original.dup(), "ENOTSUP", "dup");
        return;
      }
      const duplicate = scope.add(original.dup());
      await rejects(() => duplicate.recv(1), "ECONNRESET", "recv");
      for (const s of [original, duplicate]) assert.equal((await s.recv(1)).length, 0);
    }, setting.skip || !libc && "no duplicates");

    test(`the options are those of both, ${setting.name}`, async (scope) => {
      const { peer, original, duplicate } = await trio(scope);
      const receiving = duplicate.recv(1);
      await peer.send("x");
      assert.equal(text(await receiving), "x");
      original.setsockopt(SOL_SOCKET, SO_RCVTIMEO, timeval(20));
      await rejects(() => duplicate.recv(1), "EAGAIN", "recv");
      duplicate.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
      assert.equal(original.getsockopt(SOL_SOCKET, SO_LINGER), 1);
      original.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
      const third = scope.add(original.dup());
      for (const s of [original, duplicate, third]) {
        assert.equal(s.getsockopt(IPPROTO_TCP, TCP_NODELAY), 1);
      }
      await third.close();
      // A reset is for the last one.
      await duplicate.close();
      await original.sendall("bye");
      assert.equal(text(await peer.recv(9)), "bye");
      await original.close();
      await rejects(() => peer.recv(9), "ECONNRESET", "recv");
    }, setting.skip || !libc && "no duplicates");

    test(`shutdown(SHUT_WR) is for both, ${setting.name}`, async (scope) => {
      const { peer, original, duplicate } = await trio(scope);
      await duplicate.shutdown(SHUT_WR);
      const third = scope.add(original.dup());
      for (const s of [original, duplicate, third]) {
        await rejects(() => s.send("x"), "EPIPE", "send");
      }
      assert.equal((await peer.recv(1)).length, 0);
      await peer.sendall("heard");
      assert.equal(text(await receive(original, 5)), "heard");
    }, setting.skip || !libc && "no duplicates");

    test(`shutdown(SHUT_RD) ends both, ${setting.name}`, async (scope) => {
      const { original, duplicate } = await trio(scope);
      const receiving = [original.recv(1), duplicate.recv(1)];
      await original.shutdown(SHUT_RD);
      for (const data of await Promise.all(receiving)) assert.equal(data.length, 0);
      assert.equal((await duplicate.recv(1)).length, 0);
    }, setting.skip || !libc && "no duplicates");
  }

  test("a listener's duplicate accepts", async (scope) => {
    const server = await native[0].server(scope);
    if (!libc) {
      throws(() => server.dup(), "ENOTSUP", "dup");
      return;
    }
    const copy = scope.add(server.dup());
    assert.deepEqual(copy.getsockname(), server.getsockname());
    await server.close();
    const accepting = copy.accept();
    const client = native[0].socket(scope);
    await client.connect(copy.getsockname());
    scope.add((await accepting)[0]);
  }, false);

  test("a datagram socket has no duplicate, nor a closed one", async (scope) => {
    const s = scope.add(socket(AF_INET, SOCK_DGRAM));
    await s.bind(["127.0.0.1", 0]);
    throws(() => s.dup(), "ENOTSUP", "dup");
    await s.close();
    throws(() => s.dup(), "EBADF", "dup");
    throws(() => s.get_inheritable(), "EBADF", "get_inheritable");
    throws(() => s.set_inheritable(true), "EBADF", "set_inheritable");
  }, false);

  test("a socket that is neither bound nor connected has no descriptor", async (scope) => {
    for (const type of [SOCK_STREAM, SOCK_DGRAM]) {
      const s = scope.add(new Socket(AF_INET, type));
      for (const call of [() => s.fileno(), () => s.dup(), () => s.detach()]) {
        throws(call, "ENOTSUP");
      }
      throws(() => s.set_inheritable(true), "ENOTSUP", "fcntl");
      // One that is only bound is not let go of either.
      await s.bind(["127.0.0.1", 0]);
      throws(() => s.detach(), "ENOTSUP", "detach");
    }
  }, false);

  test("a child has what was made inheritable, and nothing else", async (scope) => {
    const server = await native[0].server(scope);
    assert.equal(server.get_inheritable(), false);
    server.set_inheritable(false);
    if (!libc) {
      throws(() => server.set_inheritable(true), "ENOTSUP", "fcntl");
      return;
    }
    const fd = server.fileno();
    // The flag itself: what starts a child may close descriptors that it does not know.
    const flags = (): string =>
      /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))![1]!;
    const isInheritable = (): boolean => (parseInt(flags(), 8) & 0o2000000) === 0;
    assert.equal(isInheritable(), false);
    server.set_inheritable(true);
    assert.deepEqual([server.get_inheritable(), isInheritable()], [true, true]);
    server.set_inheritable(false);
    assert.deepEqual([server.get_inheritable(), isInheritable()], [false, false]);
  }, false);
});

describe("what is no socket", () => {
  test("a number that is no descriptor is EBADF", () => {
    const error = throws(() => fromfd(1_000_000, AF_INET), "EBADF", "socket");
    assert.equal(error.errno, errno.EBADF);
    throws(() => socket(undefined, undefined, undefined, { fileno: 1_000_000 }), "EBADF");
  }, noAdopt);

  test("a file is ENOTSOCK and stays open", () => {
    const fd = openSync(new URL(import.meta.url), "r");
    try {
      throws(() => fromfd(fd, AF_INET), "ENOTSOCK", "socket");
    } finally {
      closeSync(fd);
    }
  }, noAdopt);

  test("a datagram socket of this process has one owner", async (scope) => {
    const s = scope.add(socket(AF_INET, SOCK_DGRAM));
    await s.bind(["127.0.0.1", 0]);
    const fileno = s.fileno();
    for (const type of [undefined, SOCK_STREAM, SOCK_DGRAM]) {
      throws(() => socket(AF_INET, type, 0, { fileno }), "ENOTSUP", "dup");
    }
    await s.sendto("x", s.getsockname());
    assert.equal(text(await s.recv(1)), "x");
  }, noGivenAway);

  test("wrong arguments", () => {
    const missing = thrown(() => fromfd(undefined as never, AF_INET));
    assert.ok(missing instanceof TypeError, String(missing));
    for (const wrong of [null, "3", 1.5, {}, true]) {
      for (
        const call of [
          () => fromfd(wrong as never, AF_INET),
          () => socket(AF_INET, SOCK_STREAM, 0, { fileno: wrong as never }),
        ]
      ) {
        const error = thrown(call);
        assert.ok(error instanceof TypeError, String(error));
        assert.match(error.message, /fileno|fd/);
      }
    }
    for (const wrong of [-1, 2 ** 31]) {
      const error = thrown(() => fromfd(wrong, AF_INET));
      assert.ok(error instanceof RangeError && !(error instanceof SocketError), String(error));
    }
  }, false);

  test("memory has none", () => {
    const adapter = createMemoryAdapter();
    const init = { adapter, fileno: 3 };
    throws(() => new Socket(AF_INET, SOCK_STREAM, 0, init), "ENOTSUP", "socket");
    throws(() => new Socket(AF_INET, SOCK_DGRAM, 0, init), "ENOTSUP", "socket");
  }, false);
});

describe("a descriptor that Bun itself has open", () => {
  const notBun = runtimeName !== "bun" && "it is about Bun's own sockets";

  it(
    "is EBUSY, and stays as it was",
    { skip: notBun },
    bounded(async (scope) => {
      interface BunSocket {
        readonly fd: number;
        terminate(): void;
      }
      const { Bun } = globalThis as unknown as {
        Bun: { connect(options: object): Promise<BunSocket> };
      };
      const server = scope.add(await create_server(["127.0.0.1", 0]));
      const [hostname, port] = server.getsockname();
      let received = 0;
      const data = (_: unknown, chunk: Uint8Array) => received += chunk.length;
      const own = await Bun.connect({ hostname, port, socket: { data } });
      scope.add({ close: () => own.terminate() });
      const [conn] = await server.accept();
      scope.add(conn);
      throws(() => fromfd(own.fd, AF_INET), "EBUSY", "socket");
      await conn.sendall("hello");
      await until(() => received === 5, "the bytes come");
    }),
  );

  it(
    "of UDP is EBUSY, and stays as it was",
    { skip: notBun },
    bounded(async (scope) => {
      interface BunUdpSocket {
        readonly port: number;
        close(): void;
      }
      const { Bun } = globalThis as unknown as {
        Bun: { udpSocket(options: object): Promise<BunUdpSocket> };
      };
      const before = socketDescriptors();
      let received = "";
      const data = (_: unknown, chunk: Uint8Array) => received += text(chunk);
      const own = await Bun.udpSocket({ hostname: "127.0.0.1", socket: { data } });
      scope.add({ close: () => own.close() });
      const [opened = ""] = socketDescriptors().filter((one) => !before.includes(one));
      throws(() => fromfd(parseInt(opened), AF_INET, SOCK_DGRAM), "EBUSY", "socket");
      const s = scope.add(socket(AF_INET, SOCK_DGRAM));
      await s.sendto("hello", ["127.0.0.1", own.port]);
      await until(() => received === "hello", "the datagram comes");
    }),
  );
});

describe("after all descriptors", () => {
  it("no socket is left", { skip: noDescriptors }, checkNothingLeft);
});
