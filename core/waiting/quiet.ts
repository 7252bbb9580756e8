/**
 * Promises that may stay unobserved: a program that drops one must not die of an error caused by a peer or the network.
 */

import { addCaller } from "../errors/caller.ts";
import { isTurnDue, turn } from "./turn.ts";

const nothing = (): void => {};

/** The same promise; its rejection, if unobserved, is no unhandled one. */
export function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.then(undefined, nothing);
  return promise;
}

/** A quiet promise that is rejected. */
export function rejected(error: unknown): Promise<never> {
  return quiet(Promise.reject(error));
}

/** The quiet promise of an asynchronous function. The function may have ended at once. */
export function quietly<T>(call: () => Promise<T>): Promise<T> {
  const promise = run(call, isTurnDue(), (error) => {
    addCaller(error);
    // Only after `addCaller`: with two observers, V8 could not tell who awaits the promise.
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
