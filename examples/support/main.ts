/**
 * What the examples share, so that each of them is about sockets only: how a program ends. An error
 * becomes one line and an exit code, never a stack trace; Ctrl-C aborts a signal.
 */

import process from "node:process";
import type { Writable } from "node:stream";

/** A failure with an exit code of its own; any other error gives 1. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/**
 * Runs a program to its end.
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
    stop.abort(new Failure("interrupted", 130));
    // Whatever does not listen to the signal gets half a second.
    setTimeout(() => process.exit(130), 500).unref();
  };
  process.on("SIGINT", interrupt);
  // The program at the other end of the pipe has gone: `http_get.ts URL | head`.
  process.stdout.on("error", () => process.exit(1));
  try {
    await body(stop.signal, () => new Failure(`usage: ${usage}`, 2));
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const badArguments = /^ERR_PARSE_ARGS/.test((error as { code?: string }).code ?? "");
    if (badArguments) console.error(`${name}: ${message.split(/\.\s|\n/)[0]}; usage: ${usage}`);
    else if (!stop.signal.aborted) console.error(`${name}: ${message}`);
    process.exitCode = stop.signal.aborted
      ? 130
      : badArguments
      ? 2
      : error instanceof Failure
      ? error.exitCode
      : 1;
  }
  process.removeListener("SIGINT", interrupt);
  // Standard input may still be read by nobody and would keep the program alive.
  setTimeout(() => process.exit(), 100).unref();
}

/** A count of seconds in an argument; `null`, wait for ever, where it was not given. */
export function seconds(text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text === "" || !(value > 0)) throw new Failure(`not a number of seconds: ${text}`, 2);
  return value;
}

/** Writes to a file or to standard output, and waits until it is written. */
export function write(out: Writable, data: Uint8Array | string): Promise<void> {
  return new Promise((resolve, reject) => {
    out.write(data, (error) => error ? reject(error) : resolve());
  });
}
