/** Bun's own API. */

import { announce, block, collect, done, noDelay, piece, task } from "./announce.mjs";

interface State {
  /** What is left to send of an answer. */
  rest: Uint8Array | undefined;
  /** How many bytes are due. */
  left: number;
}

interface Socket {
  data: State;
  write(data: Uint8Array): number;
  setNoDelay(on: boolean): void;
}

interface Handlers {
  data(socket: Socket, chunk: Uint8Array): void;
  drain?(socket: Socket): void;
}

interface UdpSocket {
  readonly port: number;
  send(data: Uint8Array, port: number, address: string): boolean;
}

interface Bun {
  listen(options: {
    hostname: string;
    port: number;
    backlog: number;
    socket: Handlers & { binaryType: "uint8array"; open(socket: Socket): void };
  }): { readonly port: number };
  udpSocket(options: {
    hostname: string;
    port: number;
    binaryType: "uint8array";
    socket: {
      data(socket: UdpSocket, data: Uint8Array, port: number, address: string): void;
    };
  }): Promise<UdpSocket>;
}

const { Bun } = globalThis as unknown as { Bun: Bun };

function sendRest(socket: Socket, data: Uint8Array): void {
  const count = Math.max(0, socket.write(data));
  socket.data.rest = count < data.length ? data.subarray(count) : undefined;
}

const echo: Handlers = {
  data(socket, chunk) {
    if (task === "idle" && chunk.length === 1) collect();
    const { rest } = socket.data;
    // Only a peer that sends before it has its answer gets here with a rest.
    sendRest(socket, rest === undefined ? chunk : Uint8Array.of(...rest, ...chunk));
  },
  drain(socket) {
    const { rest } = socket.data;
    if (rest !== undefined) sendRest(socket, rest);
  },
};

function sendPieces(socket: Socket): void {
  const { data } = socket;
  while (data.left > 0) {
    const begun = data.left % piece.length;
    const count = socket.write(begun === 0 ? piece : piece.subarray(piece.length - begun));
    if (count <= 0) return;
    data.left -= count;
  }
}

const tasks: Record<string, Handlers> = {
  echo,
  connect: echo,
  idle: echo,

  sink: {
    data(socket, chunk) {
      socket.data.left -= chunk.length;
      if (socket.data.left > -block) return;
      socket.data.left += block;
      socket.write(done);
    },
  },

  source: {
    data(socket) {
      socket.data.left = block;
      sendPieces(socket);
    },
    drain: sendPieces,
  },
};

if (task === "udp") {
  const server = await Bun.udpSocket({
    hostname: "127.0.0.1",
    port: 0,
    binaryType: "uint8array",
    socket: {
      data(socket, data, port, address) {
        socket.send(data, port, address);
      },
    },
  });
  announce(server.port);
} else {
  const server = Bun.listen({
    hostname: "127.0.0.1",
    port: 0,
    backlog: 1024,
    socket: {
      ...tasks[task]!,
      binaryType: "uint8array",
      open(socket) {
        socket.data = { rest: undefined, left: 0 };
        // Bun switches it on by itself.
        socket.setNoDelay(noDelay);
      },
    },
  });
  announce(server.port);
}
