/** Faults on demand in a network in memory. */

import { type AddressLike, checkInetAddress } from "../../core/address/address.ts";
import { integer } from "../../core/arguments.ts";
import { describe } from "../../core/bytes.ts";
import { AF_INET6 } from "../../core/constants.ts";
import type { Address } from "../adapter.ts";
import { canonicalHost, type Endpoint, isIPv6, isWildcard, unixKey } from "./address.ts";
import { after } from "./turns.ts";

/** A fault, in force until it ends. */
export interface Fault extends Disposable {
  /** Ends the fault: what it held back goes on. Ending it again does nothing. */
  end(): void;
}

/** One side of a connection: the one that called `connect`, or the one that `accept` returned. */
export type Side = "client" | "server";

/** A live connection of the network, to choose the target of a fault. */
export interface MemoryConnection {
  /** The address of the side that connected. */
  readonly client: Address;
  /** The address of the side that accepted. */
  readonly server: Address;
}

/** The scope of a fault; everywhere by default. */
export interface FaultScope {
  /** This connection only. */
  readonly connection?: MemoryConnection | undefined;
  /** Only what this side sends. */
  readonly from?: Side | undefined;
}

/**
 * The faults of a network in memory, at run time. Each method starts a fault and returns a handle to end it; several
 * may be in force at once. Nothing is left to chance: choices come from the network's `seed`.
 *
 * @example
 * ```ts
 * import { AF_INET, createMemoryAdapter, SOCK_STREAM, socket } from "@bsdsock/bsdsock";
 *
 * const adapter = createMemoryAdapter();
 * const fault = adapter.faults.refuse(["127.0.0.1", 80]);
 * await using s = socket(AF_INET, SOCK_STREAM, 0, { adapter });
 * console.log(await s.connect_ex(["127.0.0.1", 80])); // 111, ECONNREFUSED
 * fault.end();
 * ```
 */
export interface MemoryFaults {
  /**
   * Refuses connections to an address although a socket listens there: ECONNREFUSED. A connected datagram socket that
   * sends there gets the same error.
   *
   * @param address the address as passed to `connect`; a wildcard host is every host, port 0 every port
   */
  refuse(address: AddressLike): Fault;
  /**
   * Makes a host unreachable: connections and datagrams to it fail.
   *
   * @param host a numeric address; a wildcard is every host of its family
   * @param code the code they fail with
   */
  unreachable(host: string, code?: "EHOSTUNREACH" | "ENETUNREACH"): Fault;
  /**
   * Leaves connections to an address unanswered: `connect` waits until its timeout or until the fault ends.
   *
   * @param address as in {@linkcode refuse}
   */
  silence(address: AddressLike): Fault;
  /**
   * Breaks a live connection at once: the ends receive the bytes that have arrived, then ECONNRESET. Bytes in transit
   * are lost.
   *
   * @param connection one of the adapter's `connections`
   * @param side the end that gets the reset; the other finds out when it sends. Both by default
   */
  reset(connection: MemoryConnection, side?: Side): void;
  /**
   * Delays everything: each chunk, the end of a stream, a reset, a datagram, and each direction of a handshake. What
   * was sent in order arrives in order.
   *
   * @param ms the one-way delay in milliseconds; several delays add up
   */
  delay(ms: number, scope?: FaultScope): Fault;
  /**
   * Splits what streams deliver into chunks of limited size, each on its own turn of the event loop: `recv` returns no
   * more at once, however the sender cut it.
   *
   * @param bytes the largest size of a chunk, from 1
   */
  split(bytes: number, scope?: FaultScope): Fault;
  /**
   * Holds everything sent in the network: bytes, the end of a stream, resets. The window fills and sending waits. When
   * the fault ends, all of it arrives. Connections can still be made; {@linkcode silence} prevents that.
   */
  stall(scope?: FaultScope): Fault;
  /**
   * Loses datagrams; those of AF_UNIX never get lost on the way.
   *
   * @param share the share of datagrams, 0 to 1
   */
  lose(share: number): Fault;
  /**
   * Delays datagrams by one to three turns of the event loop, so that others overtake them; those of AF_UNIX are never
   * late.
   *
   * @param share the share of datagrams, 0 to 1
   */
  reorder(share: number): Fault;
  /**
   * Makes name look-ups fail.
   *
   * @param name the name to fail for; every name by default
   * @param code the code they fail with; EAI_AGAIN by default
   */
  failLookup(name?: string, code?: "EAI_AGAIN" | "EAI_FAIL" | "EAI_NONAME" | "EAI_NODATA"): Fault;
  /**
   * Holds name look-ups until the fault ends.
   *
   * @param name the name to hold; every name by default
   */
  hangLookup(name?: string): Fault;
  /**
   * Makes `accept` fail with EMFILE, as in a process without free descriptors; the connection stays in the accept
   * queue.
   *
   * @param count how many calls fail; all by default
   */
  failAccept(count?: number): Fault;
  /** Ends every fault. */
  clear(): void;
}

