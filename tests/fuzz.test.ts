/**
 * Every public function, and every method of sockets and their files, with arguments of wrong kinds and values: only the
 * documented errors, no hang, nothing unhandled, no message from the inside, nothing global changed.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import * as library from "../mod.ts";
import {
  type Adapter,
  createMemoryAdapter,
  getAdapter,
  setAdapter,
  setdefaulttimeout,
  Socket,
  SocketError,
  SocketFile,
} from "../mod.ts";
import { Random } from "./support/bytes.ts";
import { ODD, oddArguments, OWN_ERROR, OWN_REASON } from "./support/odd_values.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { within } from "./support/scope.ts";
import { tally, times } from "./support/tally.ts";

const SEED = Number(process.env["BSDSOCK_FUZZ_SEED"] ?? process.env["BSDSOCK_SEED"] ?? 8);
const CALLS = times(10_000, 100_000);
/** Calls on one set of sockets. */
const ROUND = 40;
/** Milliseconds for a call; its socket's timeout is 10. */
const PATIENCE = 3_000;

/** Words of the engines' own messages, and of code that nobody outside knows. */
const INTERNAL = [
  /cannot (read|set|destructure|convert|mix|access)/i,
  /(undefined|null|symbol) is not/i,
  /is not (a function|iterable|a constructor|an object|a symbol)/i,
  /evaluating '/,
  /#[a-z]\w*/i,
  /ERR_[A-Z]/,
  /private (member|field)/i,
  /invalid (array|typed array) length/i,
  /maximum call stack/i,
  /detached ArrayBuffer/i,
  /\bEIO\b/,
  /\[object /,
];
/** What a file says after a timeout only looks like one of them. */
const REFUSED = /^read EIO: .* \(cannot read from timed out object\)$/;
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f-\x9f]/;

type Callable = (...args: unknown[]) => unknown;

/** What can be called: a name, and how. */
interface Target {
  readonly name: string;
  readonly call: Callable;
}

/** Functions that would take over or close what belongs to the runtime or to the test. */
const WITH_DESCRIPTORS = ["close", "fromfd", "socket", "Socket"];

function functions(): Target[] {
  return Object.entries(library)
    .filter(([, value]) => typeof value === "function")
    .map(([name, value]) => {
      const isClass = /^class\b/.test(Function.prototype.toString.call(value));
      const Class = value as unknown as new (...args: unknown[]) => unknown;
      const call: Callable = isClass ? (...args) => new Class(...args) : value as Callable;
      return { name, call };
    })
    // A file is made by `makefile`, and an error takes whatever Error takes.
    .filter(({ name }) => name !== "SocketFile" && !isError(name));
}

function isError(name: string): boolean {
  const value: unknown = (library as unknown as Record<string, { prototype?: unknown }>)[name];
  return (value as { prototype?: unknown }).prototype instanceof Error;
}

/** The methods and getters of an object's class. */
function methods(name: string, object: object): Target[] {
  const prototype = Object.getPrototypeOf(object) as object;
  return Reflect.ownKeys(prototype).filter((key) => key !== "constructor").map((key) => {
    const { value, get } = Object.getOwnPropertyDescriptor(prototype, key)!;
    const call: Callable = (...args) => Reflect.apply((value ?? get) as Callable, object, args);
    return { name: `${name}.${String(key)}`, call };
  });
}

interface Opened {
  readonly targets: Target[];
  readonly sockets: Socket[];
  readonly files: { close(): Promise<void> }[];
}

/** Sockets in different states, and files, all with short timeouts. */
async function openSockets(adapter: Adapter): Promise<Opened> {
  const { AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM } = library;
  const opened: Socket[] = [];
  const open = (family: number, type: number): Socket => {
    const socket = library.socket(family, type, 0, { adapter }) as Socket;
    socket.settimeout(0.01);
    opened.push(socket);
    return socket;
  };
  const listener = open(AF_INET, SOCK_STREAM);
  await listener.bind(["127.0.0.1", 0]);
  await listener.listen();
  const connected = open(AF_INET, SOCK_STREAM);
  connected.settimeout(5);
  listener.settimeout(5);
  const [[peer]] = await Promise.all([
    listener.accept(),
    connected.connect(listener.getsockname()),
  ]);
  opened.push(peer);
  for (const socket of [listener, connected, peer]) socket.settimeout(0.01);
  const closed = open(AF_INET, SOCK_STREAM);
  await closed.close();
  const udp = open(AF_INET, SOCK_DGRAM);
  await udp.bind(["127.0.0.1", 0]);
  const sockets = {
    fresh: open(AF_INET, SOCK_STREAM),
    listener,
    connected,
    closed,
    udp,
    unix: open(AF_UNIX, SOCK_STREAM),
  };
  const files = { text: peer.makefile("rw"), bytes: peer.makefile("rwb") };
  const targets = Object.entries({ ...sockets, ...files })
    .flatMap(([name, object]) => methods(name, object));
  return { targets, sockets: opened, files: Object.values(files) };
}

/** Why a result may not come out of the library; nothing where it may. */
function complaint(error: unknown): string | undefined {
  if (error === OWN_ERROR || error === OWN_REASON) return undefined;
  if (!(error instanceof Error)) return `threw ${String(error)}`;
  const known = error instanceof TypeError || error instanceof RangeError ||
    error instanceof SocketError || error instanceof AggregateError;
  if (!known) return `threw ${error.name}: ${error.message}`;
  if (CONTROL.test(error.message)) return `control characters in ${JSON.stringify(error.message)}`;
  if (REFUSED.test(error.message)) return undefined;
  const internal = INTERNAL.find((pattern) => pattern.test(error.message));
  return internal === undefined ? undefined : `internal message: ${error.message}`;
}

