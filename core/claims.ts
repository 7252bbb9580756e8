/**
 * Addresses that sockets of this process have bound.
 *
 * The runtimes set SO_REUSEADDR on every socket they bind, so the kernel lets two sockets bind one port as long as
 * neither listens. POSIX refuses the second bind(2) unless both asked for SO_REUSEADDR; so does the library.
 */

import type { Adapter, Address } from "../adapters/adapter.ts";

/** A socket's claim to an address. */
export interface Claim {
  /** The socket's family and type. */
  readonly kind: string;
  /** The address as bound, with its real port. */
  readonly address: Address;
  /** Whether SO_REUSEADDR or SO_REUSEPORT was set before bind. */
  readonly shared: boolean;
}

const claims = new WeakMap<Adapter, Set<Claim>>();

/** Whether another socket's claim forbids this one. */
export function isClaimed(adapter: Adapter, claim: Claim): boolean {
  for (const other of claims.get(adapter) ?? []) {
    if (other.kind === claim.kind && !(other.shared && claim.shared) && overlap(other, claim)) {
      return true;
    }
  }
  return false;
}

/** Remembers a claim until {@linkcode unclaim}. */
export function claim(adapter: Adapter, entry: Claim): void {
  let entries = claims.get(adapter);
  if (entries === undefined) claims.set(adapter, entries = new Set());
  entries.add(entry);
}

/** Gives an address up. */
export function unclaim(adapter: Adapter, entry: Claim): void {
  claims.get(adapter)?.delete(entry);
}

function overlap({ address: a }: Claim, { address: b }: Claim): boolean {
  // Of the names of UNIX sockets the kernel allows each once, and a path may be free again when its file is gone.
  if (!Array.isArray(a) || !Array.isArray(b)) return false;
  if (a[1] !== b[1] || b[1] === 0) return false;
  return a[0] === b[0] || isWildcard(a[0]) || isWildcard(b[0]);
}

function isWildcard(host: string): boolean {
  return host === "0.0.0.0" || host === "::";
}
