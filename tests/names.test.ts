// Names and addresses: the library against Python on the same machine, its own rules, permissions.

import assert from "node:assert/strict";
import process from "node:process";
import { describe, it } from "node:test";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AF_UNSPEC,
  AI_ADDRCONFIG,
  AI_ALL,
  AI_CANONNAME,
  AI_NUMERICHOST,
  AI_NUMERICSERV,
  AI_PASSIVE,
  AI_V4MAPPED,
  createMemoryAdapter,
  GaiError,
  getaddrinfo,
  getfqdn,
  gethostbyaddr,
  gethostbyname,
  gethostbyname_ex,
  gethostname,
  getnameinfo,
  if_indextoname,
  if_nameindex,
  if_nametoindex,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type MemoryAdapter,
  NI_DGRAM,
  NI_NAMEREQD,
  NI_NOFQDN,
  NI_NUMERICHOST,
  NI_NUMERICSERV,
  setAdapter,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  socket,
  SocketError,
  TimeoutError,
} from "../mod.ts";
import { type Answer, ask, type Call, pythonAnswers, sameAnswer } from "./support/answers.ts";
import { start } from "./support/process.ts";
import { noPython, python } from "./support/python.ts";
import { launch, runtimeName } from "./support/runtime.ts";
import { assertCode, bounded, rejection, rejects, sleep, thrown, throws } from "./support/scope.ts";

/**
 * A call that Python answers otherwise; those that need a resolver of their own are in dns.test.ts.
 */
interface Difference {
  readonly call: Call;
  readonly reason: string;
  /** What the library answers. */
  readonly ours: Answer;
}

/** Makes the calls in Python on this machine. */
function askPython(calls: readonly Call[]): Answer[] {
  return python<Answer[]>(pythonAnswers, calls);
}

const EAI_NONAME = { error: "gaierror", errno: -2 };
const EAI_SERVICE = { error: "gaierror", errno: -8 };

const hosts = [
  "127.0.0.1",
  "127.1",
  "0x7f000001",
  "0177.0.0.1",
  "1.2.3",
  "::1",
  "::",
  "2001:db8::1",
  "::ffff:192.0.2.1",
  "::192.0.2.1",
  "fe80::1%lo",
  "fe80::1%1",
  "fe80::1%nope",
  "fe80::1%",
  "::1%1",
  "::1%lo",
  "ff02::1%lo",
  "localhost",
  "LOCALHOST",
];

