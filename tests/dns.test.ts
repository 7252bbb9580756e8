// Names against a DNS server with a zone of its own, in a network namespace: what each kind of
// record and failure gives, the same as in Python; waiting for a server that does not answer.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  AI_ADDRCONFIG,
  AI_ALL,
  AI_CANONNAME,
  AI_V4MAPPED,
  NI_NAMEREQD,
  SOCK_STREAM,
} from "../mod.ts";
import { type Answer, type Call, pythonAnswers, sameAnswer } from "./support/answers.ts";
import { Namespace, noNamespace } from "./support/namespace.ts";
import { hasPython, pythonFile } from "./support/process.ts";
import { launch, runtimeName } from "./support/runtime.ts";
import { bounded, type Scope } from "./support/scope.ts";

/** What a program of names.ts prints for a call. */
interface Result {
  readonly value?: unknown;
  readonly error?: string;
  readonly errno?: number | null;
  readonly code?: string;
  /** Of an error; empty without one. */
  readonly message: string;
  /** How long it took, in milliseconds, where that was noticeable. */
  readonly ms?: number;
  /** How often a timer of 10 ms fired meanwhile. */
  readonly ticks?: number;
}

const zone = [
  "--host-record=v4.test,127.0.0.10",
  "--host-record=v6.test,::1",
  "--host-record=both.test,127.0.0.11,::1",
  "--host-record=two.test,127.0.0.2",
  "--host-record=two.test,127.0.0.3",
  "--host-record=mixed.test,127.0.0.3,::1",
  "--cname=alias.test,v4.test",
  "--ptr-record=1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa,six.test",
  "--ptr-record=9.0.0.127.in-addr.arpa,pointer.test",
  "--host-record=xn--bcher-kva.test,127.0.0.12",
  "--local=/test/",
  "--local=/127.in-addr.arpa/",
  "--local=/ip6.arpa/",
  // The server in outlaw.mjs.
  "--server=/hang.test/127.0.0.9",
  "--server=/broken.test/127.0.0.9",
  "--server=/10.in-addr.arpa/127.0.0.9",
  "--server=/11.in-addr.arpa/127.0.0.9",
  "--server=/12.in-addr.arpa/127.0.0.9",
];

const dnsmasq: [string, ...string[]] = [
  "dnsmasq",
  "--keep-in-foreground",
  "--conf-file=/dev/null",
  "--no-resolv",
  "--no-hosts",
  "--no-poll",
  "--user=root",
  "--group=root",
  "--pid-file=",
  "--log-facility=-",
  "--listen-address=127.0.0.1",
  "--bind-interfaces",
  ...zone,
];

const hosts = `127.0.0.1 localhost
127.0.0.20 file.test short other
127.0.0.21 v4.test
`;

const options = "options timeout:1 attempts:1\n";

const skip = noNamespace("dnsmasq", "ip");
const skipPython = skip || (hasPython ? false : "Python 3 is not here to compare with");

/** A namespace with dnsmasq as its name server. */
async function served(scope: Scope): Promise<Namespace> {
  const space = await Namespace.open(scope, dnsmasq, hosts, `nameserver 127.0.0.1\n${options}`);
  await space.said("started, version");
  const outlaw = launch(new URL("./peers/outlaw.mjs", import.meta.url));
  const server = scope.add(space.start(outlaw));
  assert.equal(await server.line(), "ready");
  return space;
}

/** A namespace whose name server is not there. */
async function deserted(scope: Scope): Promise<Namespace> {
  return await Namespace.open(scope, ["sleep", "100"], hosts, `nameserver 127.0.0.99\n${options}`);
}

/** Makes calls in a program on this runtime. */
async function ask(
  scope: Scope,
  space: Namespace,
  calls: readonly Call[],
  permissions: readonly string[] = ["--allow-net", "--allow-sys"],
): Promise<Result[]> {
  const path = new URL("./peers/names.ts", import.meta.url);
  const command = launch(path, [JSON.stringify(calls)], { permissions });
  const program = scope.add(space.start(command));
  const { stdout, stderr } = await program.exit(60_000);
  const lines = stdout.split("\n").filter((line) => line !== "");
  assert.equal(lines.length, calls.length, stderr);
  return lines.map((line) => ({ message: "", ...JSON.parse(line) }));
}

