/**
 * A network of a test's own on Linux: loopback alone, with a resolver that asks whom the test says.
 * What the machine has in /etc stays as it is: files are mounted over it that only the programs in
 * here see.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Program, start } from "./process.ts";
import { type Closeable, type Scope, until } from "./scope.ts";

type Command = readonly [string, ...string[]];

/** Runs what follows the three files, in a namespace that was just made. */
const setup = `
set -e
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up
mount --bind "$1" /etc/hosts
mount --bind "$2" /etc/resolv.conf
mount --bind "$3" /etc/nsswitch.conf
shift 3
echo ready
exec "$@"
`;

function enter(folder: string, command: Command): [string, ...string[]] {
  const files = ["hosts", "resolv.conf", "nsswitch.conf"].map((name) => join(folder, name));
  return ["unshare", "--mount", "--net", "sh", "-c", setup, "sh", ...files, ...command];
}

function write(hosts: string, resolv: string): string {
  const folder = mkdtempSync(join(tmpdir(), "bsdsock-names-"));
  writeFileSync(join(folder, "hosts"), hosts);
  writeFileSync(join(folder, "resolv.conf"), resolv);
  writeFileSync(join(folder, "nsswitch.conf"), "hosts: files dns\n");
  return folder;
}

/** Why there can be no such namespace with these programs in it, or false. */
export function noNamespace(...programs: readonly string[]): string | false {
  if (process.platform !== "linux") return `namespaces are Linux's, not ${process.platform}'s`;
  const folder = write("", "");
  try {
    const look =
      'for p; do command -v "$p" >/dev/null || { echo "$p is not installed"; exit 9; }; done';
    const [file, ...args] = enter(folder, ["sh", "-c", look, "sh", "nsenter", ...programs]);
    const done = spawnSync(file, args, { encoding: "utf8", timeout: 20_000 });
    if (done.status === 0) return false;
    if (done.status === 9) return done.stdout.trim().split("\n").pop()!;
    const why = (done.stderr ?? "").trim().split("\n").pop() || "unshare cannot be started";
    return `this user cannot make a network namespace: ${why}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A namespace, alive until it is closed. */
export class Namespace implements Closeable {
  readonly #folder: string;
  readonly #holder: Program;

  private constructor(holder: Command, hosts: string, resolv: string) {
    this.#folder = write(hosts, resolv);
    this.#holder = start(enter(this.#folder, holder));
  }

  /**
   * Makes one.
   *
   * @param scope What closes it.
   * @param holder What runs in it for as long as it lives.
   * @param hosts The hosts file.
   * @param resolv The resolver's configuration.
   */
  static async open(
    scope: Scope,
    holder: Command,
    hosts: string,
    resolv: string,
  ): Promise<Namespace> {
    const space = scope.add(new Namespace(holder, hosts, resolv));
    const line = await space.#holder.line();
    if (line !== "ready") throw new Error(`no namespace: ${space.#holder.stderr}`);
    return space;
  }

  /** Waits until the holder has said something on standard error. */
  async said(text: string): Promise<void> {
    await until(() => this.#holder.stderr.includes(text), `${text}, not ${this.#holder.stderr}`);
  }

  /** Starts a program in here. */
  start(command: Command): Program {
    const target = `--target=${this.#holder.pid}`;
    return start(["nsenter", target, "--mount", "--net", ...command]);
  }

  /** Ends the holder; other programs are their starter's business. */
  async close(): Promise<void> {
    await this.#holder.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