const addrinfoCalls: Call[] = [
  ...hosts.flatMap((host) =>
    [AF_UNSPEC, AF_INET, AF_INET6].map((family): Call => [
      "getaddrinfo",
      host,
      80,
      family,
      SOCK_STREAM,
    ])
  ),
  // Services, and what each kind of socket makes of them.
  ...[null, "", "0", "80", 80, "080", "+80", " 80", "http", "www", "domain", "ntp", "syslog"].map(
    (port): Call => ["getaddrinfo", "127.0.0.1", port],
  ),
  ...["HTTP", "nope", "80 ", "0x50", "-1", "http/tcp", " "].map((port): Call => [
    "getaddrinfo",
    "127.0.0.1",
    port,
  ]),
  ["getaddrinfo", "127.0.0.1", "*"],
  ["getaddrinfo", "127.0.0.1", -1],
  ["getaddrinfo", "127.0.0.1", "http", 0, 0, 0, AI_NUMERICSERV],
  ["getaddrinfo", "127.0.0.1", "80", 0, 0, 0, AI_NUMERICSERV],
  ["getaddrinfo", "127.0.0.1", "domain", 0, SOCK_DGRAM],
  ["getaddrinfo", "127.0.0.1", "domain", 0, 0, IPPROTO_TCP],
  ["getaddrinfo", "127.0.0.1", "http", 0, SOCK_DGRAM],
  ["getaddrinfo", "127.0.0.1", "tftp", 0, SOCK_STREAM],
  ["getaddrinfo", "127.0.0.1", "shell"],
  ...[SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, 4, 6, 99, -1].flatMap((type): Call[] => [
    ["getaddrinfo", "127.0.0.1", null, 0, type],
    ["getaddrinfo", "::1", 7, 0, type],
  ]),
  ...[IPPROTO_TCP, IPPROTO_UDP, 1, 33, 132, 136, 255].flatMap((proto): Call[] => [
    ["getaddrinfo", "127.0.0.1", null, 0, 0, proto],
    ["getaddrinfo", "127.0.0.1", 80, 0, 0, proto],
    ["getaddrinfo", "127.0.0.1", 80, 0, SOCK_STREAM, proto],
    ["getaddrinfo", "127.0.0.1", null, 0, SOCK_RAW, proto],
  ]),
  // No host.
  ["getaddrinfo", null, null],
  ["getaddrinfo", "*", "*"],
  ["getaddrinfo", null, 80],
  ["getaddrinfo", "*", 80, 0, SOCK_STREAM],
  ["getaddrinfo", null, "http", AF_INET],
  ["getaddrinfo", null, 0, AF_INET6, SOCK_DGRAM],
  ["getaddrinfo", null, 0, 0, 0, 0, AI_PASSIVE],
  ["getaddrinfo", null, 80, AF_INET, SOCK_STREAM, 0, AI_PASSIVE],
  ["getaddrinfo", null, 80, AF_INET6, SOCK_STREAM, 0, AI_PASSIVE],
  ["getaddrinfo", "", 80],
  ["getaddrinfo", "", 80, 0, 0, 0, AI_PASSIVE],
  // Flags.
  ["getaddrinfo", "127.0.0.1", 80, AF_INET6, 0, 0, AI_V4MAPPED],
  ["getaddrinfo", "localhost", 80, AF_INET6, SOCK_STREAM, 0, AI_V4MAPPED],
  ["getaddrinfo", "localhost", 80, AF_INET6, SOCK_STREAM, 0, AI_V4MAPPED | AI_ALL],
  ["getaddrinfo", "localhost", 80, AF_INET, SOCK_STREAM, 0, AI_V4MAPPED],
  ["getaddrinfo", "localhost", 80, AF_UNSPEC, SOCK_STREAM, 0, AI_V4MAPPED | AI_ALL],
  ["getaddrinfo", "::1", 80, AF_INET, SOCK_STREAM, 0, AI_V4MAPPED],
  ["getaddrinfo", "localhost", 80, 0, SOCK_STREAM, 0, AI_NUMERICHOST],
  ["getaddrinfo", "127.1", 80, 0, SOCK_STREAM, 0, AI_NUMERICHOST],
  ["getaddrinfo", "\uff11\uff12\uff17.0.0.1", 80, 0, SOCK_STREAM, 0, AI_NUMERICHOST],
  ["getaddrinfo", "127.1", 80, 0, 0, 0, AI_CANONNAME],
  ["getaddrinfo", "fe80::1%lo", 80, 0, SOCK_STREAM, 0, AI_CANONNAME],
  ["getaddrinfo", "localhost", 80, AF_INET, SOCK_STREAM, 0, AI_CANONNAME],
  ["getaddrinfo", null, 80, 0, 0, 0, AI_CANONNAME],
  ["getaddrinfo", null, 80, 0, 0, 0, AI_ADDRCONFIG],
  ["getaddrinfo", "127.0.0.1", 80, 0, 0, 0, AI_ADDRCONFIG],
  ["getaddrinfo", "localhost", 80, AF_INET, 0, 0, AI_ADDRCONFIG],
  ["getaddrinfo", "127.0.0.1", 80, 0, 0, 0, 1 << 11],
  ["getaddrinfo", "127.0.0.1", 80, 0, 0, 0, 0x40],
  ["getaddrinfo", "127.0.0.1", 80, 0, 0, 0, -1],
  // Families.
  ["getaddrinfo", "localhost", 80, AF_UNIX],
  ["getaddrinfo", "localhost", 80, 99],
  ["getaddrinfo", "localhost", 80, -1],
  // Which error comes first.
  ["getaddrinfo", "localhost", "nope", 99, 99, 0, 1 << 11],
  ["getaddrinfo", "localhost", "nope", 99, 99],
  ["getaddrinfo", "localhost", "nope", 0, 99],
  ["getaddrinfo", "nope.invalid", "nope"],
  ["getaddrinfo", "127.0.0.1", "nope", AF_INET6],
  // Names.
  ["getaddrinfo", "nope.invalid", 80],
  ["getaddrinfo", "nope.invalid", 80, AF_INET6, SOCK_STREAM],
  ["getaddrinfo", "b\u00fccher.invalid", 80, 0, SOCK_STREAM],
  ["getaddrinfo", "a b", 80],
  ["getaddrinfo", "a%b", 80],
  ["getaddrinfo", "xn--a", 80],
  ["getaddrinfo", "1.2.3.4.", 80],
  ["getaddrinfo", "::ffff:127.0.0.1%lo", 80, AF_INET],
  ["getaddrinfo", "::ffff:127.0.0.1%1", 80, AF_INET, SOCK_STREAM],
  ["getaddrinfo", "-", 80],
  ["getaddrinfo", 5, 80],
  ["getaddrinfo", "127.0.0.1", 80, "x"],
];

