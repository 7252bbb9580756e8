/** Datagrams over loopback, as Linux has them: what is sent is in the receiver's queue at once, or refused. */

import { notGenerated } from "./differences.ts";
import { received } from "./model.ts";
import { type Result, type Step, type Target, Undetermined } from "./program.ts";

/** A UDP socket. */
export interface UdpSocket {
  readonly slot: number;
  /** `H:@0` where it was bound, `0.0.0.0:@0` where a send has chosen the port. */
  name: string;
  peer: { name: string; slot: number } | undefined;
  readonly peerName: Result;
  /** Whether a receive would wait. */
  readonly isEmpty: boolean;
  queue: { data: string; from: string }[];
  error: string | undefined;
  rdShut: boolean;
  wrShut: boolean;
}

/** All open UDP sockets of a program. */
export class Datagrams {
  readonly #sockets = new Map<number, UdpSocket>();

  add(slot: number): UdpSocket {
    const socket: UdpSocket = {
      slot,
      name: "0.0.0.0:0",
      peer: undefined,
      get peerName() {
        return this.peer?.name ?? "!ENOTCONN";
      },
      get isEmpty() {
        return this.queue.length === 0 && this.error === undefined && !this.rdShut;
      },
      queue: [],
      error: undefined,
      rdShut: false,
      wrShut: false,
    };
    this.#sockets.set(slot, socket);
    return socket;
  }

  remove(slot: number): void {
    this.#sockets.delete(slot);
  }

  bind(socket: UdpSocket, to: Target, address: string | undefined): Result {
    if (to === "missing") throw new Undetermined();
    if (to === "foreign") return "!EADDRNOTAVAIL";
    if (socket.name !== "0.0.0.0:0") return "!EINVAL";
    if (to === socket.slot) throw new Undetermined();
    if (typeof to === "number") {
      if (!address!.startsWith("H")) throw new Undetermined();
      return "!EADDRINUSE";
    }
    socket.name = `H:@${socket.slot}`;
    return "ok";
  }

  connect(socket: UdpSocket, to: { name: string; slot: number }): Result {
    if (to.slot === socket.slot) throw new Undetermined();
    socket.peer = to;
    // Linux fixes the local address, too.
    if (!socket.name.startsWith("H")) socket.name = `127.0.0.1:@${socket.slot}`;
    return "ok";
  }

  send(socket: UdpSocket, data: string, to: { name: string; slot: number } | undefined): Result {
    const target = to ?? socket.peer;
    if (target?.slot === socket.slot) throw new Undetermined();
    if (socket.name === "0.0.0.0:0") socket.name = `0.0.0.0:@${socket.slot}`;
    if (target === undefined) return "!EDESTADDRREQ";
    if (socket.error !== undefined) return `!${takeError(socket)}`;
    if (socket.wrShut) return "!EPIPE";
    const from = socket.name.replace("0.0.0.0", "127.0.0.1");
    const receiver = this.#sockets.get(target.slot);
    const reached = receiver !== undefined &&
      (receiver.name === target.name || receiver.name.startsWith("0.0.0.0:@")) &&
      (receiver.peer === undefined || receiver.peer.name === from);
    if (reached) receiver.queue.push({ data, from });
    else if (socket.peer?.name === target.name) socket.error = "ECONNREFUSED";
    return String(data.length);
  }

  receive(socket: UdpSocket, step: Step, timeout: number | null): Result | undefined {
    if (socket.error !== undefined) return `!${takeError(socket)}`;
    const first = socket.queue[0];
    if (first === undefined) {
      if (!socket.rdShut) return undefined;
      // Python with a timeout asks again and again then.
      if (timeout !== null && timeout > 0) throw new Undetermined();
      const waits = timeout === null && !step.flags?.includes("MSG_DONTWAIT");
      return waits ? received(step, "", "None") : "!EAGAIN";
    }
    const has = (flag: string): boolean => step.flags?.includes(flag) === true;
    const cut = first.data.length > step.n!;
    if (cut && has("MSG_TRUNC") && step.op !== "recv_into") {
      throw notGenerated("MSG_TRUNC of `recv` and `recvfrom`");
    }
    if (!has("MSG_PEEK")) socket.queue.shift();
    const data = first.data.slice(0, step.n!);
    if (step.op === "recv_into" && has("MSG_TRUNC")) return String(first.data.length);
    return received(step, data, first.from);
  }

  shutdown(socket: UdpSocket, how: string): Result {
    if (socket.peer === undefined) throw notGenerated("`shutdown` of a socket without a peer");
    if (how !== "SHUT_WR") socket.rdShut = true;
    if (how !== "SHUT_RD") socket.wrShut = true;
    return "ok";
  }
}

function takeError(socket: UdpSocket): string {
  const error = socket.error!;
  socket.error = undefined;
  return error;
}
