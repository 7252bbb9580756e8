/**
 * Messages between two sockets of the memory adapter, and what they cost: bytes allocated and
 * promises made a message, and how much more the heap holds after many. The first argument is the
 * way they are sent and received. Prints one line of JSON.
 */

import { createHook } from "node:async_hooks";
import process from "node:process";
import { getHeapStatistics } from "node:v8";
import {
  createMemoryAdapter,
  SHUT_WR,
  SO_RCVTIMEO,
  SO_SNDTIMEO,
  Socket,
  SOL_SOCKET,
} from "../../mod.ts";

const way = process.argv[2] ?? "";
const adapter = createMemoryAdapter();
const create = () => new Socket<[string, number]>(2, 1, 0, { adapter });

const server = create();
await server.bind(["127.0.0.1", 0]);
await server.listen();
const from = create();
const [[to]] = await Promise.all([server.accept(), from.connect(server.getsockname())]);

const data = new Uint8Array(64);
const buffer = new Uint8Array(65536);

/** One message each. */
const ways: Record<string, () => Promise<unknown>> = {
  /** A receive waits for the message. */
  waiting() {
    const receiving = to.recv(65536);
    from.sendall(data);
    return receiving;
  },
  /** The message is there before the receive. */
  async ready() {
    await from.sendall(data);
    return await to.recv(65536);
  },
  into() {
    const receiving = to.recv_into(buffer);
    from.sendall(data);
    return receiving;
  },
  timeout() {
    const receiving = to.recv(65536);
    from.sendall(data);
    return receiving;
  },
  /** The timeouts of the kernel's kind were set, and are off again. */
  timeoutOff() {
    const receiving = to.recv(65536);
    from.sendall(data);
    return receiving;
  },
};
/** Promises of the ways' own: for each `async` function, and while a hook looks on for each `await`. */
const callers: Record<string, number> = {
  waiting: 1,
  ready: 4,
  into: 1,
  timeout: 1,
  timeoutOff: 1,
};
if (way === "timeout") {
  from.settimeout(30);
  to.settimeout(30);
}
if (way === "timeoutOff") {
  const second = Uint8Array.of(1, ...new Uint8Array(15));
  for (const timeval of [second, new Uint8Array(16)]) {
    from.setsockopt(SOL_SOCKET, SO_SNDTIMEO, timeval);
    to.setsockopt(SOL_SOCKET, SO_RCVTIMEO, timeval);
  }
}
const message = ways[way]!;

async function messages(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await message();
}

async function promises(count: number): Promise<number> {
  let made = 0;
  const hook = createHook({
    init(_id, type) {
      if (type === "PROMISE") made++;
    },
  });
  // Deno and Bun have a hook that is never called.
  hook.enable?.();
  await messages(count);
  hook.disable?.();
  return made / count - callers[way]!;
}

function allocated(): number {
  return (getHeapStatistics() as { total_allocated_bytes?: number }).total_allocated_bytes ?? NaN;
}

/** The bytes that one message allocates, the median of several batches. */
async function bytesOfOne(batches: number, count: number): Promise<number> {
  const found: number[] = [];
  for (let i = 0; i < batches; i++) {
    const before = allocated();
    await messages(count);
    found.push((allocated() - before) / count);
  }
  return found.sort((a, b) => a - b)[Math.floor(batches / 2)]!;
}

async function heap(): Promise<number> {
  const runtime = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };
  for (let i = 0; i < 4; i++) {
    runtime.gc?.();
    runtime.Bun?.gc(true);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().heapUsed;
}

await messages(2_000);
const madePromises = await promises(1_000);
const before = await heap();
// Bun's count goes down when it collects garbage, which spoils a batch; V8's goes up in large steps, and only up.
const bytes = await ("Bun" in globalThis ? bytesOfOne(25, 800) : bytesOfOne(1, 10_000));
const growth = await heap() - before;
await from.shutdown(SHUT_WR);
await Promise.all([from, to, server].map((s) => s.close()));
console.log(JSON.stringify({ bytes, growth, promises: madePromises }));
