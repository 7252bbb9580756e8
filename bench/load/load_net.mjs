/**
 * The load generator where load.c cannot be compiled: the same kinds, options and output, over
 * `node:net` and `node:dgram`. It costs more than most servers it drives, which throughput and
 * latency show; the CPU time of the server is as true as with the other one.
 */

import { createSocket } from "node:dgram";
import { connect } from "node:net";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { cpuOf } from "../measure/cpu.mjs";
import { residentOf } from "../measure/memory.mjs";

const [kind, ...args] = process.argv.slice(2);
/** @type {Record<string, number>} */
const given = Object.fromEntries(args.map((arg) => [arg.split("=")[0], Number(arg.split("=")[1])]));
const option = {
  port: 0,
  pid: 0,
  connections: 1,
  request: 64,
  response: 64,
  echo: 1,
  line: 0,
  messages: 0,
  seconds: 1,
  ...given,
};
const host = "127.0.0.1";
const { port } = option;

// Requests begin anywhere in the first bytes of the text, so that no two in flight are alike.
const period = 251;
const text = Buffer.from(Uint8Array.from(
  { length: option.request + period },
  (_, i) =>
    option.line === 0 ? i % period : i % option.line === option.line - 1 ? 10 : "x".charCodeAt(0),
));
const answer = Buffer.from(Uint8Array.from({ length: option.response }, (_, i) => i));

// Whatever happens, this program ends.
setTimeout(() => process.exit(1), 120_000).unref();

/** One connection, or one socket of UDP. */
class Peer {
  #number = 0;
  #received = 0;
  #due = answer;
  /** @type {() => void} */
  #complete = () => {};
  /** @type {(data: Uint8Array) => void} */
  #send;

  /** @param {(data: Uint8Array) => void} send */
  constructor(send) {
    this.#send = send;
  }

  /** @param {Buffer} data */
  receive(data) {
    const due = this.#due.subarray(this.#received, this.#received + data.length);
    if (!due.equals(data)) {
      // The late answer to a datagram that was sent again.
      if (kind === "datagram") return;
      throw new Error("other bytes than were asked for");
    }
    this.#received += data.length;
    if (this.#received === this.#due.length) this.#complete();
  }

  /** @param {number} [size] Bytes of the request, where it is not the usual one. */
  async exchange(size = option.request) {
    const start = option.line > 0 ? 0 : ++this.#number * 31 % period;
    const request = text.subarray(start, start + size);
    this.#due = option.echo === 1 ? request : answer;
    this.#received = 0;
    /** @type {Promise<void>} */
    const completed = new Promise((resolve) => this.#complete = resolve);
    this.#send(request);
    const again = kind !== "datagram" ? undefined : setInterval(() => {
      lost++;
      this.#send(request);
    }, 200);
    await completed;
    clearInterval(again);
  }
}

let lost = 0;

/** @returns {Promise<{ peer: Peer, close: () => void }>} */
async function open() {
  if (kind === "datagram") {
    const socket = createSocket("udp4");
    await new Promise((resolve) => socket.connect(port, host, () => resolve(undefined)));
    const peer = new Peer((data) => socket.send(data));
    socket.on("message", (data) => peer.receive(data));
    return { peer, close: () => socket.close() };
  }
  const socket = connect({ host, port, noDelay: true });
  await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const peer = new Peer((data) => socket.write(data));
  socket.on("data", (/** @type {Buffer} */ data) => peer.receive(data));
  return { peer, close: () => socket.destroy() };
}

/** Connects, one after the other so that no backlog overflows. @param {number} count */
async function prepare(count) {
  const peers = [];
  for (let i = 0; i < count; i++) {
    const { peer } = await open();
    await peer.exchange();
    peers.push(peer);
  }
  return peers;
}

async function timed() {
  const reconnecting = kind === "connect";
  const peers = reconnecting ? [] : await prepare(option.connections);
  /** @type {number[]} */
  const latencies = [];
  lost = 0;
  const cpu = cpuOf(option.pid);
  const start = performance.now();
  const until = start + option.seconds * 1000;
  await Promise.all(Array.from({ length: option.connections }, async (_, i) => {
    while (performance.now() < until || latencies.length < option.messages) {
      const begun = performance.now();
      const opened = reconnecting ? await open() : undefined;
      await (opened?.peer ?? peers[i])?.exchange();
      opened?.close();
      latencies.push(Math.round((performance.now() - begun) * 1000));
    }
  }));
  const seconds = (performance.now() - start) / 1000;
  const messages = latencies.length;
  latencies.sort((a, b) => a - b);
  return {
    messages,
    lost,
    seconds,
    cpu: (cpuOf(option.pid) - cpu) / messages,
    p50: latencies[Math.floor(messages / 2)],
    p99: latencies[Math.floor(messages * 0.99)],
  };
}

async function idle() {
  // They pay for what the runtime makes only once, as in load.c.
  const [control] = await prepare(2000);
  const memory = async () => {
    for (let i = 0; i < 4; i++) {
      await control?.exchange(1);
      await sleep(60);
    }
    return residentOf(option.pid);
  };
  const before = await memory();
  await prepare(option.connections);
  return { bytes: (await memory() - before) / option.connections };
}

console.log(JSON.stringify(kind === "idle" ? await idle() : await timed()));
process.exit(0);
