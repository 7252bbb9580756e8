/** The examples as programs of their own, and programs of others as their peers. */

import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { create_connection, create_server } from "../../mod.ts";
import { type Program, start, type StartOptions } from "./process.ts";
import { launch } from "./runtime.ts";
import { type Scope, sleep } from "./scope.ts";

/** Debian keeps servers where the search path of a user who is not root does not look. */
const path = `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin`;

/** Why a test that needs these programs cannot run, or false. */
export function missing(...programs: readonly string[]): string | false {
  const gone = programs.filter((name) => find(name) === undefined);
  return gone.length > 0 && `not installed: ${gone.join(", ")}`;
}

function find(name: string): string | undefined {
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

/** A port of 127.0.0.1 where nobody listens. */
export async function freePort(): Promise<number> {
  const probe = await create_server(["127.0.0.1", 0]);
  const [, port] = probe.getsockname();
  await probe.close();
  return port;
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
