/** Wrong arguments: told before anything happens, by the argument's name and the value given. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  create_connection,
  create_server,
  createMemoryAdapter,
  getAdapter,
  getdefaulttimeout,
  MSG_OOB,
  serve,
  setAdapter,
  setdefaulttimeout,
  SO_KEEPALIVE,
  SO_LINGER,
  SOCK_STREAM,
  Socket,
  socket,
  SOL_SOCKET,
} from "../mod.ts";
import { text } from "./support/bytes.ts";
import { bounded, rejection, type Scope, thrown } from "./support/scope.ts";
import { settings } from "./support/tcp.ts";

/** What is thrown, and what its message must hold: the argument and the value. */
type Wrong = [
  args: readonly unknown[],
  kind: typeof TypeError | typeof RangeError,
  ...words: (string | RegExp)[],
];

const detached = new Uint8Array(4);
structuredClone(detached, { transfer: [detached.buffer] });

const big = 2 ** 31;

/** Wrong values of an argument that C knows as an int. */
function badInt(name: string, before: readonly unknown[] = []): Wrong[] {
  return [
    [[...before, "1"], TypeError, name, '"1"'],
    [[...before, null], TypeError, name, "null"],
    [[...before, 1n], TypeError, name, "1n"],
    [[...before, 1.5], TypeError, name, "1.5"],
    [[...before, NaN], TypeError, name, "NaN"],
    [[...before, true], TypeError, name, "true"],
    [[...before, big], RangeError, name, String(big)],
    [[...before, -big - 1], RangeError, name, String(-big - 1)],
    [[...before, Infinity], RangeError, name, "Infinity"],
  ];
}

/** Wrong values of a flag, which is a boolean, 0 or 1. */
function badFlag(name: string): Wrong[] {
  return [
    [["yes"], TypeError, name, '"yes"'],
    [[5], TypeError, name, "5"],
    [[NaN], TypeError, name, "NaN"],
    [[null], TypeError, name, "null"],
    [[], TypeError, name, "undefined"],
  ];
}

/** Wrong sizes. */
function badSize(name: string, before: readonly unknown[] = []): Wrong[] {
  return [
    [[...before, "1"], TypeError, name, '"1"'],
    [[...before, {}], TypeError, name, "object"],
    [[...before, 0.5], TypeError, name, "0.5"],
    [[...before, NaN], TypeError, name, "NaN"],
    [[...before, -1], RangeError, name, "-1"],
    [[...before, Infinity], RangeError, name, "Infinity"],
  ];
}

/** Wrong options of a call that waits. */
function badOptions(before: readonly unknown[] = []): Wrong[] {
  return [
    [[...before, "now"], TypeError, "options", '"now"'],
    [[...before, 5], TypeError, "options", "5"],
    [[...before, ["127.0.0.1", 9]], TypeError, "options", "array of 2"],
    [[...before, new Uint8Array(1)], TypeError, "options", "Uint8Array"],
    [[...before, AbortSignal.timeout(5)], TypeError, "{ signal }", "AbortSignal"],
    [[...before, { signal: "now" }], TypeError, "signal", '"now"'],
    [[...before, { signal: {} }], TypeError, "signal", "object"],
  ];
}

/** Wrong IPv4 addresses. */
const badAddress: Wrong[] = [
  [[], TypeError, "address", "undefined"],
  [[null], TypeError, "address", "null"],
  [["127.0.0.1:80"], TypeError, "address", '"127.0.0.1:80"'],
  [[["127.0.0.1"]], TypeError, "address", "array of 1"],
  [[["127.0.0.1", 80, 0]], TypeError, "address", "array of 3"],
  [[[127, 80]], TypeError, "host", "127"],
  [[[null, 80]], TypeError, "host", "null"],
  [[["a\0b", 80]], TypeError, "host", "a\\u0000b"],
  [[["127.0.0.1", "80"]], TypeError, "port", '"80"'],
  [[["127.0.0.1", 80.5]], TypeError, "port", "80.5"],
  [[["127.0.0.1", 65536]], RangeError, "port", "65536"],
  [[["127.0.0.1", -1]], RangeError, "port", "-1"],
];

