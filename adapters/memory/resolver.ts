/** Names in memory: a table instead of DNS. */

import type { LookupAnswer } from "../adapter.ts";
import { canonicalHost, isIPv6 } from "./address.ts";
import { failure } from "./failure.ts";
import { after } from "./turns.ts";
import type { Network } from "./network.ts";

/** Names and their numeric addresses. */
export type Hosts = Readonly<Record<string, readonly string[]>>;

/** The resolver of one network. */
export class Resolver {
  readonly #network: Network;
  readonly #table = new Map<string, readonly string[]>([["localhost", ["127.0.0.1", "::1"]]]);

  constructor(network: Network, hosts: Hosts) {
    this.#network = network;
    for (const [name, addresses] of Object.entries(hosts)) {
      this.#table.set(plain(name), [...addresses]);
    }
  }

  /** Looks up a name, one turn of the event loop later. */
  lookup(name: string, family: 0 | 4 | 6): Promise<LookupAnswer[]> {
    return new Promise((resolve, reject) => {
      const answer = (): void => {
        const { faults } = this.#network;
        if (faults.lookupHangs(plain(name))) return this.#network.park(answer);
        const code = faults.lookupCode(plain(name));
        const answers = this.#answers(name).filter((entry) => !family || entry.family === family);
        if (code !== undefined) reject(failure(code, name));
        else if (answers.length === 0) reject(failure("EAI_NONAME", name));
        else resolve(answers);
      };
      after(0, answer);
    });
  }

  /** The first name in the table that has the address. */
  nameOf(address: string): Promise<string> {
    return new Promise((resolve, reject) => {
      after(0, () => {
        const host = canonicalHost(address);
        for (const [name, addresses] of this.#table) {
          if (addresses.some((entry) => canonicalHost(entry) === host)) return resolve(name);
        }
        reject(failure("EAI_NONAME", address));
      });
    });
  }

  #answers(name: string): LookupAnswer[] {
    const addresses = canonicalHost(name) === undefined ? this.#table.get(plain(name)) : [name];
    return (addresses ?? []).map((address) => ({ address, family: isIPv6(address) ? 6 : 4 }));
  }
}

/** A name without case and without the dot of the root, which make no difference. */
function plain(name: string): string {
  return name.toLowerCase().replace(/\.$/, "");
}
