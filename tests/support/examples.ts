/** The examples as programs of their own, and programs of others as their peers. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  AF_INET,
  create_connection,
  SOCK_DGRAM,
  SOCK_STREAM,
  socket,
  SocketError,
} from "../../mod.ts";
import { type Exit, type Program, start, type StartOptions } from "./process.ts";
import { isCompiled, launch, runtimeName } from "./runtime.ts";
import { type Scope, sleep } from "./scope.ts";

// Node starts the examples three times as fast where it may keep what it has compiled.
if (runtimeName === "node") {
  const cache = mkdtempSync(join(tmpdir(), "bsdsock-compiled-"));
  process.env["NODE_COMPILE_CACHE"] = cache;
  process.on("exit", () => rmSync(cache, { recursive: true, force: true }));
}

/** Debian keeps servers where the search path of a user who is not root does not look. */
const path = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;

/** Why a test that needs these programs cannot run, or false. */
export function missing(...programs: readonly string[]): string | false {
  const gone = programs.filter((name) => find(name) === undefined);
  return gone.length > 0 && `not installed: ${gone.join(", ")}`;
}

/** Where a program is, also one that only root usually runs. */
export function find(name: string): string | undefined {
  const found = spawnSync("sh", ["-c", 'command -v "$1"', "sh", name], {
    encoding: "utf8",
    env: { ...process.env, PATH: path },
  });
  return found.status === 0 ? found.stdout.trim() : undefined;
}

/** Starts a program of somebody else, which ends with the scope. */
export function other(
  scope: Scope,
  command: readonly [string, ...string[]],
  options: StartOptions = {},
): Program {
  return scope.add(start(command, { ...options, env: { PATH: path, ...options.env } }));
}

/** The names of all examples. */
export const exampleNames: readonly string[] = readdirSync(
  new URL("../../examples", import.meta.url),
)
  .filter((name) => /\.[jt]s$/.test(name))
  .map((name) => name.replace(/\.[jt]s$/, ""))
  .sort();

/** The file of an example: JavaScript where the tests were compiled. */
export function examplePath(name: string): string {
  const ending = isCompiled ? "js" : "ts";
  return fileURLToPath(new URL(`../../examples/${name}.${ending}`, import.meta.url));
}

/** The command line of an example; Deno gets these permissions only. */
export function example(
  name: string,
  args: readonly (string | number)[],
  permissions: readonly string[] = ["--allow-net"],
): [string, ...string[]] {
  const file = new URL(`../../examples/${name}.ts`, import.meta.url);
  return launch(file, args.map(String), { permissions });
}

/** Starts an example, which ends with the scope. */
export function run(
  scope: Scope,
  name: string,
  args: readonly (string | number)[],
  permissions?: readonly string[],
  options?: StartOptions,
): Program {
  return scope.add(start(example(name, args, permissions), options));
}

/** Starts an example that is a server, and gives the port that it announces. */
export async function server(
  scope: Scope,
  name: string,
  args: readonly (string | number)[],
  permissions?: readonly string[],
): Promise<[program: Program, port: number]> {
  const program = run(scope, name, args, permissions);
  const line = await program.line();
  const port = Number(/ port (\d+)$/.exec(line ?? "")?.[1]);
  if (!(port > 0)) throw new Error(`${name} announced no port: ${line} ${program.stderr}`);
  return [program, port];
}

/** Ctrl-C. By another program: Deno 2.9 takes every child that it sent a signal for one that died of it. */
export function interrupt(program: Program): void {
  spawnSync("kill", ["-INT", String(program.pid)]);
}

/**
 * Ctrl-C ends it within a second (and one more for a busy machine) with nothing to say and the exit
 * code that shells give it. A shell makes the same code of the signal itself.
 */
export async function interrupted(program: Program): Promise<void> {
  interrupt(program);
  const { code, signal, stderr } = await program.exit(2_000);
  // Who talked to whom is what gopher says; a progress bar may have begun.
  assert.equal(stderr.replace(/^(127.*|\d+%.*)\n/gm, ""), "");
  assert.ok(code === 130 || signal === "SIGINT", `exit code ${code}`);
}

/** Checks for one line, of the program itself, without a stack trace, and an exit code that is not 0. */
export function assertOneLine(name: string, { code, stderr }: Exit): void {
  assert.ok(code !== null && code > 0, `exit code ${code}: ${stderr}`);
  const own = stderr.split("\n").filter((line) => line.startsWith(`${name}: `));
  assert.equal(own.length, 1, stderr);
  assert.doesNotMatch(stderr, /^\s+at |\n\s*\n|Uncaught|file:\/\//m);
}

/** The same command with its input or output in files, by a shell: bytes that are no text. */
export function redirected(
  command: readonly [string, ...string[]],
  files: { input?: string; output?: string },
): [string, ...string[]] {
  const input = files.input === undefined ? "" : ' < "$INPUT_FILE"';
  const output = files.output === undefined ? "" : ' > "$OUTPUT_FILE"';
  return [
    "env",
    `INPUT_FILE=${files.input ?? ""}`,
    `OUTPUT_FILE=${files.output ?? ""}`,
    "sh",
    "-c",
    `exec "$@"${input}${output}`,
    "sh",
    ...command,
  ];
}

/** A new folder, which servers that drop their privileges can use too; removed with the scope. */
export function folder(scope: Scope): string {
  const made = mkdtempSync(join(tmpdir(), "bsdsock-interop-"));
  chmodSync(made, 0o777);
  scope.add({ close: () => rmSync(made, { recursive: true, force: true }) });
  return made;
}

/**
 * A port of 127.0.0.1 that nobody uses, TCP nor UDP. It is not one of those that the system chooses
 * for others, which might take it before a program started by the test does.
 */
export async function freePort(): Promise<number> {
  for (let i = 0; i < 100; i++) {
    const address: [string, number] = ["127.0.0.1", 10_000 + Math.floor(Math.random() * 20_000)];
    const [tcp, udp] = [socket(AF_INET, SOCK_STREAM), socket(AF_INET, SOCK_DGRAM)];
    try {
      await tcp.bind(address);
      await tcp.listen();
      await udp.bind(address);
      return address[1];
    } catch (error) {
      if (!(error instanceof SocketError) || error.code !== "EADDRINUSE") throw error;
    } finally {
      await tcp.close();
      await udp.close();
    }
  }
  throw new Error("no free port");
}

/** Waits until a server listens. */
export async function listening(port: number, program: Program): Promise<void> {
  const start = performance.now();
  for (;;) {
    try {
      await (await create_connection(["127.0.0.1", port], { timeout: 5 })).close();
      return;
    } catch (error) {
      if (performance.now() - start > 10_000) {
        throw new Error(`nobody listens on port ${port}: ${program.stderr}`, { cause: error });
      }
      await sleep(20);
    }
  }
}
