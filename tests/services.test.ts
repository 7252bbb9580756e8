// Service and protocol names: known values, errors, and every entry of the tables against Python.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { getprotobyname, getservbyname, getservbyport, SocketError } from "../mod.ts";
import { noPython, python } from "./support/python.ts";

// The files that core/names/services_data.ts was made from, as its header says.
const edition = {
  "/etc/services": "f6183055fd949f9c53d49ee620f85d0150123ea691d25ed1bba0c641b4ee2f48",
  "/etc/protocols": "4959498abbadaa1e50894a266f8d0d94500101cfe5b5f09dcad82e9d5bdfab46",
};
const notComparable = noPython || otherEdition();

function otherEdition(): string | false {
  for (const [path, hash] of Object.entries(edition)) {
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch (error) {
      return `${path} cannot be read: ${error instanceof Error ? error.message : error}`;
    }
    if (createHash("sha256").update(text).digest("hex") !== hash) {
      return `${path} is not that of netbase 6.4, which the library's table was made from`;
    }
  }
  return false;
}

test("getservbyname", () => {
  assert.equal(getservbyname("http"), 80);
  assert.equal(getservbyname("http", "tcp"), 80);
  assert.equal(getservbyname("www"), 80);
  assert.equal(getservbyname("domain", "tcp"), 53);
  assert.equal(getservbyname("domain", "udp"), 53);
  assert.equal(getservbyname("ntp"), 123);
  assert.equal(getservbyname("syslog", "udp"), 514);
  const unknown = {
    name: "SocketError",
    syscall: "getservbyname",
    message: /^getservbyname ENOENT: No such file or directory \(service\/proto not found: "/,
  };
  for (
    const [name, protocol] of [
      ["nope"],
      [""],
      ["HTTP"],
      ["http "],
      ["80"],
      ["http/tcp"],
      ["http\ntcp"],
      ["constructor"],
      ["http", "udp"],
      ["http", ""],
      ["http", "TCP"],
      ["ntp", "tcp"],
      ["http", "nope"],
    ] as [string, string?][]
  ) {
    assert.throws(() => getservbyname(name, protocol), unknown, `${name} ${protocol}`);
    assert.throws(() => getservbyname(name, protocol), SocketError);
  }
});

test("getservbyport", () => {
  assert.equal(getservbyport(80), "http");
  assert.equal(getservbyport(443, "tcp"), "https");
  assert.equal(getservbyport(514, "tcp"), "shell");
  assert.equal(getservbyport(514, "udp"), "syslog");
  assert.equal(getservbyport(514), "shell");
  const unknown = {
    name: "SocketError",
    syscall: "getservbyport",
    message: /^getservbyport ENOENT: No such file or directory \(port\/proto not found: \d/,
  };
  for (
    const [port, protocol] of [[0], [65535], [80, "udp"], [80, ""], [80, "TCP"]] as [
      number,
      string?,
    ][]
  ) {
    assert.throws(() => getservbyport(port, protocol), unknown, `${port} ${protocol}`);
  }
});

test("getprotobyname", () => {
  assert.equal(getprotobyname("tcp"), 6);
  assert.equal(getprotobyname("UDP"), 17);
  assert.equal(getprotobyname("ipv6"), 41);
  assert.equal(getprotobyname("IPv6"), 41);
  const unknown = {
    name: "SocketError",
    syscall: "getprotobyname",
    message: /^getprotobyname ENOENT: No such file or directory \(protocol not found: "/,
  };
  for (const name of ["nope", "", "Tcp", "6", "IPV6"]) {
    assert.throws(() => getprotobyname(name), unknown, name);
  }
});

test("wrong arguments", () => {
  for (const value of [null, undefined, 80, Uint8Array.of(1), {}]) {
    assert.throws(() => getservbyname(value as string), TypeError);
    assert.throws(() => getprotobyname(value as string), TypeError);
    if (value === undefined) continue;
    assert.throws(() => getservbyname("http", value as string), TypeError);
    assert.throws(() => getservbyport(80, value as string), TypeError);
  }
  for (const value of [null, undefined, "80", 80.5, 80n]) {
    assert.throws(() => getservbyport(value as number), TypeError);
  }
  for (const value of [-1, 65536, 2 ** 31, -(2 ** 53)]) {
    assert.throws(() => getservbyport(value), {
      name: "RangeError",
      message: new RegExp(`${value}`),
    });
  }
});

test("every entry of the tables gives what Python gives", { skip: notComparable }, () => {
  const services = entries("/etc/services");
  const transports = new Set(services.map(([, where]) => where!.split("/")[1]!));
  const protocols = [...transports, "dccp", "TCP", "", undefined];

  const names = new Set<string>();
  const ports = new Set<number>([0, 65535]);
  for (const [name, where, ...aliases] of services) {
    for (const each of [name!, ...aliases]) names.add(each).add(each.toUpperCase()).add(`${each}x`);
    const port = Number(where!.split("/")[0]);
    for (const each of [port - 1, port, Math.min(port + 1, 65535)]) ports.add(each);
  }
  const protocolNames = new Set<string>();
  for (const [name, , ...aliases] of entries("/etc/protocols")) {
    for (const each of [name!, ...aliases]) {
      protocolNames.add(each).add(each.toUpperCase()).add(each.toLowerCase()).add(`${each}x`);
    }
  }
  assert.ok(names.size > 600 && ports.size > 400 && protocolNames.size > 100);

  const cross = <T>(items: Set<T>): [T, string?][] =>
    [...items].flatMap((item) =>
      protocols.map((each): [T, string?] => each === undefined ? [item] : [item, each])
    );
  const questions = {
    getservbyname: cross(names),
    getservbyport: cross(ports),
    getprotobyname: [...protocolNames].map((name): [string] => [name]),
  };
  const answers = python<Record<string, (string | number)[]>>(
    `
import socket
def one(function, arguments):
    try:
        return function(*arguments)
    except OSError as error:
        return "OSError: " + str(error)
answer = {
    name: [one(getattr(socket, name), arguments) for arguments in calls]
    for name, calls in question.items()
}`,
    questions,
  );

  compare("getservbyname", questions.getservbyname, (call) => getservbyname(...call));
  compare("getservbyport", questions.getservbyport, (call) => getservbyport(...call));
  compare("getprotobyname", questions.getprotobyname, (call) => getprotobyname(...call));

  function compare<T>(name: string, calls: T[], ask: (call: T) => string | number): void {
    calls.forEach((call, i) => {
      let actual: string | number;
      try {
        actual = ask(call);
      } catch (error) {
        assert.ok(error instanceof SocketError, String(error));
        // Python has these words alone.
        actual = `OSError: ${/\((.* not found): /.exec(error.message)?.[1]}`;
      }
      assert.equal(actual, answers[name]![i], `${name} of ${JSON.stringify(call)}`);
    });
  }
});

/** The lines of such a file as words, without comments. */
function entries(path: string): string[][] {
  return readFileSync(path, "utf8").split("\n").map((line) => line.replace(/#.*/, "").trim())
    .filter((line) => line !== "").map((line) => line.split(/\s+/));
}
