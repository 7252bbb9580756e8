/** Connecting a socket of `node:net`, for Node and Deno. */

import { codedError } from "../coded_error.ts";
import type { NetSocket } from "./modules.ts";

/** A connection under way. */
export interface SocketConnect {
  /** Settles when the socket is connected or has failed. */
  readonly done: Promise<void>;
  /** Gives up: `done` rejects. */
  cancel(): void;
}

/** Connects a fresh socket to a literal address, without reading from it. */
export function connectSocket(socket: NetSocket, options: Record<string, unknown>): SocketConnect {
  // Paused before 'connect', the socket reads nothing until the core asks.
  socket.pause();
  let cancel!: () => void;
  const done = new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => reject(error);
    cancel = () => {
      socket.destroy();
      reject(codedError("ECANCELED", "cancelled"));
    };
    socket.once("error", failed);
    socket.once("connect", () => {
      socket.off("error", failed);
      resolve();
    });
  });
  socket.connect(options);
  return { done, cancel };
}
