/**
 * A program with datagram sockets, which Deno is given with `--unstable-net`: `differing_datagrams.ts HOW [PATH] [PEER]`. It
 * says how its calls went.
 */

import { unlinkSync } from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers";
import {
  type Address,
  AF_INET,
  AF_UNIX,
  MSG_TRUNC,
  SOCK_DGRAM,
  Socket,
  type SocketError,
} from "../../mod.ts";

const [how = "", path = "", peer = ""] = process.argv.slice(2);

function say(value: unknown): void {
  console.log(JSON.stringify(value));
}

function open(family: number = AF_UNIX): Socket<Address> {
  const s = new Socket<Address>(family, SOCK_DGRAM);
  s.settimeout(2);
  return s;
}

async function bound(name: string): Promise<Socket<Address>> {
  const s = open();
  await s.bind(name);
  return s;
}

/** The text of a result, or the code of an error. */
function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    (value) => value instanceof Uint8Array ? new TextDecoder().decode(value) : String(value),
    (error) => (error as SocketError).code,
  );
}

const ways: Record<string, () => Promise<void>> = {
  /** A socket without a name sends. */
  async unbound() {
    const s = open();
    say(await outcome(s.sendto("x", peer)));
    say(s.getsockname());
    await s.close();
  },
  /** A peer that is not there. */
  async missing() {
    const s = await bound(path);
    say([await outcome(s.connect(`${path}.missing`).then(() => "ok")), await outcome(s.send("x"))]);
    await s.close();
  },
  /** To a socket that hears another peer only, and to one that has closed. */
  async elsewhere() {
    const [s, other, gone] = [
      await bound(path),
      await bound(`${path}.other`),
      await bound(`${path}.gone`),
    ];
    await other.connect(peer);
    await gone.close();
    say([
      await outcome(s.sendto("x", `${path}.other`)),
      await outcome(s.sendto("x", `${path}.gone`)),
    ]);
    for (const one of [s, other]) await one.close();
  },
  /** Sends more than its peer has room for, and is sent something meanwhile. */
  async full() {
    const s = await bound(path);
    s.settimeout(0.1);
    let count = 0;
    const sending = (async () => {
      while (count < 40) {
        await s.sendto("x", peer);
        count++;
      }
      return "sent";
    })();
    await new Promise((resolve) => setTimeout(resolve, 500));
    const sender = open();
    await sender.sendto("meanwhile", path);
    say([count < 40, await outcome(s.recv(9))]);
    // Now the peer receives.
    say([await outcome(sending), await outcome(s.recv(9))]);
    for (const one of [s, sender]) await one.close();
  },
  /** Sends while it receives; so when its path is gone, and when another socket has that. */
  async receiving() {
    const s = await bound(path);
    const received = outcome(s.recv(9));
    const codes = [await outcome(s.sendto("x", peer))];
    if (codes[0] === "1") {
      unlinkSync(path);
      codes.push(await outcome(s.sendto("x", peer)));
      const heir = await bound(path);
      heir.settimeout(0.1);
      codes.push(await outcome(s.sendto("x", peer)), await outcome(heir.recv(9)));
      await heir.close();
    }
    await s.close();
    say([...codes, await received]);
  },
  /** Is sent long datagrams. */
  async long() {
    const s = await bound(path);
    s.settimeout(15);
    say("ready");
    for (let i = 0; i < 2; i++) {
      const [data, , flags] = await s.recvmsg(2_000_000);
      say([data.length, (flags & MSG_TRUNC) !== 0]);
    }
    await s.close();
  },
  /** A datagram is there when another peer is fixed. */
  async early() {
    const family = path === "" ? AF_INET : AF_UNIX;
    const [s, stranger, friend] = [open(family), open(family), open(family)];
    for (const [one, name] of [[s, ".s"], [stranger, ".a"], [friend, ".b"]] as const) {
      await one.bind(family === AF_UNIX ? path + name : ["127.0.0.1", 0]);
    }
    await stranger.sendto("early", s.getsockname());
    await new Promise((resolve) => setTimeout(resolve, 50));
    await s.connect(friend.getsockname());
    await friend.sendto("later", s.getsockname());
    say(await outcome(s.recv(9)));
    for (const one of [s, stranger, friend]) await one.close();
  },
  /** A peer that is a network's broadcast address. */
  async broadcast() {
    const s = open(AF_INET);
    say([
      await outcome(s.connect([peer, 9]).then(() => "ok")),
      await outcome(s.send("x")),
    ]);
    await s.close();
  },
  /** Is open when its receive has timed out, and has nothing more to do. */
  async idle() {
    const s = await bound(path);
    s.settimeout(0.02);
    say(await outcome(s.recv(9)));
    setTimeout(async () => {
      await s.close();
      say("closed");
    }, 500).unref();
  },
};

await ways[how]?.();
