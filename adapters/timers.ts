/**
 * The runtime's timers and its clock, taken when the library is imported. Fake ones, which a test puts in their place, end
 * with the test, and sockets share timers that must go on; and no peer lives in the time of a test.
 */

import { nodeModule } from "./builtin/modules.ts";
import { runtimeName } from "./runtime_name.ts";

/** What `setTimeout` gives: an object on Node, Deno and Bun, a number elsewhere. */
export type Timer = number | { ref(): void; unref(): void };

type Schedule = <A extends unknown[]>(callback: (...args: A) => void, ...args: A) => unknown;

interface Timers {
  setTimeout<A extends unknown[]>(
    callback: (...args: A) => void,
    delay: number,
    ...args: A
  ): Timer;
  clearTimeout(timer: Timer | undefined): void;
  setImmediate?: Schedule;
}

// Taken by calls that bundlers know to be pure, for bundles that need none of it.

/** As the global of this name. */
export const setTimeout: Timers["setTimeout"] = /* @__PURE__ */ taken("setTimeout");

/** As the global of this name. */
export const clearTimeout: Timers["clearTimeout"] = /* @__PURE__ */ taken("clearTimeout");

/** Calls back right after the loop has polled for I/O, a zero timeout only a millisecond later. */
export const setImmediate: Schedule = /* @__PURE__ */ taken("setImmediate") ??
  ((callback, ...args) => setTimeout(callback, 0, ...args));

/** As the global of this name, of which Node has no module. */
export const queueMicrotask: (callback: () => void) => void = globalThis.queueMicrotask;

/** Milliseconds on the monotonic clock: a changed wall clock moves no deadline. */
export const now: () => number = /* @__PURE__ */ takeClock();

/**
 * Whether what is set now goes with a test's fakes: those of `bun test` are within the runtime's own functions, and mark them, as
 * those of sinon are marked.
 */
export function areFake(): boolean {
  return "clock" in setTimeout;
}

/**
 * Whether Node's modules have them, where Jest has its fakes for all of a file. Deno and Bun take a millisecond and longer to load
 * theirs, and nobody imports the library under fakes there.
 */
function haveModules(): boolean {
  return runtimeName() === "Node";
}

function taken<Name extends keyof Timers>(name: Name): Timers[Name] {
  const timers: object = haveModules() ? nodeModule("node:timers") : globalThis;
  return (timers as Timers)[name];
}

function takeClock(): () => number {
  const { performance } = haveModules() ? nodeModule("node:perf_hooks") : globalThis;
  return performance.now.bind(performance);
}