/** The network, as the faults use it. */
export interface FaultTarget {
  /** A fault ended: what waited may go on. */
  changed(): void;
  /** Breaks a connection at once. */
  break(connection: MemoryConnection, side: Side): void;
}

/** The rules for what one side of a connection sends. */
export interface WireRules {
  readonly delay: number;
  /** The largest chunk. */
  readonly split: number;
  readonly stalled: boolean;
}

const SIDES: readonly Side[] = ["client", "server"];

type Matcher = (to: Endpoint) => boolean;

type Rule =
  | { kind: "refuse"; matches: Matcher }
  | { kind: "silence"; matches: Matcher }
  | { kind: "unreachable"; matches: Matcher; code: string }
  | { kind: "delay" | "split"; scope: FaultScope; amount: number }
  | { kind: "stall"; scope: FaultScope }
  | { kind: "lose"; share: number }
  | { kind: "reorder"; share: number }
  | { kind: "failLookup"; name: string | undefined; code: string }
  | { kind: "hangLookup"; name: string | undefined }
  | { kind: "failAccept"; left: number };

type RuleOf<Kind extends Rule["kind"]> = Extract<Rule, { kind: Kind }>;

const NO_RULES: WireRules = { delay: 0, split: Infinity, stalled: false };

/** The faults in force. */
export class Faults implements MemoryFaults {
  #target: FaultTarget;
  #random: () => number;
  #rules: Rule[] = [];

  constructor(seed: number, target: FaultTarget) {
    this.#random = randomNumbers(seed);
    this.#target = target;
  }

  refuse(address: AddressLike): Fault {
    return this.#begin({ kind: "refuse", matches: addressMatcher(address) });
  }

  unreachable(host: string, code: "EHOSTUNREACH" | "ENETUNREACH" = "EHOSTUNREACH"): Fault {
    if (typeof host !== "string") {
      throw new TypeError(`host must be a string, not ${describe(host)}`);
    }
    checkWord(code, "code", ["EHOSTUNREACH", "ENETUNREACH"]);
    return this.#begin({ kind: "unreachable", matches: addressMatcher([host, 0]), code });
  }

  silence(address: AddressLike): Fault {
    return this.#begin({ kind: "silence", matches: addressMatcher(address) });
  }

  reset(connection: MemoryConnection, side?: Side): void {
    checkConnection(connection, "connection");
    if (side !== undefined) checkWord(side, "side", SIDES);
    const sides = side === undefined ? SIDES : [side];
    // After everything that arrives on this turn, as a packet of its own would be.
    after(0, () => {
      for (const end of sides) this.#target.break(connection, end);
    });
  }

  delay(ms: number, scope: FaultScope = {}): Fault {
    const amount = number(ms, "ms", 0x7fffffff);
    return this.#begin({ kind: "delay", scope: checkScope(scope), amount });
  }

  split(bytes: number, scope: FaultScope = {}): Fault {
    const amount = integer(bytes, "bytes", 1, Number.MAX_SAFE_INTEGER);
    return this.#begin({ kind: "split", scope: checkScope(scope), amount });
  }

  stall(scope: FaultScope = {}): Fault {
    return this.#begin({ kind: "stall", scope: checkScope(scope) });
  }

  lose(share: number): Fault {
    return this.#begin({ kind: "lose", share: number(share, "share", 1) });
  }

  reorder(share: number): Fault {
    return this.#begin({ kind: "reorder", share: number(share, "share", 1) });
  }

  failLookup(
    name?: string,
    code: "EAI_AGAIN" | "EAI_FAIL" | "EAI_NONAME" | "EAI_NODATA" = "EAI_AGAIN",
  ): Fault {
    checkWord(code, "code", ["EAI_AGAIN", "EAI_FAIL", "EAI_NONAME", "EAI_NODATA"]);
    return this.#begin({ kind: "failLookup", name: checkName(name), code });
  }

  hangLookup(name?: string): Fault {
    return this.#begin({ kind: "hangLookup", name: checkName(name) });
  }

  failAccept(count: number = Infinity): Fault {
    const left = count === Infinity ? count : integer(count, "count", 1, Number.MAX_SAFE_INTEGER);
    return this.#begin({ kind: "failAccept", left });
  }

  clear(): void {
    this.#rules = [];
    this.#target.changed();
  }

  /** Whether connections to this address are refused. */
  refuses(to: Endpoint): boolean {
    return this.#of("refuse").some((rule) => rule.matches(to));
  }

  /** Whether connections to this address are not answered. */
  silences(to: Endpoint): boolean {
    return this.#of("silence").some((rule) => rule.matches(to));
  }

