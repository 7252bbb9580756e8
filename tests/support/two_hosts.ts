/**
 * Two hosts of a test's own on Linux: network namespaces with a wire between them, which a program in Python is. It delays,
 * reorders, repeats and loses packets as it is told, from a seed. (`tc netem` does the same, where a kernel has it.)
 */

import { spawnSync } from "node:child_process";
import process from "node:process";
import { hasPython, type Program, python, start } from "./process.ts";
import { type Scope, until } from "./scope.ts";

type Command = readonly [string, ...string[]];

/** The addresses of the two. */
export const hosts = ["10.99.0.1", "10.99.0.2"] as const;

/** Makes the devices of the namespaces of two processes, and carries packets from one to the other. */
const wire = `
import ctypes, fcntl, heapq, json, os, random, select, struct, subprocess, sys, time
pids, addresses, seed = sys.argv[1:3], sys.argv[3:5], int(sys.argv[5])
libc = ctypes.CDLL(None, use_errno=True)
ends = []
for pid, own, other in zip(pids, addresses, reversed(addresses)):
    with open("/proc/%s/ns/net" % pid) as namespace:
        if libc.setns(namespace.fileno(), 0x40000000) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, 0x400454ca, struct.pack("16sH", b"wire", 0x1001))
    subprocess.run(["ip", "address", "add", own, "peer", other, "dev", "wire"], check=True)
    subprocess.run(["ip", "link", "set", "wire", "up"], check=True)
    ends.append(fd)
print("ready", flush=True)
rng = random.Random(seed)
how = dict(cut=False, loss=0, twice=0, delay=0, jitter=0)
seen = dict(carried=0, lost=0, repeated=0, overtaken=0)
under_way, number, last = [], 0, -1
while True:
    wait = max(0, under_way[0][0] - time.monotonic()) if under_way else None
    ready, _, _ = select.select(ends + [0], [], [], wait)
    if 0 in ready:
        # Unbuffered: select() must know of each line.
        line = b""
        while not line.endswith(b"\\n"):
            byte = os.read(0, 1)
            if byte == b"":
                sys.exit()
            line += byte
        how.update(json.loads(line))
        print(json.dumps(seen), flush=True)
    for here, there in (ends, ends[::-1]):
        if here not in ready:
            continue
        packet = os.read(here, 65536)
        if how["cut"] or rng.random() < how["loss"]:
            seen["lost"] += 1
            continue
        twice = rng.random() < how["twice"]
        seen["repeated"] += twice
        for i in range(1 + twice):
            number += 1
            at = time.monotonic() + how["delay"] + rng.random() * how["jitter"]
            heapq.heappush(under_way, (at, number, there, packet))
    while under_way and under_way[0][0] <= time.monotonic():
        _, nth, there, packet = heapq.heappop(under_way)
        seen["carried"] += 1
        seen["overtaken"] += nth < last
        last = max(nth, last)
        try:
            os.write(there, packet)
        except OSError:
            # The host has taken its device down.
            seen["lost"] += 1
`;

/** How the wire treats packets. Seconds and shares of 1; what is not given stays as it was. */
export interface Weather {
  /** Nothing comes through. */
  readonly cut?: boolean;
  /** The share that is lost. */
  readonly loss?: number;
  /** The share that comes twice. */
  readonly twice?: number;
  /** How long each takes at least. */
  readonly delay?: number;
  /** How much longer it may take: packets overtake one another. */
  readonly jitter?: number;
}

/** What has become of the packets. */
export interface Traffic {
  readonly carried: number;
  readonly lost: number;
  readonly repeated: number;
  readonly overtaken: number;
}

const holder: Command = [
  "unshare",
  "--net",
  "sh",
  "-c",
  "PATH=$PATH:/usr/sbin:/sbin; ip link set lo up && echo ready && exec sleep 600",
];

/** Why there cannot be two hosts here, or false. */
export const noHosts: string | false = probe();

function probe(): string | false {
  if (process.platform !== "linux") return `namespaces are Linux's, not ${process.platform}'s`;
  if (!hasPython) return "Python 3 is not here to be the wire";
  const look = `
    PATH=$PATH:/usr/sbin:/sbin
    for p in ip nsenter sleep; do command -v $p >/dev/null || { echo "$p is not installed" >&2; exit 9; }; done
    ip tuntap add dev wire mode tun`;
  const done = spawnSync("unshare", ["--net", "sh", "-c", look], {
    encoding: "utf8",
    timeout: 20_000,
  });
  if (done.status === 0) return false;
  const why = (done.stderr ?? "").trim().split("\n").pop() || "unshare cannot be started";
  return `this user cannot make a network namespace with a device: ${why}`;
}

/** Two hosts and their wire, until the scope ends. */
export class TwoHosts {
  readonly #holders: readonly Program[];
  readonly #wire: Program;

  private constructor(holders: readonly Program[], wire: Program) {
    this.#holders = holders;
    this.#wire = wire;
  }

  /** Makes them, with a wire that is perfect at first. */
  static async open(scope: Scope, seed: number): Promise<TwoHosts> {
    const holders = hosts.map(() => scope.add(start(holder)));
    for (const one of holders) {
      if (await one.line() !== "ready") throw new Error(`no namespace: ${one.stderr}`);
    }
    const pids = holders.map(({ pid }) => String(pid));
    const path = { PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
    const program = scope.add(python(wire, [...pids, ...hosts, String(seed)], { env: path }));
    if (await program.line() !== "ready") throw new Error(`no wire: ${program.stderr}`);
    return new TwoHosts(holders, program);
  }

  /** Starts a program on one of them. */
  start(host: 0 | 1, command: Command): Program {
    return start(["nsenter", `--target=${this.#holders[host]!.pid}`, "--net", ...command]);
  }

  /** Runs a command on one of them, such as `ip` or `sysctl`. */
  async run(host: 0 | 1, script: string): Promise<void> {
    const program = this.start(host, ["sh", "-c", `PATH=$PATH:/usr/sbin:/sbin; ${script}`]);
    const { code, stderr } = await program.exit();
    if (code !== 0) throw new Error(`${script}: ${stderr}`);
  }

  /** Changes how the wire treats packets; answers what it has done so far. */
  async weather(how: Weather): Promise<Traffic> {
    this.#wire.write(`${JSON.stringify(how)}\n`);
    return await this.#wire.json<Traffic>();
  }

  /** Waits until so many packets more have been carried. */
  async carried(more: number): Promise<void> {
    const { carried } = await this.weather({});
    await until(
      async () => (await this.weather({})).carried >= carried + more,
      `${more} packets`,
      20_000,
    );
  }
}
