/** The callers of a failed call: the stack of an error from a timer or the network has no frame of the program. */

import { SocketError } from "./errors.ts";

/** The stack line of a suspended async function, on V8 and JavaScriptCore. */
const WAITING = /^\s+at async /;

/** Errors that have their callers already: one can be the reason of a signal that ends many calls. */
const told = new WeakSet<SocketError>();

/**
 * Adds the functions that wait for a failed call to its error's stack trace. The async function that calls this must be
 * awaited by the first of them only: V8 finds no caller once its promise has a second reaction.
 */
export function addCaller(error: unknown): void {
  if (!(error instanceof SocketError) || told.has(error)) return;
  told.add(error);
  try {
    const [stack, here] = [stackOf(error), stackOf(new Error())];
    // Reflect: an assignment would throw if the program has frozen the error.
    Reflect.defineProperty(error, "stack", {
      configurable: true,
      get: () => joined(stack(), here()),
      set: (value) => Reflect.defineProperty(error, "stack", { ...LIKE_OTHERS, value }),
    });
  } catch {
    // The program's own Error.prepareStackTrace has thrown: the stack stays as it is.
  }
}

/** The attributes of a stack that the program assigns. */
const LIKE_OTHERS = { configurable: true, writable: true };

/**
 * Returns a reader of a stack, lazy if possible: V8 formats it on first access. That takes longer than most calls, and
 * Deno 2.9 panics in it while no descriptor is free.
 */
function stackOf(error: Error): () => unknown {
  const { get, value } = Object.getOwnPropertyDescriptor(error, "stack") ?? {};
  return get === undefined ? () => value : () => get.call(error);
}

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
