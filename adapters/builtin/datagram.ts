/** UDP over `node:dgram`, for Node and Deno. */

import { AF_INET6 } from "../../core/constants.ts";
import type { Address, Datagram, DatagramRequest, DatagramSink, InetAddress } from "../adapter.ts";
import { codedError } from "../coded_error.ts";
import { addressFrom, hostOf, scopedLike } from "../endpoints.ts";
import { plain } from "./buffer.ts";
import { type DgramSocket, nodeModule } from "./modules.ts";
import { interfaces } from "./resolver.ts";

/** Opens a socket of `node:dgram` on an address. */
export function openSocket(request: DatagramRequest): Promise<DgramSocket> {
  const address = request.address as InetAddress;
  return openOn(request, hostOf(address), address[1]);
}

/** Opens a socket of `node:dgram` on a host, optionally with its zone, and a port. */
export async function openOn(
  { family, settings }: DatagramRequest,
  address: string,
  port: number,
): Promise<DgramSocket> {
  const socket = createSocket(family, {
    reuseAddr: settings.get("SO_REUSEADDR") === 1,
    // Node 20 rejects the key even when it is false.
    ...(settings.get("SO_REUSEPORT") === 1 ? { reusePort: true } : {}),
    ipv6Only: settings.get("IPV6_V6ONLY") === 1,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("listening", () => resolve());
      socket.once("error", reject);
      socket.bind({ address, port, exclusive: true });
    });
  } catch (cause) {
    // Node 26 leaves the descriptor open if bind fails.
    await new Promise<void>((resolve) => socket.close(resolve));
    throw cause;
  }
  return socket;
}

/** Creates a socket of `node:dgram` that keeps no process alive. */
export function createSocket(family: number, options: Record<string, unknown>): DgramSocket {
  const socket = nodeModule("node:dgram").createSocket({
    ...options,
    type: family === AF_INET6 ? "udp6" : "udp4",
    // Every host here is a literal. With the default look-up, close() right after send() would lose the datagram.
    lookup: (
      host: string,
      _options: unknown,
      done: (e: null, host: string, family: number) => void,
    ) => done(null, host, family === AF_INET6 ? 6 : 4),
  });
  // Before bind: in Deno 2.9 it applies to later receives only.
  socket.unref();
  return socket;
}

/** A socket of `node:dgram`; the core filters by peer. */
export class NodeDatagram implements Datagram {
  declare sink: DatagramSink;
  protected readonly socket: DgramSocket;
  protected readonly family: number;
  #asked: Address;
  #local: Address;
  #closed = false;
  /** The multicast groups that it has joined. */
  #groups = new Set<string>();

  /** `asked` is the requested address, whose scope a runtime may omit. */
  constructor(socket: DgramSocket, family: number, asked: Address) {
    this.socket = socket;
    this.family = family;
    this.#asked = asked;
    this.#local = this.#address();
    socket.on(
      "message",
      (data: Uint8Array<ArrayBuffer>, from: { address: string; port: number }) => {
        this.sink.datagram(plain(data), this.addressFrom(from.address, from.port), true);
      },
    );
    socket.on("error", (error: Error) => this.sink.error(error));
  }

  get fd(): number {
    return -1;
  }

  get local(): Address {
    return this.#local;
  }

  ref(): void {
    if (!this.#closed) this.socket.ref();
  }

  unref(): void {
    if (!this.#closed) this.socket.unref();
  }

  send(data: Uint8Array, to: Address | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null): void =>
        error === null ? resolve() : reject(this.failure(error, to));
      if (to === undefined) this.socket.send(data, done);
      else this.socket.send(data, (to as InetAddress)[1], this.hostOf(to as InetAddress), done);
    });
  }

  setOption(name: string, value: number): boolean {
    switch (name) {
      case "SO_BROADCAST":
        this.socket.setBroadcast(value !== 0);
        return true;
      case "SO_RCVBUF":
        this.socket.setRecvBufferSize(value);
        return true;
      case "SO_SNDBUF":
        this.socket.setSendBufferSize(value);
        return true;
      case "IP_TTL":
      case "IPV6_UNICAST_HOPS":
        this.socket.setTTL(value === -1 ? 64 : value);
        return true;
      case "IP_MULTICAST_TTL":
      case "IPV6_MULTICAST_HOPS":
        this.socket.setMulticastTTL(value === -1 ? 1 : value);
        return true;
      case "IP_MULTICAST_LOOP":
      case "IPV6_MULTICAST_LOOP":
        this.socket.setMulticastLoopback(value !== 0);
        return true;
      default:
        return false;
    }
  }

  getOption(name: string): number | undefined {
    if (this.#closed) return undefined;
    switch (name) {
      case "SO_RCVBUF":
        return this.socket.getRecvBufferSize();
      case "SO_SNDBUF":
        return this.socket.getSendBufferSize();
      default:
        return undefined;
    }
  }

  membership(action: "join" | "leave", group: string, device: string): void {
    const where = device === "" ? undefined : this.#device(device);
    // Checked here: Deno 2.9 reports EINVAL for anything the kernel refuses.
    const key = `${group} ${where}`;
    const joined = this.#groups.has(key);
    if (action === "join") {
      if (joined) throw codedError("EADDRINUSE", `in ${group} already`);
      this.socket.addMembership(group, where);
      this.#groups.add(key);
    } else {
      if (!joined) throw codedError("EADDRNOTAVAIL", `not in ${group}`);
      this.socket.dropMembership(group, where);
      this.#groups.delete(key);
    }
  }

  multicastInterface(device: string, family: number): void {
    const any = family === AF_INET6 ? "::" : "0.0.0.0";
    this.socket.setMulticastInterface(device === "" ? any : this.#device(device));
  }

  close(): Promise<void> {
    this.#closed = true;
    return new Promise((resolve) => this.socket.close(resolve));
  }

  /** An address as the runtime takes it. */
  protected hostOf(address: InetAddress): string {
    return hostOf(address);
  }

  /** An address that the runtime reported. */
  protected addressFrom(host: string, port: number): InetAddress {
    return scopedLike(addressFrom(this.family, host, port), this.#asked);
  }

  /** The error to report for a failed send. */
  protected failure(error: Error, _to: Address | undefined): Error {
    return error;
  }

  /** Reads the local address again: the kernel has chosen a new one. */
  protected moved(): void {
    this.#local = this.#address();
  }

  /** An interface as the modules take it: one given by index, for IPv6, becomes the scope of an address, by name. */
  #device(device: string): string {
    if (!/^\d+$/.test(device)) return device;
    const found = interfaces().find(({ index }) => index === Number(device));
    if (found !== undefined) return `::%${found.name}`;
    throw codedError("ENODEV", `interface ${device}`);
  }

  #address(): Address {
    const { address, port } = this.socket.address();
    return this.addressFrom(address, port);
  }
}

/**
 * Why an option cannot be set without libc: on an IPv6 socket `node:dgram` would set the IPv6 option instead, or none.
 */
export function ipv4OptionDetail(family: number, name: string): string | undefined {
  return family === AF_INET6 && name.startsWith("IP_")
    ? `only libc can set ${name} of an IPv6 socket`
    : undefined;
}

/** Whether setMulticastTTL() refuses this setting, on Deno 2.9 and Bun 1.4. */
export function isZeroTtl(name: string, value: number): boolean {
  return name === "IP_MULTICAST_TTL" && value === 0;
}
