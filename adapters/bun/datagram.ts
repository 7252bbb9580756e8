/** UDP of Bun, on descriptors from libc. */

import { SOCK_DGRAM } from "../../core/constants.ts";
import type { Address, Datagram, DatagramRequest, DatagramSink, InetAddress } from "../adapter.ts";
import { scopeOf } from "../builtin/resolver.ts";
import { codedError } from "../coded_error.ts";
import { addressFrom, hostOf } from "../endpoints.ts";
import { joinGroup, multicastInterface } from "../libc/multicast.ts";
import { getDescriptorOption, setDescriptorOption } from "../libc/options.ts";
import { keepingReuse } from "../libc/reuse_address.ts";
import type { Libc } from "./libc.ts";
import { bun, type BunUdpHandlers, type BunUdpSocket } from "./types.ts";

/** Opens a UDP socket on an address. */
export function openDatagram(c: Libc, request: DatagramRequest): Datagram {
  const { family, address, settings } = request;
  const fd = c.socket(family, SOCK_DGRAM);
  try {
    for (const name of ["SO_REUSEADDR", "SO_REUSEPORT", "IPV6_V6ONLY"]) {
      const value = settings.get(name);
      if (value !== undefined) setDescriptorOption(c, fd, name, value);
    }
    c.bind(fd, family, address);
    return datagramOver(c, fd, family, undefined);
  } catch (error) {
    c.close(fd);
    throw error;
  }
}

/** Lets Bun read from the descriptor of a UDP socket, with the peer that the kernel has fixed, if any. */
export function datagramOver(
  c: Libc,
  fd: number,
  family: number,
  peer: Address | undefined,
): Datagram {
  const datagram = new BunDatagram(c, fd, family, peer);
  datagram.open();
  return datagram;
}

class BunDatagram implements Datagram {
  readonly fd: number;
  #peer: Address | undefined;
  declare sink: DatagramSink;
  #libc: Libc;
  #family: number;
  #local: Address;
  #socket: BunUdpSocket | undefined;
  /** How many reasons there are to keep the process alive: waiting receives and sends. */
  #refs = 0;
  /** Sends that wait for room in the send buffer. */
  #drain: Array<() => void> = [];
  #closed = false;

  constructor(c: Libc, fd: number, family: number, peer: Address | undefined) {
    this.#libc = c;
    this.fd = fd;
    this.#family = family;
    this.#peer = peer;
    this.#local = c.getsockname(fd);
  }

  get local(): Address {
    return this.#local;
  }

  /** Lets Bun adopt the descriptor and read from it. */
  open(): void {
    const handlers: BunUdpHandlers = {
      data: (_socket, data, port, host) => {
        this.sink?.datagram(data, addressFrom(this.#family, host, port, scopeOf), true);
      },
      drain: () => {
        for (const resolve of this.#drain.splice(0)) resolve();
      },
      error: (error) => this.sink?.error(error),
    };
    const { fd } = this;
    const opening = keepingReuse(
      this.#libc,
      fd,
      () => bun().udpSocket({ fd, binaryType: "uint8array", socket: handlers }),
    );
    // Over a descriptor Bun is ready at once.
    this.#socket = bun().peek(opening) as BunUdpSocket;
    this.#socket.unref();
  }

  ref(): void {
    if (this.#refs++ === 0) this.#socket?.ref();
  }

  unref(): void {
    if (--this.#refs === 0) this.#socket?.unref();
  }

  send(data: Uint8Array, to: Address | undefined): Promise<void> | undefined {
    const address = (to ?? this.#peer) as InetAddress;
    const host = hostOf(address);
    return this.#trySend(data, address[1], host)
      ? undefined
      // Copied: the caller may change its buffer meanwhile.
      : this.#sendLater(data.slice(), address[1], host);
  }

  connect(peer: Address): void {
    this.#libc.connect(this.fd, this.#family, peer);
    this.#peer = peer;
    this.#local = this.#libc.getsockname(this.fd);
  }

  setOption(name: string, value: number): boolean {
    return setDescriptorOption(this.#libc, this.fd, name, value);
  }

  getOption(name: string): number | undefined {
    return getDescriptorOption(this.#libc, this.fd, name);
  }

  membership(action: "join" | "leave", group: string, device: string): void {
    joinGroup(this.#libc, this.fd, action, group, device);
  }

  multicastInterface(device: string, family: number): void {
    multicastInterface(this.#libc, this.fd, family, device);
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#socket?.close();
    for (const resolve of this.#drain.splice(0)) resolve();
    return Promise.resolve();
  }

  async #sendLater(data: Uint8Array, port: number, host: string): Promise<void> {
    this.ref();
    try {
      do {
        await new Promise<void>((resolve) => this.#drain.push(resolve));
        if (this.#closed) throw codedError("EBADF", "it is closed");
      } while (!this.#trySend(data, port, host));
    } finally {
      this.unref();
    }
  }

  #trySend(data: Uint8Array, port: number, host: string): boolean {
    try {
      return this.#socket?.send(data, port, host) ?? true;
    } catch (error) {
      // Bun 1.4: the ICMP error of an earlier datagram makes the next send on an unconnected socket throw, and that
      // datagram is not sent. Linux reports the error to connected sockets only.
      if ((error as { code?: string }).code === "ECONNREFUSED" && this.#peer === undefined) {
        return this.#socket?.send(data, port, host) ?? true;
      }
      throw error;
    }
  }
}