/** Wrong bytes to send. */
const badData: Wrong[] = [
  [[], TypeError, "data", "undefined"],
  [[null], TypeError, "data", "null"],
  [[5], TypeError, "data", "5"],
  [[[1, 2]], TypeError, "data", "array of 2"],
  [[{}], TypeError, "data", "object"],
  [[detached], TypeError, "data", "detached"],
];

/** Wrong buffers to receive into. */
const badBuffer: Wrong[] = [
  [[], TypeError, "buffer", "undefined"],
  [[null], TypeError, "buffer", "null"],
  [["text"], TypeError, "buffer", '"text"'],
  [[[1]], TypeError, "buffer", "array of 1"],
  [[detached], TypeError, "buffer", "detached"],
];

const bytes = new Uint8Array(4);
const to = ["127.0.0.1", 9];

/** Methods that give a promise, and calls of them that are wrong. */
const methods: Record<string, Wrong[]> = {
  bind: badAddress,
  listen: badInt("backlog").filter(([[value]]) => value !== undefined),
  accept: badOptions(),
  connect: [...badAddress, ...badOptions([to])],
  connect_ex: [...badAddress, ...badOptions([to])],
  recv: [
    [[], TypeError, "bufsize", "undefined"],
    ...badSize("bufsize"),
    ...badInt("flags", [1]),
    ...badOptions([1, 0]),
  ],
  recv_into: [
    ...badBuffer,
    ...badSize("nbytes", [bytes]),
    [[bytes, 5], RangeError, "nbytes", "5"],
    ...badInt("flags", [bytes, 0]),
    ...badOptions([bytes, 0, 0]),
  ],
  recvfrom: [...badSize("bufsize"), ...badInt("flags", [1]), ...badOptions([1, 0])],
  recvfrom_into: [
    ...badBuffer,
    ...badSize("nbytes", [bytes]),
    [[bytes, 5], RangeError, "nbytes", "5"],
    ...badInt("flags", [bytes, 0]),
    ...badOptions([bytes, 0, 0]),
  ],
  recvmsg: [
    ...badSize("bufsize"),
    ...badSize("ancbufsize", [1]),
    ...badInt("flags", [1, 0]),
    ...badOptions([1, 0, 0]),
  ],
  recvmsg_into: [
    [[bytes], TypeError, "buffers", "Uint8Array"],
    [[5], TypeError, "buffers", "5"],
    [[["text"]], TypeError, "buffers[0]", '"text"'],
    [[[bytes, 5]], TypeError, "buffers[1]", "5"],
    ...badSize("ancbufsize", [[bytes]]),
    ...badInt("flags", [[bytes], 0]),
    ...badOptions([[bytes], 0, 0]),
  ],
  send: [...badData, ...badInt("flags", ["x"]), ...badOptions(["x", 0])],
  sendall: [...badData, ...badInt("flags", ["x"]), ...badOptions(["x", 0])],
  sendto: [
    ...badData.map(([args, ...rest]): Wrong => [[args[0], to], ...rest]),
    [["x", 0, "nowhere"], TypeError, "address", '"nowhere"'],
    [["x", ["127.0.0.1", 65536]], RangeError, "port", "65536"],
    ...badInt("flags", ["x"]).map(([args, ...rest]): Wrong => [[...args, to], ...rest]),
    [["x", "none", to, {}], TypeError, "flags", '"none"'],
    [["x"], TypeError, "address", "undefined"],
    [["x", 5], TypeError, "address", "5"],
    [["x", "nowhere"], TypeError, "address", '"nowhere"'],
    [["x", "nowhere", {}], TypeError, "address", '"nowhere"'],
    [["x", 0, undefined], TypeError, "address", "undefined"],
    // Also where the system would refuse the flags.
    [["x", MSG_OOB, "nowhere"], TypeError, "address", '"nowhere"'],
    [["x", MSG_OOB, undefined, {}], TypeError, "address", "undefined"],
    ...badOptions(["x", to]),
    ...badOptions(["x", 0, to]),
  ],
  sendmsg: [
    [[bytes], TypeError, "buffers", "Uint8Array"],
    [["text"], TypeError, "buffers", '"text"'],
    [[["x", 5]], TypeError, "buffers[1]", "5"],
    [[["x"], 5], TypeError, "ancdata", "5"],
    [[["x"], new Uint8Array(0)], TypeError, "ancdata", "Uint8Array"],
    [[["x"], [[1, 2]]], TypeError, "ancdata[0]", "array of 2"],
    [[["x"], [["1", 2, bytes]]], TypeError, "ancdata[0]", '"1"'],
    [[["x"], [[1, 2, 3]]], TypeError, "ancdata[0]", "3"],
    ...badInt("flags", [["x"], []]),
    [[["x"], [], 0, ["127.0.0.1", 65536]], RangeError, "port", "65536"],
    [[["x"], [], MSG_OOB, 5], TypeError, "address", "5"],
    ...badOptions([["x"], [], 0, null]),
  ],
  shutdown: [[[], TypeError, "how", "undefined"], ...badInt("how")],
};

