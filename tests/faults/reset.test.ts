/**
 * A peer that resets, ends or leaves bytes unread at every point of a conversation: what came before is delivered, then each
 * call tells the same on every runtime.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type InetAddress,
  MSG_PEEK,
  MSG_WAITALL,
  SHUT_WR,
  type Socket,
  SocketError,
} from "../../mod.ts";
import { concat, pattern, text } from "../support/bytes.ts";
import { checkNothingLeft, noDescriptors } from "../support/outside.ts";
import { noPeer, roles } from "../support/peers.ts";
import { bounded, type Scope } from "../support/scope.ts";
import { ScriptedPeer } from "../support/scripted_peer.ts";
import { limit, tally, times } from "../support/tally.ts";
import { native } from "../support/tcp.ts";

type Inet = Socket<InetAddress>;

const MiB = 1024 * 1024;
/** More than the system takes of one who does not read. */
const flood = new Uint8Array(pattern(32 * MiB));
const ROUNDS = times(2, 20);

/** What came out of a call, in one line: a count of bytes that are those of the pattern, or the error whole. */
async function outcome(call: Promise<unknown>, start = 0): Promise<string> {
  try {
    const value = await call;
    if (!(value instanceof Uint8Array)) return String(value);
    assert.deepEqual(value, pattern(value.length, start), "the bytes that were sent");
    return `${value.length} bytes`;
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    const { name, code, errno, syscall } = error;
    return `${name} ${code} ${errno} ${syscall}`;
  }
}

/** All that can be received: the bytes are the pattern's, and how it ends. */
async function rest(s: Inet, size = 65536, start = 0): Promise<string[]> {
  const parts: Uint8Array[] = [];
  for (;;) {
    const how = await outcome(
      s.recv(size).then((part) => {
        if (part.length > 0) parts.push(part);
        return part.length > 0 ? "" : "the end";
      }),
    );
    if (how !== "") return [await outcome(Promise.resolve(concat(parts)), start), how];
  }
}

const RESET = "SocketError ECONNRESET 104 recv";
const RESET_SEND = "SocketError ECONNRESET 104 send";
const PIPE = "SocketError EPIPE 32 send";

/** A point of a conversation at which something goes wrong. */
interface Point {
  readonly name: string;
  /** What the peer does. */
  readonly peer: string;
  /** What this side does, and what each call tells. */
  readonly here: (s: Inet, peer: ScriptedPeer) => Promise<string[]>;
  readonly told: readonly string[];
}

