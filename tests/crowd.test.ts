/** Thousands of connections open at once in one process: all alive, each with its own echo. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tooFewDescriptors, withDescriptors } from "./support/open_files.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { noPeer } from "./support/peers.ts";
import { pythonFile, start } from "./support/process.ts";
import { launch, runtimeName } from "./support/runtime.ts";
import { bounded } from "./support/scope.ts";
import { limit, tally, times } from "./support/tally.ts";

const COUNT = times(2000, 10_000);
/** The runtimes need some for themselves. */
const DESCRIPTORS = COUNT + 200;
const skip = noPeer || tooFewDescriptors(DESCRIPTORS);
const program = new URL("./peers/crowd.ts", import.meta.url);
const patience = limit(60_000, 300_000);

/** Connects, has each connection echo in an order of its own, twice, and closes all. */
const clients = `
import random, socket, sys
port, count = int(sys.argv[1]), int(sys.argv[2])
conns = []
for i in range(count):
    conns.append(socket.create_connection(("127.0.0.1", port)))
input()
wrong = 0
for round in range(2):
    random.shuffle(conns)
    for i, conn in enumerate(conns):
        conn.sendall(b"%15d" % (i * 7 + round))
    for i, conn in enumerate(conns):
        wrong += conn.recv(15, socket.MSG_WAITALL) != b"%15d" % (i * 7 + round)
for conn in conns:
    conn.close()
print(wrong, flush=True)`;

/** Accepts and echoes, as many as come, until all have gone. */
const server = `
import selectors, socket, sys
count = int(sys.argv[1])
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(4096)
print(listener.getsockname()[1], flush=True)
selector = selectors.DefaultSelector()
selector.register(listener, selectors.EVENT_READ)
gone = 0
while gone < count:
    for key, _ in selector.select():
        if key.fileobj is listener:
            selector.register(listener.accept()[0], selectors.EVENT_READ)
        elif data := key.fileobj.recv(64):
            key.fileobj.sendall(data)
        else:
            selector.unregister(key.fileobj)
            key.fileobj.close()
            gone += 1
print("done", flush=True)`;

interface Opened {
  readonly open: number;
  readonly bytes: number;
}

function tell(role: string, { open, bytes }: Opened): void {
  assert.equal(open, COUNT);
  console.log(`${runtimeName}: ${open} ${role} connections, ${bytes} bytes of memory each`);
}

function count(what: string, failed: number): void {
  tally({ what, tried: COUNT, unit: "connections", lost: failed });
}

describe(`${COUNT} connections at once`, () => {
  it(
    "are accepted, and each has its echo",
    { skip },
    bounded(async (scope) => {
      const run = withDescriptors(DESCRIPTORS, launch(program, ["server", String(COUNT)]));
      const here = scope.add(start(run, { limit: patience }));
      const port = await here.json<number>();
      const command = [pythonFile, "-u", "-c", clients, String(port), String(COUNT)] as const;
      const peer = scope.add(start(withDescriptors(DESCRIPTORS, command), { limit: patience }));
      tell("accepted", await here.json<Opened>(patience));
      peer.write("\n");
      const wrong = await peer.json<number>(patience);
      assert.deepEqual(await here.json(patience), { failed: 0, names: COUNT });
      assert.equal((await here.exit()).code, 0, here.stderr);
      count("accepted and open at once in one process, an echo on each", wrong);
    }, patience),
  );

  it(
    "are made, and each has its echo",
    { skip },
    bounded(async (scope) => {
      const command = [pythonFile, "-u", "-c", server, String(COUNT)] as const;
      const peer = scope.add(start(withDescriptors(DESCRIPTORS, command), { limit: patience }));
      const port = String(await peer.json<number>());
      const run = withDescriptors(DESCRIPTORS, launch(program, ["client", String(COUNT), port]));
      const here = scope.add(start(run, { limit: patience }));
      tell("made", await here.json<Opened>(patience));
      const { failed, names } = await here.json<{ failed: number; names: number }>(patience);
      assert.equal(names, COUNT);
      assert.equal((await here.exit()).code, 0, here.stderr);
      assert.equal(await peer.line(), "done", peer.stderr);
      count("made and open at once in one process, an echo on each", failed);
    }, patience),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