/** Methods that answer at once. */
const atOnce: Record<string, Wrong[]> = {
  settimeout: [
    [[], TypeError, "timeout", "undefined"],
    [["1"], TypeError, "timeout", '"1"'],
    [[-1], RangeError, "timeout", "-1"],
    [[-1e-9], RangeError, "timeout", "-1e-9"],
    [[NaN], RangeError, "timeout", "NaN"],
    [[Infinity], RangeError, "timeout", "Infinity"],
    [[9_223_372_037], RangeError, "timeout", "9223372037"],
  ],
  setblocking: badFlag("flag"),
  set_inheritable: badFlag("inheritable"),
  setsockopt: [
    ...badInt("level"),
    ...badInt("optname", [SOL_SOCKET]),
    [[SOL_SOCKET, SO_KEEPALIVE], TypeError, "value", "undefined"],
    [[SOL_SOCKET, SO_KEEPALIVE, "1"], TypeError, "value", '"1"'],
    [[SOL_SOCKET, SO_KEEPALIVE, null], TypeError, "value", "null"],
    [[SOL_SOCKET, SO_KEEPALIVE, 1.5], TypeError, "value", "1.5"],
    [[SOL_SOCKET, SO_KEEPALIVE, big], RangeError, "value", String(big)],
    [[SOL_SOCKET, SO_LINGER, "1"], TypeError, "SO_LINGER", '"1"'],
    [[SOL_SOCKET, SO_LINGER, [1]], TypeError, "SO_LINGER", "array of 1"],
    [[SOL_SOCKET, SO_LINGER, [1, 0.5]], TypeError, "seconds", "0.5"],
    [[SOL_SOCKET, SO_LINGER, ["1", 0]], TypeError, "onoff", '"1"'],
  ],
  getsockopt: [
    ...badInt("level"),
    ...badInt("optname", [SOL_SOCKET]),
    [[SOL_SOCKET, SO_KEEPALIVE, "4"], TypeError, "buflen", '"4"'],
    [[SOL_SOCKET, SO_KEEPALIVE, 1.5], TypeError, "buflen", "1.5"],
    [[SOL_SOCKET, SO_KEEPALIVE, 2 ** 31], RangeError, "buflen", "2147483648"],
  ],
};

function check(error: unknown, call: string, kind: Wrong[1], words: readonly unknown[]): void {
  assert.ok(error instanceof kind, `${call} gave ${error}`);
  for (const word of words) {
    assert.ok(error.message.includes(String(word)), `${call}: no ${word} in "${error.message}"`);
  }
}

function show(name: string, args: readonly unknown[]): string {
  return `${name}(${inspect(args).slice(1, -1)})`;
}

type Method = (...args: readonly unknown[]) => unknown;

/** A method by its name, whatever its arguments. */
function method(s: object, name: string): Method {
  return ((s as Record<string, unknown>)[name] as Method).bind(s);
}

