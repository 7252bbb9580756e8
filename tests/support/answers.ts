/** Calls of the names' functions, here and in Python, and what they answer, in one form. */

import { GaiError, HostError, SocketError } from "../../mod.ts";
import * as library from "../../mod.ts";

/** One call: the function's name and its arguments. */
export type Call = readonly [name: string, ...args: unknown[]];

/** What a call gave: its value, or the error's class in Python and its number. */
export type Answer = { value: unknown } | { error: string; errno?: number | null };

/** Calls the library. */
export async function ask([name, ...args]: Call): Promise<Answer> {
  const functions = library as unknown as Record<string, (...args: unknown[]) => unknown>;
  try {
    return { value: await functions[name]!(...args) };
  } catch (error) {
    return failed(error);
  }
}

/** An error as Python names it. */
export function failed(error: unknown): Answer {
  if (error instanceof GaiError) return { error: "gaierror", errno: error.errno };
  if (error instanceof HostError) return { error: "herror", errno: error.errno };
  if (error instanceof SocketError) return { error: "OSError", errno: error.errno };
  if (error instanceof TypeError) return { error: "TypeError" };
  if (error instanceof RangeError) return { error: "OverflowError" };
  return { error: String(error) };
}

/** Makes the calls in Python, all at once: some of them wait for the resolver. */
export const pythonAnswers = `
import socket
from concurrent.futures import ThreadPoolExecutor

def ask(call):
    name, *args = call
    if name == "getnameinfo":
        args[0] = tuple(args[0])
    try:
        return {"value": getattr(socket, name)(*args)}
    except OSError as e:
        return {"error": type(e).__name__, "errno": e.errno}
    except Exception as e:
        return {"error": type(e).__name__}

answer = list(ThreadPoolExecutor(20).map(ask, question))
`;

/**
 * Whether two answers are the same; an error that Python has no number for is compared by its
 * class.
 */
export function sameAnswer(a: Answer, b: Answer): boolean {
  if ("error" in a && "error" in b && (a.errno === null || b.errno === null)) {
    return a.error === b.error;
  }
  return JSON.stringify(a) === JSON.stringify(b);
}
