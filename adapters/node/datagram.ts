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
 * The socket on a port that is its own: Linux takes a port that it chose away when the peer is freed, as Node has to
 * do before it can fix another one.
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
    // Somebody else was faster: any port will do, it only cannot be kept.
    return await openOn(request, host, 0);
  }
}

/** Where a peer can be fixed in the kernel: Deno 2.9 only remembers it, and still delivers strangers' datagrams. */
class ConnectableDatagram extends NodeDatagram {
  readonly concurrent = true;
  #connected = false;

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
    if (this.#connected) this.socket.disconnect();
    this.#connected = false;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: Error): void => reject(error);
      this.socket.once("error", failed);
      this.socket.once("connect", () => {
        this.socket.off("error", failed);
        resolve();
      });
      this.socket.connect((peer as InetAddress)[1], this.hostOf(peer as InetAddress));
    });
    this.#connected = true;
    this.moved();
  }
}

/** Where Node keeps its handle: `_handle` prints a warning. */
const STATE = "state symbol";

function descriptorOf(socket: DgramSocket): number {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === STATE);
  const state = key === undefined ? undefined : Reflect.get(socket, key);
  return (state as { handle?: { fd?: number } } | undefined)?.handle?.fd ?? -1;
}
