/** Peers in another process, which are not this library: Python's `socket` module and `node:net`. */

import { spawnSync } from "node:child_process";
import process from "node:process";
import type { InetAddress, Socket } from "../../mod.ts";
import { hasPython, type Program, python, start } from "./process.ts";
import { launch } from "./runtime.ts";
import type { Scope } from "./scope.ts";
import type { Setting } from "./tcp.ts";

type Inet = Socket<InetAddress>;

/** Who connects: this process, perhaps with a socket that was bound before, or the peer. */
export type Role = "connected" | "bound and connected" | "accepted";

/** The roles of this process's socket: on Deno each is another kind of stream. */
export const roles: readonly Role[] = ["connected", "bound and connected", "accepted"];

/** Why there is no peer in Python, or false. */
export const noPeer: string | false = hasPython ? false : "Python 3 is not here to be the peer";

/** What every program of Python can use. `s` is its connected socket. */
export const helpers: string = `
import fcntl, hashlib, json, os, random, socket, struct, sys, termios, threading, time

def settled():
    "Waits until the other side's system has all that was sent."
    time.sleep(0.02)
    while struct.unpack("i", fcntl.ioctl(s.fileno(), termios.TIOCOUTQ, bytes(4)))[0]:
        time.sleep(0.002)

def reset():
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()

def pattern(length, start=0):
    "The same bytes as pattern() of the tests, up to 16 MiB."
    return bytes((n ^ n >> 8 ^ n >> 16) & 255 for n in range(start, start + length))

def read_all():
    "How many bytes come until the end, and their hash."
    count, sha = 0, hashlib.sha256()
    while data := s.recv(1 << 18):
        count += len(data)
        sha.update(data)
    return count, sha.hexdigest()

def command():
    "Waits for a line from the test."
    return sys.stdin.readline().strip()

def say(*values):
    print(json.dumps(values), flush=True)
`;

/** What each Python peer begins with. */
const prelude = `${helpers}
host, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in host else socket.AF_INET
s = socket.socket(family)
if port == 0:
    listener = s
    listener.bind((host, 0))
    listener.listen()
    print(listener.getsockname()[1], flush=True)
    s, peer = listener.accept()
    listener.close()
else:
    s.connect((host, port))
    peer = s.getpeername()
s.settimeout(30)
`;

/**
 * A conversation with a peer in Python.
 *
 * @param role Who connects.
 * @param source What the peer does with its socket `s`; its indentation is taken off.
 * @param prepare What is done to this process's socket before it connects.
 */
export async function pythonPeer(
  scope: Scope,
  setting: Setting,
  role: Role,
  source: string,
  prepare?: (s: Inet) => void,
): Promise<[s: Inet, peer: Program]> {
  const program = prelude + dedent(source);
  const run = (port: number) => python(program, [setting.host, String(port)]);
  return await meet(scope, setting, role, run, prepare);
}

/** A program in Python that begins with nothing but the modules. */
export function pythonProgram(scope: Scope, source: string, args: readonly string[] = []): Program {
  return scope.add(python(dedent(source), args));
}

/** The Node that runs raw peers: the machine's; where there is none, the runtime of the test. */
const node = spawnSync("node", ["--version"], { timeout: 20_000 }).status === 0
  ? "node"
  : undefined;
const rawPeer = new URL("../peers/raw.mjs", import.meta.url);

/** A conversation with a peer of `node:net`. */
export async function nodePeer(
  scope: Scope,
  setting: Setting,
  role: Role,
  mode: string,
  ...args: string[]
): Promise<[s: Inet, peer: Program]> {
  return await meet(scope, setting, role, (port) => {
    const given = [setting.host, String(port), mode, ...args];
    const [file, ...flags] = launch(rawPeer, given);
    const path = flags[flags.length - given.length - 1]!;
    return node === undefined || file === process.execPath && file.endsWith("/node")
      ? start([file, ...flags])
      : start([node, path, ...given]);
  });
}

async function meet(
  scope: Scope,
  setting: Setting,
  role: Role,
  run: (port: number) => Program,
  prepare?: (s: Inet) => void,
): Promise<[Inet, Program]> {
  if (role !== "accepted") {
    const peer = scope.add(run(0));
    const port = await peer.json<number>();
    const s = setting.socket(scope);
    prepare?.(s);
    if (role === "bound and connected") await s.bind([setting.host, 0]);
    await s.connect([setting.host, port]);
    return [s, peer];
  }
  const server = await setting.server(scope);
  const peer = scope.add(run(server.getsockname()[1]));
  server.settimeout(20);
  const [s] = await server.accept();
  scope.add(s);
  await server.close();
  return [s, peer];
}

function dedent(source: string): string {
  const indent = /^\n*([ \t]*)/.exec(source)?.[1] ?? "";
  return source.replaceAll(`\n${indent}`, "\n");
}
