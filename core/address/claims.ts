/**
 * Addresses that sockets of this process have bound.
 *
 * The runtimes set SO_REUSEADDR on every socket they bind, so the kernel lets two sockets bind one port as long as
 * neither listens. POSIX refuses the second bind(2) unless both asked for SO_REUSEADDR; so does the library.
 */

import type { Adapter, Address, Settings } from "../../adapters/adapter.ts";
import { unmapped } from "./inet.ts";

/** A socket's claim to an address. */
export interface Claim {
  /** Ports of streams and of datagrams have nothing to do with one another. */
  readonly type: "stream" | "datagram";
  /** The address as bound, with its real port. */
  readonly address: Address;
  /** Whether SO_REUSEADDR or SO_REUSEPORT was set before bind. */
  readonly shared: boolean;
  /** Whether IPV6_V6ONLY was. */
  readonly v6only: boolean;
}

const claims = new WeakMap<Adapter, Set<Claim>>();

/** The claim that a socket with these options has to an address. */
export function claimTo(type: Claim["type"], address: Address, settings: Settings): Claim {
  return {
    type,
    address,
    shared: Boolean(settings.get("SO_REUSEADDR") || settings.get("SO_REUSEPORT")),
    v6only: settings.get("IPV6_V6ONLY") === 1,
  };
}

/** Whether another socket's claim forbids this one. */
export function isClaimed(adapter: Adapter, claim: Claim): boolean {
  for (const other of claims.get(adapter) ?? []) {
    if (other.type === claim.type && !(other.shared && claim.shared) && overlap(other, claim)) {
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

function overlap(a: Claim, b: Claim): boolean {
  // Of the names of UNIX sockets the kernel allows each once, and a path may be free again when its file is gone.
  if (!Array.isArray(a.address) || !Array.isArray(b.address)) return false;
  if (a.address[1] !== b.address[1] || b.address[1] === 0) return false;
  const [host, other] = [unmapped(a.address[0]), unmapped(b.address[0])];
  return host === other || covers(a, host, other) || covers(b, other, host);
}

/** Whether a claim is to all addresses of the machine, and the other is one of them. */
function covers({ v6only }: Claim, host: string, other: string): boolean {
  const isIPv4 = !other.includes(":");
  return host === "::" ? !(v6only && isIPv4) : host === "0.0.0.0" && isIPv4;
}