  /** The code that this address is unreachable with, if it is. */
  unreachableCode(to: Endpoint): string | undefined {
    return this.#of("unreachable").find((rule) => rule.matches(to))?.code;
  }

  /** The rules for a side of a connection; without a connection, for connecting and datagrams. */
  wire(connection: MemoryConnection | undefined, from: Side): WireRules {
    if (this.#rules.length === 0) return NO_RULES;
    let { delay, split, stalled } = NO_RULES;
    for (const rule of this.#rules) {
      if (rule.kind !== "delay" && rule.kind !== "split" && rule.kind !== "stall") continue;
      const { scope } = rule;
      if (scope.connection !== undefined && scope.connection !== connection) continue;
      if (scope.from !== undefined && scope.from !== from) continue;
      if (rule.kind === "delay") delay += rule.amount;
      else if (rule.kind === "split") split = Math.min(split, rule.amount);
      else stalled = true;
    }
    return { delay, split, stalled };
  }

  /** Whether the next datagram gets lost. */
  loses(): boolean {
    return this.#of("lose").some((rule) => this.#random() < rule.share);
  }

  /** By how many turns of the event loop the next datagram is late. */
  lateTurns(): number {
    const late = this.#of("reorder").some((rule) => this.#random() < rule.share);
    return late ? 1 + Math.floor(this.#random() * 3) : 0;
  }

  /** The code that a look-up of this name fails with, if it does. */
  lookupCode(name: string): string | undefined {
    return this.#of("failLookup").find((rule) => rule.name === undefined || rule.name === name)
      ?.code;
  }

  /** Whether a look-up of this name hangs. */
  lookupHangs(name: string): boolean {
    return this.#of("hangLookup").some((rule) => rule.name === undefined || rule.name === name);
  }

  /** Whether this call of `accept` fails; counts it. */
  acceptFails(): boolean {
    const rule = this.#of("failAccept")[0];
    if (rule === undefined) return false;
    if (--rule.left === 0) this.#rules.splice(this.#rules.indexOf(rule), 1);
    return true;
  }

  #begin(rule: Rule): Fault {
    this.#rules.push(rule);
    const end = (): void => {
      const index = this.#rules.indexOf(rule);
      if (index < 0) return;
      this.#rules.splice(index, 1);
      this.#target.changed();
    };
    return { end, [Symbol.dispose]: end };
  }

  #of<Kind extends Rule["kind"]>(kind: Kind): RuleOf<Kind>[] {
    return this.#rules.filter((rule) => rule.kind === kind) as RuleOf<Kind>[];
  }
}

function addressMatcher(address: AddressLike): Matcher {
  if (typeof address === "string" || address instanceof Uint8Array) {
    const key = unixKey(address);
    return (to) => to.host === key;
  }
  const { host: literal, port } = checkInetAddress(AF_INET6, address, "address");
  const host = canonicalHost(literal);
  if (host === undefined) {
    throw new TypeError(`a fault takes a numeric address, not ${describe(literal)}`);
  }
  return (to) =>
    (to.host === host || (isWildcard(host) && isIPv6(to.host) === isIPv6(host))) &&
    (port === 0 || to.port === port);
}

/** Checks a number from 0 to `max`, fractions allowed. */
function number(value: unknown, name: string, max: number): number {
  if (typeof value !== "number") {
    throw new TypeError(`${name} must be a number, not ${describe(value)}`);
  }
  if (!(value >= 0 && value <= max)) {
    throw new RangeError(`${name} must be 0 to ${max}, not ${value}`);
  }
  return value;
}

function checkName(name: unknown): string | undefined {
  if (name !== undefined && typeof name !== "string") {
    throw new TypeError(`name must be a string, not ${describe(name)}`);
  }
  return name?.toLowerCase();
}

function checkWord(value: unknown, name: string, words: readonly string[]): void {
  if (typeof value !== "string") {
    throw new TypeError(`${name} must be a string, not ${describe(value)}`);
  }
  if (!words.includes(value)) {
    throw new RangeError(`${name} must be ${words.join(" or ")}, not ${describe(value)}`);
  }
}

/** Accepts a connection that is over: it is no longer the adapter's, but not a mistake. */
function checkConnection(connection: unknown, name: string): void {
  const isOne = typeof connection === "object" && connection !== null &&
    "client" in connection && "server" in connection;
  if (isOne) return;
  throw new TypeError(
    `${name} must be one of the adapter's connections, not ${describe(connection)}`,
  );
}

function checkScope(scope: FaultScope): FaultScope {
  if (typeof scope !== "object" || scope === null) {
    throw new TypeError(`scope must be an object, not ${describe(scope)}`);
  }
  if (scope.connection !== undefined) checkConnection(scope.connection, "scope.connection");
  if (scope.from !== undefined) checkWord(scope.from, "scope.from", SIDES);
  return scope;
}

/** Random numbers from 0 to 1, reproducible by seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}