/** Makes the same calls in Python. */
async function askPython(scope: Scope, space: Namespace, calls: readonly Call[]) {
  const source = `import json, sys
question = json.loads(sys.argv[1])
${pythonAnswers}
print(json.dumps(answer))`;
  const program = scope.add(space.start([pythonFile, "-c", source, JSON.stringify(calls)]));
  const { stdout, stderr } = await program.exit(60_000);
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout) as Answer[];
}

function answerOf({ value, error, errno = null }: Result): Answer {
  return error === undefined ? { value } : { error, errno };
}

function addrinfo(name: string, family: number, flags: number = 0): Call {
  return ["getaddrinfo", name, 80, family, SOCK_STREAM, 0, flags];
}

/** The hosts among the answers of getaddrinfo, sorted: a server turns the order round each time. */
function hostsOf({ value, message }: Result): string[] {
  assert.ok(Array.isArray(value), message);
  return value.map((answer) => answer[4][0]).sort();
}

const AGAIN = { error: "gaierror", errno: -3 };
const NONAME = { error: "gaierror", errno: -2 };
const NODATA = { error: "gaierror", errno: -5 };

/** Calls, what they answer, and where a runtime cannot: what it answers instead, and why. */
interface Row {
  readonly call: Call;
  readonly answer: Answer;
  readonly differs?: {
    readonly on: readonly string[];
    readonly why: string;
    readonly answer: Answer;
  };
}

const everywhere = ["node", "deno", "bun"];
const noCanonical = "no runtime tells canonical names and aliases";
const noNodata = {
  on: ["bun"],
  why: "Bun gives one error for a name without such an address and for no such name",
  answer: NONAME,
};

function stream(host: string, canonname: string = ""): Answer {
  const address = host.includes(":") ? [host, 80, 0, 0] : [host, 80];
  return {
    value: [[address.length === 2 ? AF_INET : AF_INET6, SOCK_STREAM, 6, canonname, address]],
  };
}

