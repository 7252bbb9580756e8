/** `node:net` on any runtime; on Node it is the raw API. */

import { createServer } from "node:net";
import { createInterface } from "node:readline";
import {
  announce,
  block,
  collect,
  done,
  lineLength,
  lines,
  noDelay,
  piece,
  task,
} from "./announce.mjs";

/** @typedef {import("node:net").Socket} Socket */

/** @param {Socket} socket */
function echo(socket) {
  socket.on("data", (chunk) => {
    if (task === "idle" && chunk.length === 1) collect();
    if (socket.write(chunk)) return;
    socket.pause();
    socket.once("drain", () => socket.resume());
  });
}

/** @type {Record<string, (socket: Socket) => void>} */
const tasks = {
  echo,
  connect: echo,
  idle: echo,

  sink(socket) {
    let left = block;
    socket.on("data", (chunk) => {
      left -= chunk.length;
      if (left > 0) return;
      left += block;
      socket.write(done);
    });
  },

  source(socket) {
    let left = 0;
    const more = () => {
      while (left > 0) {
        left -= piece.length;
        if (!socket.write(piece)) return;
      }
    };
    socket.on("data", () => {
      left = block;
      more();
    });
    socket.on("drain", more);
  },

  async lines(socket) {
    let count = 0;
    for await (const line of createInterface({ input: socket, crlfDelay: Infinity })) {
      if (line.length !== lineLength) throw new Error(`a line of ${line.length} characters`);
      if (++count % lines === 0) socket.write(done);
    }
  },
};

const server = createServer({ noDelay }, (socket) => {
  socket.on("error", () => {});
  tasks[task]?.(socket);
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 1024 }, () => {
  announce(/** @type {import("node:net").AddressInfo} */ (server.address()).port);
});