const addresses: unknown[][] = [
  ["127.0.0.1", 80],
  ["127.0.0.1", 0],
  ["127.0.0.1", 514],
  ["127.1", 65535],
  ["::1", 22],
  ["::1", 22, 0, 0],
  ["::1", 22, 0, 1],
  ["fe80::1", 80, 0, 1],
  ["fe80::1%lo", 80],
  ["ff02::1", 80, 5, 1],
];

const nameinfoCalls: Call[] = [
  ...addresses.flatMap((address) =>
    [NI_NUMERICHOST, NI_NUMERICHOST | NI_NUMERICSERV, NI_NUMERICHOST | NI_DGRAM]
      .map((flags): Call => ["getnameinfo", address, flags])
  ),
  ...[0, NI_NAMEREQD, NI_NUMERICSERV, NI_DGRAM, NI_NOFQDN].flatMap((flags): Call[] => [
    ["getnameinfo", ["127.0.0.1", 514], flags],
    ["getnameinfo", ["192.0.2.1", 80], flags],
  ]),
  ["getnameinfo", ["::1", 80], NI_NAMEREQD],
  ["getnameinfo", ["::ffff:127.0.0.1", 22], 0],
  ["getnameinfo", ["::ffff:127.0.0.1", 22], NI_NAMEREQD],
  ["getnameinfo", ["127.0.0.1", 80], NI_NAMEREQD | NI_NUMERICHOST],
  ["getnameinfo", ["fe80::1", 80, 0, 77], NI_NUMERICHOST],
  ["getnameinfo", ["127.0.0.1", 80], 1 << 10],
  ["getnameinfo", ["127.0.0.1", 80], -1],
  ["getnameinfo", ["127.0.0.1", 80, 0], NI_NUMERICHOST],
  ["getnameinfo", ["127.0.0.1", 80, 0, 0], NI_NUMERICHOST],
  ["getnameinfo", ["::1", 80, 0x100000], NI_NUMERICHOST],
  ["getnameinfo", ["127.0.0.1", -1], NI_NUMERICHOST],
  ["getnameinfo", ["localhost", 80], 0],
  ["getnameinfo", ["", 80], 0],
  ["getnameinfo", ["*", 80], 0],
  ["getnameinfo", ["127.0.0.1"], 0],
  ["getnameinfo", ["127.0.0.1", "80"], 0],
  ["getnameinfo", [80, "127.0.0.1"], 0],
];

const hostCalls: Call[] = [
  ...["127.0.0.1", "127.1", "localhost", "::1", "192.0.2.1", ""].flatMap((host): Call[] => [
    ["gethostbyname", host],
    ["gethostbyname_ex", host],
    ["gethostbyaddr", host],
    ["getfqdn", host],
  ]),
  ["gethostbyname", "<broadcast>"],
  ["gethostbyname", "*"],
  ["gethostbyname_ex", "*"],
  ["gethostbyname", "::ffff:192.0.2.1"],
  ["gethostbyaddr", "::ffff:192.0.2.1"],
  ["gethostbyaddr", "::ffff:127.0.0.1"],
  ["gethostbyname", "nope.invalid"],
  ["gethostbyname_ex", "nope.invalid"],
  ["gethostbyaddr", "nope.invalid"],
  ["getfqdn", "nope.invalid"],
  ["getfqdn", " 0.0.0.0 "],
  ["gethostbyaddr", "fe80::1%1"],
  ["gethostbyname", 5],
  ["gethostname"],
];

const interfaceCalls: Call[] = [
  ["if_nametoindex", "lo"],
  ["if_nametoindex", "nope"],
  ["if_nametoindex", ""],
  ["if_indextoname", 1],
  ["if_indextoname", 0],
  ["if_indextoname", 123456],
];

