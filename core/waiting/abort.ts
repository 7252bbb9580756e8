/**
 * Waiting that a signal can end. However many calls wait with one signal, it has one listener: Node 20 warns of a leak
 * from the eleventh on.
 */

/** Something that a signal can end. */
export interface Abortable {
  /** The signal was aborted. */
  abort(reason: unknown): void;
}

/** A signal of the library's own, for one listener: it costs a wait much less than an AbortController's. */
export class Canceller implements Abortable {
  aborted = false;
  reason: unknown = undefined;
  #listener: (() => void) | undefined;

  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.#listener?.();
  }

  /** What waiting calls take. */
  get signal(): AbortSignal {
    return this as unknown as AbortSignal;
  }

  addEventListener(_type: string, listener: () => void): void {
    this.#listener = listener;
  }

  removeEventListener(): void {
    this.#listener = undefined;
  }
}

interface Watched {
  readonly waiting: Set<Abortable>;
  readonly listener: () => void;
}

const signals = new WeakMap<AbortSignal, Watched>();

/** Calls `abort` when the signal is aborted, unless {@linkcode offAbort} comes first. */
export function onAbort(signal: AbortSignal, abortable: Abortable): void {
  let watched = signals.get(signal);
  if (watched === undefined) signals.set(signal, watched = watch(signal));
  try {
    if (watched.waiting.size === 0) signal.addEventListener("abort", watched.listener);
  } catch (error) {
    // Not the platform's own signal. The call ends with what it threw.
    return abortable.abort(error);
  }
  watched.waiting.add(abortable);
}

/** Undoes {@linkcode onAbort}; a signal that nobody waits with has no listener. */
export function offAbort(signal: AbortSignal, abortable: Abortable): void {
  const { waiting, listener } = signals.get(signal)!;
  if (waiting.delete(abortable) && waiting.size === 0) stopListening(signal, listener);
}

/**
 * The promise, or the signal's reason as soon as it is aborted; what the promise does then goes
 * unnoticed.
 */
export async function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await promise;
  let abortable!: Abortable;
  const aborted = new Promise<never>((_, reject) => {
    abortable = { abort: reject };
    if (signal.aborted) reject(signal.reason);
    else onAbort(signal, abortable);
  });
  try {
    // First in the race: a signal that was aborted before the call wins.
    return await Promise.race([aborted, promise]);
  } finally {
    if (!signal.aborted) offAbort(signal, abortable);
  }
}

function watch(signal: AbortSignal): Watched {
  const waiting = new Set<Abortable>();
  const listener = (): void => {
    stopListening(signal, listener);
    for (const abortable of [...waiting]) {
      // One that is aborted may have ended another.
      if (waiting.delete(abortable)) abortable.abort(signal.reason);
    }
  };
  return { waiting, listener };
}

/** What a signal throws that is not the platform's must not reach the waits of others. */
function stopListening(signal: AbortSignal, listener: () => void): void {
  try {
    signal.removeEventListener("abort", listener);
  } catch {
    // It has nobody left to call.
  }
}
