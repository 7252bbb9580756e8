/** Promises that nobody looks at: a program that drops one must not die of what a peer or the network does. */

import { addCaller } from "../errors/caller.ts";
import { isTurnDue, turn } from "./turn.ts";

const nothing = (): void => {};

/** The same promise, whose rejection is nobody's unless somebody looks. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.then(undefined, nothing);
  return promise;
}

/** A rejected promise of this kind. */
export function rejected(error: unknown): Promise<never> {
  return quiet(Promise.reject(error));
}

/** The promise of an asynchronous function, of this kind. It may have ended at once. */
export function quietly<T>(call: () => Promise<T>): Promise<T> {
  const promise = run(call, isTurnDue(), (error) => {
    addCaller(error);
    // Only now: with two that look at it, V8 would not know for whom it is.
    quiet(promise);
  });
  return promise;
}

async function run<T>(
  call: () => Promise<T>,
  takesTurn: boolean,
  failing: (error: unknown) => void,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    failing(error);
    throw error;
  } finally {
    if (takesTurn) await turn();
  }
}
