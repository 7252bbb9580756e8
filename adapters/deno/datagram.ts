/**
 * Datagram sockets of Deno. `Deno.listenDatagram`, available with `--unstable-net`, costs a third of `node:dgram` and
 * has AF_UNIX, but no options. So it serves UDP only if FFI can set them.
 */

import { isMapped } from "../../core/address/inet.ts";
import { AF_INET6, SOCK_DGRAM } from "../../core/constants.ts";
import type { Address, Datagram, DatagramRequest, DatagramSink, InetAddress } from "../adapter.ts";
import { ipv4OptionDetail, isZeroTtl, NodeDatagram, openSocket } from "../builtin/datagram.ts";
import { type DgramSocket, nodeModule, type NodeTimer } from "../builtin/modules.ts";
import { codedError, refusal } from "../coded_error.ts";
import { hostOf, isUnix, scopedLike } from "../endpoints.ts";
import type { Libc } from "../libc/libc.ts";
import { joinGroup, multicastInterface } from "../libc/multicast.ts";
import { unlinkPath } from "../unix_path.ts";
import { libc } from "./ffi.ts";
import { DenoOptions } from "./options.ts";
import { denied, isPermitted } from "./resolver.ts";
import {
  addressOf,
  deno,
  type DenoDatagram,
  type DenoNetAddr,
  denoPathOf,
  hasUnstableNet,
} from "./types.ts";
import { freshName, UnixPacketConn } from "./unix_packet.ts";

/** Options that work only before bind(2), and that node:dgram can set. */
const BY_NODE_DGRAM = ["SO_REUSEADDR", "IPV6_V6ONLY"];

/** Longer than any datagram of UDP. */
const UDP_BUFFER = 64 * 1024;
/**
 * Longer than any datagram of AF_UNIX, unless an administrator lets its sender have more: twice the default limit of
 * SO_SNDBUF. Deno 2.9 cuts a longer one and does not tell.
 */
const UNIX_BUFFER = 416 * 1024;

/** Opens a datagram socket on an address. */
export async function openDatagram(request: DatagramRequest): Promise<Datagram> {
  const { family, address, settings } = request;
  if (isUnix(address)) return new NativeDatagram(family, address === "" ? freshName() : address);
  const byNodeDgram = BY_NODE_DGRAM.some((name) => settings.get(name) === 1);
  if (!byNodeDgram && hasUnstableNet() && libc() !== undefined) {
    const datagram = new NativeDatagram(family, address);
    if (datagram.setDefaults()) return datagram;
    await datagram.close();
  }
  return new DgramDatagram(request, await openSocket(request));
}

/** The longest delay of a timer, which then does nothing. */
const LONGEST = 0x7fffffff;

/** Why an option cannot be set without libc; `undefined` if it can. */
export function nodeOptionDetail(family: number, name: string, value: number): string | undefined {
  if (isZeroTtl(name, value)) {
    return "Deno cannot set IP_MULTICAST_TTL to 0 without --allow-ffi";
  }
  // setTTL() sets IP_TTL; the other calls do not set the IPv4 options.
  return name === "IP_TTL" ? undefined : ipv4OptionDetail(family, name);
}

/** A socket of `node:dgram`, with the options that only FFI can set. */
class DgramDatagram extends NodeDatagram {
  #options: DenoOptions;
  #broadcasts = false;
  /** Keeps the process alive. */
  #keeper: NodeTimer | undefined;

  constructor({ family, address, settings }: DatagramRequest, socket: DgramSocket) {
    super(socket, family, address);
    const shared = settings.get("SO_REUSEADDR") === 1;
    this.#options = new DenoOptions({ type: SOCK_DGRAM, local: this.local, shared });
  }

  /**
   * Keeps the process alive with a timer. Deno 2.9: ref() and unref() of the socket do not affect a receive under way.
   */
  override ref(): void {
    this.#keeper ??= nodeModule("node:timers").setInterval(() => {}, LONGEST);
    this.#keeper.ref();
  }

  override unref(): void {
    this.#keeper?.unref();
  }

