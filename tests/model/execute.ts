/** Runs programs with the library. */

import * as library from "../../mod.ts";
import { type Adapter, type Address, Socket, SocketError, TimeoutError } from "../../mod.ts";
import { concat } from "../support/bytes.ts";
import { sleep, within } from "../support/scope.ts";
import type { Predicted } from "./generate.ts";
import { levelOf, type Result, shown, type Step } from "./program.ts";

/** Where a program runs. */
export interface Place {
  readonly adapter: Adapter;
  /** An address of loopback that no other program uses at the same time. */
  readonly host: string;
  /** A folder for paths. */
  readonly dir: string;
}

/** What a program gave. */
export interface Run {
  readonly results: Result[];
  /** A port came a second time, so that addresses cannot be told apart. */
  readonly collided: boolean;
}

type AnySocket = Socket<Address>;
type WaitingCall = { promise: Promise<Result>; result?: Result };

const constants = library as unknown as Record<string, number>;
const ABORTED = new Error("aborted by the program");
/**
 * So many milliseconds, one after the other, until what was sent has arrived and was answered: in a loop that other
 * programs keep busy each step of that may take one of them. A non-blocking connect takes more steps.
 */
const HOPS = 4;
/** Milliseconds; Linux delays an acknowledgement by 40. */
const DELAYED_ACK = 50;
/** A call that should not wait is given up after so many milliseconds. */
const PATIENCE = 4_000;

/** Runs a program to its end, or to the first call that does not end. */
export async function execute(program: Predicted, place: Place): Promise<Run> {
  const run = new Execution(place, program.steps);
  try {
    return await run.run(program);
  } finally {
    await run.close();
  }
}

class Execution {
  readonly #place: Place;
  readonly #sockets = new Map<number, AnySocket>();
  readonly #calls = new Map<number, WaitingCall>();
  /** Those that have another's address: accepted ones and duplicates. */
  readonly #namesakes: ReadonlySet<number | undefined>;
  /** The last address of each socket, and whose each address is. */
  readonly #addresses = new Map<number, Address>();
  readonly #owners = new Map<string, number>();
  /** How many bytes the receiver of a transfer has before it. */
  #unread = 0;
  readonly #senders = new Set<number>();
  #collided = false;

  constructor(place: Place, steps: readonly Step[]) {
    this.#place = place;
    const made = steps.filter(({ op }) => op === "accept" || op === "dup");
    this.#namesakes = new Set(made.map((step) => step.as));
  }

  async run(program: Predicted): Promise<Run> {
    const { steps, settled } = program;
    const results: Result[] = [];
    for (const [i, step] of steps.entries()) {
      const before = settled[i - 1]?.socks[String(step.to)];
      this.#unread = before?.unread ?? 0;
      const result = await this.#result(step, lengthOf(resultOf(program, i)));
      results.push(result);
      if (result === "waits for ever") break;
      if (step.op === "dup" && result === "!ENOTSUP") break;
      this.#learn();
      const begun = result === "!EINPROGRESS" || result === "115";
      for (let i = 0; i < (begun ? 4 * HOPS : HOPS); i++) await sleep(1);
      this.#learn();
      if (this.#isHeldBack(step)) await sleep(DELAYED_ACK);
      for (const id of settled[i]!.done) await this.#ended(this.#calls.get(id)!);
    }
    return { results, collided: this.#collided };
  }

  /**
   * Whether a send may wait in the kernel for the acknowledgement of the one before (Nagle's algorithm), which a peer that
   * sends as well delays. Python asks the kernel for how much has arrived.
   */
  #isHeldBack({ op, s }: Step): boolean {
    if (!op.startsWith("send")) return false;
    const again = this.#senders.has(s);
    this.#senders.add(s);
    return again && this.#senders.size > 1 && this.#sockets.get(s)?.type === library.SOCK_STREAM;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.values()) {
      await within(socket.close(), PATIENCE, "closing").catch(() => {});
    }
  }

  /** Makes a call. `length` is how many bytes it is to receive. */
  async #result(step: Step, length: number): Promise<Result> {
    try {
      return await within(this.#call(step, length), PATIENCE, step.op);
    } catch (error) {
      if (error === ABORTED) return "!aborted";
      if (error instanceof TimeoutError) return "!timeout";
      if (error instanceof SocketError) return `!${error.code}`;
      return `${error}`.includes("did not end in") ? "waits for ever" : `!${error}`;
    }
  }

