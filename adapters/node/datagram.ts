/** Datagram sockets of Node. */

import type { Address, Datagram, DatagramRequest, InetAddress } from "../adapter.ts";
import { ipv4OptionDetail, NodeDatagram, notAvailable, openOn } from "../builtin/datagram.ts";
import type { DgramSocket } from "../builtin/modules.ts";
import { checkLink, scopeOf, zonedHostOf } from "../builtin/resolver.ts";
import { addressFrom } from "../endpoints.ts";
import { getNodeOption, setNodeOption } from "./options.ts";

/** Opens a datagram socket of Node. */
export async function openDatagram(request: DatagramRequest): Promise<Datagram> {
  const { family, address } = request;
  checkLink(address as InetAddress);
  const [host, port] = [zonedHostOf(address as InetAddress), (address as InetAddress)[1]];
  const socket = await openOn(request, host, port);
  const own = port === 0 ? await pinned(request, host, socket) : socket;
  return new ConnectableDatagram(own, family, address);
}

/**
 * Reopens a socket on the port chosen for it, as an explicit port: Linux takes an ephemeral port away when the peer is
 * dissolved, and Node must do that before it can fix another peer.
 */
async function pinned(
  request: DatagramRequest,
  host: string,
  socket: DgramSocket,
): Promise<DgramSocket> {
  const { port } = socket.address();
  await new Promise<void>((resolve) => socket.close(resolve));
  try {
    return await openOn(request, host, port);
  } catch {
    // Another socket took it: any port will do, but it cannot be kept.
    return await openOn(request, host, 0);
  }
}

/**
 * A socket whose peer is fixed in the kernel. Not for Deno 2.9, which only remembers the peer and still delivers
 * strangers' datagrams.
 */
class ConnectableDatagram extends NodeDatagram {
  readonly concurrent = true;
  /** The host and port of the fixed peer. */
  #fixed: [host: string, port: number] | undefined;

  override get fd(): number {
    return descriptorOf(this.socket);
  }

  override setOption(name: string, value: number): boolean {
    if (setNodeOption(this.fd, name, value)) return true;
    const detail = ipv4OptionDetail(this.family, name);
    if (detail !== undefined) throw notAvailable(detail);
    return super.setOption(name, value);
  }

  override getOption(name: string): number | undefined {
    return getNodeOption(this.fd, name) ?? super.getOption(name);
  }

  protected override hostOf(address: InetAddress): string {
    return zonedHostOf(address);
  }

  protected override addressFrom(host: string, port: number): InetAddress {
    return addressFrom(this.family, host, port, scopeOf);
  }

  async connect(peer: Address): Promise<void> {
    const [host, port] = [this.hostOf(peer as InetAddress), (peer as InetAddress)[1]];
    const before = this.#fixed;
    if (before !== undefined) this.socket.disconnect();
    this.#fixed = undefined;
    try {
      await this.#connect(host, port);
    } catch (error) {
      // As in Linux, it keeps the peer that it had.
      if (before !== undefined) await this.#connect(...before);
      throw error;
    }
    this.moved();
  }

  async #connect(host: string, port: number): Promise<void> {
    // Without a callback, the failure would also be an event, as if the system had reported it for a datagram.
    await new Promise<void>((resolve, reject) => {
      this.socket.connect(port, host, (error) => error === undefined ? resolve() : reject(error));
    });
    this.#fixed = [host, port];
  }
}

/** The symbol under which Node keeps its handle: reading `_handle` prints a warning. */
const STATE = "state symbol";

function descriptorOf(socket: DgramSocket): number {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === STATE);
  const state = key === undefined ? undefined : Reflect.get(socket, key);
  return (state as { handle?: { fd?: number } } | undefined)?.handle?.fd ?? -1;
}