for (const setting of settings) {
  const { skip } = setting;
  const test = (name: string, body: (scope: Scope) => Promise<void>) =>
    it(name, { skip }, bounded(body));
  /** A wrong IPv4 address may be a right IPv6 one. */
  const wrongHere = (rows: Wrong[]) =>
    setting.family === AF_INET
      ? rows
      : rows.filter(([, , , ...words]) => !words.includes("array of 3"));

  describe(`wrong arguments, ${setting.name}`, () => {
    for (const [name, rows] of Object.entries(methods)) {
      test(`of ${name} reject, and nothing happens`, async (scope) => {
        const fresh = setting.socket(scope);
        const [client, conn] = await setting.pair(scope);
        await conn.sendall("untouched");
        for (const s of [fresh, client]) {
          for (const [args, kind, ...words] of wrongHere(rows)) {
            const error = await rejection(() => method(s, name)(...args) as Promise<unknown>);
            check(error, show(name, args), kind, words);
          }
        }
        assert.deepEqual(fresh.getsockname(), setting.address(setting.wildcard, 0));
        await fresh.bind([setting.host, 0]);
        assert.equal(text(await client.recv(99)), "untouched");
        await client.sendall("usable");
        assert.equal(text(await conn.recv(99)), "usable");
      });
    }

    for (const [name, rows] of Object.entries(atOnce)) {
      test(`of ${name} throw, and nothing changes`, (scope) => {
        const s = setting.socket(scope);
        s.settimeout(3);
        for (const [args, kind, ...words] of rows) {
          check(thrown(() => method(s, name)(...args)), show(name, args), kind, words);
        }
        assert.equal(s.gettimeout(), 3);
        assert.equal(s.getsockopt(SOL_SOCKET, SO_KEEPALIVE), 0);
        return Promise.resolve();
      });
    }
  });
}

