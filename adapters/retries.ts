/** A write that is tried again until there is room, for a runtime that does not tell of room. */

/** How often a full socket is tried again, in milliseconds. */
const INTERVAL = 5;

/** Tries until something was written. */
export class Retries {
  /** The bytes written, once there are some. */
  readonly done: Promise<number>;
  #timer: ReturnType<typeof setInterval> | undefined;
  #written = 0;

  /** `tryWrite` answers the bytes written, 0 where there is no room yet; what it throws rejects `done`. */
  constructor(tryWrite: () => number) {
    this.done = new Promise((resolve, reject) => {
      this.#timer = setInterval(() => {
        try {
          this.#written = tryWrite();
          if (this.#written === 0) return;
          resolve(this.#written);
        } catch (error) {
          reject(error);
        }
        clearInterval(this.#timer);
      }, INTERVAL);
    });
  }

  /** Gives up; answers the bytes that were written meanwhile, which `done` is about to tell. */
  stop(): number {
    clearInterval(this.#timer);
    return this.#written;
  }
}