const sizeReason = "glibc takes the lower 16 bits, and connects to a port that nobody named";
const idnaReason = "Python's codec refuses it before the resolver sees it";
const differences: Difference[] = [
  ...[65536, "65536", 2 ** 40, "65616"].map((port): Difference => ({
    call: ["getaddrinfo", "127.0.0.1", port],
    reason: sizeReason,
    ours: EAI_SERVICE,
  })),
  { call: ["getnameinfo", ["127.0.0.1", 65616], 1], reason: sizeReason, ours: EAI_SERVICE },
  ...["a..invalid", ".", `${"a".repeat(64)}.invalid`].map((host): Difference => ({
    call: ["getaddrinfo", host, 80],
    reason: idnaReason,
    ours: EAI_NONAME,
  })),
  {
    call: ["getaddrinfo", "a\0b", 80],
    reason: "a ValueError, of which there is no other",
    ours: { error: "TypeError" },
  },
  {
    call: ["getaddrinfo", "127.0.0.1", 1.5],
    reason: "an OSError, where a fraction is a TypeError throughout the library",
    ours: { error: "TypeError" },
  },
];

/** Whether Python and the C library are those that the list of differences was made with. */
const isPinned = !noPython && python<boolean>(
  `import platform
answer = sys.version_info[:2] == (3, 11) and platform.libc_ver()[1] == "2.36"`,
  null,
);

function show([name, ...args]: Call): string {
  return `${name}(${args.map((arg) => JSON.stringify(arg)).join(", ")})`;
}

async function compare(calls: readonly Call[]): Promise<void> {
  const theirs = askPython(calls);
  const ours = await Promise.all(calls.map(ask));
  const wrong = calls.flatMap((call, i) =>
    sameAnswer(ours[i]!, theirs[i]!)
      ? []
      : [`${show(call)}: ${JSON.stringify(ours[i])}, Python ${JSON.stringify(theirs[i])}`]
  );
  assert.deepEqual(wrong, []);
}

describe("equal to Python", () => {
  const options = { skip: noPython };
  const long = 110_000;

  it(
    `getaddrinfo, ${addrinfoCalls.length} calls`,
    options,
    bounded(() => compare(addrinfoCalls), long),
  );
  it(
    `getnameinfo, ${nameinfoCalls.length} calls`,
    options,
    bounded(() => compare(nameinfoCalls), long),
  );
  it(
    `hosts by name and address, ${hostCalls.length} calls`,
    options,
    bounded(() => compare(hostCalls), long),
  );
  it("interfaces", options, bounded(() => compare(interfaceCalls)));
  it(
    "but for what is listed",
    options,
    bounded(async () => {
      const theirs = askPython(differences.map(({ call }) => call));
      for (const [i, { call, reason, ours }] of differences.entries()) {
        assert.deepEqual(await ask(call), ours, `${show(call)}: ${reason}`);
        if (isPinned) assert.ok(!sameAnswer(theirs[i]!, ours), `${show(call)} is no difference`);
      }
    }, long),
  );
  it("the text of every error", options, () => {
    const texts = python<Record<string, string>>(
      `import ctypes
libc = ctypes.CDLL(None)
libc.gai_strerror.restype = ctypes.c_char_p
answer = {str(n): libc.gai_strerror(n).decode() for n in question}`,
      [-1, -2, -3, -4, -6, -7, -8],
    );
    return Promise.all([
      [["127.0.0.1", 80, 0, 0, 0, 1 << 11], -1],
      [["", 80], -2],
      [["127.0.0.1", 80, 99], -6],
      [["127.0.0.1", 80, 0, 99], -7],
      [["127.0.0.1", "nope"], -8],
    ].map(async ([args, number]) => {
      const error = await rejection(() => getaddrinfo(...args as [string, number]));
      assert.ok(error instanceof GaiError);
      assert.equal(error.errno, number);
      assert.ok(error.message.includes(texts[String(number)]!), error.message);
    })).then(() => {});
  });
});

