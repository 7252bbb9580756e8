/** Who waits for a call that fails: what a timer or the network has made has nothing of the program in its stack. */

import { SocketError } from "./errors.ts";

/** A line of a stack trace that is an asynchronous function waiting, on V8 and on JavaScriptCore. */
const WAITING = /^\s+at async /;

/** Errors that have been told already: one can be the reason of a signal that ends many calls. */
const told = new WeakSet<SocketError>();

/**
 * Adds to an error's stack trace the functions that wait for its call. To be called in an asynchronous function that the
 * first of them waits for, and that nobody else has looked at yet.
 */
export function addCaller(error: unknown): void {
  if (!(error instanceof SocketError) || told.has(error)) return;
  told.add(error);
  try {
    const [stack, here] = [stackOf(error), stackOf(new Error())];
    // Not by assigning, which would throw where the program has frozen it.
    Reflect.defineProperty(error, "stack", {
      configurable: true,
      get: () => joined(stack(), here()),
      set: (value) => Reflect.defineProperty(error, "stack", { ...LIKE_OTHERS, value }),
    });
  } catch {
    // The program's own Error.prepareStackTrace has thrown: the stack stays as it is.
  }
}

/** What becomes of a stack that the program sets. */
const LIKE_OTHERS = { configurable: true, writable: true };

/**
 * Reads a stack, where it can later: V8 writes it out when it is first read. That takes longer than most calls, and
 * Deno 2.9 panics over it while no descriptor is free.
 */
function stackOf(error: Error): () => unknown {
  const { get, value } = Object.getOwnPropertyDescriptor(error, "stack") ?? {};
  return get === undefined ? () => value : () => get.call(error);
}

function joined(stack: unknown, here: unknown): unknown {
  // A program can have V8 make something else of stacks.
  if (typeof stack !== "string" || typeof here !== "string") return stack;
  const callers = here.split("\n").filter((line) => WAITING.test(line));
  const [nearest] = callers;
  if (nearest === undefined || stack.includes(placeIn(nearest))) return stack;
  return [stack, ...callers].join("\n");
}

/** The file and line of a frame; the column is that of the call where it has not waited yet, else that of `await`. */
function placeIn(frame: string): string {
  return frame.slice(frame.lastIndexOf(" ") + 1).replace(/^\(/, "").replace(/\d+\)?$/, "");
}
