/**
 * Waiting that a signal can end. Each signal has one listener, however many calls wait with it: Node 20 warns of a leak
 * from the eleventh listener on.
 */

/** A wait that a signal can end. */
export interface Abortable {
  /** The signal was aborted. */
  abort(reason: unknown): void;
}

/** A signal of the library's own, for one listener: it costs a wait much less than an AbortController. */
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

  /** This object as the signal to pass to waiting calls. */
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

/** Calls `abort` when the signal is aborted, or at once if it is, unless {@linkcode offAbort} comes first. */
export function onAbort(signal: AbortSignal, abortable: Abortable): void {
  let watched = signals.get(signal);
  if (watched === undefined) signals.set(signal, watched = watch(signal));
  // The event is over: a call may come to wait long after its signal was checked.
  if (signal.aborted) return abortable.abort(signal.reason);
  try {
    if (watched.waiting.size === 0) signal.addEventListener("abort", watched.listener);
  } catch (error) {
    // Not the platform's own signal: the call fails with what it threw.
    return abortable.abort(error);
  }
  watched.waiting.add(abortable);
}

/** Undoes {@linkcode onAbort}; a signal without waits has no listener. */
export function offAbort(signal: AbortSignal, abortable: Abortable): void {
  const { waiting, listener } = signals.get(signal)!;
  if (waiting.delete(abortable) && waiting.size === 0) stopListening(signal, listener);
}

/**
 * Waits for the promise, or fails with the signal's reason once it is aborted; how the promise then settles is ignored.
 */
export async function orAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return await promise;
  let abortable!: Abortable;
  const aborted = new Promise<never>((_, reject) => onAbort(signal, abortable = { abort: reject }));
  try {
    // First in the race: a signal that was aborted before the call wins.
    return await Promise.race([aborted, promise]);
  } finally {
    offAbort(signal, abortable);
  }
}

function watch(signal: AbortSignal): Watched {
  const waiting = new Set<Abortable>();
  const listener = (): void => {
    stopListening(signal, listener);
    for (const abortable of [...waiting]) {
      // Aborting one wait may have ended another.
      if (waiting.delete(abortable)) abortable.abort(signal.reason);
    }
  };
  return { waiting, listener };
}

/** Removes a listener. An error thrown by a signal that is not the platform's must not reach other waits. */
function stopListening(signal: AbortSignal, listener: () => void): void {
  try {
    signal.removeEventListener("abort", listener);
  } catch {
    // The listener has no waits left anyway.
  }
}