describe("interfaces", () => {
  it("all of Linux's", {
    skip: noPython ||
      (runtimeName === "deno"
        ? "Deno tells those that are up; their indexes only with --allow-all"
        : false),
  }, () => {
    assert.deepEqual(if_nameindex(), askPython([["if_nameindex"]]).map(value)[0]);
  });
  it("each by name and index", () => {
    const all = if_nameindex();
    assert.ok(all.length > 0);
    for (const [index, name] of all) {
      assert.equal(if_nametoindex(name), index);
      assert.equal(if_indextoname(index), name);
    }
    assert.deepEqual(all, [...all].sort(([a], [b]) => a - b));
  });
  it("what they refuse", () => {
    throws(() => if_nametoindex("nope"), "ENODEV", "if_nametoindex");
    throws(() => if_indextoname(0), "ENXIO", "if_indextoname");
    assert.ok(thrown(() => if_indextoname(-1)) instanceof RangeError);
    assert.ok(thrown(() => if_indextoname(2 ** 32)) instanceof RangeError);
    assert.ok(thrown(() => if_indextoname(1.5)) instanceof TypeError);
    assert.ok(thrown(() => if_nametoindex(1 as never)) instanceof TypeError);
  });
  it("scopes by name there and back", {
    skip: process.platform === "linux"
      ? false
      : "elsewhere the loopback interface is not called lo",
  }, async () => {
    const [[, , , , sockaddr]] = await getaddrinfo("fe80::7%lo", 80, AF_INET6, SOCK_STREAM) as [
      [number, number, number, string, [string, number, number, number]],
    ];
    assert.deepEqual(sockaddr, ["fe80::7", 80, 0, 1]);
    assert.deepEqual(await getnameinfo(sockaddr, NI_NUMERICHOST), ["fe80::7%lo", "http"]);
    assert.deepEqual(await getnameinfo(["2001:db8::1", 80, 0, 1], NI_NUMERICHOST), [
      "2001:db8::1%1",
      "http",
    ]);
  });
});

function value(answer: Answer): unknown {
  return "value" in answer ? answer.value : answer;
}

/** Runs a test with names of its own, on the memory adapter. */
function inMemory(
  body: (adapter: MemoryAdapter) => Promise<void>,
  hosts: Record<string, string[]> = {
    "both.test": ["127.0.0.1", "::1"],
    "four.test": ["127.0.0.1"],
    "six.test": ["::1"],
    "two.test": ["127.0.0.2", "127.0.0.1"],
    "xn--bcher-kva.test": ["127.0.0.3"],
    "xn--fa-hia.test": ["127.0.0.4"],
  },
): () => Promise<void> {
  return bounded(async () => {
    const adapter = createMemoryAdapter({ hosts, hostname: "here.example.org" });
    setAdapter(adapter);
    try {
      await body(adapter);
    } finally {
      adapter.faults.clear();
      setAdapter(undefined);
    }
  });
}

