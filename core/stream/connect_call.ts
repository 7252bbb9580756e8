/** connect(2) under way: it resolves the name, then tries its addresses one after another. */

import type {
  Adapter,
  Address,
  Bound,
  ConnectAttempt,
  ConnectTarget,
  Settings,
  Stream,
} from "../../adapters/adapter.ts";
import { clearTimeout, setTimeout } from "../../adapters/timers.ts";
import type { Destination } from "../address/address.ts";
import { AF_UNIX } from "../constants.ts";
import { systemError, translate } from "../errors/errors.ts";
import { resolveAll } from "../names/resolve.ts";

/** The pauses between attempts while the accept queue of a UNIX listener is full, in milliseconds. */
const SHORTEST_PAUSE = 1;
const LONGEST_PAUSE = 50;

/** A request for a connection. */
export interface ConnectRequest {
  readonly adapter: Adapter;
  readonly family: number;
  readonly destination: Destination;
  readonly settings: Settings;
  /** Whether it waits as connect(2) of a blocking socket does. */
  readonly waits: boolean;
  /** Returns the requested local address for an attempt at an address; `undefined` if the system chooses. */
  readonly bound: (address: Address) => Promise<Bound | undefined>;
}

/** One call of connect. */
export class ConnectCall {
  /** Resolves with the connection, or rejects with the last address's error. */
  readonly done: Promise<Stream>;
  /** Resolves when the name is resolved and the first attempt has begun; rejects with the resolver's error. */
  readonly begun: Promise<void>;
  #address: Address | undefined;
  #attempt: ConnectAttempt | undefined;
  #cancelled = false;
  #endPause: (() => void) | undefined;

  constructor(request: ConnectRequest) {
    let begin!: () => void;
    let abandon!: (error: unknown) => void;
    this.begun = new Promise((resolve, reject) => {
      begin = resolve;
      abandon = reject;
    });
    this.done = this.#run(request, begin);
    this.done.catch(abandon);
    this.begun.catch(() => {/* Only a non-blocking connect waits for it. */});
  }

  /** The address of the current attempt, once the name is resolved. */
  get address(): Address | undefined {
    return this.#address;
  }

  /** Gives up: `done` rejects, and a late connection is closed. */
  cancel(): void {
    this.#cancelled = true;
    this.#attempt?.cancel();
    this.#endPause?.();
  }

  async #run(request: ConnectRequest, begin: () => void): Promise<Stream> {
    const { adapter, family, destination, settings } = request;
    let error: unknown;
    for (const address of await resolveAll(adapter, family, destination)) {
      if (this.#cancelled) break;
      this.#address = address;
      const target = { family, address, name: nameOf(destination), settings };
      try {
        const stream = await this.#reach(request, target, begin);
        if (!this.#cancelled) return stream;
        await stream.close();
      } catch (cause) {
        error = cause;
        if (this.#attempt?.byName) break;
      }
    }
    throw error ?? systemError("ECANCELED", "connect");
  }

  /** Tries one address, repeatedly if a blocking UNIX socket in Linux would wait for room in the accept queue. */
  async #reach(
    { adapter, waits, bound: bind }: ConnectRequest,
    target: ConnectTarget,
    begin: () => void,
  ): Promise<Stream> {
    const { address, family } = target;
    for (let pause = SHORTEST_PAUSE;; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const bound = await bind(address);
      try {
        this.#attempt = bound?.connect(target) ?? adapter.connect(target);
        begin();
        if (this.#cancelled) this.#attempt.cancel();
        return await this.#attempt.done;
      } catch (cause) {
        const error = translate(adapter, cause, "connect", { address, local: bound?.local });
        const isFull = family === AF_UNIX && error.code === "EAGAIN";
        if (!isFull || !waits || this.#cancelled) throw error;
      }
      await this.#pause(pause);
      if (this.#cancelled) throw systemError("ECANCELED", "connect");
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The name given by the user. */
function nameOf(destination: Destination): string {
  if (typeof destination === "string" || destination instanceof Uint8Array) return "";
  return destination.name ?? destination.host;
}