const rows: Row[] = [
  // A and AAAA. The hosts file comes first.
  { call: addrinfo("xn--bcher-kva.test", AF_INET), answer: stream("127.0.0.12") },
  { call: addrinfo("b\u00fccher.test", AF_INET), answer: stream("127.0.0.12") },
  { call: addrinfo("v6.test", AF_UNSPEC), answer: stream("::1") },
  { call: addrinfo("V6.TEST", AF_INET6), answer: stream("::1") },
  { call: addrinfo("v6.test.", AF_INET6), answer: stream("::1") },
  { call: addrinfo("v4.test", AF_INET), answer: stream("127.0.0.21") },
  { call: addrinfo("both.test", AF_INET), answer: stream("127.0.0.11") },
  { call: addrinfo("both.test", AF_INET6), answer: stream("::1") },
  { call: addrinfo("both.test", AF_INET6, AI_V4MAPPED), answer: stream("::1") },
  {
    call: addrinfo("xn--bcher-kva.test", AF_INET6, AI_V4MAPPED),
    answer: stream("::ffff:127.0.0.12"),
  },
  { call: ["gethostbyname", "short"], answer: { value: "127.0.0.20" } },
  // No such address, no such name.
  { call: addrinfo("v6.test", AF_INET), answer: NODATA, differs: noNodata },
  { call: addrinfo("two.test", AF_INET6), answer: NODATA, differs: noNodata },
  { call: ["gethostbyname", "v6.test"], answer: NODATA, differs: noNodata },
  { call: addrinfo("no.test", AF_UNSPEC), answer: NONAME },
  { call: addrinfo("no.test", AF_INET6), answer: NONAME },
  { call: ["gethostbyname_ex", "no.test"], answer: NONAME },
  { call: ["gethostbyaddr", "no.test"], answer: NONAME },
  { call: ["getfqdn", "no.test"], answer: { value: "no.test" } },
  // CNAME and canonical names.
  { call: addrinfo("alias.test", AF_INET), answer: stream("127.0.0.10") },
  {
    call: addrinfo("alias.test", AF_INET, AI_CANONNAME),
    answer: stream("127.0.0.10", "v4.test"),
    differs: { on: everywhere, why: noCanonical, answer: stream("127.0.0.10", "alias.test") },
  },
  {
    call: addrinfo("v6.test", AF_INET6, AI_CANONNAME),
    answer: stream("::1", "v6.test"),
  },
  {
    call: ["gethostbyname_ex", "short"],
    answer: { value: ["file.test", ["short", "other"], ["127.0.0.20"]] },
    differs: {
      on: everywhere,
      why: noCanonical,
      answer: { value: ["short", [], ["127.0.0.20"]] },
    },
  },
  // PTR.
  { call: ["gethostbyaddr", "127.0.0.9"], answer: { value: ["pointer.test", [], ["127.0.0.9"]] } },
  { call: ["gethostbyaddr", "::1"], answer: { value: ["six.test", [], ["::1"]] } },
  {
    call: ["gethostbyaddr", "127.0.0.20"],
    answer: { value: ["file.test", ["short", "other"], ["127.0.0.20"]] },
    differs: {
      on: everywhere,
      why: noCanonical,
      answer: { value: ["file.test", [], ["127.0.0.20"]] },
    },
  },
  { call: ["gethostbyaddr", "127.0.0.77"], answer: { error: "herror", errno: 1 } },
  { call: ["getfqdn", "short"], answer: { value: "file.test" } },
  { call: ["getnameinfo", ["127.0.0.9", 80], 0], answer: { value: ["pointer.test", "http"] } },
  { call: ["getnameinfo", ["127.0.0.77", 80], 0], answer: { value: ["127.0.0.77", "http"] } },
  { call: ["getnameinfo", ["127.0.0.77", 80], NI_NAMEREQD], answer: NONAME },
  {
    call: ["getnameinfo", ["::ffff:127.0.0.20", 80], 0],
    answer: { value: ["::ffff:127.0.0.20", "http"] },
  },
  {
    call: ["getnameinfo", ["::ffff:127.0.0.9", 80], 0],
    answer: { value: ["pointer.test", "http"] },
  },
  { call: ["gethostbyaddr", "::ffff:127.0.0.77"], answer: { error: "herror", errno: 1 } },
  { call: ["gethostbyaddr", "::ffff:11.0.0.1"], answer: { error: "herror", errno: 2 } },
  // A pointer to what no host is called, with a bell in it.
  { call: ["getnameinfo", ["12.0.0.1", 80], 0], answer: { value: ["12.0.0.1", "http"] } },
  { call: ["getnameinfo", ["12.0.0.1", 80], NI_NAMEREQD], answer: NONAME },
  // With nothing but loopback.
  { call: addrinfo("v4.test", AF_INET, AI_ADDRCONFIG), answer: NONAME },
  // Servers that fail.
  { call: addrinfo("broken.test", AF_UNSPEC), answer: AGAIN },
  { call: addrinfo("broken.test", AF_INET), answer: AGAIN },
  { call: ["gethostbyname", "broken.test"], answer: AGAIN },
  { call: ["getnameinfo", ["11.0.0.1", 80], 0], answer: AGAIN },
  { call: ["gethostbyaddr", "11.0.0.1"], answer: { error: "herror", errno: 2 } },
];

