/** Runs programs everywhere and compares what they give, call by call. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Adapter } from "../../mod.ts";
import { type Program as Peer, python } from "../support/process.ts";
import { type Context, known } from "./differences.ts";
import { execute, type Run } from "./execute.ts";
import { generate, type Predicted } from "./generate.ts";
import type { Result } from "./program.ts";
import { shrink } from "./shrink.ts";

/** How many programs run at the same time. */
const AT_ONCE = 48;
/** How often a program that differed among many is tried by itself: a busy machine decides some results otherwise, once. */
const TRIES_ALONE = 5;
/** So many failures end a run. */
const MOST_FAILURES = 3;

/** The first result of a program that is not as it should be. */
export interface Difference {
  readonly program: Predicted;
  readonly at: number;
  /** What differs from what: `model` from Python, or the library from both. */
  readonly who: "model" | "library";
  readonly expected: Result;
  readonly actual: Result;
}

/** What a run of many programs gave. */
export interface Report {
  readonly programs: number;
  readonly calls: number;
  /** Rows of the differences page that were met, and how often. */
  readonly known: ReadonlyMap<string, number>;
  /** Programs that differed among many, and not again. */
  readonly once: number;
  readonly failures: readonly string[];
}

/** Addresses of loopback that only this process uses, one after the other. */
class Hosts {
  readonly #net: number;
  #next = 0;

  constructor(net: number) {
    this.#net = net;
  }

  next(): string {
    const n = this.#next++ % 64000;
    return `127.${this.#net}.${1 + (n >> 8)}.${1 + (n & 0xff) % 250}`;
  }
}

/** Python and the folders and addresses of one test. */
export class Laboratory {
  readonly #python: Peer | undefined;
  readonly #dir = mkdtempSync(join(tmpdir(), "bsdsock-model-"));
  readonly #answers = new Map<number, (run: Run) => void>();
  readonly #hosts = new Hosts(2 + process.pid % 120);
  readonly #pythonHosts = new Hosts(126 + process.pid % 120);
  #folders = 0;

  constructor(withPython: boolean, limit: number) {
    if (!withPython) return;
    const source = readFileSync(new URL("./executor.py", import.meta.url), "utf8");
    this.#python = python(source, [], { limit });
    this.#listen(this.#python).catch(() => {/* Its end is reported by those who wait for it. */});
  }

  /** A program's results from Python; the model's where there is no Python. */
  async askPython(program: Predicted): Promise<Run> {
    if (this.#python === undefined) return { results: [...program.results], collided: false };
    const id = this.#folders++;
    const { steps, settled } = program;
    const question = { id, host: this.#pythonHosts.next(), dir: this.#folder(id), steps, settled };
    const answered = new Promise<Run>((resolve) => this.#answers.set(id, resolve));
    this.#python.write(`${JSON.stringify(question)}\n`);
    return await answered;
  }

  /** A program's results from the library. */
  async askLibrary(program: Predicted, adapter: Adapter): Promise<Run> {
    const id = this.#folders++;
    const dir = this.#folder(id);
    mkdirSync(dir);
    return await execute(program, { adapter, host: this.#hosts.next(), dir });
  }

  async close(): Promise<void> {
    await this.#python?.stop();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  #folder(id: number): string {
    return join(this.#dir, String(id));
  }

  async #listen(peer: Peer): Promise<void> {
    for await (const line of peer.lines()) {
      const { id, ...run } = JSON.parse(line) as Run & { id: number };
      this.#answers.get(id)?.(run);
      this.#answers.delete(id);
    }
  }
}

/** Compares one program; nothing where everything is as it should be. */
export async function check(
  laboratory: Laboratory,
  program: Predicted,
  makeAdapter: () => Adapter,
  met: (row: string) => void = () => {},
): Promise<Difference | undefined> {
  for (let tries = 0; tries < 4; tries++) {
    const adapter = makeAdapter();
    const [python, library] = await Promise.all([
      laboratory.askPython(program),
      laboratory.askLibrary(program, adapter),
    ]);
    // Once more, with other ports.
    if (python.collided || library.collided) continue;
    return compare(program, python.results, library.results, adapter, met);
  }
  return undefined;
}

function compare(
  program: Predicted,
  python: readonly Result[],
  library: readonly Result[],
  adapter: Adapter,
  met: (row: string) => void,
): Difference | undefined {
  const context: Context = {
    program,
    adapter: adapter.capabilities(),
    at: 0,
    expected: "",
    actual: "",
  };
  for (const [at, expected] of program.results.entries()) {
    if (python[at] !== expected) {
      const actual = python[at] ?? "nothing";
      return { program, at, who: "model", expected, actual };
    }
    const actual = library[at] ?? "nothing";
    const row = known({ ...context, at, expected, actual });
    if (row !== undefined) {
      met(row.name);
      if (row.ends) return undefined;
    } else if (actual !== expected) {
      return { program, at, who: "library", expected, actual };
    }
  }
  return undefined;
}

/** What limits a run. */
export interface Limits {
  readonly firstSeed: number;
  readonly programs: number;
  /** Milliseconds. */
  readonly time: number;
}

/** Runs the programs of many seeds. */
export async function checkMany(
  laboratory: Laboratory,
  makeAdapter: () => Adapter,
  { firstSeed, programs, time }: Limits,
): Promise<Report> {
  const rows = new Map<string, number>();
  const different: Difference[] = [];
  const end = performance.now() + time;
  let [next, calls, done, once] = [0, 0, 0, 0];
  const worker = async (): Promise<void> => {
    while (next < programs && performance.now() < end && different.length < MOST_FAILURES) {
      const program = generate(firstSeed + next++);
      calls += program.steps.length;
      const found = await check(laboratory, program, makeAdapter, (row) => {
        rows.set(row, (rows.get(row) ?? 0) + 1);
      });
      done++;
      if (found !== undefined) different.push(found);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  const failures: string[] = [];
  for (const first of different.slice(0, MOST_FAILURES)) {
    let found: Difference | undefined;
    for (let tries = 0; tries < TRIES_ALONE && found === undefined; tries++) {
      found = await check(laboratory, first.program, makeAdapter);
    }
    if (found === undefined) once++;
    else failures.push(await shrink(found, (program) => check(laboratory, program, makeAdapter)));
  }
  return { programs: done, calls, known: rows, once, failures };
}
