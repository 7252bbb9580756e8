/** What the operating system tells of a process's sockets, seen by other programs. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import process from "node:process";
import { pythonFile } from "./process.ts";
import { runtimeName } from "./runtime.ts";

const linux = process.platform === "linux";

/** Why `ss` cannot be asked here, or false. */
export const noSs: string | false = !linux
  ? `ss is a program of Linux, not of ${process.platform}`
  : spawnSync("ss", ["-V"]).status === 0
  ? false
  : "the program ss is not installed";

/** Why this process may not administer the network (CAP_NET_ADMIN), or false. */
export const noAdministrator: string | false = !linux
  ? `capabilities are of Linux, not of ${process.platform}`
  : (capabilitiesOfChildren() & 1n << 12n) !== 0n
  ? false
  : "the process lacks CAP_NET_ADMIN";

/** Those of this process as well, which Deno may not read of itself. */
function capabilitiesOfChildren(): bigint {
  const { stdout } = spawnSync("grep", ["CapEff", "/proc/self/status"], { encoding: "utf8" });
  return BigInt(`0x${/[0-9a-f]{16}/.exec(stdout)?.[0] ?? "0"}`);
}

/** The columns of `ss` for sockets on a local port. */
export interface SsLine {
  /** `LISTEN`, `ESTAB`, ... */
  readonly state: string;
  /** Of a listener: connections that wait for accept. */
  readonly received: number;
  /** Of a listener: its backlog. */
  readonly sending: number;
  /** The rest of the line: addresses and what the flags add. */
  readonly rest: string;
}

/** Asks `ss` about the sockets on a local port, TIME-WAIT not included. */
export function ss(port: number): SsLine[] {
  const done = spawnSync(
    "ss",
    ["-tanoH", "exclude", "time-wait", "sport", "=", `:${port}`],
    { encoding: "utf8", timeout: 10_000 },
  );
  if (done.status !== 0) throw new Error(`ss failed: ${done.stderr}`);
  return done.stdout.split("\n").filter((line) => line !== "").map((line) => {
    const [state = "", received, sending, ...rest] = line.split(/\s+/);
    return { state, received: Number(received), sending: Number(sending), rest: rest.join(" ") };
  });
}

/** The descriptors of this process that are sockets, each with its number and inode. */
export function socketDescriptors(): string[] {
  return descriptors().filter((entry) => entry.includes("socket:"));
}

/**
 * All descriptors of this process, as `number -> what`. Deno shows a program its own descriptors only
 * with all permissions, so that another program looks; elsewhere its pipes would be counted too.
 */
export function descriptors(): string[] {
  if (runtimeName === "deno") {
    const args = ["-l", `/proc/${process.pid}/fd`];
    const { stdout } = spawnSync("ls", args, { encoding: "utf8", timeout: 10_000 });
    return [...stdout.matchAll(/(\d+ -> .*)$/gm)].map((match) => match[1]!);
  }
  const found: string[] = [];
  if (!existsSync("/proc/self/fd")) return found;
  for (const fd of readdirSync("/proc/self/fd")) {
    try {
      found.push(`${fd} -> ${readlinkSync(`/proc/self/fd/${fd}`)}`);
    } catch {
      // The descriptor that read the folder.
    }
  }
  return found;
}

/** Why descriptors cannot be counted here, or false. */
export const noDescriptors: string | false = !linux
  ? `descriptors are counted in /proc, which ${process.platform} has not`
  : descriptors().length > 0
  ? false
  : "/proc does not show this process's descriptors";

const atStart = noDescriptors === false ? socketDescriptors().length : 0;

/** The last test of a file: all sockets of the tests before it are closed. */
export async function checkNothingLeft(): Promise<void> {
  // Pipes to programs that have just ended are sockets too, for a moment.
  const begun = performance.now();
  let left = socketDescriptors();
  while (left.length > atStart && performance.now() - begun < 5_000) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    left = socketDescriptors();
  }
  assert.ok(left.length <= atStart, `${left.length} sockets, ${atStart} before: ${left}`);
}

/** Takes a copy of another process's socket (pidfd_getfd) and reads its options as the kernel has them. */
const spy = `
import ctypes, json, os, socket, sys
pid, inode = int(sys.argv[1]), sys.argv[2]
libc = ctypes.CDLL(None, use_errno=True)
def copy(fd):
    taken = libc.syscall(438, os.pidfd_open(pid), fd, 0)
    if taken < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")
    return taken
if inode == "probe":
    os.close(copy(0))
    sys.exit()
for fd in os.listdir("/proc/%d/fd" % pid):
    try:
        if os.readlink("/proc/%d/fd/%s" % (pid, fd)) != inode:
            continue
    except OSError:
        continue
    s = socket.socket(fileno=copy(int(fd)))
    print(json.dumps({
        "nodelay": s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY),
        "keepalive": s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    }))
    break
`;

function runSpy(inode: string) {
  return spawnSync(pythonFile, ["-c", spy, String(process.pid), inode], {
    encoding: "utf8",
    timeout: 20_000,
  });
}

/** Why the kernel's view of an option cannot be had here, or false. */
export const noSpy: string | false = !linux
  ? `pidfd_getfd is a call of Linux, not of ${process.platform}`
  : runSpy("probe").status === 0
  ? false
  : "this system does not let Python look into another process's sockets";

/** What the kernel has set on a TCP socket of this process, by its two ports. */
export function kernelOptions(
  local: readonly [string, number, ...unknown[]],
  remote: readonly [string, number, ...unknown[]],
): { nodelay: number; keepalive: number } {
  const done = runSpy(inodeOf(local, remote));
  if (done.status !== 0 || done.stdout === "") throw new Error(`no such socket: ${done.stderr}`);
  return JSON.parse(done.stdout);
}

function inodeOf(
  local: readonly [string, number, ...unknown[]],
  remote: readonly [string, number, ...unknown[]],
): string {
  const file = local[0].includes(":") ? "tcp6" : "tcp";
  const port = (column: string | undefined) => parseInt(column?.split(":")[1] ?? "", 16);
  // The table may miss an entry while others come and go.
  for (let i = 0; i < 10; i++) {
    const table = spawnSync("cat", [`/proc/${process.pid}/net/${file}`], {
      encoding: "utf8",
      maxBuffer: 2 ** 28,
    });
    for (const line of table.stdout.split("\n").slice(1)) {
      const columns = line.trim().split(/\s+/);
      if (port(columns[1]) === local[1] && port(columns[2]) === remote[1]) {
        return `socket:[${columns[9]}]`;
      }
    }
  }
  throw new Error(`no socket of this process on port ${local[1]}`);
}
