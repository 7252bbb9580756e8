// hton*, ntoh* and inet_*: known values, errors, and a comparison with Python.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  htonl,
  htons,
  inet_aton,
  inet_ntoa,
  inet_ntop,
  inet_pton,
  ntohl,
  ntohs,
  SocketError,
} from "../mod.ts";
import { noPython, python } from "./support/python.ts";

const littleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

test("byte order of 16 and 32 bits", () => {
  assert.equal(htons(0x1234), littleEndian ? 0x3412 : 0x1234);
  assert.equal(htonl(0x12345678), littleEndian ? 0x78563412 : 0x12345678);
  for (const value of [0, 1, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff]) {
    assert.equal(ntohs(htons(value)), value);
    assert.equal(ntohs(value), htons(value));
  }
  for (const value of [0, 1, 0xff, 0x7fffffff, 0x80000000, 0xfedcba98, 0xffffffff]) {
    assert.equal(ntohl(htonl(value)), value);
    assert.equal(ntohl(value), htonl(value));
  }
});

test("byte order checks its argument", () => {
  for (const [convert, bits] of [[htons, 16], [ntohs, 16], [htonl, 32], [ntohl, 32]] as const) {
    for (const value of [-1, 2 ** bits, -(2 ** 40), 2 ** 53]) {
      assert.throws(() => convert(value), (error) => {
        assert.ok(error instanceof RangeError);
        assert.match(error.message, new RegExp(`${convert.name}.*${value}`));
        return true;
      });
    }
    for (const value of [0.5, "1", null, undefined, 1n, true, [1]]) {
      assert.throws(() => convert(value as number), TypeError, String(value));
    }
  }
});

test("inet_aton takes the classic forms", () => {
  const forms: [string, ...number[]][] = [
    ["127.0.0.1", 127, 0, 0, 1],
    ["127.1", 127, 0, 0, 1],
    ["10.1.515", 10, 1, 2, 3],
    ["0", 0, 0, 0, 0],
    ["1", 0, 0, 0, 1],
    ["2130706433", 127, 0, 0, 1],
    ["0x7f000001", 127, 0, 0, 1],
    ["0X7F.1", 127, 0, 0, 1],
    ["0177.0.0.1", 127, 0, 0, 1],
    ["017700000001", 127, 0, 0, 1],
    ["4294967295", 255, 255, 255, 255],
    ["255.16777215", 255, 255, 255, 255],
    ["255.255.65535", 255, 255, 255, 255],
    ["00000000001.2.3.4", 1, 2, 3, 4],
    ["1.2.3.4 and more", 1, 2, 3, 4],
    ["1.2.3.4\n", 1, 2, 3, 4],
  ];
  for (const [text, ...bytes] of forms) {
    assert.deepEqual(inet_aton(text), Uint8Array.from(bytes), text);
  }
});

test("inet_aton refuses anything else", () => {
  const refused = [
    "",
    " ",
    " 1.2.3.4",
    "1.2.3.4.",
    "1..2",
    ".1",
    "1.2.3.4.5",
    "256.1",
    "1.2.3.256",
  ];
  refused.push("4294967296", "1.16777216", "1.2.65536", "08", "0x", "0xg", "1.2.3.4x", "-1", "+1");
  refused.push(
    "1e3",
    "localhost",
    "::1",
    "1,2,3,4",
    "١.2.3.4",
    "1.2.3.4\u00a0",
    "1.2.3.4\0",
    "0b1",
  );
  for (const text of refused) {
    assert.throws(() => inet_aton(text), illegal("inet_aton"), JSON.stringify(text));
  }
});

