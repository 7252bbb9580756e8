/** Datagram sockets of Node. */

import type { Address, Datagram, DatagramRequest, InetAddress } from "../adapter.ts";
import { createSocket, ipv4OptionDetail, NodeDatagram, openOn } from "../builtin/datagram.ts";
import type { DgramSocket } from "../builtin/modules.ts";
import { checkLink, scopeOf, zonedHostOf } from "../builtin/resolver.ts";
import { refusal } from "../coded_error.ts";
import { addressFrom } from "../endpoints.ts";
import { joinGroup } from "../libc/multicast.ts";
import { libc } from "./ffi.ts";
import { getNodeOption, setNodeOption } from "./options.ts";

/** Opens a datagram socket of Node. */
export async function openDatagram(request: DatagramRequest): Promise<Datagram> {
  const { family, address } = request;
  checkLink(address as InetAddress);
  const [host, port] = [zonedHostOf(address as InetAddress), (address as InetAddress)[1]];
  const socket = await openOn(request, host, port);
  const own = port === 0 && libc() === undefined ? await pinned(request, host, socket) : socket;
  return new ConnectableDatagram(own, family, address);
}

/**
 * Reopens a socket on the port chosen for it, as an explicit port: Linux takes an ephemeral port away when the peer is
 * dissolved, and without the C library Node must do that before it can fix another peer.
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

/** Takes over the descriptor of a UDP socket, with the peer that the kernel has fixed, if any. */
export function datagramOver(
  fd: number,
  family: number,
  local: Address,
  peer: Address | undefined,
): Datagram {
  const socket = createSocket(family, {});
  // Not shared out by the primary of a cluster.
  socket.bind({ fd, exclusive: true });
  return new ConnectableDatagram(socket, family, local, peer);
}

/**
 * A socket whose peer is fixed in the kernel. Not for Deno 2.9, which only remembers the peer and still delivers
 * strangers' datagrams.
 */
class ConnectableDatagram extends NodeDatagram {
  readonly concurrent = true;
  /** The host and port of the fixed peer. */
  #fixed: [host: string, port: number] | undefined;

  /** `peer` is the peer of a descriptor that was taken over. */
  constructor(socket: DgramSocket, family: number, asked: Address, peer?: Address) {
    super(socket, family, asked);
    if (peer === undefined) return;
    this.#fixed = this.#known(peer);
    // Node 20 to 26 do not ask the kernel.
    stateOf(socket)!.connectState = CONNECTED;
  }

  override get fd(): number {
    return stateOf(this.socket)?.handle?.fd ?? -1;
  }

  override setOption(name: string, value: number): boolean {
    if (setNodeOption(this.fd, name, value)) return true;
    const detail = ipv4OptionDetail(this.family, name);
    if (detail !== undefined) throw refusal("ENOPROTOOPT", detail);
    return super.setOption(name, value);
  }

  override getOption(name: string): number | undefined {
    return getNodeOption(this.fd, name) ?? super.getOption(name);
  }

  override membership(action: "join" | "leave", group: string, device: string): void {
    const c = libc();
    // The kernel knows the groups that a socket was in before it was taken over.
    if (c !== undefined) joinGroup(c, this.fd, action, group, device);
    else super.membership(action, group, device);
  }

  protected override hostOf(address: InetAddress): string {
    return zonedHostOf(address);
  }

  protected override addressFrom(host: string, port: number): InetAddress {
    return addressFrom(this.family, host, port, scopeOf);
  }

  async connect(peer: Address): Promise<void> {
    const known = this.#known(peer);
    const before = this.#fixed;
    const c = libc();
    if (before !== undefined && c !== undefined) {
      // Node would dissolve the peer first, at which Linux takes away a port that it chose itself.
      c.connect(this.fd, this.family, peer);
      this.#fixed = known;
      return this.moved();
    }
    if (before !== undefined) this.socket.disconnect();
    this.#fixed = undefined;
    try {
      await this.#connect(...known);
    } catch (error) {
      // As in Linux, it keeps the peer that it had.
      if (before !== undefined) await this.#connect(...before);
      throw error;
    }
    this.moved();
  }

  #known(peer: Address): [host: string, port: number] {
    return [this.hostOf(peer as InetAddress), (peer as InetAddress)[1]];
  }

  async #connect(host: string, port: number): Promise<void> {
    // Without a callback, the failure would also be an event, as if the system had reported it for a datagram.
    await new Promise<void>((resolve, reject) => {
      this.socket.connect(port, host, (error) => error === undefined ? resolve() : reject(error));
    });
    this.#fixed = [host, port];
  }
}

/** The symbol under which Node keeps its state: reading `_handle` prints a warning. */
const STATE = "state symbol";

/** The `connectState` of a socket with a peer. */
const CONNECTED = 2;

/** The state of Node's socket; its handle is absent once it is closed. */
interface State {
  readonly handle?: { readonly fd?: number } | null;
  connectState: number;
}

function stateOf(socket: DgramSocket): State | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === STATE);
  return key === undefined ? undefined : Reflect.get(socket, key);
}
