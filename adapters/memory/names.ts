/** The addresses that sockets hold: bind(2) and the search for a receiver. */

import { isMulticast } from "../../core/address/inet.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "../../core/constants.ts";
import type { Address, Settings } from "../adapter.ts";
import { addressOf, type Endpoint, endpointOf, isIPv6, isWildcard, unixKey } from "./address.ts";
import { failure } from "./failure.ts";

/** Linux's range of ephemeral ports. */
const FIRST_PORT = 32768;
const LAST_PORT = 60999;

/** The kind of a socket: streams and datagrams have separate ports. */
export type Kind = "stream" | "datagram";

/** An address that a socket holds, until `release()`. */
export interface Claim {
  readonly kind: Kind;
  readonly family: number;
  /** As bound, with its real port. */
  readonly endpoint: Endpoint;
  /** The address in the form of its family. */
  readonly local: Address;
  /** Whether it is an IPv6 wildcard that takes IPv4, too. */
  readonly dual: boolean;
  readonly reuseAddress: boolean;
  readonly reusePort: boolean;
  /** The socket at this address. */
  owner: unknown;
  /** Whether the owner listens; then even SO_REUSEADDR shares nothing. */
  listening: boolean;
  /** Releases the address. */
  release(): void;
}

/** The addresses of one network. */
export class Names {
  /** Local addresses besides 127.0.0.0/8 and ::1. */
  readonly #added: ReadonlySet<string>;
  readonly #ports: Record<Kind, Map<number, Claim[]>> = { stream: new Map(), datagram: new Map() };
  readonly #unix = new Map<string, Claim>();
  readonly #nextPort: Record<Kind, number> = { stream: FIRST_PORT, datagram: FIRST_PORT };
  #nextAbstract = 1;

  constructor(added: Iterable<string>) {
    this.#added = new Set(added);
  }

  /** Whether the address is one of this machine's. */
  isLocal(host: string): boolean {
    return host === "::1" || this.#added.has(host) || (!isIPv6(host) && host.startsWith("127."));
  }

  /**
   * The real destination of a packet. For a wildcard address it is the machine itself, as in Linux: for IPv4 the address
   * that the sender is bound to, if any.
   */
  destination(to: Endpoint, from: Endpoint | undefined): Endpoint {
    if (!isWildcard(to.host)) return to;
    if (isIPv6(to.host)) return { ...to, host: "::1" };
    const isBound = from !== undefined && !isIPv6(from.host) && !isWildcard(from.host);
    return { ...to, host: isBound ? from.host : "127.0.0.1" };
  }

  /** The source address of a packet to a local address. */
  source(to: Endpoint): string {
    if (this.#added.has(to.host)) return to.host;
    return isIPv6(to.host) ? "::1" : "127.0.0.1";
  }

  /** Claims an address; fails with EADDRNOTAVAIL or EADDRINUSE. */
  claim(kind: Kind, family: number, address: Address, settings: Settings): Claim {
    if (family === AF_UNIX) return this.#claimName(kind, address);
    const wanted = endpointOf(family, address);
    const only6 = family === AF_INET6 && settings.get("IPV6_V6ONLY") === 1;
    if (only6 && !isIPv6(wanted.host)) throw failure("EINVAL", "the socket is IPV6_V6ONLY");
    this.#checkAvailable(kind, wanted.host);
    const template = {
      kind,
      family,
      dual: wanted.host === "::" && !only6,
      reuseAddress: settings.get("SO_REUSEADDR") === 1,
      reusePort: settings.get("SO_REUSEPORT") === 1,
    };
    const port = wanted.port === 0 ? this.#freePort(kind) : wanted.port;
    const endpoint = { ...wanted, port };
    const claim: Claim = {
      ...template,
      endpoint,
      local: addressOf(family, endpoint),
      owner: undefined,
      listening: false,
      release: () => this.#releasePort(claim),
    };
    if (this.#rivals(claim).some((other) => !mayShare(claim, other))) throw failure("EADDRINUSE");
    const claims = this.#ports[kind].get(port);
    if (claims === undefined) this.#ports[kind].set(port, [claim]);
    else claims.push(claim);
    return claim;
  }

  /** Makes the owner of a claim a listener; fails with EADDRINUSE if another listens already. */
  listen(claim: Claim, owner: unknown): void {
    const taken = this.#rivals(claim).some((other) =>
      other.listening && !(claim.reusePort && other.reusePort)
    );
    if (taken) throw failure("EADDRINUSE");
    claim.owner = owner;
    claim.listening = true;
  }

  /** The claims that cover an address, the most specific first, and the latest first among equals. */
  find(kind: Kind, to: Endpoint): Claim[] {
    const claims = this.#ports[kind].get(to.port) ?? [];
    const exact = claims.filter((claim) => claim.endpoint.host === to.host);
    const wide = claims.filter((claim) =>
      claim.endpoint.host !== to.host && covers(claim, to.host)
    );
    return [...exact.reverse(), ...wide.reverse()];
  }

  /** The claim of a UNIX name. */
  findName(key: string): Claim | undefined {
    return this.#unix.get(key);
  }

  #checkAvailable(kind: Kind, host: string): void {
    if (isWildcard(host) || this.isLocal(host)) return;
    if (kind === "datagram" && (isMulticast(host) || host === "255.255.255.255")) return;
    throw failure("EADDRNOTAVAIL");
  }

