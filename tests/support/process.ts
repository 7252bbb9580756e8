/**
 * Programs that a test starts and talks to: their standard output line by line, their end, and a
 * sure way to be rid of them. Every wait is bounded.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import process from "node:process";

/** How long a wait lasts at most, in milliseconds, unless the call says otherwise. */
const patience = 20_000;

/** How a program ended. */
export interface Exit {
  /** The exit code, or null where a signal ended it. */
  code: number | null;
  /** The signal that ended it. */
  signal: string | null;
  /** All of its standard output. */
  stdout: string;
  /** All of its standard error. */
  stderr: string;
}

/** What {@linkcode Program} is started with. */
export interface StartOptions {
  /** Variables added to this process's environment. */
  env?: Record<string, string>;
  /** The working directory. */
  cwd?: string;
  /** Milliseconds until the program is ended without being asked; 120 seconds unless given. */
  limit?: number;
}

/** A running program. Dispose of it with `await using` or {@linkcode Program.stop}. */
export class Program {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #exit: Promise<Exit>;
  readonly #lines: string[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #stdout = "";
  #stderr = "";

  constructor(command: readonly [string, ...string[]], options: StartOptions = {}) {
    const [file, ...args] = command;
    this.#name = args.find((arg) => !arg.startsWith("-")) ?? file;
    const child = this.#child = spawn(file, args, {
      env: { ...process.env, ...options.env },
      cwd: options.cwd,
      stdio: ["pipe", "pipe", "pipe"],
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), options.limit ?? 120_000);
    this.#exit = new Promise((resolve) => {
      const finish = (code: number | null, signal: string | null) => {
        clearTimeout(timer);
        if (rest !== "") this.#lines.push(rest);
        rest = "";
        this.#ended = true;
        this.#wake?.();
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      };
      child.on("error", (error) => {
        this.#stderr += `${error.message}\n`;
        finish(null, null);
      });
      child.on("close", finish);
    });
    let rest = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      const lines = (rest + text).split(/\r?\n/);
      rest = lines.pop() ?? "";
      this.#lines.push(...lines);
      if (lines.length > 0) this.#wake?.();
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#stderr += text);
    // A program that has gone is reported by its exit, not by an error of the pipe to it.
    child.stdin?.on("error", () => {});
  }

  /** The process id; -1 where the program could not be started. */
  get pid(): number {
    return this.#child.pid ?? -1;
  }

  /** What it has printed on standard error so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /**
   * The next line of standard output. One caller at a time.
   *
   * @param timeout How long to wait, in milliseconds.
   * @returns The line without its end, or null where there are no more.
   * @throws An error that shows standard error, where no line came in time.
   */
  async line(timeout: number = patience): Promise<string | null> {
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      this.#wake?.();
    }, timeout);
    try {
      while (this.#lines.length === 0 && !this.#ended) {
        if (timedOut) throw this.#error(`printed no line in ${timeout} ms`);
        await new Promise<void>((resolve) => this.#wake = resolve);
        this.#wake = undefined;
      }
      return this.#lines.shift() ?? null;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * The next line of standard output, which must be there and be JSON.
   *
   * @param timeout How long to wait, in milliseconds.
   * @returns The value in the line.
   */
  async json<T>(timeout: number = patience): Promise<T> {
    const line = await this.line(timeout);
    if (line === null) throw this.#error("ended without the line that was expected");
    return JSON.parse(line) as T;
  }

  /** The lines of standard output, until it ends. */
  async *lines(): AsyncGenerator<string, void, undefined> {
    for (let line = await this.line(); line !== null; line = await this.line()) yield line;
  }

  /** Writes to the program's standard input. */
  write(text: string | Uint8Array): void {
    this.#child.stdin?.write(text);
  }

  /** Ends the program's standard input. */
  end(): void {
    this.#child.stdin?.end();
  }

  /** Sends a signal; SIGKILL unless given. A program that has ended is left alone. */
  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    if (this.#ended || this.#child.pid === undefined) return;
    try {
      // Not by the child's own method: Deno 2.9 sends a child one signal only.
      process.kill(this.#child.pid, signal);
    } catch (error) {
      // It has just gone.
      if ((error as { code?: string }).code !== "ESRCH") throw error;
    }
  }

  /**
   * Waits until the program has ended by itself.
   *
   * @param timeout How long to wait, in milliseconds.
   * @returns How it ended.
   * @throws An error that shows standard error, where it did not end in time; it is killed then.
   */
  async exit(timeout: number = patience): Promise<Exit> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.kill();
        reject(this.#error(`did not end in ${timeout} ms`));
      }, timeout);
    });
    try {
      return await Promise.race([this.#exit, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Kills the program if it still runs, and waits until it is gone. */
  async stop(): Promise<Exit> {
    this.kill();
    return await this.exit();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #error(what: string): Error {
    const stderr = this.#stderr.trim();
    return new Error(`${this.#name} ${what}${stderr === "" ? "" : `; it said:\n${stderr}`}`);
  }
}

/**
 * Starts a program.
 *
 * @param command The executable and its arguments, as `launch` of runtime.ts gives them.
 * @param options Environment, directory and time limit.
 */
export function start(command: readonly [string, ...string[]], options?: StartOptions): Program {
  return new Program(command, options);
}

/** The command for Python 3. */
export const pythonFile: string = process.env["PYTHON"] ??
  (process.platform === "win32" ? "python" : "python3");

/** Whether Python 3 can be started here; tests with a Python peer are skipped where it cannot. */
export const hasPython: boolean =
  spawnSync(pythonFile, ["-c", "import socket"], { timeout: 20_000 }).status === 0;

/**
 * Starts a peer written in Python, unbuffered, so that each `print` is a line at once.
 *
 * @param source The program; the indentation of its first line is taken off all lines.
 * @param args Its arguments, from `sys.argv[1]` on.
 * @param options Environment, directory and time limit.
 */
export function python(
  source: string,
  args: readonly string[] = [],
  options?: StartOptions,
): Program {
  const indent = /^\n*([ \t]*)/.exec(source)?.[1] ?? "";
  const text = indent === "" ? source : source.replaceAll(`\n${indent}`, "\n");
  return start([pythonFile, "-u", "-c", text, ...args], options);
}