describe("names that are known", () => {
  const numbers = (answers: Awaited<ReturnType<typeof getaddrinfo>>) =>
    answers.map(([, , , , [host]]) => host);

  it(
    "are filtered by family",
    inMemory(async () => {
      const ask = async (host: string, family: number, flags: number = 0) =>
        numbers(await getaddrinfo(host, 1, family, SOCK_STREAM, 0, flags));
      assert.deepEqual(await ask("both.test", AF_UNSPEC), ["127.0.0.1", "::1"]);
      assert.deepEqual(await ask("both.test", AF_INET), ["127.0.0.1"]);
      assert.deepEqual(await ask("both.test", AF_INET6), ["::1"]);
      assert.deepEqual(await ask("both.test", AF_INET6, AI_V4MAPPED), ["::1"]);
      assert.deepEqual(await ask("both.test", AF_INET6, AI_V4MAPPED | AI_ALL), [
        "::ffff:127.0.0.1",
        "::1",
      ]);
      assert.deepEqual(await ask("four.test", AF_INET6, AI_V4MAPPED), ["::ffff:127.0.0.1"]);
      await rejects(() => ask("four.test", AF_INET6), "EAI_NONAME", "getaddrinfo");
    }),
  );
  it(
    "come once for each kind of socket",
    inMemory(async () => {
      assert.deepEqual(await getaddrinfo("both.test", "domain", 0, 0, 0, AI_CANONNAME), [
        [AF_INET, SOCK_STREAM, IPPROTO_TCP, "both.test", ["127.0.0.1", 53]],
        [AF_INET, SOCK_DGRAM, IPPROTO_UDP, "", ["127.0.0.1", 53]],
        [AF_INET6, SOCK_STREAM, IPPROTO_TCP, "", ["::1", 53, 0, 0]],
        [AF_INET6, SOCK_DGRAM, IPPROTO_UDP, "", ["::1", 53, 0, 0]],
      ]);
    }),
  );
  it(
    "are international as UTS 46 has it",
    inMemory(async () => {
      for (const name of ["b\u00fccher.test", "B\u00dcCHER\u3002test", "bu\u0308cher.TEST"]) {
        const [answer] = await getaddrinfo(name, 1, AF_INET, SOCK_STREAM, 0, AI_CANONNAME);
        assert.deepEqual(answer, [
          AF_INET,
          SOCK_STREAM,
          IPPROTO_TCP,
          "xn--bcher-kva.test",
          ["127.0.0.3", 1],
        ]);
      }
      // IDNA 2003, which Python's codec follows, would make "fass" of it.
      assert.equal(await gethostbyname("fa\u00df.test"), "127.0.0.4");
      for (const name of ["\u00fc b", "\u00fc/b", "\u00fc@b", "\u00fc:80", "\u00fc%41", "\ufffd"]) {
        await rejects(() => gethostbyname(name), "EAI_NONAME");
      }
    }),
  );
  it(
    "have a name for their address",
    inMemory(async (adapter) => {
      assert.deepEqual(await gethostbyname_ex("two.test"), ["two.test", [], [
        "127.0.0.2",
        "127.0.0.1",
      ]]);
      assert.deepEqual(await gethostbyaddr("127.0.0.2"), ["two.test", [], ["127.0.0.2"]]);
      assert.deepEqual(await gethostbyaddr("two.test"), ["two.test", [], ["127.0.0.2"]]);
      assert.equal(await getfqdn("127.0.0.3"), "xn--bcher-kva.test");
      assert.equal(await getfqdn(), "here.example.org");
      await rejects(() => gethostbyaddr("127.0.0.9"), "HOST_NOT_FOUND", "gethostbyaddr");
      assert.deepEqual(await getnameinfo(["127.0.0.9", 80], 0), ["127.0.0.9", "http"]);
      await rejects(() => getnameinfo(["127.0.0.9", 80], NI_NAMEREQD), "EAI_NONAME", "getnameinfo");
      adapter.faults.failLookup(undefined, "EAI_AGAIN");
      await rejects(() => gethostbyname("two.test"), "EAI_AGAIN", "getaddrinfo");
    }),
  );
  it(
    "are cut by NI_NOFQDN in the own domain",
    inMemory(async () => {
      const nameOf = async (host: string) => (await getnameinfo([host, 80], NI_NOFQDN))[0];
      assert.equal(await nameOf("127.0.0.5"), "mail");
      assert.equal(await nameOf("127.0.0.6"), "www.example.com");
      assert.equal(await nameOf("127.0.0.7"), "deep.mail");
      assert.equal(await nameOf("127.0.0.1"), "localhost");
    }, {
      "mail.example.org": ["127.0.0.5"],
      "www.example.com": ["127.0.0.6"],
      "deep.mail.example.org": ["127.0.0.7"],
    }),
  );
  it(
    "are tried one after another by connect",
    inMemory(async () => {
      const server = socket();
      await server.bind(["127.0.0.1", 7]);
      await server.listen();
      const s = socket();
      await s.connect(["two.test", 7]);
      assert.deepEqual(s.getpeername(), ["127.0.0.1", 7]);
      await Promise.all([s.close(), server.close()]);
    }),
  );
});

describe("waiting for the resolver", () => {
  it(
    "is ended by the socket's timeout",
    inMemory(async (adapter) => {
      adapter.faults.hangLookup();
      const s = socket();
      s.settimeout(0.05);
      const error = await rejection(() => s.connect(["both.test", 80]));
      assert.ok(error instanceof TimeoutError, String(error));
      assertCode(error, "ETIMEDOUT", "connect");
    }),
  );
  it(
    "is ended by a signal",
    inMemory(async (adapter) => {
      adapter.faults.hangLookup();
      // Not taken for an error of the call.
      const reason = new SocketError("enough", { code: "ECANCELED" });
      const calls = [
        (signal: AbortSignal) => socket().connect(["both.test", 80], { signal }),
        (signal: AbortSignal) => socket().connect_ex(["both.test", 80], { signal }),
        (signal: AbortSignal) => getaddrinfo("both.test", 80, 0, 0, 0, 0, { signal }),
        (signal: AbortSignal) => gethostbyname("both.test", { signal }),
        (signal: AbortSignal) => gethostbyname_ex("both.test", { signal }),
        (signal: AbortSignal) => gethostbyaddr("both.test", { signal }),
        (signal: AbortSignal) => getfqdn("both.test", { signal }),
      ];
      for (const call of calls) {
        const abort = new AbortController();
        const failing = rejection(() => call(abort.signal));
        await sleep(10);
        abort.abort(reason);
        assert.equal(await failing, reason);
        assert.equal(await rejection(() => call(AbortSignal.abort(reason))), reason);
      }
      // Also where nothing would have to be looked up.
      const signal = AbortSignal.abort(reason);
      for (
        const call of [
          () => getaddrinfo("127.0.0.1", 80, 0, 0, 0, 0, { signal }),
          () => getnameinfo(["127.0.0.1", 80], NI_NUMERICHOST | NI_NUMERICSERV, { signal }),
        ]
      ) {
        assert.equal(await rejection(call), reason);
      }
    }),
  );
  it(
    "is ended by close",
    inMemory(async (adapter) => {
      adapter.faults.hangLookup();
      const s = socket();
      const failing = rejection(() => s.connect(["both.test", 80]));
      await sleep(10);
      await s.close();
      assertCode(await failing, "EBADF", "connect");
    }),
  );
  it(
    "is not needed for what is numeric",
    inMemory(async (adapter) => {
      adapter.faults.hangLookup();
      assert.equal((await getaddrinfo("127.0.0.1", 80)).length, 3);
      assert.equal(await gethostbyname("127.1"), "127.0.0.1");
      await rejects(() => gethostbyname("::1"), "EAI_ADDRFAMILY");
    }),
  );
});

