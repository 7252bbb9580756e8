/** This process's memory, watched while something goes on. */

import process from "node:process";
import { type Scope, sleep } from "./scope.ts";

const MiB = 1024 * 1024;

/** The memory that the operating system counts for this process, in MiB. */
export function rss(): number {
  return process.memoryUsage().rss / MiB;
}

/** Frees what nobody needs, as far as the runtime lets a program ask for it. */
export async function collect(): Promise<void> {
  const runtime = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };
  for (let i = 0; i < 3; i++) {
    runtime.gc?.();
    runtime.Bun?.gc(true);
    await sleep(20);
  }
}

/** The most memory seen since {@linkcode watchMemory}. */
export interface MemoryWatch {
  /** How much it has grown at most, in MiB. */
  stop(): number;
}

/** Watches how much memory grows, from now on, until the end of the scope at the latest. */
export async function watchMemory(scope: Scope): Promise<MemoryWatch> {
  await collect();
  const start = rss();
  let most = start;
  const look = () => most = Math.max(most, rss());
  const timer = setInterval(look, 20);
  scope.add({ close: () => clearInterval(timer) });
  return {
    stop() {
      clearInterval(timer);
      look();
      return most - start;
    },
  };
}