describe("wrong arguments", () => {
  it("of IPv6 addresses", async () => {
    const adapter = createMemoryAdapter();
    const s = socket(AF_INET6, SOCK_STREAM, 0, { adapter });
    const rows: Wrong[] = [
      [[["::1", 80, 0, 0, 0]], TypeError, "address", "array of 5"],
      [[["::1"]], TypeError, "address", "array of 1"],
      [[["::1", 80, 0x100000]], RangeError, "flowinfo", String(0x100000)],
      [[["::1", 80, -1]], RangeError, "flowinfo", "-1"],
      [[["::1", 80, "0"]], TypeError, "flowinfo", '"0"'],
      [[["::1", 80, 0, -1]], RangeError, "scope_id", "-1"],
      [[["::1", 80, 0, 2 ** 32]], RangeError, "scope_id", String(2 ** 32)],
      [[["::1", 80, 0, 0.5]], TypeError, "scope_id", "0.5"],
      [[["::1", 80, null]], TypeError, "flowinfo", "null"],
      [[["::1", 80, 0, null]], TypeError, "scope_id", "null"],
    ];
    for (const name of ["bind", "connect", "connect_ex"]) {
      for (const [args, kind, ...words] of rows) {
        const error = await rejection(() => method(s, name)(...args) as Promise<unknown>);
        check(error, show(name, args), kind, words);
      }
    }
  });

  it("of sendto to UNIX addresses", async () => {
    const adapter = createMemoryAdapter();
    const s = socket(AF_UNIX, SOCK_STREAM, 0, { adapter });
    const rows: Wrong[] = [
      [["x", null, "/path"], TypeError, "flags", "null"],
      [["x", true, bytes], TypeError, "flags", "true"],
      [["x", 5], TypeError, "address", "5"],
      [["x", to], TypeError, "address", "array of 2"],
      [["x", "/path", "/path"], TypeError, "options", '"/path"'],
    ];
    for (const [args, kind, ...words] of rows) {
      const error = await rejection(() => method(s, "sendto")(...args) as Promise<unknown>);
      check(error, show("sendto", args), kind, words);
    }
  });

  it("of socket() and new Socket()", () => {
    const halfAnAdapter = { ...getAdapter(), errorCode: undefined };
    const rows: Wrong[] = [
      ...badInt("family").filter(([[value]]) => value !== undefined),
      ...badInt("type", [AF_INET]),
      ...badInt("proto", [AF_INET, SOCK_STREAM]),
      [[AF_INET, SOCK_STREAM, 0, null], TypeError, "options", "null"],
      [[AF_INET, SOCK_STREAM, 0, "x"], TypeError, "options", '"x"'],
      [[AF_INET, SOCK_STREAM, 0, { adapter: {} }], TypeError, "adapter", "object"],
      [[AF_INET, SOCK_STREAM, 0, { adapter: "node" }], TypeError, "adapter", '"node"'],
      [[AF_INET, SOCK_STREAM, 0, { adapter: halfAnAdapter }], TypeError, "adapter", "errorCode"],
    ];
    for (const [args, kind, ...words] of rows) {
      check(thrown(() => (socket as Method)(...args)), show("socket", args), kind, words);
      const make = () => Reflect.construct(Socket, args);
      check(thrown(make), show("new Socket", args), kind, words);
    }
  });

  it(
    "of create_server and create_connection",
    bounded(async (scope) => {
      const taken = scope.add(await create_server(["127.0.0.1", 0]));
      for (const [[backlog], kind, ...words] of badInt("backlog")) {
        // Python's default.
        if (backlog === null) continue;
        const failing = rejection(() => create_server(taken.getsockname(), { backlog } as object));
        check(await failing, "create_server", kind, words);
      }
      const family = AF_INET6;
      const calls: [name: string, call: (options: object) => Promise<unknown>][] = [
        ["reuse_port", (options) => create_server(["127.0.0.1", 0], options)],
        ["dualstack_ipv6", (options) => create_server(["::1", 0], { family, ...options })],
        ["all_errors", (options) => create_connection(["127.0.0.1", 1], options)],
      ];
      for (const [name, call] of calls) {
        for (const [[value], kind, ...words] of badFlag(name)) {
          if (value === undefined) continue;
          check(await rejection(() => call({ [name]: value })), name, kind, words);
        }
      }
    }),
  );

  it(
    "of serve",
    bounded(async (scope) => {
      const server = scope.add(await create_server(["127.0.0.1", 0]));
      const handler = (): void => {};
      const rows: Wrong[] = [
        [[], TypeError, "server", "undefined"],
        [[{}, handler], TypeError, "server", "object"],
        [[server], TypeError, "handler", "undefined"],
        [[server, "echo"], TypeError, "handler", '"echo"'],
        ...badOptions([server, handler]),
        [[server, handler, { onerror: "log" }], TypeError, "onerror", '"log"'],
        [[server, handler, { max_connections: "9" }], TypeError, "max_connections", '"9"'],
        [[server, handler, { max_connections: 0.5 }], TypeError, "max_connections", "0.5"],
        [[server, handler, { max_connections: 0 }], RangeError, "max_connections", "0"],
      ];
      for (const [args, kind, ...words] of rows) {
        check(
          await rejection(() => (serve as Method)(...args) as Promise<unknown>),
          show("serve", args),
          kind,
          words,
        );
      }
    }),
  );

  it(
    "flags may be 0 and 1, as in Python",
    bounded(async (scope) => {
      const s = scope.add(new Socket(AF_INET));
      s.setblocking(0);
      assert.equal(s.gettimeout(), 0);
      s.setblocking(1);
      assert.equal(s.gettimeout(), null);
      s.set_inheritable(0);
      const options = { reuse_port: 0, dualstack_ipv6: 0 } as object;
      scope.add(await create_server(["127.0.0.1", 0], options));
    }),
  );

  it("a timeout of -0 is 0", () => {
    const s = new Socket(AF_INET);
    s.settimeout(-0);
    assert.ok(Object.is(s.gettimeout(), 0));
    setdefaulttimeout(-0);
    assert.ok(Object.is(getdefaulttimeout(), 0));
    setdefaulttimeout(null);
  });

  it("of setdefaulttimeout and setAdapter", () => {
    for (const [args, kind, ...words] of atOnce["settimeout"]!) {
      const error = thrown(() => (setdefaulttimeout as Method)(...args));
      check(error, show("setdefaulttimeout", args), kind, words);
    }
    assert.equal(getdefaulttimeout(), null);
    for (const value of [null, "node", 5, {}]) {
      assert.ok(thrown(() => (setAdapter as Method)(value)) instanceof TypeError, String(value));
    }
  });
});