describe("arguments", () => {
  it("of the wrong kind", async () => {
    const calls: Array<() => Promise<unknown>> = [
      () => getaddrinfo(undefined as never, 80),
      () => getaddrinfo("localhost", undefined as never),
      () => getaddrinfo("localhost", 1.5),
      () => getaddrinfo("localhost", NaN),
      () => getaddrinfo("localhost", 80, 0.5),
      () => getaddrinfo("localhost", 80, 0, 0, 0, 0, { signal: 1 as never }),
      () => getnameinfo("localhost" as never, 0),
      () => getnameinfo(["127.0.0.1", 80, 0, 0, 0] as never, 0),
      () => getnameinfo(["127.0.0.1", 80], undefined as never),
      () => gethostbyname(null as never),
      () => gethostbyname_ex("a\0b"),
      () => gethostbyaddr(1 as never),
      () => getfqdn(1 as never),
    ];
    for (const call of calls) {
      const error = await rejection(call);
      assert.ok(error instanceof TypeError, `${call}: ${error}`);
    }
  });
  it("out of range", async () => {
    const wrong: Array<Parameters<typeof getnameinfo>[0]> = [
      ["::1", 80, -1],
      ["::1", 80, 0x100000],
      ["::1", 80, 0, -1],
    ];
    for (const sockaddr of wrong) {
      assert.ok(await rejection(() => getnameinfo(sockaddr, 0)) instanceof RangeError);
    }
    await rejects(() => getaddrinfo("127.0.0.1", 65536), "EAI_SERVICE", "getaddrinfo");
    await rejects(() => getnameinfo(["127.0.0.1", 65536], 0), "EAI_SERVICE");
    await rejects(() => getaddrinfo("127.0.0.1", -1), "EAI_SERVICE", "getaddrinfo");
  });
});

const notDeno = runtimeName === "deno" ? false : "permissions are Deno's";

/** Makes calls in a program of its own that has these permissions only. */
async function permitted(permissions: readonly string[], calls: readonly Call[]) {
  const path = new URL("./peers/names.ts", import.meta.url);
  const program = start(launch(path, [JSON.stringify(calls)], { permissions }));
  const answers: Array<Answer & { message?: string }> = [];
  try {
    for await (const line of program.lines()) answers.push(JSON.parse(line));
  } finally {
    await program[Symbol.asyncDispose]();
  }
  assert.equal(answers.length, calls.length, program.stderr);
  return answers;
}

