/** Tests that end in time and leave nothing behind, whatever happens in them. */

import assert from "node:assert/strict";
import { SocketError } from "../../mod.ts";

/** Something that a test opens. */
export interface Closeable {
  /** Closes it. */
  close(): unknown;
}

/** Something that a test opens, of the kind that `await using` disposes of. */
export type Opened = Closeable | AsyncDisposable;

/** What a test has opened; closed in reverse order when it ends. */
export class Scope {
  readonly #opened: Opened[] = [];

  /** Takes something into the scope. */
  add<T extends Opened>(opened: T): T {
    this.#opened.push(opened);
    return opened;
  }

  /** Closes everything, the last first, also after one that fails to; gives the errors. */
  async close(): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (const opened of this.#opened.splice(0).reverse()) {
      try {
        const closing = "close" in opened ? opened.close() : opened[Symbol.asyncDispose]();
        await within(Promise.resolve(closing), 5_000, "closing after the test");
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  }
}

/**
 * A test's body with a limit in time. Everything in its scope is closed when it ends, also when it
 * fails or is late.
 *
 * @param body The test.
 * @param limit Milliseconds.
 */
export function bounded(
  body: (scope: Scope) => Promise<void>,
  limit: number = 20_000,
): () => Promise<void> {
  return async () => {
    const scope = new Scope();
    const errors: unknown[] = [];
    try {
      await within(body(scope), limit, "the test");
    } catch (error) {
      errors.push(error);
    }
    errors.push(...await scope.close());
    if (errors.length === 1) throw errors[0];
    // The test's own error comes first: what follows may follow from it.
    if (errors.length > 1) throw new AggregateError(errors, messagesOf(errors));
  };
}

function messagesOf(errors: readonly unknown[]): string {
  return errors.map((error) => error instanceof Error ? error.message : String(error)).join("; ");
}

/** The promise, or an error when it takes longer. */
export async function within<T>(promise: Promise<T>, limit: number, what: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end in ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves after some milliseconds. */
export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Waits until a condition holds, looking every few milliseconds. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  limit: number = 5_000,
): Promise<void> {
  const start = performance.now();
  while (!await condition()) {
    if (performance.now() - start > limit) throw new Error(`${what}: not within ${limit} ms`);
    await sleep(5);
  }
}

/**
 * What a call rejects with. The call must give a promise: an error that it throws instead fails the
 * test.
 */
export async function rejection(call: () => Promise<unknown>): Promise<unknown> {
  let promise: Promise<unknown>;
  try {
    promise = call();
  } catch (error) {
    assert.fail(`threw instead of returning a promise: ${error}`);
  }
  let value: unknown;
  try {
    value = await promise;
  } catch (error) {
    return error;
  }
  const shown = value instanceof Uint8Array ? `${value.length} bytes` : value;
  assert.fail(`succeeded with ${shown} where an error was due`);
}

/** What a call throws. */
export function thrown(call: () => unknown): unknown {
  let value: unknown;
  try {
    value = call();
  } catch (error) {
    return error;
  }
  assert.fail(`gave ${value} where an error was due`);
}

/** Checks that an error is the library's and has this code and, where given, call. */
export function assertCode(error: unknown, code: string, syscall?: string): SocketError {
  assert.ok(error instanceof SocketError, `not a SocketError: ${error}`);
  assert.equal(error.code, code, error.message);
  if (syscall !== undefined) assert.equal(error.syscall, syscall, error.message);
  return error;
}

/** Checks that a call rejects with this code and, where given, call. */
export async function rejects(
  call: () => Promise<unknown>,
  code: string,
  syscall?: string,
): Promise<SocketError> {
  return assertCode(await rejection(call), code, syscall);
}

/** Checks that a call throws this code and, where given, call. */
export function throws(call: () => unknown, code: string, syscall?: string): SocketError {
  return assertCode(thrown(call), code, syscall);
}
