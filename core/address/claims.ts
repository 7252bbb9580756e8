/**
 * Addresses that sockets of this process have bound.
 *
 * The runtimes set SO_REUSEADDR on every socket they bind, so the kernel lets two sockets bind one port as long as
 * neither listens. POSIX refuses the second bind(2) unless both asked for SO_REUSEADDR; so does the library.
 */

import type { Adapter, Address, Settings } from "../../adapters/adapter.ts";
import { systemError } from "../errors/errors.ts";
import { unmapped } from "./inet.ts";

/** Streams and datagrams have separate ports. */
type Type = "stream" | "datagram";

/** A socket's claim to an address. */
export interface Claim {
  readonly adapter: Adapter;
  readonly type: Type;
  /** The requested address, then the bound one with its real port. */
  address: Address;
  /** Whether SO_REUSEADDR or SO_REUSEPORT was set before bind. */
  readonly shared: boolean;
  /** Whether IPV6_V6ONLY was set before bind. */
  readonly v6only: boolean;
}

/** The claims to each port, by adapter. */
const claimed = new WeakMap<Adapter, Map<number, Set<Claim>>>();

/**
 * Claims an address until {@linkcode unclaim}. The claim comes before the bind: two concurrent calls must not both find
 * the address free.
 *
 * @throws {SocketError} EADDRINUSE when another socket's claim forbids it
 */
export function claim(
  adapter: Adapter,
  type: Type,
  address: Address,
  settings: Settings,
  syscall: string,
): Claim {
  const mine: Claim = {
    adapter,
    type,
    address,
    shared: Boolean(settings.get("SO_REUSEADDR") || settings.get("SO_REUSEPORT")),
    v6only: settings.get("IPV6_V6ONLY") === 1,
  };
  for (const other of portOf(mine) ?? []) {
    if (other.type === type && !(other.shared && mine.shared) && overlap(other, mine)) {
      throw systemError("EADDRINUSE", syscall, { address });
    }
  }
  add(mine);
  return mine;
}

/** Records the bound address, with the port that the system has chosen. */
export function settle(mine: Claim, address: Address): void {
  unclaim(mine);
  mine.address = address;
  add(mine);
}

/** Releases an address. */
export function unclaim(mine: Claim): void {
  const claims = portOf(mine);
  claims?.delete(mine);
  if (claims?.size === 0) claimed.get(mine.adapter)?.delete(numberOf(mine));
}

function add(mine: Claim): void {
  const port = numberOf(mine);
  if (port === 0) return;
  let ports = claimed.get(mine.adapter);
  if (ports === undefined) claimed.set(mine.adapter, ports = new Map());
  let claims = ports.get(port);
  if (claims === undefined) ports.set(port, claims = new Set());
  claims.add(mine);
}

function portOf(mine: Claim): Set<Claim> | undefined {
  return claimed.get(mine.adapter)?.get(numberOf(mine));
}

/**
 * The port, 0 for an address that conflicts with none. The system chooses a free port for port 0 and refuses a second
 * UNIX socket of one name itself, while a path may be free again once its file is gone.
 */
function numberOf({ address }: Claim): number {
  return Array.isArray(address) ? address[1] : 0;
}

/** Whether two claims to one port have an address in common. */
function overlap(a: Claim, b: Claim): boolean {
  const [host, other] = [unmapped(a.address[0] as string), unmapped(b.address[0] as string)];
  return host === other || covers(a, host, other) || covers(b, other, host);
}

/** Whether a claim is to a wildcard address that covers the other address. */
function covers({ v6only }: Claim, host: string, other: string): boolean {
  const isIPv4 = !other.includes(":");
  return host === "::" ? !(v6only && isIPv4) : host === "0.0.0.0" && isIPv4;
}