describe("permissions of Deno", () => {
  it(
    "for a name at a port suffice to connect there",
    {
      skip: notDeno,
    },
    bounded(async (scope) => {
      const server = scope.add(socket());
      await server.bind(["127.0.0.1", 0]);
      await server.listen();
      const [, port] = server.getsockname();
      const answers = await permitted([`--allow-net=localhost:${port}`], [
        ["connect", AF_INET, ["localhost", port]],
        ["connect", AF_INET, ["localhost", port], { linger: true }],
        ["create_connection", ["localhost", port]],
        ["getaddrinfo", "localhost", port, AF_INET, SOCK_STREAM],
        ["connect", AF_INET, ["127.0.0.1", port]],
        ["connect", AF_INET, ["localhost", port + 1]],
        ["getaddrinfo", "localhost", 80],
      ]);
      const peer = { value: ["127.0.0.1", port] };
      const [first, second, third, found, ...denied] = answers;
      assert.deepEqual([first, second, third], [peer, peer, peer]);
      assert.deepEqual(found, { value: [[AF_INET, SOCK_STREAM, 6, "", ["127.0.0.1", port]]] });
      for (const { error, errno, message } of denied as Array<Record<string, unknown>>) {
        assert.deepEqual([error, errno], ["OSError", 13], String(message));
        assert.match(String(message), /--allow-net/);
      }
    }),
  );
  it(
    "for a name suffice to connect to any port of it",
    {
      skip: notDeno,
    },
    bounded(async (scope) => {
      const server = scope.add(socket());
      await server.bind(["127.0.0.1", 0]);
      await server.listen();
      const [, port] = server.getsockname();
      const [answer] = await permitted(["--allow-net=localhost"], [
        ["connect", AF_INET, ["localhost", port]],
      ]);
      assert.deepEqual(answer, { value: ["127.0.0.1", port] });
    }),
  );
  it(
    "that are missing are EACCES with the flag to add",
    {
      skip: notDeno,
    },
    bounded(async () => {
      const rows: Array<[flag: RegExp, call: Call]> = [
        [/--allow-net=localhost flag/, ["gethostbyname", "localhost"]],
        [/--allow-net=localhost flag/, ["gethostbyname_ex", "localhost"]],
        [/--allow-net=localhost:80 flag/, ["getaddrinfo", "localhost", 80]],
        [/^gethostbyaddr EACCES.*--allow-net=127.0.0.1 flag/, ["gethostbyaddr", "127.0.0.1"]],
        [/--allow-net=127.0.0.1:80 flag/, ["getnameinfo", ["127.0.0.1", 80], 0]],
        [/--allow-net=\[::1\]:80 flag/, ["getnameinfo", ["::1", 80], 0]],
        [/--allow-net=localhost flag/, ["getfqdn", "localhost"]],
        [/--allow-net=localhost:80 flag/, ["connect", AF_INET, ["localhost", 80]]],
        [/"hostname".*--allow-sys/, ["gethostname"]],
        [/"hostname".*--allow-sys/, ["getfqdn"]],
        [/"networkInterfaces".*--allow-sys/, ["if_nameindex"]],
        [/"networkInterfaces".*--allow-sys/, ["if_nametoindex", "lo"]],
        [/"networkInterfaces".*--allow-sys/, ["if_indextoname", 1]],
        [/"networkInterfaces".*--allow-sys/, ["getaddrinfo", "fe80::1%lo", 80]],
        [/"networkInterfaces".*--allow-sys/, ["getaddrinfo", "::1", 80, 0, 0, 0, AI_ADDRCONFIG]],
      ];
      const answers = await permitted([], rows.map(([, call]) => call));
      for (const [i, answer] of answers.entries()) {
        const [flag, call] = rows[i]!;
        const { error, errno, message } = answer as Record<string, unknown>;
        assert.deepEqual([error, errno], ["OSError", 13], `${show(call)}: ${message}`);
        assert.match(String(message), flag, show(call));
      }
    }),
  );
  it(
    "are not needed for what is numeric or in the library",
    {
      skip: notDeno,
    },
    bounded(async () => {
      const calls: Call[] = [
        ["getaddrinfo", "127.0.0.1", "http"],
        ["getaddrinfo", "fe80::1%1", 80],
        ["getnameinfo", ["::1", 80], NI_NUMERICHOST],
        ["getnameinfo", ["fe80::1", 80, 0, 1], NI_NUMERICHOST],
        ["gethostbyname", "127.1"],
        ["getservbyname", "http"],
        ["getservbyport", 80],
        ["getprotobyname", "tcp"],
        ["htons", 1],
        ["inet_aton", "127.1"],
        ["inet_pton", AF_INET6, "::1"],
      ];
      const answers = await permitted([], calls);
      for (const [i, answer] of answers.entries()) {
        assert.ok("value" in answer, `${show(calls[i]!)}: ${answer.message}`);
      }
      assert.deepEqual(answers[3], { value: ["fe80::1%1", "http"] });
    }),
  );
  it(
    "for all make every interface known",
    {
      skip: notDeno || noPython,
    },
    bounded(async () => {
      const [answer] = await permitted(["--allow-all"], [["if_nameindex"]]);
      assert.deepEqual(answer, askPython([["if_nameindex"]])[0]);
    }),
  );
});

it("gethostname is the system's", { skip: noPython }, () => {
  assert.equal(gethostname(), value(askPython([["gethostname"]])[0]!));
});