const points: Point[] = [
  {
    name: "before it has sent anything",
    peer: `command(); reset()`,
    here: async (s, peer) => {
      peer.go();
      return [...await rest(s), await outcome(s.recv(9)), await outcome(s.send("x"))];
    },
    told: ["0 bytes", RESET, "0 bytes", PIPE],
  },
  {
    name: "before a send",
    peer: `command(); reset(); say("reset")`,
    here: async (s, peer) => {
      peer.go();
      await peer.told();
      return [await outcome(s.send("x")), await outcome(s.send("x")), await outcome(s.recv(9))];
    },
    told: [RESET_SEND, PIPE, "0 bytes"],
  },
  {
    name: "after half a message",
    peer: `s.sendall(pattern(3)); settled(); reset()`,
    here: async (s) => [await outcome(s.recv(6, MSG_WAITALL)), await outcome(s.recv(6))],
    told: ["3 bytes", RESET],
  },
  {
    name: "in the middle of a large message that is being received",
    peer: `s.sendall(pattern(1500000)); settled(); reset()`,
    here: (s) => rest(s),
    told: ["1500000 bytes", RESET],
  },
  {
    name: "before anything is received",
    peer: `s.sendall(pattern(30000)); settled(); reset(); say("reset")`,
    here: async (s, peer) => {
      await peer.told();
      return await rest(s, 1000);
    },
    told: ["30000 bytes", RESET],
  },
  {
    name: "when part of what came is received",
    peer: `s.sendall(pattern(30000)); settled(); command(); reset(); say("reset")`,
    here: async (s, peer) => {
      const first = await outcome(s.recv(10000, MSG_WAITALL));
      peer.go();
      await peer.told();
      return [first, ...await rest(s, 65536, 10000)];
    },
    told: ["10000 bytes", "20000 bytes", RESET],
  },
  {
    name: "by closing with unread bytes",
    peer: `s.sendall(pattern(500)); s.recv(10, socket.MSG_WAITALL); settled(); s.close()`,
    here: async (s) => [await outcome(s.sendall(pattern(1000))), ...await rest(s)],
    told: ["undefined", "500 bytes", RESET],
  },
  {
    name: "not at all, but ends, before anything is received",
    peer: `s.sendall(pattern(30000)); s.close(); say("closed")`,
    here: async (s, peer) => {
      await peer.told();
      return [...await rest(s, 1000), await outcome(s.recv(9))];
    },
    told: ["30000 bytes", "the end", "0 bytes"],
  },
  {
    name: "after its FIN",
    peer: `
s.sendall(pattern(500)); s.shutdown(socket.SHUT_WR); settled(); command(); reset(); say("reset")`,
    here: async (s, peer) => {
      const got = await rest(s);
      peer.go();
      await peer.told();
      return [...got, await outcome(s.send("x")), await outcome(s.recv(9))];
    },
    told: ["500 bytes", "the end", PIPE, "0 bytes"],
  },
  {
    name: "after its FIN, before anything is received",
    peer: `
s.sendall(pattern(500)); s.shutdown(socket.SHUT_WR); settled(); reset(); say("reset")`,
    here: async (s, peer) => {
      await peer.told();
      return [...await rest(s), await outcome(s.recv(9)), await outcome(s.send("x"))];
    },
    told: ["500 bytes", "the end", "0 bytes", PIPE],
  },
  {
    name: "after this side's FIN",
    peer: `
data = read_all(); s.sendall(pattern(500)); settled(); reset()`,
    here: async (s) => {
      await s.sendall("question");
      await s.shutdown(SHUT_WR);
      return [...await rest(s), await outcome(s.send("x"))];
    },
    told: ["500 bytes", RESET, PIPE],
  },
  {
    name: "while a receive waits",
    peer: `command(); reset()`,
    here: async (s, peer) => {
      const waiting = Promise.all([outcome(s.recv(9)), outcome(s.recv_into(new Uint8Array(9)))]);
      peer.go();
      return [...await waiting, await outcome(s.recvfrom(9).then(([data]) => data))];
    },
    // The error is told once.
    told: [RESET, "0", "0 bytes"],
  },
  {
    name: "while a line is read from a file",
    peer: `s.sendall(b"whole\\nhal"); settled(); command(); reset()`,
    here: async (s, peer) => {
      const file = s.makefile("r");
      const first = await file.readline();
      const waiting = outcome(file.readline());
      peer.go();
      return [first, await waiting, await outcome(file.close())];
    },
    told: ["whole\n", RESET, "undefined"],
  },
  {
    name: "while bytes are read from a file",
    peer: `s.sendall(pattern(500)); settled(); command(); reset()`,
    here: async (s, peer) => {
      const file = s.makefile("rb");
      const waiting = outcome(file.read(1000));
      peer.go();
      return [await waiting, await outcome(file.close())];
    },
    told: [RESET, "undefined"],
  },
  {
    name: "while a web stream is read",
    peer: `s.sendall(pattern(500)); settled(); command(); reset()`,
    here: async (s, peer) => {
      const reader = s.readable.getReader();
      const { value } = await reader.read();
      const waiting = outcome(reader.read());
      peer.go();
      return [await outcome(Promise.resolve(value)), await waiting];
    },
    told: ["500 bytes", RESET],
  },
  {
    name: "during sendall, after one that has timed out",
    peer: `command(); reset()`,
    here: async (s, peer) => {
      s.settimeout(0.03);
      const first = await outcome(s.sendall(flood));
      s.settimeout(null);
      const second = outcome(s.sendall(flood));
      peer.go();
      return [first, await second, await outcome(s.send("x")), await outcome(s.recv(9))];
    },
    told: ["TimeoutError ETIMEDOUT 110 send", RESET_SEND, PIPE, "0 bytes"],
  },
  ...sending("sendall", (s) => s.sendall(flood)),
  ...sending("sends, one after another", async (s) => {
    for (;;) await s.send(flood.subarray(0, MiB));
  }),
  ...sending("sendmsg", async (s) => {
    for (;;) await s.sendmsg([flood.subarray(0, MiB), flood.subarray(0, 10)]);
  }),
  ...sending("sendfile", (s) => s.sendfile(new Blob([flood]))),
  ...sending("a file's write", async (s) => {
    const file = s.makefile("wb");
    try {
      for (;;) await file.write(flood.subarray(0, MiB));
    } finally {
      await file.close().catch(() => {});
    }
  }),
  ...sending("a web stream", async (s) => {
    const writer = s.writable.getWriter();
    writer.closed.catch(() => {});
    for (;;) await writer.write(flood.subarray(0, MiB));
  }),
];

