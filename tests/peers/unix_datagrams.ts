/** A program with UNIX datagram sockets: `unix_datagrams.ts HOW PATH [ARGUMENT]`. It says what it sees. */

import process from "node:process";
import { AF_UNIX, MSG_DONTWAIT, SOCK_DGRAM, Socket, type SocketError } from "../../mod.ts";

const [how, path = "", argument = ""] = process.argv.slice(2);

function say(value: unknown): void {
  console.log(JSON.stringify(value));
}

function open(type: number = SOCK_DGRAM): Socket<string> {
  const s = new Socket<string>(AF_UNIX, type);
  s.settimeout(15);
  return s;
}

async function bound(name: string): Promise<Socket<string>> {
  const s = open();
  await s.bind(name);
  return s;
}

/** The call and the code of what a promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return "none";
  } catch (error) {
    const { syscall, code } = error as SocketError;
    return `${syscall} ${code}`;
  }
}

const ways: Record<string, () => Promise<void>> = {
  /** Sends back what comes, reversed, until it is told to quit; says who sent. */
  async echo() {
    const s = await bound(path);
    say(s.getsockname());
    const senders: unknown[] = [];
    for (;;) {
      const [data, from] = await s.recvfrom(300_000);
      senders.push(from);
      if (new TextDecoder().decode(data) === "quit") break;
      await s.sendto(data.reverse(), from!);
    }
    await s.close();
    say(senders);
  },
  /** Sends twenty datagrams to a fixed peer while it waits for one. */
  async connected() {
    const s = await bound(path);
    await s.connect(argument);
    const received = s.recv(100);
    await Promise.all(Array.from({ length: 20 }, (_, i) => s.send(String(i))));
    say({ received: new TextDecoder().decode(await received), peer: s.getpeername() });
    await s.close();
  },
  /** Counts the datagrams that come in order, and takes its time. */
  async slow() {
    const s = await bound(path);
    say(s.getsockname());
    await new Promise((resolve) => setTimeout(resolve, 300));
    let count = 0;
    while (count < Number(argument)) {
      const data = await s.recv(2000);
      if (parseInt(new TextDecoder().decode(data)) !== count || data.length < 1000) break;
      count++;
      if (count % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    say(count);
    await s.close();
  },
  /** Sends to a peer, one after another, while it receives from others; says when it has sent all. */
  async busy() {
    const s = await bound(path);
    let receiving = true;
    const received = (async () => {
      let count = 0;
      while (receiving) count += (await s.recv(100)).length;
      return count > 0;
    })();
    say("ready");
    for (let i = 0; i < 300; i++) await s.sendto(String(i), argument);
    say("sent");
    receiving = false;
    say(await received);
    await s.close();
  },
  async errors() {
    const s = await bound(`${path}/s`);
    const stream = open(1);
    await stream.bind(`${path}/stream`);
    await stream.listen();
    const facts: Record<string, unknown> = {
      missing: await failure(s.sendto("x", `${path}/none`)),
      plain: await failure(s.sendto("x", `${path}/plain`)),
      folder: await failure(open().bind(`${path}/none/s`)),
      taken: await failure(open().bind(`${path}/plain`)),
      long: await failure(open().bind(`/${"x".repeat(107)}`)),
      stream: await failure(s.sendto("x", `${path}/stream`)),
      unconnected: await failure(s.send("x")),
    };
    s.settimeout(0.02);
    facts["timeout"] = await failure(s.recv(1));
    facts["nonblocking"] = await failure(s.recv(1, MSG_DONTWAIT));
    s.settimeout(15);
    const waiting = failure(s.recv(1));
    await s.close();
    facts["closed"] = await waiting;
    const name = `\0bsdsock ${process.pid}`;
    const abstract = await bound(name);
    const chosen = await bound("");
    await chosen.sendto("x", name);
    const [, from] = await abstract.recvfrom(10);
    facts["abstract"] = abstract.getsockname() === name && from === chosen.getsockname();
    facts["chosen"] = /^\0[0-9a-f]{5}$/.test(chosen.getsockname());
    const fresh = open();
    await fresh.sendto("y", name);
    facts["unbound"] = new TextDecoder().decode(await abstract.recv(10));
    for (const each of [stream, abstract, chosen, fresh]) await each.close();
    say(facts);
  },
};

await ways[how ?? ""]?.();
