/**
 * A peer of plain node:net. Arguments: host, port (0 listens and prints the port), mode, and what
 * the mode takes. Prints JSON lines.
 */

import { createHash } from "node:crypto";
import { connect, createServer } from "node:net";
import process from "node:process";

const [host = "127.0.0.1", port = "0", mode = "echo", ...args] = process.argv.slice(2);

/** @param {unknown} value */
function say(value) {
  console.log(JSON.stringify(value));
}

/** @type {Record<string, (socket: import("node:net").Socket) => void>} */
const modes = {
  /** Sends back what comes, then the end. */
  echo(socket) {
    socket.pipe(socket);
  },

  /** Sends some bytes, and resets when a line comes on standard input. */
  reset(socket) {
    socket.write("x".repeat(Number(args[0])));
    process.stdin.once("data", () => {
      socket.resetAndDestroy();
      say("reset");
      process.stdin.destroy();
    });
  },

  /** Reads to the end, then answers for a while before its own end. */
  late(socket) {
    const hash = createHash("sha256");
    socket.on("data", (chunk) => hash.update(chunk));
    socket.on("end", () => {
      say(hash.digest("hex"));
      let left = 20;
      const timer = setInterval(() => {
        socket.write("y".repeat(1000));
        if (--left > 0) return;
        clearInterval(timer);
        socket.end();
      }, 5);
    });
  },

  /** Sends so many bytes while it receives until the end; prints the hashes of both. */
  exchange(socket) {
    const received = createHash("sha256");
    const sent = createHash("sha256");
    let count = 0;
    let left = Number(args[0]);
    let state = 1;
    const more = () => {
      while (left > 0) {
        state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
        const block = Buffer.alloc(Math.min(left, 1 + state % 200_000), state >>> 8 & 255);
        block.writeUInt8(state & 255);
        left -= block.length;
        sent.update(block);
        if (!socket.write(block)) return;
      }
      if (left === 0) {
        left = -1;
        socket.end();
      }
    };
    socket.on("drain", more);
    socket.on("data", (chunk) => {
      received.update(chunk);
      count += chunk.length;
    });
    socket.on("end", () => say({ count, received: received.digest("hex") }));
    socket.on("finish", () => say({ sent: sent.digest("hex") }));
    more();
  },
};

const talk = modes[mode];
if (talk === undefined) throw new Error(`no mode ${mode}`);
if (port === "0") {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    server.close();
    talk(socket);
  });
  server.listen(0, host, () => say(/** @type {any} */ (server.address()).port));
} else {
  const socket = connect({ host, port: Number(port), allowHalfOpen: true }, () => talk(socket));
}
