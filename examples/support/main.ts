/**
 * What the examples share, so that each of them is about sockets only: how a program ends. An error
 * becomes one line and an exit code, never a stack trace; Ctrl-C aborts a signal.
 */

import process from "node:process";
import type { Address } from "../../mod.ts";

/** A failure with an exit code of its own; any other error gives 1. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What is said of an error: its message, on one line. */
export function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replace(/\s*\n\s*/g, " ");
}

/** Says a line on standard error. (`console.error` of Bun colours it on a terminal.) */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/**
 * For `onerror` of `serve`: the trouble of one client is a line, and no reason to stop serving the
 * others. On Ctrl-C they all end, and nothing is said.
 */
export function reporter(signal: AbortSignal): (error: unknown, address: Address) => void {
  return (error, address) => {
    // A client of a UNIX socket has no name as a rule.
    const who = Array.isArray(address) ? `${address[0]}:${address[1]}` : "a client";
    if (!signal.aborted) say(`${who}: ${messageOf(error)}`);
  };
}

/**
 * Runs a program to its end. It ends with 0, with 1 where something failed, with 2 for bad
 * arguments, and with 130 on Ctrl-C, as shells have it: 128 and the number of the signal.
 *
 * @param usage What it is called with, such as `echo.ts HOST PORT`; its first word names the program.
 * @param body The program. Ctrl-C aborts the signal; with `usage()` it ends because of its arguments.
 */
export async function main(
  usage: string,
  body: (signal: AbortSignal, usage: () => Failure) => Promise<void>,
): Promise<void> {
  const name = usage.replace(/\.ts.*/s, "");
  const stop = new AbortController();
  const interrupt = (): void => {
    // The terminal has shown ^C; what comes now begins on a line of its own.
    if (process.stderr.isTTY && !stop.signal.aborted) process.stderr.write("\n");
    stop.abort(new Failure("interrupted", 130));
    // Whatever does not listen to the signal gets half a second.
    setTimeout(die, 500).unref();
  };
  const die = (): void => {
    process.removeListener("SIGINT", interrupt);
    try {
      // The signal again, which nobody holds up now: Node's exit() waits for look-ups that still run.
      process.kill(process.pid, "SIGINT");
    } catch {
      // Deno has a permission for that, and an exit() that waits for nothing.
      process.exit(130);
    }
  };
  process.on("SIGINT", interrupt);
  // The program at the other end of the pipe has gone: `http_get.ts URL | head`.
  process.stdout.on("error", () => process.exit(1));
  try {
    await body(stop.signal, () => new Failure(`usage: ${usage}`, 2));
  } catch (error) {
    const badArguments = /^ERR_PARSE_ARGS/.test(String((error as { code?: unknown } | null)?.code));
    process.exitCode = badArguments ? 2 : error instanceof Failure ? error.exitCode : 1;
    // Of parseArgs's advice only the first sentence.
    const message = badArguments
      ? `${messageOf(error).split(/\.\s/)[0]}; usage: ${usage}`
      : messageOf(error);
    if (!stop.signal.aborted) say(`${name}: ${message}`);
  }
  if (stop.signal.aborted) process.exitCode = 130;
  // Standard input may still be read by nobody and would keep the program alive.
  setTimeout(() => stop.signal.aborted ? die() : process.exit(), 100).unref();
}
