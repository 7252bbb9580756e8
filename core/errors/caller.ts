/** Who waits for a call that fails: what a timer or the network has made has nothing of the program in its stack. */

import { SocketError } from "./errors.ts";

/** A line of a stack trace that is an asynchronous function waiting, on V8 and on JavaScriptCore. */
const WAITING = /^\s+at async /;

/** What calls that do not block answer again and again; to write out a stack costs more than such a call. */
const ANSWERS: ReadonlySet<string> = new Set(["EAGAIN", "EINPROGRESS", "EALREADY"]);

/**
 * Adds to an error's stack trace the functions that wait for its call. To be called in an asynchronous function that the
 * first of them waits for, and that nobody else has looked at yet.
 */
export function addCaller(error: unknown): void {
  // Not to what a signal was aborted with, which others may have, too.
  if (!(error instanceof SocketError) || ANSWERS.has(error.code)) return;
  const [stack, here]: unknown[] = [error.stack, new Error().stack];
  // A program can have V8 make something else of stacks.
  if (typeof stack !== "string" || typeof here !== "string") return;
  const callers = here.split("\n").filter((line) => WAITING.test(line));
  const [nearest] = callers;
  if (nearest === undefined || stack.includes(placeIn(nearest))) return;
  // Not by assigning, which would throw where the program has frozen it.
  Reflect.set(error, "stack", [stack, ...callers].join("\n"));
}

/** The file and line of a frame; the column is that of the call where it has not waited yet, else that of `await`. */
function placeIn(frame: string): string {
  return frame.slice(frame.lastIndexOf(" ") + 1).replace(/^\(/, "").replace(/\d+\)?$/, "");
}