describe("a DNS server", () => {
  it(
    "answers as in Python",
    { skip: skipPython },
    bounded(async (scope) => {
      const space = await served(scope);
      const calls = rows.map(({ call }) => call);
      const theirs = await askPython(scope, space, calls);
      const ours = await ask(scope, space, calls);
      for (const [i, { call, answer, differs }] of rows.entries()) {
        const shown = `${JSON.stringify(call)}: ${JSON.stringify(ours[i])}`;
        assert.deepEqual(theirs[i], answer, `Python ${shown}`);
        const own = differs?.on.includes(runtimeName) ? differs.answer : answer;
        assert.ok(sameAnswer(answerOf(ours[i]!), own), shown);
      }
    }, 100_000),
  );
  it(
    "gives all addresses of a name",
    { skip },
    bounded(async (scope) => {
      const space = await served(scope);
      const [two, both, mapped] = await ask(scope, space, [
        addrinfo("two.test", AF_UNSPEC),
        addrinfo("both.test", AF_UNSPEC),
        addrinfo("both.test", AF_INET6, AI_V4MAPPED | AI_ALL),
      ]);
      assert.deepEqual(hostsOf(two!), ["127.0.0.2", "127.0.0.3"]);
      assert.deepEqual(hostsOf(both!), ["127.0.0.11", "::1"]);
      assert.deepEqual(hostsOf(mapped!), ["::1", "::ffff:127.0.0.11"]);
    }),
  );
  it(
    "gives a dead address first, and connect goes on to the living one",
    { skip },
    bounded(async (scope) => {
      const space = await served(scope);
      const server = scope.add(space.start(listener("127.0.0.3")));
      const port = await server.json<number>();
      // The server turns the order round each time, so that half of them meet the dead one first.
      const call: Call = ["connect", AF_INET, ["two.test", port]];
      const results = await ask(scope, space, [call, call, call, call, call]);
      for (const result of results) {
        assert.deepEqual(result.value, ["127.0.0.3", port], result.message);
      }
      const [dead] = await ask(scope, space, [["connect", AF_INET, ["two.test", port + 1]]]);
      assert.equal(dead!.code, "ECONNREFUSED", dead!.message);
    }),
  );
  it(
    "is asked where Deno may use one name and port only",
    { skip: skip || (runtimeName === "deno" ? false : "permissions are Deno's") },
    bounded(async (scope) => {
      const space = await served(scope);
      const server = scope.add(space.start(listener("127.0.0.3")));
      const port = await server.json<number>();
      const names = ["two.test", "mixed.test"];
      const permission = `--allow-net=${names.map((name) => `${name}:${port}`).join(",")}`;
      const calls = names.map((name): Call => ["connect", AF_INET, [name, port]]);
      const results = await ask(scope, space, [...calls, ...calls], [permission]);
      for (const result of results) {
        assert.deepEqual(result.value, ["127.0.0.3", port], result.message);
      }
      const [wrong] = await ask(scope, space, [["connect", AF_INET6, ["two.test", port]]], [
        permission,
      ]);
      assert.equal(wrong!.code, "EAI_NODATA", wrong!.message);
    }),
  );
});

describe("a DNS server that does not answer", () => {
  it(
    "is EAI_AGAIN, and blocks nothing",
    { skip },
    bounded(async (scope) => {
      const space = await served(scope);
      const results = await ask(scope, space, [
        addrinfo("hang.test", AF_UNSPEC),
        ["gethostbyname", "hang.test"],
        ["connect", AF_INET, ["hang.test", 80]],
        ["getnameinfo", ["10.0.0.1", 80], 0],
      ]);
      for (const { errno, message, ms = 0, ticks = 0 } of results) {
        assert.equal(errno, AGAIN.errno, message);
        assert.ok(ms > 500, `${ms} ms`);
        assert.ok(ticks > ms / 10 / 2, `${ticks} ticks of 10 ms in ${ms} ms`);
      }
    }, 60_000),
  );
  it(
    "is waited for as long as the socket's timeout and the signal say",
    { skip },
    bounded(async (scope) => {
      const space = await served(scope);
      const [timeout, signal] = await ask(scope, space, [
        ["connect", AF_INET, ["hang.test", 80], { timeout: 0.2 }],
        ["connect", AF_INET, ["hang.test", 80], { abort: 200 }],
      ]);
      assert.equal(timeout!.code, "ETIMEDOUT", timeout!.message);
      assert.match(String(signal!.error), /TimeoutError/, signal!.message);
      for (const { ms = 0 } of [timeout!, signal!]) assert.ok(ms > 150 && ms < 4_000, `${ms} ms`);
    }),
  );
});

describe("a DNS server that is not there", () => {
  it(
    "is EAI_AGAIN",
    { skip: skipPython },
    bounded(async (scope) => {
      const space = await deserted(scope);
      const calls: Call[] = [
        addrinfo("v6.test", AF_UNSPEC),
        addrinfo("no.test", AF_INET),
        ["gethostbyname", "no.test"],
        ["getnameinfo", ["127.0.0.77", 80], 0],
        ["gethostbyaddr", "127.0.0.77"],
        // The hosts file needs none.
        addrinfo("file.test", AF_INET),
        ["gethostbyaddr", "127.0.0.1"],
      ];
      const theirs = await askPython(scope, space, calls);
      const ours = await ask(scope, space, calls);
      assert.deepEqual(ours.map(answerOf), theirs);
      assert.deepEqual(theirs.map((answer) => "errno" in answer ? answer.errno : 0), [
        ...[-3, -3, -3, -3, 2],
        ...[0, 0],
      ]);
    }, 60_000),
  );
});

/** A program that listens at an address on a port of the system's choice, and prints the port. */
function listener(host: string): [string, ...string[]] {
  return launch(new URL("./peers/outlaw.mjs", import.meta.url), [host]);
}
