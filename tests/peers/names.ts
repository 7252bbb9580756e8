// Makes the calls that its argument lists, one after another, and prints what each gave.

import process from "node:process";
import { SO_LINGER, SOCK_STREAM, socket, SocketError, SOL_SOCKET } from "../../mod.ts";
import * as library from "../../mod.ts";
import { type Call, failed } from "../support/answers.ts";

/** How a connect is limited. */
interface ConnectOptions {
  /** Seconds. */
  readonly timeout?: number;
  /** Milliseconds until the signal is aborted. */
  readonly abort?: number;
  /** Whether closing resets. */
  readonly linger?: boolean;
}

async function connect(
  family: number,
  address: [string, number],
  options: ConnectOptions = {},
): Promise<unknown> {
  const s = socket(family, SOCK_STREAM);
  try {
    if (options.timeout !== undefined) s.settimeout(options.timeout);
    if (options.linger === true) s.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
    const signal = options.abort === undefined ? undefined : AbortSignal.timeout(options.abort);
    await s.connect(address, { signal });
    return s.getpeername();
  } finally {
    await s.close();
  }
}

async function create_connection(address: [string, number]): Promise<unknown> {
  const s = await library.create_connection(address);
  const peer = s.getpeername();
  await s.close();
  return peer;
}

const functions = { ...library, connect, create_connection } as unknown as Record<
  string,
  (...args: unknown[]) => unknown
>;

for (const [name, ...args] of JSON.parse(process.argv[2]!) as Call[]) {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 10);
  const start = performance.now();
  let answer;
  try {
    answer = { value: await functions[name]!(...args) };
  } catch (error) {
    const { name, message } = error as Error;
    const code = error instanceof SocketError ? error.code : name;
    answer = { ...failed(error), code, message };
  }
  clearInterval(timer);
  const ms = Math.round(performance.now() - start);
  console.log(JSON.stringify(ms > 90 ? { ...answer, ms, ticks } : answer));
}
