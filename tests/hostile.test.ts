/** A server that strangers connect to who send garbage, half a message or nothing, or read nothing: it serves the others. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tooFewDescriptors, withDescriptors } from "./support/open_files.ts";
import { checkNothingLeft, noDescriptors, noSs, ss } from "./support/outside.ts";
import { noPeer } from "./support/peers.ts";
import { pythonFile, start } from "./support/process.ts";
import { launch, runtimeName } from "./support/runtime.ts";
import { bounded, until } from "./support/scope.ts";
import { limit, seed, tally, times } from "./support/tally.ts";

const COUNT = times(800, 10_000);
const skip = noPeer || noSs || tooFewDescriptors(COUNT + 100);
const patience = limit(90_000, 600_000);

/** Connects in all the wrong ways, one after another. */
const strangers = `
import random, socket, struct, sys, time
port, count, seed = map(int, sys.argv[1:])
random.seed(seed)

def nothing(s): return True
def leave(s): pass
def half(s): s.sendall(b"half a mess"); return True
def half_and_leave(s): s.sendall(b"half a mess")
def garbage(s): s.sendall(random.randbytes(random.randint(1, 5000))); return True
def endless(s): s.sendall(b"a" * 200000); return True
def no_reader(s): s.sendall((b"a" * 1000 + b"\\n") * 1500); return True
def reset(s):
    s.sendall(b"and reset\\n" * random.randint(0, 100))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
def half_close(s): s.sendall(b"last\\n"); s.shutdown(socket.SHUT_WR); return True

ways = [nothing, leave, half, half_and_leave, garbage, endless, no_reader, reset, half_close]
held = []
for i in range(count):
    s = socket.socket()
    # Answers that are not read soon stop the server.
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.settimeout(60)
    s.connect(("127.0.0.1", port))
    s.settimeout(0.02)
    try:
        if random.choice(ways)(s):
            held.append(s)
            continue
    except OSError:
        pass
    s.close()
# The server is rid of the silent ones after a while.
time.sleep(2.5)
for s in held:
    s.close()
print("done", flush=True)`;

/** Asks and is answered, until its input ends. */
const guest = `
import random, socket, sys, threading, time
port, answers = int(sys.argv[1]), 0
ending = threading.Thread(target=sys.stdin.read)
ending.start()
while ending.is_alive():
    begun = time.monotonic()
    s = socket.create_connection(("127.0.0.1", port), timeout=60)
    file = s.makefile("rw")
    for i in range(3):
        line = "line %d\\n" % random.randint(0, 1 << 30)
        file.write(line)
        file.flush()
        answer = file.readline()
        if answer == "" and time.monotonic() - begun > 1.5:
            # A loaded machine was slower than the server waits.
            break
        assert answer == "you said " + line, answer
        answers += 1
        begun = time.monotonic()
    file.close()
    s.close()
    time.sleep(0.01)
print(answers, flush=True)`;

interface Told {
  readonly answered: number;
  readonly ended: Record<string, number>;
  readonly unhandled: string[];
  readonly heap: number;
}

const gc = { node: ["--expose-gc"], deno: ["--v8-flags=--expose-gc"], bun: [] };

describe("a server among strangers", () => {
  it(
    `serves its guest, and keeps nothing of ${COUNT} connections that send garbage, half a message or nothing`,
    { skip },
    bounded(async (scope) => {
      const program = new URL("./peers/line_server.ts", import.meta.url);
      const command = launch(program, [], { flags: gc[runtimeName] });
      const server = scope.add(start(withDescriptors(COUNT + 100, command), { limit: patience }));
      const port = await server.json<number>();
      const ask = async (): Promise<Told> => {
        server.write("\n");
        return await server.json<Told>();
      };
      const told: Told[] = [];
      let answered = 0;
      for (let round = 0; round < 2; round++) {
        const args = [String(port), String(COUNT / 2), String(seed + round)];
        const python = [pythonFile, "-u", "-c", strangers, ...args] as [string, ...string[]];
        const peer = scope.add(start(withDescriptors(COUNT + 100, python), { limit: patience }));
        const friend = scope.add(start([pythonFile, "-u", "-c", guest, String(port)], {
          limit: patience,
        }));
        assert.equal(await peer.line(patience), "done", `seed ${seed}: ${peer.stderr}`);
        friend.end();
        const { stdout, stderr } = await friend.exit(patience);
        assert.equal(stderr, "", `seed ${seed}`);
        const count = Number(stdout);
        assert.ok(count > 0, `the guest had ${count} answers`);
        answered += count;
        await until(() => ss(port).length === 1, "only the listener is left", 20_000);
        told.push(await ask());
      }
      const [first, last] = told as [Told, Told];
      assert.deepEqual(last.unhandled, []);
      const codes = ["end", "no line", "ETIMEDOUT", "ECONNRESET", "EPIPE", "EILSEQ"];
      assert.deepEqual(Object.keys(last.ended).filter((code) => !codes.includes(code)), []);
      for (const code of ["end", "no line", "ETIMEDOUT"]) {
        assert.ok((last.ended[code] ?? 0) > 0, `${code}: ${JSON.stringify(last.ended)}`);
      }
      const growth = (last.heap - first.heap) / COUNT;
      assert.ok(growth < 500, `${growth} bytes a connection are kept`);
      assert.ok(last.answered >= answered);
      server.end();
      assert.equal(await server.line(), "closed", server.stderr);
      assert.equal((await server.exit()).stderr, "");
      const what = "connections that send garbage, half a message or nothing, or do not read";
      tally({ what, tried: COUNT, unit: "connections", lost: 0 });
    }, patience),
  );
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
