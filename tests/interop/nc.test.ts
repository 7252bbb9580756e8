// nc.ts against OpenBSD's nc and against socat, each side the server once.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { example, folder, freePort, missing, other, redirected, run } from "../support/examples.ts";
import { checkNothingLeft, noDescriptors, noSs, ss } from "../support/outside.ts";
import { noPeer, pythonProgram } from "../support/peers.ts";
import { type Program, start } from "../support/process.ts";
import { bounded, type Scope, sleep, until } from "../support/scope.ts";

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

/** A socat on a free port that is ready. */
async function socat(scope: Scope, from: string, to: string): Promise<number> {
  const port = await freePort();
  const address = `${from}:${port},bind=127.0.0.1,fork`;
  const program = other(scope, ["socat", "-dd", "-t5", address, to]);
  await until(() => / (listening|receiving) on /.test(program.stderr), "a listener", 10_000);
  return port;
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
      const { sent, input, output } = files(scope);
      // A pipe of socat's own: a child's last words may be lost when it ends.
      const port = await socat(scope, "TCP-LISTEN", "PIPE");
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
      const port = await socat(scope, "UDP-RECVFROM", "SYSTEM:tr a-z A-Z");
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
      const question = server.line();
      let client: Program;
      let refused: boolean;
      do {
        // The socket's file is there before somebody listens: nc may come too early.
        await sleep(20);
        client = other(scope, ["nc", "-N", "-U", path]);
        client.write("question\n");
        const ended = client.exit();
        refused = await Promise.race([question.then(() => false), ended.then(() => true)]);
      } while (refused);
      assert.equal(await question, "question");
      server.write("answer\n");
      assert.equal(await client.line(), "answer");
      client.end();
      assert.equal((await client.exit()).code, 0);
      await ends(server);
    }),
  );
});

/** What happened in a conversation. */
interface Played {
  /** The exit code, or null where the program had not ended by itself soon after the peer. */
  code: number | null;
  stdout: string;
  /** What the peer saw. */
  seen: unknown[];
}

/** A conversation of nc with a peer in Python. */
interface Scene {
  /** The arguments: PORT and SERVICE are the peer's, PATH is a socket's. */
  args: readonly string[];
  /** What is typed; without an end where that is not said. */
  input: string;
  end?: boolean;
  /** The peer. `s` is its socket, connected or not; `say` tells the test what it sees. */
  peer: string;
}

const prelude = `
import json, socket, struct, sys, time
kind, path, nc_listens, port = sys.argv[1], sys.argv[2], sys.argv[3] == "true", int(sys.argv[4])
seen = []
def say(what):
    seen.append(what.decode() if isinstance(what, bytes) else what)
def read_all():
    data = b""
    while piece := s.recv(65536):
        data += piece
    return data
def quiet(seconds):
    "Whether nothing comes for so long: neither data nor an end."
    s.settimeout(seconds)
    try:
        return s.recv(1).decode()
    except TimeoutError:
        return "nothing"
    finally:
        s.settimeout(10)
def reset():
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()
def services():
    for name in "xmpp-client", "postgresql", "amqp", "mysql", "svn", "distcc", "nut", "rsync":
        try:
            yield name, socket.getservbyname(name, "tcp")
        except OSError:
            pass
def bound(*places):
    for name, port in places:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            # Two may bind it, but only one may listen.
            if kind != "udp":
                s.listen()
            return s, name
        except OSError:
            s.close()
    sys.exit("no free port")
def connected():
    "To nc, once it listens."
    for _ in range(500):
        s = socket.socket(socket.AF_UNIX if kind == "unix" else socket.AF_INET)
        try:
            s.connect(path if kind == "unix" else ("127.0.0.1", port))
            return s
        except OSError:
            s.close()
            time.sleep(0.02)
if nc_listens:
    print(json.dumps([port, ""]))
    if kind == "udp":
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect(("127.0.0.1", port))
    else:
        s = connected()
else:
    if kind == "unix":
        s = socket.socket(socket.AF_UNIX)
        s.bind(path)
        s.listen()
        name = ""
    else:
        s, name = bound(*(services() if kind == "service" else [("", 0)]))
    print(json.dumps([s.getsockname()[1] if kind != "unix" else 0, name]))
    if kind != "udp":
        s, listener = s.accept()[0], s
        listener.close()
s.settimeout(10)
`;

const answersAtTheEnd = `
say(read_all())
s.sendall(b"answer\\n")
s.close()
`;