async function complaintOf({ call }: Target, args: unknown[]): Promise<string | undefined> {
  try {
    const value = call(...args);
    if (value instanceof Socket || value instanceof SocketFile) await value.close();
    // Not the argument, given back: its `then` is the program's.
    if (value instanceof Promise) await within(consume(value), PATIENCE, "the call");
  } catch (error) {
    return complaint(error);
  }
  return undefined;
}

/** Closes what a call has opened. */
async function consume(promise: Promise<unknown>): Promise<void> {
  const value = await promise;
  for (const one of Array.isArray(value) ? value : [value]) {
    if (one instanceof Socket) await one.close();
  }
}

/** The runtime's adapter, which asks no name server: names are those of this machine, or unknown. */
function loopbackOnly(): Adapter {
  const adapter = getAdapter();
  const unknown = (): Promise<never> =>
    Promise.reject(Object.assign(new Error("not asked"), { code: "EAI_NONAME" }));
  return {
    ...adapter,
    errorCode: (cause) =>
      (cause as { code?: string } | null)?.code === "EAI_NONAME"
        ? "EAI_NONAME"
        : adapter.errorCode(cause),
    lookup: (name, family) => name === "localhost" ? adapter.lookup(name, family) : unknown(),
    lookupService: unknown,
  };
}

/** Whether a call would reach past this machine, or at descriptors of others. */
function isForeign({ name }: Target, args: unknown[], native: boolean): boolean {
  if (!native) return false;
  // Nobody would close the descriptor.
  if (name.endsWith(".detach")) return true;
  const descriptor = WITH_DESCRIPTORS.includes(name) ? args[name.endsWith("ocket") ? 3 : 0] : -1;
  if (typeof descriptor === "number" && descriptor >= 0 && descriptor < 2 ** 31) return true;
  // A wildcard address is every network of the machine.
  return args.some((value) => value === "" || (Array.isArray(value) && hostOf(value) === ""));
}

function hostOf(address: unknown[]): unknown {
  try {
    return address[0];
  } catch {
    return undefined;
  }
}

function show(value: unknown): string {
  try {
    return typeof value === "string" || Array.isArray(value)
      ? JSON.stringify(value)?.slice(0, 60) ?? String(value)
      : typeof value === "object" && value !== null
      ? `an object (${Object.prototype.toString.call(value)})`
      : String(value);
  } catch {
    return "an object that throws";
  }
}

/** What nobody may change. */
function globals(): string {
  const objects = { globalThis, Object, Array, Promise, Uint8Array, Error, Symbol, Function };
  const keys = Object.entries(objects).map(([name, object]) => [
    name,
    // Deno 2.9 makes this one when a program first asks for a module of Node, and others anew, at the end, at their first use.
    Reflect.ownKeys(object).map(String).filter((key) => key !== "nodeBootstrap").sort(),
    "prototype" in object ? Reflect.ownKeys(object.prototype as object).map(String) : [],
  ]);
  return JSON.stringify([keys, Object.keys(process.env).length, process.cwd()]);
}

async function fuzz(adapter: Adapter, seed: number, native: boolean): Promise<void> {
  const before = getAdapter();
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  // Some values are promises that nobody looks at.
  const isOurs = (reason: unknown): boolean => reason !== OWN_ERROR && reason !== OWN_REASON;
  process.on("unhandledRejection", note);
  const complaints = new Map<string, string>();
  const random = new Random(seed);
  try {
    for (const make of ODD) make();
    const untouched = globals();
    for (let calls = 0; calls < CALLS; calls += ROUND) {
      setAdapter(adapter);
      const { targets, sockets, files } = await openSockets(adapter);
      targets.push(...functions());
      const running: Promise<void>[] = [];
      for (let i = 0; i < ROUND; i++) {
        const target = targets[random.integer(0, targets.length - 1)]!;
        const args = oddArguments(random);
        if (isForeign(target, args, native)) continue;
        running.push(
          complaintOf(target, args).then((found) => {
            if (found === undefined || complaints.has(`${target.name} ${found}`)) return;
            complaints.set(
              `${target.name} ${found}`,
              `${target.name}(${args.map(show).join(", ")}): ${found}`,
            );
          }),
        );
        // One call may have changed them for all.
        setAdapter(adapter);
        setdefaulttimeout(0.01);
        for (const socket of sockets) if (!socket.closed) socket.settimeout(0.01);
      }
      await Promise.all(running);
      // What they have buffered may find nobody any more.
      for (const file of files) await file.close().catch(() => {});
      await Promise.all(sockets.map((socket) => socket.close()));
    }
    assert.deepEqual([...complaints.values()], []);
    assert.deepEqual(unhandled.filter(isOurs), []);
    assert.equal(globals(), untouched);
    tally({ what: "calls with wrong kinds and values", tried: CALLS, unit: "calls", lost: 0 });
  } finally {
    setdefaulttimeout(null);
    setAdapter(before);
    process.off("unhandledRejection", note);
  }
}

describe("wrong arguments", () => {
  it(`${CALLS} calls in memory, seed ${SEED}`, async () => {
    await fuzz(createMemoryAdapter(), SEED, false);
  });

  it(`${CALLS} calls on the loopback network, seed ${SEED + 1}`, async () => {
    await fuzz(loopbackOnly(), SEED + 1, true);
  });
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
