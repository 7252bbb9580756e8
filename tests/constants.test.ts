// The constants and the errno table, compared with Python's on Linux.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as socket from "../mod.ts";
import { noPython, python } from "./support/python.ts";

const constants = Object.entries<unknown>(socket).filter(
  (entry): entry is [string, number | boolean] => ["number", "boolean"].includes(typeof entry[1]),
);

test("the values are those of Linux", () => {
  assert.equal(socket.AF_INET, 2);
  assert.equal(socket.AF_INET6, 10);
  assert.equal(socket.SOCK_STREAM, 1);
  assert.equal(socket.SOL_SOCKET, 1);
  assert.equal(socket.SO_REUSEADDR, 2);
  assert.equal(socket.IPPROTO_TCP, 6);
  assert.equal(socket.MSG_DONTWAIT, 0x40);
  assert.equal(socket.EAI_NONAME, -2);
  assert.equal(socket.INADDR_LOOPBACK, 0x7f000001);
  assert.equal(socket.INADDR_BROADCAST, 0xffffffff);
  assert.equal(socket.has_ipv6, true);
  assert.equal(socket.errno.ECONNREFUSED, 111);
  assert.equal(socket.errno.EWOULDBLOCK, socket.errno.EAGAIN);
});

test("the constants have literal types", () => {
  const family: 2 = socket.AF_INET;
  const failure: -2 = socket.EAI_NONAME;
  const refused: 111 = socket.errno.ECONNREFUSED;
  assert.deepEqual([family, failure, refused], [2, -2, 111]);
});

test("every group is there, and the names say what they are", () => {
  const groups = ["AF", "SOCK", "SOL", "SO", "IPPROTO", "TCP", "IP", "IPV6", "MSG", "SHUT", "AI"]
    .concat(["NI", "EAI", "INADDR"]);
  for (const group of groups) {
    assert.ok(constants.some(([name]) => name.startsWith(`${group}_`)), group);
  }
  for (const [name] of constants) {
    const known = groups.some((group) => name.startsWith(`${group}_`)) ||
      ["SOMAXCONN", "has_ipv6", "IPPORT_RESERVED", "IPPORT_USERRESERVED"].includes(name);
    assert.ok(known, name);
  }
});

test("every constant is equal to Python's", { skip: noPython }, () => {
  // Python has no name for these; the values are those of Linux's <linux/in.h>.
  const notInPython = ["IP_ADD_SOURCE_MEMBERSHIP", "IP_DROP_SOURCE_MEMBERSHIP"];
  const answers = python<(number | boolean | null)[]>(
    "import socket\nanswer = [getattr(socket, name, None) for name in question]",
    constants.map(([name]) => name),
  );
  constants.forEach(([name, value], i) => {
    if (answers[i] === null) assert.ok(notInPython.includes(name), `Python has no ${name}`);
    else assert.equal(value, answers[i], name);
  });
});

test("the errno table is equal to Python's", { skip: noPython }, () => {
  const answer = python<Record<string, number>>(
    "import errno\nanswer = {name: getattr(errno, name) for name in dir(errno) if name[0] == 'E'}",
    null,
  );
  // Python lacks this one before 3.14.
  assert.deepEqual({ ...socket.errno }, { ...answer, EHWPOISON: 133 });
});
