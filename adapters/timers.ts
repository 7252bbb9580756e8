/**
 * The runtime's timers and clock, taken when the library is imported. Fake timers that a test installs later do not
 * apply: they end with the test, sockets share timers that must go on, and no peer lives in the test's time.
 */

import { nodeModule } from "./builtin/modules.ts";
import { runtimeName } from "./runtime_name.ts";

/** The result of `setTimeout`: an object on Node, Deno and Bun, a number elsewhere. */
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

// The calls are marked as pure, so that bundlers can drop what is not used.

/** The global `setTimeout`. */
export const setTimeout: Timers["setTimeout"] = /* @__PURE__ */ taken("setTimeout");

/** The global `clearTimeout`. */
export const clearTimeout: Timers["clearTimeout"] = /* @__PURE__ */ taken("clearTimeout");

/** Calls back right after the event loop has polled for I/O; a zero timeout takes a millisecond longer. */
export const setImmediate: Schedule = /* @__PURE__ */ taken("setImmediate") ??
  ((callback, ...args) => setTimeout(callback, 0, ...args));

/** The global `queueMicrotask`; Node has no module for it. */
export const queueMicrotask: (callback: () => void) => void = globalThis.queueMicrotask;

/** The time in milliseconds on the monotonic clock: a change of the wall clock moves no deadline. */
export const now: () => number = /* @__PURE__ */ takeClock();

/**
 * Whether a timer set now belongs to a test's fakes. Those of `bun test` are inside the runtime's own functions, and
 * mark them, as sinon marks its own.
 */
export function areFake(): boolean {
  return "clock" in setTimeout;
}

/**
 * Whether to take them from Node's modules: Jest replaces the globals for a whole file. Deno and Bun take a millisecond
 * or more to load the modules, and nobody imports the library under fakes there.
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
