/** Listeners of Node. */

import type { Address, ListenerSink, Stream } from "../adapter.ts";
import type { NetServer, NetSocket } from "../builtin/modules.ts";
import { NetListener } from "../builtin/net_listener.ts";
import { isUnix, isWildcard } from "../endpoints.ts";
import { unlinkPath } from "../unix_path.ts";
import { libc } from "./ffi.ts";
import { getEarlyOption, setNodeOption } from "./options.ts";
import { inetStream, streamOver } from "./stream.ts";

/** A listener with a descriptor. */
export class NodeListener extends NetListener {
  #path: Address;

  /** `path` is removed with the socket; empty if there is nothing to remove. */
  constructor(
    server: NetServer,
    family: number,
    local: Address,
    sink: ListenerSink,
    path: Address,
  ) {
    super(server, family, local, sink);
    this.#path = path;
  }

  protected override streamOf(socket: NetSocket): Stream {
    const { local } = this;
    return isUnix(local)
      ? streamOver(socket, local, unixPeer(socket))
      : inetStream(socket, this.family, isWildcard(local) ? undefined : local);
  }

  override setOption(name: string, value: number): boolean {
    return setNodeOption(this.fd, name, value);
  }

  override getOption(name: string): number | undefined {
    return getEarlyOption(this.fd, name);
  }

  override close(): Promise<void> {
    const closed = super.close();
    unlinkPath(this.#path);
    return closed;
  }
}

/** The name of a UNIX client; Node itself does not report it. */
function unixPeer(socket: NetSocket): Address {
  const fd = socket._handle?.fd ?? -1;
  return (fd < 0 ? undefined : libc()?.getpeername(fd)) ?? "";
}