  override close(): Promise<void> {
    if (this.#keeper !== undefined) nodeModule("node:timers").clearInterval(this.#keeper);
    return super.close();
  }

  override setOption(name: string, value: number): boolean {
    if (name === "SO_BROADCAST") this.#broadcasts = value !== 0;
    if (this.#options.set(name, value)) return true;
    const detail = nodeOptionDetail(this.family, name, value);
    if (detail !== undefined) throw refusal("ENOPROTOOPT", detail);
    return super.setOption(name, value);
  }

  override getOption(name: string): number | undefined {
    return this.#options.get(name) ?? super.getOption(name);
  }

  /**
   * The error to report for a failed send. Deno 2.9 does not say that a permission is missing, or what the kernel
   * refused.
   */
  protected override failure(error: Error, to: Address | undefined): Error {
    const [host, port] = [hostOf(to as InetAddress), (to as InetAddress)[1]];
    if (!isPermitted(host, port)) return denied(host, port, error);
    if ((error as { code?: string }).code !== "UNKNOWN") return error;
    // An IPv6 socket that is bound to an IPv4 address sends over IPv4 only. One that is bound to an IPv6 address, or has
    // IPV6_V6ONLY, does not.
    const isBoundToMapped = isMapped((this.local as InetAddress)[0]);
    if (isMapped(host) !== isBoundToMapped) {
      const code = isBoundToMapped ? "EAFNOSUPPORT" : "ENETUNREACH";
      return codedError(code, code, error);
    }
    if (isLoopback(this.local) && !isLoopback(to!)) return codedError("EINVAL", "EINVAL", error);
    // Nearly always the cause: the broadcast address of a network.
    const isForbidden = host.endsWith(".255") && !this.#broadcasts;
    return isForbidden ? codedError("EACCES", "EACCES", error) : error;
  }
}

/** Whether an address is in 127.0.0.0/8, from which Linux sends nothing to other machines. */
function isLoopback(address: Address): boolean {
  return /^(::ffff:)?127\./.test((address as InetAddress)[0]);
}

/** An address as an argument for Deno. */
function targetOf(address: Address): Record<string, unknown> {
  return isUnix(address)
    ? { transport: "unixpacket", path: denoPathOf(address) }
    : { transport: "udp", hostname: hostOf(address), port: address[1] };
}

/** A socket of `Deno.listenDatagram`. */
class NativeDatagram implements Datagram {
  readonly local: Address;
  readonly fd = -1;
  #family: number;
  #conn: DenoDatagram;
  #options: DenoOptions;
  declare sink: DatagramSink;
  #buffer: Uint8Array<ArrayBuffer>;
  /**
   * Whether a receive is under way. There is one at most, since Deno completes several in reverse order. It cannot be
   * cancelled.
   */
  #receiving = false;
  #closed = false;
  #whenIdle: (() => void) | undefined;

  constructor(family: number, address: Address) {
    this.#family = family;
    const conn = deno().listenDatagram!(targetOf(address));
    conn.unref();
    this.#conn = isUnix(address) ? new UnixPacketConn(conn) : conn;
    this.#buffer = new Uint8Array(isUnix(address) ? UNIX_BUFFER : UDP_BUFFER);
    this.local = scopedLike(addressOf(family, this.#conn.addr), address);
    this.#options = new DenoOptions({ type: SOCK_DGRAM, local: this.local, shared: false });
  }

  /**
   * Sets Linux's defaults: Deno 2.9 permits broadcast and turns multicast loopback off.
   *
   * @returns whether options can be set
   */
  setDefaults(): boolean {
    const loop = this.#family === AF_INET6 ? "IPV6_MULTICAST_LOOP" : "IP_MULTICAST_LOOP";
    return this.#options.set("SO_BROADCAST", 0) && this.#options.set(loop, 1);
  }

  resume(): void {
    if (!this.#receiving && !this.#closed) this.#receive();
  }

  ref(): void {
    this.#conn.ref();
  }

  unref(): void {
    this.#conn.unref();
  }

  send(data: Uint8Array, to: Address | undefined): Promise<unknown> {
    // The core filters by peer, and always passes its address.
    return this.#conn.send(data, targetOf(to!));
  }

  setOption(name: string, value: number): boolean {
    return this.#options.set(name, value);
  }

  getOption(name: string): number | undefined {
    return this.#options.get(name);
  }

  membership(action: "join" | "leave", group: string, device: string): void {
    this.#multicast((c, fd) => joinGroup(c, fd, action, group, device));
  }

  multicastInterface(device: string, family: number): void {
    this.#multicast((c, fd) => multicastInterface(c, fd, family, device));
  }

  close(): Promise<void> {
    this.#closed = true;
    // The descriptor is closed with the pending receive, and the process must live until then.
    if (this.#receiving) this.#conn.ref();
    this.#conn.close();
    unlinkPath(this.local);
    if (!this.#receiving) return Promise.resolve();
    return new Promise((resolve) => this.#whenIdle = resolve);
  }

  #multicast(call: (c: Libc, fd: number) => void): void {
    const done = this.#options.withDescriptor((c, fd) => {
      call(c, fd);
      return true;
    });
    // The permission that this socket was opened with may be revoked.
    if (done === undefined) throw refusal("ENOPROTOOPT", "Deno needs --allow-ffi for it");
  }

  // Callbacks instead of an async loop save two promises per datagram.
  #receive(): void {
    this.#receiving = true;
    this.#conn.receive(this.#buffer).then(this.#received, this.#failed);
  }

  #received = ([data, from]: [data: Uint8Array<ArrayBuffer>, from: DenoNetAddr]): void => {
    this.#receiving = false;
    if (this.#closed) return this.#whenIdle?.();
    const address = scopedLike(addressOf(this.#family, from), this.local);
    if (this.sink.datagram(data, address, false)) this.resume();
  };

  #failed = (error: unknown): void => {
    this.#receiving = false;
    if (this.#closed) return this.#whenIdle?.();
    // Deno 2.9 loses a datagram of AF_UNIX whose sender has a name that is not UTF-8.
    if ((error as Error).name !== "InvalidData") this.sink.error(error);
    this.resume();
  };
}