/** A peer that resets, or closes with unread bytes, or has sent FIN before, while something is sent to it. */
function sending(name: string, send: (s: Inet) => Promise<unknown>): Point[] {
  const here = async (s: Inet) => {
    const told = await outcome(send(s).then(() => "all of it"));
    return [told.replace("sendmsg", "send"), await outcome(s.send("x")), await outcome(s.recv(9))];
  };
  return [
    {
      name: `during ${name}`,
      peer: `s.recv(1 << 20, socket.MSG_WAITALL); reset()`,
      here,
      told: [RESET_SEND, PIPE, "0 bytes"],
    },
    {
      name: `by closing during ${name}`,
      peer: `s.recv(1 << 20, socket.MSG_WAITALL); time.sleep(0.01); s.close()`,
      here,
      told: [RESET_SEND, PIPE, "0 bytes"],
    },
    {
      name: `after its FIN, during ${name}`,
      peer: `
s.shutdown(socket.SHUT_WR); s.recv(1 << 20, socket.MSG_WAITALL); reset()`,
      here: async (s) => [await outcome(s.recv(9)), ...await here(s)],
      told: ["0 bytes", PIPE, PIPE, "0 bytes"],
    },
  ];
}

const [setting] = native;

function test(name: string, body: (scope: Scope) => Promise<void>): void {
  it(name, { skip: noPeer }, bounded(body, limit(30_000, 600_000)));
}

describe("a peer that resets", () => {
  for (const { name, peer: script, here, told } of points) {
    test(name, async (scope) => {
      const peer = new ScriptedPeer(scope, setting);
      let tried = 0;
      for (const role of roles) {
        for (let i = 0; i < ROUNDS; i++) {
          const s = await peer.meet(scope, role, script);
          assert.deepEqual(await here(s, peer), told, `the socket was ${role}`);
          await s.close();
          tried++;
        }
      }
      tally({
        what: "a peer that resets, or closes with unread bytes, at every point of a conversation",
        tried,
        unit: "conversations",
        lost: 0,
      });
    });
  }

  test("after a FIN that nobody has received is told to a large send", async (scope) => {
    const peer = new ScriptedPeer(scope, setting);
    const script = `s.shutdown(socket.SHUT_WR); s.recv(1 << 20, socket.MSG_WAITALL); reset()`;
    for (const role of roles) {
      const s = await peer.meet(scope, role, script);
      // Linux says EPIPE: docs/differences.md.
      assert.match(await outcome(s.sendall(flood)), /^SocketError (EPIPE 32|ECONNRESET 104) send$/);
      assert.equal(await outcome(s.send("x")), PIPE);
      await s.close();
    }
  });

  for (const [what, unread] of [["nothing unread", 0], ["bytes unread", 500]] as const) {
    test(`before its connection is accepted, with ${what}`, async (scope) => {
      const peer = new ScriptedPeer(scope, setting);
      const server = await setting.server(scope);
      server.settimeout(10);
      for (let i = 0; i < ROUNDS; i++) {
        peer.connectTo(server, `s.sendall(pattern(${unread})); settled(); reset(); say("reset")`);
        await peer.told();
        peer.connectTo(server, `s.sendall(b"next"); command()`);
        // Where the runtime had not accepted it yet, nobody hears of it.
        for (let next = false; !next;) {
          const [s] = await server.accept();
          const [got, end] = await restUnlessNext(s);
          if (got === "next") next = true;
          else assert.deepEqual([got, end], [`${unread} bytes`, RESET]);
          await s.close();
        }
        peer.go();
      }
    });
  }
});

/** Whether it begins with "next"; else all there is. */
async function restUnlessNext(s: Inet): Promise<string[]> {
  let next = false;
  const peeked = await outcome(
    s.recv(4, MSG_PEEK).then((bytes) => {
      next = text(bytes) === "next";
      return "";
    }),
  );
  if (next) return ["next"];
  return peeked === "" ? await rest(s) : ["0 bytes", peeked];
}

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