  #rivals(claim: Claim): Claim[] {
    const claims = this.#ports[claim.kind].get(claim.endpoint.port) ?? [];
    return claims.filter((other) =>
      other !== claim &&
      (covers(other, claim.endpoint.host) || covers(claim, other.endpoint.host) ||
        (claim.dual && other.dual))
    );
  }

  #freePort(kind: Kind): number {
    for (let tries = FIRST_PORT; tries <= LAST_PORT; tries++) {
      const port = this.#nextPort[kind];
      this.#nextPort[kind] = port === LAST_PORT ? FIRST_PORT : port + 1;
      if (!this.#ports[kind].has(port)) return port;
    }
    throw failure("EADDRINUSE", "no port is free");
  }

  #releasePort(claim: Claim): void {
    const { port } = claim.endpoint;
    const claims = this.#ports[claim.kind].get(port);
    const index = claims?.indexOf(claim) ?? -1;
    if (claims === undefined || index < 0) return;
    claims.splice(index, 1);
    if (claims.length === 0) this.#ports[claim.kind].delete(port);
  }

  #claimName(kind: Kind, address: Address): Claim {
    if (Array.isArray(address)) throw failure("EINVAL", "not a UNIX address");
    const name = address.length === 0 ? this.#freeName() : address;
    const key = unixKey(name);
    if (this.#unix.has(key)) throw failure("EADDRINUSE");
    const claim: Claim = {
      kind,
      family: AF_UNIX,
      endpoint: { host: key, port: 0, scope: 0 },
      local: name,
      dual: false,
      reuseAddress: false,
      reusePort: false,
      owner: undefined,
      listening: false,
      release: () => {
        if (this.#unix.get(key) === claim) this.#unix.delete(key);
      },
    };
    this.#unix.set(key, claim);
    return claim;
  }

  /** A free abstract name of five hexadecimal digits, as in unix(7). */
  #freeName(): string {
    for (;;) {
      const name = `\0${(this.#nextAbstract++ & 0xfffff).toString(16).padStart(5, "0")}`;
      if (!this.#unix.has(name)) return name;
    }
  }
}

/** Whether a packet to the host reaches a socket with this claim. */
function covers({ endpoint, dual }: Claim, host: string): boolean {
  if (endpoint.host === host) return true;
  if (endpoint.host === "0.0.0.0") return !isIPv6(host);
  return endpoint.host === "::" && (dual || isIPv6(host));
}

function mayShare(a: Claim, b: Claim): boolean {
  if (a.reusePort && b.reusePort) return true;
  return a.reuseAddress && b.reuseAddress && !a.listening && !b.listening;
}

/** The wildcard address of a family, for sockets that were not bound. */
export function anyAddress(family: number): Address {
  return family === AF_INET ? ["0.0.0.0", 0] : ["::", 0, 0, 0];
}
