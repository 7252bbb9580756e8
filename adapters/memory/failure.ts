/** Shared by all parts of the network in memory: errors, turns of the event loop, and options. */

import type { Address, Handle, Settings } from "../adapter.ts";
import { setImmediate, setTimeout } from "../timers.ts";

/** An error as an operating system reports it, with a POSIX or getaddrinfo code. */
export function failure(code: string, detail?: string): Error & { code: string } {
  const message = detail === undefined ? code : `${code}: ${detail}`;
  return Object.assign(new Error(message), { code });
}

/**
 * Runs a task after a delay in milliseconds, with 0 on the next turn of the event loop. Everything that crosses the
 * network comes through here, so that it arrives as from a real one: later, and never inside a call.
 */
export function after(delay: number, task: () => void): void {
  if (delay > 0) setTimeout(task, delay);
  else setImmediate(task);
}

/** A socket in memory that remembers its options. */
export abstract class MemoryHandle implements Handle {
  abstract readonly local: Address;
  /** Always -1: there are no descriptors. */
  readonly fd: number = -1;
  /** The options set so far. */
  protected readonly options: Map<string, number>;

  constructor(settings: Settings = new Map()) {
    this.options = new Map(settings);
  }

  setOption(name: string, value: number): boolean {
    this.options.set(name, value);
    return true;
  }

  getOption(name: string): number | undefined {
    // The core knows what Linux would report for these.
    return /BUF$|^IPV6_V6ONLY$/.test(name) ? undefined : this.options.get(name);
  }
}
