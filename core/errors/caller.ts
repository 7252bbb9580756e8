/** The callers of a failed call: the stack of an error from a timer or the network has no frame of the program. */

import { SocketError } from "./errors.ts";

/** The stack line of a suspended async function, on V8 and JavaScriptCore. */
const WAITING = /^\s+at async /;

/** Where an error keeps what its stack trace is made of. */
const TRACES: unique symbol = Symbol("traces");

/** An error with its callers. */
interface Traced {
  readonly [TRACES]?: {
    /** The error, which the program may have put behind a proxy. */
    readonly error: Error;
    /** The error's own stack. */
    readonly own: PropertyDescriptor;
    /** Made where the callers wait. */
    readonly here: Error;
  };
}

/**
 * Adds the functions that wait for a failed call to its error's stack trace. The async function that calls this must be
 * awaited by the first of them only: V8 finds no caller once its promise has a second reaction.
 */
export function addCaller(error: unknown): void {
  // One error can be the reason of a signal that ends many calls.
  if (!(error instanceof SocketError) || Object.hasOwn(error, TRACES)) return;
  try {
    const own = Object.getOwnPropertyDescriptor(error, "stack") ?? {};
    // Reflect: an assignment would throw if the program has frozen the error.
    const isKept = Reflect.defineProperty(error, TRACES, {
      // Configurable: a proxy may hide it.
      configurable: true,
      value: { error, own, here: new Error() },
    });
    if (isKept) Reflect.defineProperty(error, "stack", STACK);
  } catch {
    // The program's own Error.prepareStackTrace has thrown: the stack stays as it is.
  }
}

/**
 * The stack of errors with callers. All share its functions: V8 would make a hidden class for each error that has its
 * own, which takes longer than the error itself. It is lazy, as V8 formats a stack on first access, and Deno 2.9 panics
 * in that while no descriptor is free.
 */
const STACK: PropertyDescriptor & ThisType<Traced> = {
  configurable: true,
  get() {
    // Nothing for an object that has no more than this accessor, as of V8's own.
    if (this?.[TRACES] === undefined) return undefined;
    const { error, own, here } = this[TRACES];
    return joined(own.get === undefined ? own.value : own.get.call(error), here.stack);
  },
  set(value) {
    Reflect.defineProperty(this, "stack", { configurable: true, writable: true, value });
  },
};

function joined(stack: unknown, here: unknown): unknown {
  // The program's Error.prepareStackTrace may return anything.
  if (typeof stack !== "string" || typeof here !== "string") return stack;
  const callers = here.split("\n").filter((line) => WAITING.test(line));
  const [nearest] = callers;
  if (nearest === undefined || stack.includes(placeIn(nearest))) return stack;
  return [stack, ...callers].join("\n");
}

/** The file and line of a frame. Its column differs: that of the call before the first wait, then that of `await`. */
function placeIn(frame: string): string {
  return frame.slice(frame.lastIndexOf(" ") + 1).replace(/^\(/, "").replace(/\d+\)?$/, "");
}
