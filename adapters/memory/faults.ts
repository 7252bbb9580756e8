/** Faults on demand: what goes wrong in a network in memory, when a test says so. */

import { checkInetAddress } from "../../core/address/address.ts";
import { integer } from "../../core/arguments.ts";
import { describe } from "../../core/bytes.ts";
import { AF_INET6 } from "../../core/constants.ts";
import type { Address } from "../adapter.ts";
import { canonicalHost, type Endpoint, isIPv6, isWildcard, unixKey } from "./address.ts";
import { after } from "./failure.ts";

/** One fault, in force until it ends. */
export interface Fault extends Disposable {
  /** Ends it: what it held back goes on. Once is enough, again does no harm. */
  end(): void;
}

/** One side of a connection: the one that called `connect`, or the one that `accept` gave. */
export type Side = "client" | "server";

/** A live connection of the network, for choosing the one to hurt. */
export interface MemoryConnection {
  /** The address of the side that connected. */
  readonly client: Address;
  /** The address of the side that accepted. */
  readonly server: Address;
}

/** Where a fault applies; everywhere unless told. */
export interface FaultScope {
  /** This connection only. */
  readonly connection?: MemoryConnection;
  /** Only what this side sends. */
  readonly from?: Side;
}

/**
 * Faults of a network in memory, at run time. Each method brings one about and gives it back to be
 * ended; several may be in force at once. Nothing is left to chance: choices come from the
 * network's `seed`.
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
   * Connections to an address are refused though somebody listens: ECONNREFUSED. A connected
   * datagram socket that sends there learns the same.
   *
   * @param address the address as connected to; a wildcard host is every host, port 0 every port
   */
  refuse(address: Address): Fault;
  /**
   * No way leads to a host: connections and datagrams to it fail.
   *
   * @param host a numeric address; a wildcard is every host of its family
   * @param code what they fail with
   */
  unreachable(host: string, code?: "EHOSTUNREACH" | "ENETUNREACH"): Fault;
  /**
   * Connections to an address are never answered: `connect` waits, until its timeout or until the
   * fault ends.
   *
   * @param address as in {@linkcode refuse}
   */
  silence(address: Address): Fault;
  /**
   * Breaks a live connection, at once: the ends get the bytes that have arrived, then ECONNRESET.
   * Bytes on their way are lost.
   *
   * @param connection one of the adapter's `connections`
   * @param side the end that is told; the other finds out when it sends. Both unless given
   */
  reset(connection: MemoryConnection, side?: Side): void;
  /**
   * Everything takes longer: each chunk, the end of a stream, a reset, a datagram, and each way of
   * connecting. What was sent in order arrives in order.
   *
   * @param ms the time for one way, in milliseconds; several delays add up
   */
  delay(ms: number, scope?: FaultScope): Fault;
  /**
   * Streams deliver in chunks of at most so many bytes, each on its own turn of the event loop:
   * `recv` gives no more at once, wherever the sender cut.
   *
   * @param bytes the size of a chunk, from 1
   */
  split(bytes: number, scope?: FaultScope): Fault;
  /**
   * What is sent stays in the network: bytes, the end of a stream, resets. The window fills and
   * sending waits. When the fault ends, all of it arrives. Connections can still be made;
   * {@linkcode silence} prevents that.
   */
  stall(scope?: FaultScope): Fault;
  /**
   * Datagrams get lost; those of AF_UNIX never do.
   *
   * @param share how many of them, 0 to 1
   */
  lose(share: number): Fault;
  /**
   * Datagrams are late by one to three turns of the event loop, so that others overtake them; those
   * of AF_UNIX are not.
   *
   * @param share how many of them, 0 to 1
   */
  reorder(share: number): Fault;
  /**
   * Looking up names fails.
   *
   * @param name the one name that it fails for; every name unless given
   * @param code EAI_AGAIN unless given
   */
  failLookup(name?: string, code?: "EAI_AGAIN" | "EAI_FAIL" | "EAI_NONAME" | "EAI_NODATA"): Fault;
  /**
   * Looking up names takes until the fault ends.
   *
   * @param name the one name; every name unless given
   */
  hangLookup(name?: string): Fault;
  /**
   * `accept` fails with EMFILE, as in a process without free descriptors; the connection stays in
   * the queue.
   *
   * @param count how many calls fail; all of them unless given
   */
  failAccept(count?: number): Fault;
  /** Ends every fault. */
  clear(): void;
}

/** What the faults need of the network. */
export interface FaultTarget {
  /** A fault began or ended: what waited may go on. */
  changed(): void;
  /** Breaks a connection, at once. */
  break(connection: MemoryConnection, side: Side): void;
}

/** What happens to that which one side of a connection sends. */
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

  refuse(address: Address): Fault {
    return this.#begin({ kind: "refuse", matches: addressMatcher(address) });
  }

  unreachable(host: string, code: "EHOSTUNREACH" | "ENETUNREACH" = "EHOSTUNREACH"): Fault {
    if (typeof host !== "string") {
      throw new TypeError(`host must be a string, not ${describe(host)}`);
    }
    checkWord(code, "code", ["EHOSTUNREACH", "ENETUNREACH"]);
    return this.#begin({ kind: "unreachable", matches: addressMatcher([host, 0]), code });
  }

  silence(address: Address): Fault {
    return this.#begin({ kind: "silence", matches: addressMatcher(address) });
  }

  reset(connection: MemoryConnection, side?: Side): void {
    checkConnection(connection, "connection");
    if (side !== undefined) checkWord(side, "side", SIDES);
    const sides = side === undefined ? SIDES : [side];
    // Behind what arrives on this turn, as a packet of its own.
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

  /** Why no way leads to this address. */
  unreachableCode(to: Endpoint): string | undefined {
    return this.#of("unreachable").find((rule) => rule.matches(to))?.code;
  }

  /** What holds for a side of a connection; without one, for connecting and datagrams. */
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

  /** How many turns of the event loop the next datagram is late. */
  lateTurns(): number {
    const late = this.#of("reorder").some((rule) => this.#random() < rule.share);
    return late ? 1 + Math.floor(this.#random() * 3) : 0;
  }

  /** The code that looking up a name fails with. */
  lookupCode(name: string): string | undefined {
    return this.#of("failLookup").find((rule) => rule.name === undefined || rule.name === name)
      ?.code;
  }

  /** Whether looking up a name hangs. */
  lookupHangs(name: string): boolean {
    return this.#of("hangLookup").some((rule) => rule.name === undefined || rule.name === name);
  }

  /** Whether this call of accept fails. */
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

function addressMatcher(address: Address): Matcher {
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

/** A number from 0, perhaps a fraction. */
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

/** One that is over is none of the adapter's any more, but no mistake. */
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

/** Random numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomNumbers(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}