const scenes: Readonly<Record<string, Scene>> = {
  "-N ends our side and reads on": {
    args: ["-N", "127.0.0.1", "PORT"],
    input: "question\n",
    end: true,
    peer: answersAtTheEnd,
  },
  "without -N the end is kept": {
    args: ["127.0.0.1", "PORT"],
    input: "question\n",
    end: true,
    peer: `
say(s.recv(100))
say(quiet(0.3))
s.sendall(b"answer\\n")
s.close()
`,
  },
  "the peer ends before our input does": {
    args: ["127.0.0.1", "PORT"],
    input: "question\n",
    peer: `
say(s.recv(100))
s.sendall(b"answer\\n")
s.shutdown(socket.SHUT_WR)
say(quiet(0.5))
s.close()
`,
  },
  "the peer resets": {
    args: ["127.0.0.1", "PORT"],
    input: "question\n",
    peer: "say(s.recv(100))\nreset()\n",
  },
  "-w ends it when nothing comes": {
    args: ["-w", "1", "127.0.0.1", "PORT"],
    input: "question\n",
    peer: "say(s.recv(100))\nsay(read_all())\n",
  },
  "a port by its service's name": {
    args: ["-N", "127.0.0.1", "SERVICE"],
    input: "question\n",
    end: true,
    peer: answersAtTheEnd,
  },
  "-U": { args: ["-N", "-U", "PATH"], input: "question\n", end: true, peer: answersAtTheEnd },
  "-u": {
    args: ["-u", "-w", "1", "127.0.0.1", "PORT"],
    input: "question\n",
    peer: `
data, address = s.recvfrom(100)
say(data)
s.sendto(b"answer\\n", address)
`,
  },
  "-l": {
    args: ["-l", "127.0.0.1", "PORT"],
    input: "answer\n",
    peer: `
s.sendall(b"question\\n")
say(s.recv(100))
s.shutdown(socket.SHUT_WR)
say(read_all())
`,
  },
  "-l, and our input ends": {
    args: ["-l", "127.0.0.1", "PORT"],
    input: "answer\n",
    end: true,
    peer: `
say(s.recv(100))
say(quiet(0.3))
s.sendall(b"question\\n")
s.close()
`,
  },
  "-l -N": {
    args: ["-l", "-N", "127.0.0.1", "PORT"],
    input: "answer\n",
    end: true,
    peer: `
say(read_all())
s.sendall(b"question\\n")
s.close()
`,
  },
  "-l -U": {
    args: ["-l", "-U", "PATH"],
    input: "answer\n",
    peer: `
s.sendall(b"question\\n")
say(s.recv(100))
s.shutdown(socket.SHUT_WR)
say(read_all())
`,
  },
  "-l -u": {
    args: ["-l", "-u", "-w", "1", "127.0.0.1", "PORT"],
    input: "answer\n",
    peer: `
for _ in range(200):
    try:
        s.send(b"question\\n")
        s.settimeout(0.1)
        say(s.recv(100))
        break
    except (ConnectionRefusedError, TimeoutError):
        time.sleep(0.02)
s.send(b"more\\n")
`,
  },
};

/** Plays a scene with nc or with ours. */
async function play(
  scope: Scope,
  { args, input, end, peer }: Scene,
  command: (args: string[], path: string) => readonly [string, ...string[]],
): Promise<Played> {
  const path = join(folder(scope), "socket");
  const kind = args.includes("-U")
    ? "unix"
    : args.includes("-u")
    ? "udp"
    : args.includes("SERVICE")
    ? "service"
    : "tcp";
  const given = [kind, path, String(args.includes("-l")), String(await freePort())];
  const talk = pythonProgram(scope, `${prelude}${peer}print(json.dumps(seen))`, given);
  const [port, name] = await talk.json<[number, string]>();
  const words = args.map((word) =>
    word === "PORT" ? String(port) : word === "SERVICE" ? name : word === "PATH" ? path : word
  );
  const program = scope.add(start(command(words, path)));
  program.write(input);
  if (end === true) program.end();
  const seen = await talk.json<unknown[]>();
  await talk.exit();
  const done = await program.exit(1_500).catch(() => undefined);
  return { code: done?.code ?? null, stdout: (done ?? await program.stop()).stdout, seen };
}

describe("nc.ts does what nc does", () => {
  for (const [name, scene] of Object.entries(scenes)) {
    it(
      name,
      { skip: noNc || noPeer },
      bounded(async (scope) => {
        const [theirs, ours] = await Promise.all([
          play(scope, scene, (args) => ["nc", ...args]),
          play(scope, scene, (args, path) => example("nc", args, allowed(path))),
        ]);
        // A reset is a failure of ours; nc takes it for an end.
        const code = name === "the peer resets" ? 1 : theirs.code;
        assert.deepEqual(ours, { ...theirs, code });
      }),
    );
  }

  it(
    "where there is nobody, nothing, or no such service",
    { skip: noNc },
    bounded(async (scope) => {
      const port = String(await freePort());
      for (
        const args of [
          ["127.0.0.1", port],
          ["-U", join(folder(scope), "nothing")],
          ["127.0.0.1", "no-such-service"],
          ["nowhere.invalid", port],
        ]
      ) {
        const theirs = other(scope, ["nc", ...args]);
        const ours = scope.add(start(example("nc", args, allowed(args[1]!))));
        theirs.end();
        ours.end();
        assert.equal((await ours.exit()).code, (await theirs.exit()).code, args.join(" "));
      }
    }),
  );
});

function allowed(path: string): string[] {
  return path.startsWith("/")
    ? ["--allow-net", `--allow-read=${path}`, `--allow-write=${path}`]
    : ["--allow-net"];
}

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