test("inet_pton is strict", () => {
  assert.deepEqual(inet_pton(AF_INET, "192.0.2.255"), Uint8Array.of(192, 0, 2, 255));
  for (
    const text of ["", "127.1", "1.2.3.4 ", " 1.2.3.4", "01.2.3.4", "1.2.3.256", "::1", "0x1.2.3.4"]
  ) {
    assert.throws(() => inet_pton(AF_INET, text), illegal("inet_pton"), JSON.stringify(text));
  }

  const v6: [string, string][] = [
    ["::", "00000000000000000000000000000000"],
    ["::1", "00000000000000000000000000000001"],
    ["1::", "00010000000000000000000000000000"],
    ["2001:DB8::A:0", "20010db80000000000000000000a0000"],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
    ["::2:3:4:5:6:7:8", "00000002000300040005000600070008"],
    ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
    ["1:2:3:4:5:6:192.0.2.1", "000100020003000400050006c0000201"],
    ["0001:0002:0003:0004:0005:0006:255.255.255.255", "000100020003000400050006ffffffff"],
  ];
  for (const [text, hex] of v6) assert.equal(toHex(inet_pton(AF_INET6, text)), hex, text);
  const refused = ["", ":", ":::", "1", "1:", ":1", "::1:", "1::2::3", "12345::", "g::", "::1%lo"];
  refused.push(
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "1:2:3:4:5:6:7",
    "[::1]",
    "::1.2.3",
    "::01.2.3.4",
  );
  refused.push("1.2.3.4", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::1 ", " ::1", "::١", "::1\0");
  for (const text of refused) {
    assert.throws(() => inet_pton(AF_INET6, text), illegal("inet_pton"), JSON.stringify(text));
  }
});

test("inet_ntoa and inet_ntop give the text of RFC 5952", () => {
  assert.equal(inet_ntoa(Uint8Array.of(192, 0, 2, 1)), "192.0.2.1");
  assert.equal(inet_ntop(AF_INET, Uint8Array.of(0, 0, 0, 0)), "0.0.0.0");
  const v6: [string, string][] = [
    ["00000000000000000000000000000000", "::"],
    ["00000000000000000000000000000001", "::1"],
    ["00010000000000000000000000000000", "1::"],
    ["20010db8000000000001000000000001", "2001:db8::1:0:0:1"],
    ["20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"],
    ["00010000000000020000000000000003", "1:0:0:2::3"],
    ["00000000000000000000ffffc0000201", "::ffff:192.0.2.1"],
    ["000000000000000000000000c0000201", "::192.0.2.1"],
    ["0000000000000000000000000001ffff", "::0.1.255.255"],
    ["0000000000000000ffff0000c0000201", "::ffff:0:c000:201"],
    ["00010002000300040005000600070000", "1:2:3:4:5:6:7:0"],
  ];
  for (const [hex, text] of v6) assert.equal(inet_ntop(AF_INET6, fromHex(hex)), text);
});

test("packed addresses may be any bytes", () => {
  const bytes = Uint8Array.of(9, 127, 0, 0, 1, 9);
  assert.equal(inet_ntoa(bytes.subarray(1, 5)), "127.0.0.1");
  assert.equal(inet_ntoa(new DataView(bytes.buffer, 1, 4)), "127.0.0.1");
  assert.equal(inet_ntop(AF_INET, bytes.slice(1, 5).buffer), "127.0.0.1");
  assert.equal(inet_ntop(AF_INET6, new Uint16Array(8)), "::");
});

test("results belong to the caller", () => {
  inet_aton("1.2.3.4").fill(0);
  assert.deepEqual(inet_aton("1.2.3.4"), Uint8Array.of(1, 2, 3, 4));
  assert.equal(inet_pton(AF_INET6, "::1").buffer.byteLength, 16);
});

test("wrong arguments of inet_*", () => {
  for (const value of [null, undefined, 1, Uint8Array.of(1), {}]) {
    assert.throws(() => inet_aton(value as string), TypeError);
    assert.throws(() => inet_pton(AF_INET, value as string), TypeError);
  }
  for (const value of [null, undefined, 1, "1234", [1, 2, 3, 4], {}]) {
    assert.throws(() => inet_ntoa(value as Uint8Array), TypeError);
    assert.throws(() => inet_ntop(AF_INET, value as Uint8Array), TypeError);
  }
  assert.throws(() => inet_ntop(AF_INET, null as never), {
    message: "packed_ip must be bytes, not null",
  });
  assert.throws(() => inet_ntoa(new Uint8Array(3)), {
    name: "SocketError",
    code: "EINVAL",
    syscall: "inet_ntoa",
    message: "inet_ntoa EINVAL: Invalid argument (packed IP wrong length: 3 bytes)",
  });
  for (const [family, length] of [[AF_INET, 16], [AF_INET6, 4], [AF_INET, 0]] as const) {
    assert.throws(
      () => inet_ntop(family, new Uint8Array(length)),
      { name: "RangeError", message: /^invalid length of packed IP address string/ },
    );
  }
  for (const family of [AF_UNIX, 0, -1, 99]) {
    const unsupported = { name: "SocketError", code: "EAFNOSUPPORT", errno: 97 };
    assert.throws(() => inet_pton(family, "1.2.3.4"), unsupported);
    assert.throws(() => inet_ntop(family, new Uint8Array(4)), unsupported);
  }
  for (const family of ["2", null, 2.5]) {
    assert.throws(() => inet_pton(family as number, "1.2.3.4"), TypeError);
    assert.throws(() => inet_ntop(family as number, new Uint8Array(4)), TypeError);
  }
});

test("10,000 strings and bytes give what Python gives", { skip: noPython }, () => {
  const random = generator(0x5eed);
  const below = (limit: number): number => Math.floor(random() * limit);
  const pick = <T>(items: ArrayLike<T>): T => items[below(items.length)]!;

  const number = (): string => {
    const value = pick([0, 1, 7, 8, 10, 127, 255, 256, 65535, 65536, 2 ** 24 - 1, 2 ** 24])!;
    const large = pick([value, below(256), below(2 ** 16), below(2 ** 32), 2 ** 32 - 1, 2 ** 32]);
    const form = pick(["", "", "", "", "0", "0x", "0X", "00", "08", "+", " "]);
    const base = form.toLowerCase() === "0x" ? 16 : form === "0" ? 8 : 10;
    return form + pick([large, value, below(256)]).toString(base);
  };
  const quad = (): string => {
    const parts = Array.from({ length: pick([1, 2, 3, 4, 4, 4, 4, 5]) }, number);
    return parts.join(".") + pick(["", "", "", "", " ", "\n", " x", ".", "x", "\t\v", "\0"]);
  };
  const octets = (): string => Array.from({ length: 4 }, () => below(260)).join(".");
  const groups = (): string => {
    const part = (): string => pick([below(2), below(16), below(65536)]).toString(16);
    const parts = Array.from({ length: pick([0, 1, 2, 5, 6, 7, 8, 8, 9]) }, part);
    if (below(3) > 0) parts.splice(below(parts.length + 1), below(3), "", ...pick([[], [], [""]]));
    if (below(4) === 0) parts.push(octets());
    const text = parts.join(":");
    return pick([text, text, text, `:${text}`, `${text}:`, text.toUpperCase(), `${text}%1`]);
  };
  const noise = (): string =>
    Array.from({ length: below(20) }, () => pick("0123456789abcdefxXgG.:%[] -+\n\0é٣\ud800")).join(
      "",
    );
  const mutate = (text: string): string => {
    const at = below(text.length + 1);
    return text.slice(0, at) + pick(["", "0", ".", ":", "f", "::", " "]) +
      text.slice(at + below(2));
  };
  const address = (): string => pick([quad, octets, groups, groups])();
  const make = [address, address, (): string => mutate(address()), noise];
  const texts = Array.from({ length: 10_000 }, () => pick(make)());

  const packed = Array.from({ length: 10_000 }, () => {
    const bytes = new Uint8Array(pick([4, 16, 16, 16, 16, below(20)]));
    // Mostly zeros, so that there are runs to shorten, and the prefixes of embedded addresses.
    const density = random();
    for (let i = 0; i < bytes.length; i++) bytes[i] = random() < density ? 0 : below(256);
    if (below(4) === 0) bytes.fill(0, 0, 12);
    if (below(4) === 0) bytes.fill(255, 10, 12);
    return toHex(bytes);
  });
  const numbers = [0, 1, 255, 256, 65535, 65536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, -1, -65536]
    .concat(Array.from({ length: 100 }, () => below(2 ** pick([8, 16, 17, 32, 33]))));

  const answer = python<Record<string, (string | number | null)[]>>(
    `
import socket
def each(function, items):
    def one(item):
        try:
            result = function(item)
        except (OSError, ValueError, OverflowError):
            return None
        return result.hex() if isinstance(result, bytes) else result
    return [one(item) for item in items]
texts, packed, numbers = question
answer = {
    "inet_aton": each(socket.inet_aton, texts),
    "inet_pton 4": each(lambda text: socket.inet_pton(socket.AF_INET, text), texts),
    "inet_pton 6": each(lambda text: socket.inet_pton(socket.AF_INET6, text), texts),
    "inet_ntoa": each(lambda text: socket.inet_ntoa(bytes.fromhex(text)), packed),
    "inet_ntop 4": each(lambda text: socket.inet_ntop(socket.AF_INET, bytes.fromhex(text)), packed),
    "inet_ntop 6": each(lambda text: socket.inet_ntop(socket.AF_INET6, bytes.fromhex(text)), packed),
    "htons": each(socket.htons, numbers),
    "ntohs": each(socket.ntohs, numbers),
    "htonl": each(socket.htonl, numbers),
    "ntohl": each(socket.ntohl, numbers),
}`,
    [texts, packed, numbers],
  );

  compare("inet_aton", texts, (text) => toHex(inet_aton(text)));
  compare("inet_pton 4", texts, (text) => toHex(inet_pton(AF_INET, text)));
  compare("inet_pton 6", texts, (text) => toHex(inet_pton(AF_INET6, text)));
  compare("inet_ntoa", packed, (hex) => inet_ntoa(fromHex(hex)));
  compare("inet_ntop 4", packed, (hex) => inet_ntop(AF_INET, fromHex(hex)));
  compare("inet_ntop 6", packed, (hex) => inet_ntop(AF_INET6, fromHex(hex)));
  compare("htons", numbers, htons);
  compare("ntohs", numbers, ntohs);
  compare("htonl", numbers, htonl);
  compare("ntohl", numbers, ntohl);

  function compare<T>(name: string, items: T[], convert: (item: T) => string | number): void {
    const expected = answer[name]!;
    let taken = 0;
    items.forEach((item, i) => {
      let actual: string | number | null = null;
      try {
        actual = convert(item);
        taken++;
      } catch (error) {
        assert.ok(error instanceof SocketError || error instanceof RangeError, String(error));
      }
      assert.equal(actual, expected[i], `${name} of ${JSON.stringify(item)}`);
    });
    // Neither side may have been left out by an unlucky choice of items.
    assert.ok(taken > items.length / 20, `${name} took only ${taken}`);
    assert.ok(taken < items.length, `${name} took everything`);
  }
});

function illegal(syscall: string): Record<string, unknown> {
  return {
    name: "SocketError",
    code: "EINVAL",
    syscall,
    message: new RegExp(
      `^${syscall} EINVAL: Invalid argument \\(illegal IP address string passed to ${syscall}: "`,
    ),
  };
}

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/** Random numbers from 0 to 1, the same in every run (mulberry32). */
function generator(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ seed >>> 15, 1 | seed);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}
