/** What all sockets in memory share. */

import type { Address, Handle, Settings } from "../adapter.ts";

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
