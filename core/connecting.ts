/** connect(2) under way: the name is resolved, then its addresses are tried one after another. */

import type { Adapter, Bound, ConnectAttempt, Settings, Stream } from "../adapters/adapter.ts";
import type { Destination } from "./address.ts";
import { systemError, translate } from "./errors.ts";
import { resolveAll } from "./resolve.ts";

/** What to connect, from where. */
export interface ConnectRequest {
  readonly adapter: Adapter;
  readonly family: number;
  readonly destination: Destination;
  readonly settings: Settings;
  /** The claimed local address for the next try; `undefined` when the system chooses. */
  readonly bound: () => Promise<Bound | undefined>;
}

/** One call of connect. */
export class Connecting {
  /** Settles with the connection, or with the last address's error. */
  readonly done: Promise<Stream>;
  /** Settles when the name is resolved and the first try has begun, or with the resolver's error. */
  readonly begun: Promise<void>;
  #attempt: ConnectAttempt | undefined;
  #cancelled = false;

  constructor(request: ConnectRequest) {
    let begin!: () => void;
    let abandon!: (error: unknown) => void;
    this.begun = new Promise((resolve, reject) => {
      begin = resolve;
      abandon = reject;
    });
    this.done = this.#run(request, begin);
    this.done.catch(abandon);
    this.begun.catch(() => {/* Only a non-blocking connect looks at it. */});
  }

  /** Gives up: `done` rejects, and a connection that comes late is closed. */
  cancel(): void {
    this.#cancelled = true;
    this.#attempt?.cancel();
  }

  async #run(request: ConnectRequest, begin: () => void): Promise<Stream> {
    const { adapter, family, destination, settings } = request;
    let error: unknown;
    for (const address of await resolveAll(adapter, family, destination)) {
      if (this.#cancelled) break;
      const name = nameOf(destination);
      const target = { family, address, name, settings };
      const bound = await request.bound();
      try {
        this.#attempt = bound?.connect(target) ?? adapter.connect(target);
        begin();
        if (this.#cancelled) this.#attempt.cancel();
        const stream = await this.#attempt.done;
        if (!this.#cancelled) return stream;
        await stream.close();
      } catch (cause) {
        error = translate(adapter, cause, "connect", { address, local: bound?.local });
        if (this.#attempt?.byName) break;
      }
    }
    throw error ?? systemError("ECANCELED", "connect");
  }
}

/** The name that the user gave. */
function nameOf(destination: Destination): string {
  if (typeof destination === "string" || destination instanceof Uint8Array) return "";
  return destination.name ?? destination.host;
}