  async #call(step: Step, length: number): Promise<Result> {
    const { op, s, ends, waits } = step;
    if (op === "socket") return this.#create(step);
    if (op === "join") return await this.#ended(this.#calls.get(waits!)!);
    const socket = this.#sockets.get(s);
    if (socket === undefined) return `no s${s}`;
    if (waits !== undefined) {
      const { waits: _, ...plain } = step;
      const call: WaitingCall = { promise: this.#result(plain, length) };
      call.promise.then((result) => call.result = result);
      this.#calls.set(waits, call);
      await sleep(1);
      return call.result ?? "waits";
    }
    if (ends === "abort") {
      const abort = new AbortController();
      setTimeout(() => abort.abort(ABORTED), 5);
      return await this.#make(socket, step, length, { signal: abort.signal });
    }
    if (ends === undefined) return await this.#make(socket, step, length, {});
    const before = socket.gettimeout();
    socket.settimeout(0.01);
    try {
      return await this.#make(socket, step, length, {});
    } finally {
      socket.settimeout(before);
    }
  }

  #create({ as, kind }: Step): Result {
    const { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM } = library;
    const type = kind === "udp" ? SOCK_DGRAM : SOCK_STREAM;
    const { adapter } = this.#place;
    const socket = new Socket<Address>(kind === "unix" ? AF_UNIX : AF_INET, type, 0, { adapter });
    this.#sockets.set(as!, socket);
    return "ok";
  }

  async #ended(call: WaitingCall): Promise<Result> {
    return await within(call.promise, 500, "join").catch(() => "still waits");
  }

  async #make(
    socket: AnySocket,
    step: Step,
    length: number,
    options: library.WaitOptions,
  ): Promise<Result> {
    const { op, data, n, value } = step;
    const flags = (step.flags ?? []).reduce((sum, name) => sum | constants[name]!, 0);
    switch (op) {
      case "bind":
        await socket.bind(this.#target(step));
        return "ok";
      case "connect":
        await socket.connect(this.#target(step), options);
        return "ok";
      case "connect_ex":
        return String(await socket.connect_ex(this.#target(step), options));
      case "listen":
        await socket.listen(value as number);
        return "ok";
      case "accept": {
        const [conn, address] = await socket.accept(options);
        this.#sockets.set(step.as!, conn);
        this.#learn();
        return this.#name(address);
      }
      case "dup":
        this.#sockets.set(step.as!, socket.dup());
        return "ok";
      case "send":
        return String(await socket.send(data!, flags, options));
      case "sendall":
        await socket.sendall(data!, flags, options);
        return "ok";
      case "sendto":
        return String(await socket.sendto(data!, this.#target(step)));
      case "recv":
        return decoded(
          await this.#whole(socket, flags, length, await socket.recv(n!, flags, options)),
        );
      case "recv_into": {
        const buffer = new Uint8Array(n!);
        const count = await socket.recv_into(buffer, 0, flags, options);
        // With MSG_TRUNC it may be more than the buffer.
        if (count > n!) return String(count);
        return String((await this.#whole(socket, flags, length, buffer.slice(0, count))).length);
      }
      case "recvfrom": {
        const [first, from] = await socket.recvfrom(n!, flags, options);
        const bytes = await this.#whole(socket, flags, length, first);
        return `${decoded(bytes)} ${from === null ? "None" : this.#name(from)}`;
      }
      case "transfer":
        return await this.#transfer(socket, step);
      case "shutdown":
        await socket.shutdown(constants[step.how!]!);
        return "ok";
      case "close":
        await socket.close();
        return "ok";
      default:
        return this.#makeAtOnce(socket, step);
    }
  }

  /**
   * What one receive of the kernel gives may take two of the library: it hands out what it has fetched already before it
   * fetches more. A stream promises nothing else: the row "bytes of several sends in one receive".
   */
  async #whole(
    socket: AnySocket,
    flags: number,
    length: number,
    first: Uint8Array,
  ): Promise<Uint8Array> {
    if (socket.type !== library.SOCK_STREAM || first.length === 0) return first;
    let bytes = first;
    for (let tries = 0; tries < 8 && bytes.length < length; tries++) {
      const peeks = (flags & library.MSG_PEEK) !== 0;
      const count = peeks ? length : length - bytes.length;
      const wanted = library.MSG_DONTWAIT | (peeks ? library.MSG_PEEK : 0);
      const more = await socket.recv(count, wanted).catch(() => new Uint8Array(0));
      bytes = peeks && more.length > 0 ? more : concat([bytes, peeks ? new Uint8Array(0) : more]);
      if (more.length === 0) break;
    }
    return bytes;
  }

  #makeAtOnce(socket: AnySocket, { op, option, value }: Step): Result {
    switch (op) {
      case "settimeout":
        socket.settimeout(value as number | null);
        return "ok";
      case "getsockname":
        return this.#name(socket.getsockname());
      case "getpeername":
        return this.#name(socket.getpeername());
      case "setsockopt":
        socket.setsockopt(constants[levelOf(option!)]!, constants[option!]!, value as number);
        return "ok";
      case "getsockopt":
        return String(socket.getsockopt(constants[levelOf(option!)]!, constants[option!]!));
      default:
        return `no call ${op}`;
    }
  }

  /** All that is unread, and so many bytes more. */
  async #transfer(socket: AnySocket, { to, n }: Step): Promise<Result> {
    const other = this.#sockets.get(to as number)!;
    const sending = socket.sendall(new Uint8Array(n!).fill(120));
    sending.catch(() => {/* Looked at below. */});
    const data = await other.recv(this.#unread + n!, library.MSG_WAITALL);
    await sending;
    const isWhole = data.subarray(this.#unread).every((byte) => byte === 120);
    return isWhole ? String(data.length) : "other bytes";
  }

  #target({ s, to }: Step): Address {
    const unix = this.#sockets.get(s)!.family === library.AF_UNIX;
    if (to === "free") return unix ? `${this.#place.dir}/p${s}` : [this.#place.host, 0];
    if (to === "foreign") return ["192.0.2.1", 0];
    if (to === "missing") return `${this.#place.dir}/missing`;
    return this.#addresses.get(to as number)!;
  }

  /** Remembers whose each address is. */
  #learn(): void {
    for (const [number, socket] of this.#sockets) {
      if (socket.closed) continue;
      const address = socket.getsockname();
      this.#addresses.set(number, address);
      const key = String(address);
      if (key === "" || key.endsWith(",0")) continue;
      // An accepted socket has its listener's address, a duplicate its original's.
      const isWild = Array.isArray(address) && this.#owners.has(`0.0.0.0,${address[1]}`);
      if (isWild && this.#namesakes.has(number)) continue;
      const owner = this.#owners.get(key);
      if (owner === undefined) this.#owners.set(key, number);
      else if (owner !== number && !this.#namesakes.has(number)) this.#collided = true;
    }
  }

  #name(address: Address): string {
    if (!Array.isArray(address)) {
      const owner = this.#owners.get(String(address));
      return owner === undefined ? JSON.stringify(address) : `path${owner}`;
    }
    const [host, port] = address;
    const shownHost = host === this.#place.host ? "H" : host;
    if (port === 0) return `${shownHost}:0`;
    const ownerOf = () => this.#owners.get(String(address)) ?? this.#owners.get(`0.0.0.0,${port}`);
    if (ownerOf() === undefined) this.#learn();
    const owner = ownerOf();
    return `${shownHost}:@${owner ?? "?"}`;
  }
}

const decoder = new TextDecoder("latin1");

function decoded(bytes: Uint8Array): Result {
  return shown(decoder.decode(bytes));
}

/** What a call gives, also one that waits for others. */
function resultOf({ steps, results }: Predicted, i: number): Result {
  const { waits } = steps[i]!;
  if (waits === undefined) return results[i]!;
  return results[steps.findIndex((step) => step.op === "join" && step.waits === waits)]!;
}

/** How many bytes a receive's result has. */
function lengthOf(result: Result): number {
  const [, bytes, long] = /^'(.*?)'(?: \((\d+)\))?/.exec(result) ?? [];
  return Number(long ?? bytes?.length ?? result.match(/^\d+$/)?.[0] ?? 0);
}
