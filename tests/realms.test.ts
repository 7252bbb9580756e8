/** Arguments of another realm, as tests have them in the environments of Jest and Vitest: `instanceof` does not know them. */

import assert from "node:assert/strict";
import { Blob as BlobOfNode } from "node:buffer";
import { describe, it } from "node:test";
import { runInNewContext } from "node:vm";
import {
  AF_INET,
  AF_UNIX,
  IPPROTO_TCP,
  SOCK_DGRAM,
  socket,
  socketpair,
  TCP_NODELAY,
} from "../mod.ts";
import { receive, text } from "./support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { bounded, rejection } from "./support/scope.ts";
import { noUnix } from "./support/tcp.ts";

function foreign<T>(code: string): T {
  const value = runInNewContext(code);
  assert.ok(!(value instanceof Object), code);
  return value;
}

describe("of another realm", () => {
  it(
    "bytes are sent, received into and set as options",
    bounded(async (scope) => {
      const [a, b] = await socketpair(AF_INET);
      scope.add(a);
      scope.add(b);
      const buffer = foreign<ArrayBuffer>("new Uint8Array([104, 105]).buffer");
      const bytes = foreign<Uint8Array>("new Uint8Array([33])");
      await a.sendall(buffer);
      await a.sendmsg([buffer, bytes]);
      assert.equal(text(await receive(b, 5)), "hihi!");
      await a.sendall("ok");
      assert.equal(await b.recv_into(buffer), 2);
      assert.equal(text(new Uint8Array(buffer)), "ok");
      a.setsockopt(IPPROTO_TCP, TCP_NODELAY, foreign<ArrayBuffer>("new Int32Array([1]).buffer"));
      assert.equal(a.getsockopt(IPPROTO_TCP, TCP_NODELAY), 1);
      const s = scope.add(socket(AF_INET, SOCK_DGRAM));
      await s.bind(["127.0.0.1", 0]);
      await s.sendto(buffer, s.getsockname());
      assert.equal(text(await s.recv(9)), "ok");
    }),
  );

  it(
    "the bytes of a UNIX address are one",
    { skip: noUnix },
    bounded(async (scope) => {
      const s = scope.add(socket(AF_UNIX));
      const name = `bsdsock-realm-${Math.random()}`;
      const codes = [0, ...new TextEncoder().encode(name)];
      await s.bind(foreign<Uint8Array>(`new Uint8Array([${codes}])`));
      assert.equal(s.getsockname(), `\0${name}`);
    }),
  );

  it(
    "a blob is a file",
    bounded(async (scope) => {
      const [a, b] = await socketpair(AF_INET);
      scope.add(a);
      scope.add(b);
      const own = Object.getOwnPropertyDescriptor(globalThis, "Blob")!;
      Object.defineProperty(globalThis, "Blob", { value: class {}, configurable: true });
      try {
        assert.equal(await a.sendfile(new BlobOfNode(["hello"]) as Blob, 1), 4);
      } finally {
        Object.defineProperty(globalThis, "Blob", own);
      }
      assert.equal(text(await receive(b, 4)), "ello");
    }),
  );

  it(
    "what only looks like bytes is none",
    bounded(async (scope) => {
      const [a, b] = await socketpair(AF_INET);
      scope.add(a);
      scope.add(b);
      const shared = foreign<ArrayBuffer>("new SharedArrayBuffer(2)");
      const named = foreign<ArrayBuffer>(
        '({ [Symbol.toStringTag]: "ArrayBuffer", byteLength: 2 })',
      );
      for (const value of [shared, named]) {
        assert.ok(await rejection(() => a.sendall(value)) instanceof TypeError);
      }
    }),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
