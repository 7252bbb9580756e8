/** The socket object. It checks arguments once and passes them to the state machine of its type. */

import type { Adapter, Address, InetAddress } from "../adapters/adapter.ts";
import { checkAdapter, getAdapter } from "./adapter_choice.ts";
import {
  type AddressLikeOf,
  type AddressOf,
  checkAddress,
  copyAddress,
  type Destination,
  familyName,
  type InetRequest,
  isAddressKind,
} from "./address/address.ts";
import {
  checkOptions,
  flag as checkFlag,
  int,
  INT_MAX,
  integer,
  seconds,
  signalOf,
  size,
  type WaitOptions,
} from "./arguments.ts";
import { type BytesLike, concat, empty, toBuffer, toBytes, totalOf } from "./bytes.ts";
import * as c from "./constants.ts";
import { DatagramTransport } from "./datagram/transport.ts";
import { getdefaulttimeout } from "./default_timeout.ts";
import { adopt, calling, noteDetached, noteHolder, takeLost, type Taken } from "./descriptors.ts";
import { inspectAddress } from "./errors/address_text.ts";
import { errno } from "./errors/errno.ts";
import {
  closedError,
  GaiError,
  SocketError,
  systemError,
  TimeoutError,
  withBytesSent,
} from "./errors/errors.ts";
import {
  type BinaryFileOptions,
  type BinaryMode,
  checkFileKind,
  type FileOptions,
  type TextMode,
} from "./file/file_mode.ts";
import { SocketFile } from "./file/socket_file.ts";
import { receiveFlags, sendFlags } from "./flags.ts";
import { inspectAsText } from "./inspect.ts";
import { checkKind, type Kind, protocolOf, typeName } from "./kind.ts";
import { ancillaryList, bufferList, piecesOf, receiveTarget, scatter } from "./message_buffers.ts";
import { SocketOptions } from "./options/socket_options.ts";
import { checkOptionValue, type OptionValue } from "./options/values.ts";
import { type Received, receiveRequest } from "./requests.ts";
import { checkFileSource, type FileSource, sendFile, type SendFileOptions } from "./sendfile.ts";
import type { StreamEndpoint } from "./stream/endpoint.ts";
import { StreamTransport } from "./stream/transport.ts";
import type { FromMessage, Transport } from "./transport.ts";
import { socketClosed } from "./waiting/deadlines.ts";
import { quietly, rejected } from "./waiting/quiet.ts";
import { pollTurnOf, resolved } from "./waiting/turn.ts";
import { blocking, limited, type Limits } from "./waiting/wait.ts";
import { type StreamSocket, WebStreams } from "./web_streams.ts";

/** Options of a new socket. */
export interface SocketInit {
  /** The adapter to use instead of the current one. */
  adapter?: Adapter | undefined;
  /**
   * An open descriptor to take over, inherited (systemd's socket activation) or returned by `detach()`: a TCP or UNIX
   * stream socket, or a UDP socket that is bound. The family, type and protocol are detected if left out.
   */
  fileno?: number | undefined;
}

/** One item of ancillary data: level, type and bytes. */
export type AncillaryData = [
  cmsg_level: number,
  cmsg_type: number,
  cmsg_data: Uint8Array<ArrayBuffer>,
];

/** Connects to an address resolved from a name. The request carries the name: Deno may permit that alone. */
export let connectResolved: (
  socket: Socket<InetAddress>,
  destination: InetRequest,
  options: WaitOptions,
) => Promise<void>;

/** Accepts a connection, ignoring the listening socket's timeout. */
export let acceptAnytime: <A extends Address>(
  server: Socket<A>,
  signal: AbortSignal | undefined,
) => Promise<[conn: Socket<A>, address: A]>;

/** Flushes and closes a socket's files, then the socket; `onerror` receives each failure of a flush. */
export let closeWithFiles: (
  socket: Socket<Address>,
  onerror: (error: unknown) => void,
) => Promise<void>;

/**
 * A Berkeley socket.
 *
 * The methods are those of POSIX and of Python's `socket` objects, as promises. Those that connect, accept, receive or
 * send take `{ signal }` as their last argument and reject with `signal.reason` on abort. A receive that is aborted or
 * times out loses no bytes.
 *
 * The type parameter is the address: `string` for AF_UNIX, `[host, port]` for AF_INET and AF_INET6.
 *
 * Source: POSIX `<sys/socket.h>`, Python's `socket` objects.
 *
 * @example
 * ```ts
 * import { AF_INET, SOCK_STREAM, Socket } from "@bsdsock/bsdsock";
 *
 * await using s = new Socket(AF_INET, SOCK_STREAM);
 * await s.bind(["127.0.0.1", 0]);
 * ```
 */
export class Socket<A extends Address = AddressOf<2>> {
  #adapter: Adapter;
  #kind: Kind;
  #options: SocketOptions;
  #transport: Transport;
  #timeout: number | null = getdefaulttimeout();
  /** Cached limits of calls without flags and options, while neither SO_RCVTIMEO nor SO_SNDTIMEO is set. */
  #plainLimits: Limits | undefined;
  /**
   * Whether child processes inherit the descriptor, where the adapter cannot tell: `undefined` if nobody knows of one
   * that was taken over.
   */
  #inheritable: boolean | undefined = false;
  #closeAsked = false;
  #closing: Promise<void> | undefined;
  /** Open files of `makefile`; created with the first. */
  #files: Set<SocketFile<Uint8Array<ArrayBuffer>>> | undefined;
  #streams: WebStreams | undefined;

  static {
    connectResolved = (socket, destination, options) => socket.#connect(destination, options);
    acceptAnytime = async (server, signal) => {
      const limits = server.#limits(0, { signal }, undefined);
      return await server.#accept({ ...limits, timeout: null });
    };
    closeWithFiles = async (socket, onerror) => {
      for (const file of [...socket.#files ?? []]) await file.close().catch(onerror);
      socket.#closeAsked = true;
      await socket.#reallyClose();
    };
    inspectAsText(this.prototype, "Socket", (value) => #transport in value);
  }

  /**
   * The same as {@linkcode socket}, except that the address type does not follow from the family: it is AF_INET's
   * unless given, as in `new Socket<string>(AF_UNIX)`.
   *
   * @throws {SocketError} EAFNOSUPPORT, ESOCKTNOSUPPORT or EPROTONOSUPPORT when the adapter has no such socket;
   * EBADF or ENOTSOCK when `init.fileno` is not an open socket, ENOTSUP when the adapter cannot take it over
   */
  constructor(
    family?: number,
    type?: number,
    proto?: number,
    init: SocketInit = {},
  ) {
    checkOptions(init, "{ fileno: 3 }");
    const { adapter, fileno } = init;
    this.#adapter = adapter === undefined ? getAdapter() : checkAdapter(adapter, "options.adapter");
    // Before the descriptor is taken over: a refused kind leaves it to the caller.
    const kind = checkKind(
      this.#adapter,
      family === undefined ? c.AF_INET : family,
      type === undefined ? c.SOCK_STREAM : type,
      proto === undefined ? 0 : proto,
    );
    const { adopted, options, original }: Partial<Taken> = fileno === undefined
      ? {}
      : adopt(this.#adapter, fileno, isLeftOut(type) ? undefined : kind.type);
    this.#kind = kind;
    if (adopted !== undefined) {
      const found = {
        family: isLeftOut(family) ? adopted.family : kind.family,
        type: "datagram" in adopted ? c.SOCK_DGRAM : c.SOCK_STREAM,
      };
      this.#kind = { ...found, proto: isLeftOut(proto) ? protocolOf(found) : kind.proto };
    }
    this.#options = options ?? new SocketOptions(this.#adapter, this.#kind);
    if (this.#kind.type === c.SOCK_DGRAM) {
      const transport = new DatagramTransport(this.#adapter, this.#kind.family, this.#options);
      if (adopted !== undefined && "datagram" in adopted) transport.adopt(adopted);
      this.#transport = transport;
    } else {
      const transport = new StreamTransport(this.#adapter, this.#kind.family, this.#options);
      if (adopted !== undefined && !("datagram" in adopted)) transport.adopt(adopted);
      if (original instanceof StreamTransport) original.share(transport);
      this.#transport = transport;
    }
    if (adopted !== undefined) {
      // The program may pass the number again.
      this.#knownDescriptor();
      this.#inheritable = this.#isInheritable(fileno!);
    }
  }

  /**
   * The address family: AF_INET, AF_INET6 or AF_UNIX. Stays readable after `close`.
   *
   * Source: Python `socket.family`; the option SO_DOMAIN of Linux.
   *
   * @example
   * ```ts
   * import { AF_INET, socket } from "@bsdsock/bsdsock";
   *
   * await using s = socket();
   * console.log(s.family === AF_INET); // true
   * ```
   */
  get family(): number {
    return this.#kind.family;
  }

  /**
   * The type: SOCK_STREAM or SOCK_DGRAM. Stays readable after `close`.
   *
   * Source: Python `socket.type`; the option SO_TYPE of POSIX.
   *
   * @example
   * ```ts
   * import { AF_INET, SOCK_DGRAM, socket } from "@bsdsock/bsdsock";
   *
   * await using s = socket(AF_INET, SOCK_DGRAM);
   * console.log(s.type === SOCK_DGRAM); // true
   * ```
   */
  get type(): number {
    return this.#kind.type;
  }

  /**
   * The protocol as given; 0 is the default of the type. That of a descriptor is detected if it was left out. Stays
   * readable after `close`.
   *
   * Source: Python `socket.proto`; the option SO_PROTOCOL of Linux.
   *
   * @example
   * ```ts
   * import { AF_INET, IPPROTO_TCP, SOCK_STREAM, socket } from "@bsdsock/bsdsock";
   *
   * await using s = socket(AF_INET, SOCK_STREAM, IPPROTO_TCP);
   * console.log(s.proto); // 6
   * ```
   */
  get proto(): number {
    return this.#kind.proto;
  }

  /**
   * The timeout in seconds, as `gettimeout()` returns it: `null` waits for ever, 0 is non-blocking.
   *
   * Source: Python `socket.timeout`, the attribute.
   *
   * @example
   * ```ts
   * import { socket } from "@bsdsock/bsdsock";
   *
   * await using s = socket();
   * s.settimeout(1.5);
   * console.log(s.timeout); // 1.5
   * ```
   */
  get timeout(): number | null {
    return this.#timeout;
  }

  /**
   * Whether the socket is closed or detached. A closed socket's calls still work while files of `makefile` are open.
   *
   * @example
   * ```ts
   * import { socket } from "@bsdsock/bsdsock";
   *
   * const s = socket();
   * await s.close();
   * console.log(s.closed); // true
   * ```
   */
  get closed(): boolean {
    return this.#closeAsked || this.#transport.closed;
  }

  /**
   * Binds the socket to a local address at once: `getsockname()` then returns the real port, even for port 0.
   *
   * Source: POSIX bind().
   *
   * @param address `[host, port]` or a path; host `""` is the wildcard address, port 0 an ephemeral port
   * @throws {SocketError} EADDRINUSE, EADDRNOTAVAIL, EACCES; EINVAL when already bound
   * @throws {GaiError} when the host is a name that cannot be resolved
   *
   * @example
   * ```ts
   * import { socket } from "@bsdsock/bsdsock";
   *
   * await using server = socket();
   * await server.bind(["127.0.0.1", 0]);
   * console.log(server.getsockname()); // [ "127.0.0.1", 49152 ], or another free port
   * ```
   */
  bind(address: AddressLikeOf<A>): Promise<void> {
    return quietly(async () => {
      await this.#transport.bind(checkAddress(this.family, address, "address", "bind"));
    });
  }

  /**
   * Starts listening for connections. Without `bind` the system chooses the address.
   *
   * Source: POSIX listen().
   *
   * @param backlog the length of the accept queue, 128 by default; negative counts as 0, the system caps it
   * @throws {SocketError} EINVAL when connected or, for AF_UNIX, unbound; EADDRINUSE
   *
   * @example
   * ```ts
   * import { socket } from "@bsdsock/bsdsock";
   *
   * await using server = socket();
   * await server.bind(["127.0.0.1", 0]);
   * await server.listen(16);
   * ```
   */
  listen(backlog: number = 128): Promise<void> {
    return quietly(async () => {
      await this.#transport.listen(Math.max(0, int(backlog, "backlog")));
    });
  }

  /**
   * Waits for a connection. Concurrent calls are served in order.
   *
   * Source: POSIX accept(), Python `socket.accept`.
   *
   * @returns the connected socket, with the default timeout, and the peer's address; that of a UNIX client is bytes if
   * its path is not UTF-8, so check `typeof address === "string"` where strangers may connect
   * @throws {SocketError} EINVAL when not listening
   *
   * @example
   * ```ts
   * import { create_connection, create_server } from "@bsdsock/bsdsock";
   *
   * await using server = await create_server(["127.0.0.1", 0]);
   * await using client = await create_connection(server.getsockname());
   * const [conn, address] = await server.accept();
   * console.log("connected by", address);
   * await conn.close();
   * ```
   */
  accept(options?: WaitOptions): Promise<[conn: Socket<A>, address: A]> {
    try {
      return this.#accept(this.#limits(0, options, "SO_RCVTIMEO"));
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Connects to an address. A host name is resolved, and its addresses of the socket's family are tried in order.
   *
   * Source: POSIX connect().
   *
   * @throws {SocketError} ECONNREFUSED, ENETUNREACH, EISCONN, EALREADY; EINPROGRESS at once when non-blocking, or when
   * SO_SNDTIMEO has passed: the attempt goes on, and SO_ERROR reports its outcome
   * @throws {GaiError} when the name cannot be resolved
   * @throws {TimeoutError} when the timeout passes first
   *
   * @example
   * ```ts
   * import { create_server, socket } from "@bsdsock/bsdsock";
   *
   * await using server = await create_server(["127.0.0.1", 0]);
   * await using client = socket();
   * await client.connect(server.getsockname());
   * ```
   */
  connect(address: AddressLikeOf<A>, options?: WaitOptions): Promise<void> {
    return quietly(async () => {
      await this.#connect(checkAddress(this.family, address, "address", "connect"), options);
    });
  }

  /**
   * Like `connect`, but returns the number of an error instead of throwing it: 0 for success, 11 (EAGAIN) when the
   * socket's timeout has passed.
   *
   * Source: Python `socket.connect_ex`.
   *
   * @throws {GaiError} when the name cannot be resolved
   * @throws {SocketError} ENAMETOOLONG for a UNIX path that is too long, EINVAL for one with a null character
   *
   * @example
   * ```ts
   * import { errno, socket } from "@bsdsock/bsdsock";
   *
   * await using client = socket();
   * const error = await client.connect_ex(["127.0.0.1", 1]);
   * console.log(error === errno.ECONNREFUSED ? "refused" : error);
   * ```
   */
  connect_ex(address: AddressLikeOf<A>, options?: WaitOptions): Promise<number> {
    return quietly(async () => {
      const destination = checkAddress(this.family, address, "address", "connect");
      try {
        await this.#connect(destination, options);
        return 0;
      } catch (error) {
        if (!(error instanceof SocketError) || error instanceof GaiError) throw error;
        if (error === options?.signal?.reason) throw error;
        // The socket's own timeout is not an error of connect(2): Python returns EAGAIN for it.
        return error instanceof TimeoutError && error.cause === undefined
          ? errno.EAGAIN
          : error.errno;
      }
    });
  }

  /**
   * Receives up to `bufsize` bytes; an empty array is the end of the stream.
   *
   * Source: POSIX recv().
   *
   * @param bufsize 0 or more bytes
   * @param flags MSG_PEEK, MSG_WAITALL, MSG_DONTWAIT; for datagrams MSG_TRUNC
   * @throws {SocketError} ENOTCONN, ECONNRESET, EAGAIN when non-blocking
   * @throws {TimeoutError} when the timeout passes first; nothing is lost
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall("hello");
   * console.log(new TextDecoder().decode(await b.recv(1024))); // "hello"
   * ```
   */
  recv(
    bufsize: number,
    flags: number = 0,
    options?: WaitOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    try {
      const max = size(bufsize, "bufsize");
      const checked = receiveFlags(flags, this.type, "recv");
      this.#checkUnlocked("recv");
      const limits = this.#limits(checked, options, "SO_RCVTIMEO");
      if (max === 0) return this.#nothing("recv", empty());
      const request = receiveRequest("recv", max, checked, undefined);
      return this.#transport.receive(request, limits) as Promise<Uint8Array<ArrayBuffer>>;
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Receives into `buffer` and returns the count of bytes; 0 is the end of the stream.
   *
   * Source: Python `socket.recv_into`.
   *
   * @param nbytes the most bytes to receive; 0 for the whole buffer
   * @throws {RangeError} when `nbytes` is negative or greater than the buffer
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall("hello");
   * const buffer = new Uint8Array(1024);
   * const count = await b.recv_into(buffer);
   * console.log(buffer.subarray(0, count));
   * ```
   */
  recv_into(
    buffer: ArrayBufferView | ArrayBuffer,
    nbytes: number = 0,
    flags: number = 0,
    options?: WaitOptions,
  ): Promise<number> {
    try {
      const into = receiveTarget(buffer, nbytes);
      const checked = receiveFlags(flags, this.type, "recv");
      this.#checkUnlocked("recv");
      const limits = this.#limits(checked, options, "SO_RCVTIMEO");
      if (into.length === 0) return this.#nothing("recv", 0);
      const request = receiveRequest("recv", into.length, checked, into);
      return this.#transport.receive(request, limits) as Promise<number>;
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Receives data and the sender's address, `null` on a connected stream. The path of a UNIX sender is bytes if it is
   * not UTF-8: check `typeof address === "string"` where strangers may send.
   *
   * Source: POSIX recvfrom().
   *
   * @example
   * ```ts
   * import { AF_INET, SOCK_DGRAM, socket } from "@bsdsock/bsdsock";
   *
   * await using s = socket(AF_INET, SOCK_DGRAM);
   * await s.bind(["127.0.0.1", 0]);
   * await s.sendto("hello", s.getsockname());
   * const [data, address] = await s.recvfrom(1024);
   * console.log(data, "from", address);
   * ```
   */
  recvfrom(
    bufsize: number,
    flags: number = 0,
    options?: WaitOptions,
  ): Promise<[data: Uint8Array<ArrayBuffer>, address: A | null]> {
    try {
      const max = size(bufsize, "bufsize");
      return this.#receiveFrom(
        "recvfrom",
        max,
        flags,
        undefined,
        options,
        withAddress<Uint8Array<ArrayBuffer>, A>,
      );
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Receives into `buffer` and returns the count of bytes and the sender's address.
   *
   * Source: Python `socket.recvfrom_into`.
   *
   * @example
   * ```ts
   * import { AF_INET, SOCK_DGRAM, socket } from "@bsdsock/bsdsock";
   *
   * await using s = socket(AF_INET, SOCK_DGRAM);
   * await s.bind(["127.0.0.1", 0]);
   * await s.sendto("hello", s.getsockname());
   * const buffer = new Uint8Array(1024);
   * const [count, address] = await s.recvfrom_into(buffer);
   * console.log(buffer.subarray(0, count), "from", address);
   * ```
   */
  recvfrom_into(
    buffer: ArrayBufferView | ArrayBuffer,
    nbytes: number = 0,
    flags: number = 0,
    options?: WaitOptions,
  ): Promise<[nbytes: number, address: A | null]> {
    try {
      const into = receiveTarget(buffer, nbytes);
      return this.#receiveFrom(
        "recvfrom",
        into.length,
        flags,
        into,
        options,
        withAddress<number, A>,
      );
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Receives data, ancillary data and the message's flags (MSG_TRUNC, MSG_EOR).
   *
   * Source: POSIX recvmsg(), Python `socket.recvmsg`.
   *
   * @param ancbufsize room for ancillary data in bytes, 0 or more
   *
   * @example
   * ```ts
   * import { AF_INET, MSG_TRUNC, SOCK_DGRAM, socket } from "@bsdsock/bsdsock";
   *
   * await using s = socket(AF_INET, SOCK_DGRAM);
   * await s.bind(["127.0.0.1", 0]);
   * await s.sendto("hello", s.getsockname());
   * const [data, , flags] = await s.recvmsg(4);
   * console.log(data.length, (flags & MSG_TRUNC) !== 0); // 4 true
   * ```
   */
  recvmsg(
    bufsize: number,
    ancbufsize: number = 0,
    flags: number = 0,
    options?: WaitOptions,
  ): Promise<
    [data: Uint8Array<ArrayBuffer>, ancdata: AncillaryData[], msg_flags: number, address: A | null]
  > {
    return quietly(async () => {
      const max = size(bufsize, "bufsize");
      integer(ancbufsize, "ancbufsize", 0, INT_MAX);
      const [data, address, msg_flags] = await this.#receiveFrom(
        "recvmsg",
        max,
        flags,
        undefined,
        options,
        withFlags<Uint8Array<ArrayBuffer>, A>,
      );
      return [data, [], msg_flags, address];
    });
  }

  /**
   * Receives into several buffers, filled in order.
   *
   * Source: Python `socket.recvmsg_into`.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall("HEADbody");
   * const [head, body] = [new Uint8Array(4), new Uint8Array(1024)];
   * const [count] = await b.recvmsg_into([head, body]);
   * console.log(head, body.subarray(0, count - 4));
   * ```
   */
  recvmsg_into(
    buffers: Iterable<ArrayBufferView | ArrayBuffer>,
    ancbufsize: number = 0,
    flags: number = 0,
    options?: WaitOptions,
  ): Promise<[nbytes: number, ancdata: AncillaryData[], msg_flags: number, address: A | null]> {
    return quietly(async () => {
      const targets = bufferList(buffers, toBuffer);
      integer(ancbufsize, "ancbufsize", 0, INT_MAX);
      const total = totalOf(targets);
      const several = targets.length === 1 ? undefined : targets;
      // Several are filled from what has come: a buffer in between would cost as much as all of them, however little
      // comes. But the whole length of a datagram is only counted by a receive into a buffer.
      const counts = (receiveFlags(flags, this.type, "recvmsg") & c.MSG_TRUNC) !== 0;
      const joined = counts ? new Uint8Array(total) : undefined;
      const [count, address, msg_flags] = await this.#receiveFrom(
        "recvmsg",
        total,
        flags,
        several === undefined ? targets[0] : joined,
        options,
        // While the bytes are taken: afterwards the buffers may be gone, and the bytes with them.
        (data, ...rest) => {
          const isCount = typeof data === "number";
          const bytes = isCount ? joined?.subarray(0, data) : data;
          if (bytes !== undefined && several !== undefined) scatter(bytes, several);
          return withFlags<number, A>(isCount ? data : data.length, ...rest);
        },
        several,
      );
      return [count, [], msg_flags, address];
    });
  }

  /**
   * Sends what the system takes at once and returns the count of bytes, perhaps fewer than given.
   *
   * Source: POSIX send().
   *
   * @param flags MSG_DONTWAIT, MSG_NOSIGNAL
   * @throws {SocketError} EPIPE when not connected or after `shutdown(SHUT_WR)`, ECONNRESET, EAGAIN
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * console.log(await a.send("hello")); // 5
   * await b.recv(5);
   * ```
   */
  send(data: BytesLike, flags: number = 0, options?: WaitOptions): Promise<number> {
    return this.#send("send", data, flags, false, options);
  }

  /**
   * Sends all the data. The `bytes_sent` of an error is the count that the system took; the rest is dropped. The reason
   * of a signal is the caller's and has `bytes_sent` only if it is a `SocketError`.
   *
   * Source: Python `socket.sendall`.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall(new Uint8Array([1, 2, 3]));
   * await b.recv(3);
   * ```
   */
  sendall(data: BytesLike, flags: number = 0, options?: WaitOptions): Promise<void> {
    return this.#send("send", data, flags, true, options) as Promise<unknown> as Promise<void>;
  }

  /**
   * Sends a datagram to an address; a connected TCP socket sends to its peer.
   *
   * Source: POSIX sendto().
   *
   * @throws {GaiError} when the host is a name that cannot be resolved
   *
   * @example
   * ```ts
   * import { AF_INET, SOCK_DGRAM, socket } from "@bsdsock/bsdsock";
   *
   * await using s = socket(AF_INET, SOCK_DGRAM);
   * await s.sendto("hello", ["127.0.0.1", 9]);
   * ```
   */
  sendto(data: BytesLike, address: AddressLikeOf<A>, options?: WaitOptions): Promise<number>;
  /** The same with flags before the address, as in C and Python. */
  sendto(
    data: BytesLike,
    flags: number | undefined,
    address: AddressLikeOf<A>,
    options?: WaitOptions,
  ): Promise<number>;
  sendto(
    data: BytesLike,
    first: number | undefined | AddressLikeOf<A>,
    second?: AddressLikeOf<A> | WaitOptions,
    third?: WaitOptions,
  ): Promise<number> {
    try {
      const { family } = this;
      // Wrong arguments are named as what they stand for: a number alone is the address, what precedes one the flags.
      const withFlags = typeof first === "number"
        ? arguments.length > 2
        : isAddressKind(family, second) && !isAddressKind(family, first);
      const address = withFlags ? second : first;
      const options = withFlags ? third : second as WaitOptions | undefined;
      const bytes = toBytes(data, "data");
      const destination = checkAddress(family, address, "address", "sendto");
      const checked = sendFlags(withFlags && first !== undefined ? first : 0, "sendto");
      const limits = this.#limits(checked, options, "SO_SNDTIMEO");
      const request = { syscall: "sendto", data: bytes, all: false };
      return this.#transport.sendTo(request, destination, limits);
    } catch (error) {
      return rejected(error);
    }
  }

  /**
   * Sends several buffers as one message. A stream takes what `send` would take of them, perhaps a part.
   *
   * Source: POSIX sendmsg(), Python `socket.sendmsg`.
   *
   * @param ancdata `[level, type, data]` items; no runtime can send them so far (EOPNOTSUPP)
   * @param address the destination of a datagram; the peer if left out
   * @throws {GaiError} when the host is a name that cannot be resolved
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendmsg(["HEAD", "body"]);
   * await b.recv(1024); // the bytes of "HEADbody"
   * ```
   */
  sendmsg(
    buffers: Iterable<BytesLike> & object,
    ancdata: Iterable<readonly [number, number, BytesLike]> = [],
    flags: number = 0,
    address?: AddressLikeOf<A> | null,
    options?: WaitOptions,
  ): Promise<number> {
    return quietly(async () => {
      const parts = bufferList(buffers, toBytes);
      const items = ancillaryList(ancdata);
      const destination = address === undefined || address === null
        ? undefined
        : checkAddress(this.family, address, "address", "sendmsg");
      const checked = sendFlags(flags, "sendmsg");
      const limits = this.#limits(checked, options, "SO_SNDTIMEO");
      if (items > 0) {
        const { adapter } = this.#adapter.capabilities();
        throw systemError("EOPNOTSUPP", "sendmsg", {
          detail: `${adapter} cannot send ancillary data`,
        });
      }
      const more = piecesOf(parts);
      const request = this.type === c.SOCK_STREAM
        ? { syscall: "sendmsg", data: more(), all: false, more }
        : { syscall: "sendmsg", data: concat(parts), all: false };
      return await (destination === undefined
        ? this.#transport.send(request, limits)
        : this.#transport.sendTo(request, destination, limits));
    });
  }

  /**
   * Sends a file, blob or stream, or `count` bytes of it from `offset`, and returns the count of bytes sent. The
   * `bytes_sent` of an error is that count so far, as for `sendall`. Sends and a `shutdown(SHUT_WR)` called meanwhile
   * take effect after it.
   *
   * Source: Python `socket.sendfile`.
   *
   * @throws {RangeError} when the socket is non-blocking or not a stream, `offset` is negative or `count` below 1
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendfile(new Blob(["hello"]), 0, undefined, {
   *   onprogress: (sent, total) => console.log(`${sent} of ${total}`),
   * });
   * await b.recv(5);
   * ```
   */
  sendfile(
    source: FileSource,
    offset: number = 0,
    count?: number | null,
    options: SendFileOptions = {},
  ): Promise<number> {
    return quietly(async () => {
      checkFileSource(source, offset, count, options);
      if (this.type !== c.SOCK_STREAM) {
        throw new RangeError(`sendfile needs a stream socket, not ${typeName(this.type)}`);
      }
      if (this.#timeout === 0) {
        throw new RangeError("sendfile needs a blocking socket, not timeout 0");
      }
      // Even if the source has nothing to send.
      if (this.#transport.closed) throw withBytesSent(systemError("EBADF", "send"), 0);
      const signal = signalOf(options);
      if (signal?.aborted) throw withBytesSent(signal.reason, 0);
      // The timeout applies to the wait for its turn and to each send, not to the whole.
      const limits = this.#limits(0, { signal }, "SO_SNDTIMEO");
      return await this.#transport.sendTogether!(limits, async (send, closed) => {
        const sendAll = async (data: Uint8Array, wait: WaitOptions): Promise<void> => {
          const request = { syscall: "send", data, all: true };
          await send(request, this.#limits(0, wait, "SO_SNDTIMEO"));
        };
        return await sendFile(sendAll, source, offset, count, options, closed);
      });
    });
  }

  /**
   * The socket as a readable byte stream, created on first use; of a datagram socket, the datagrams that are not empty,
   * one after another. Cancelling it ends receiving and leaves sending open.
   * While a reader holds its lock, the socket's own receives fail with EBUSY. Afterwards they return all bytes that the
   * reader has not read, even those that arrive for its pending read.
   * After a close or detach of the socket it fails with EBADF, once it is empty; branches of `tee` at their next read.
   * A `pipeTo` that is aborted, with `preventCancel`, may drop the chunk that comes meanwhile, as with any stream of the
   * runtimes.
   *
   * Source: the Streams Standard of WHATWG.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall("hello");
   * await a.close();
   * for await (const chunk of b.readable) console.log(chunk);
   * ```
   */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#webStreams.readable;
  }

  /**
   * The socket as a writable stream, created on first use. Closing or aborting it ends sending and leaves receiving
   * open. Aborting drops the unsent rest of a pending write. The signal of `pipeTo` takes effect after the pending
   * write, as the Streams Standard requires: if the peer may stop reading, bound that wait with `settimeout`.
   *
   * Source: the Streams Standard of WHATWG.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await new Blob(["hello"]).stream().pipeTo(a.writable);
   * await b.recv(5);
   * ```
   */
  get writable(): WritableStream<BytesLike> {
    return this.#webStreams.writable;
  }

  /**
   * Ends sending, receiving or both. SHUT_WR is a half-close: FIN follows the queued data, and receiving stays open.
   *
   * Resolves once FIN is sent. Behind a send that waits for its peer that takes time, which the timeout of the socket
   * limits: FIN then still follows.
   *
   * Source: POSIX shutdown().
   *
   * @param how SHUT_RD, SHUT_WR or SHUT_RDWR
   * @throws {SocketError} ENOTCONN when not connected, EINVAL for another value
   * @throws {TimeoutError} when earlier sends take longer than the timeout
   *
   * @example
   * ```ts
   * import { SHUT_WR, socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await a.sendall("that is all");
   * await a.shutdown(SHUT_WR);
   * await b.recv(1024);
   * console.log((await b.recv(1024)).length); // 0: the end
   * await b.sendall("and an answer");
   * ```
   */
  shutdown(how: number): Promise<void> {
    return quietly(async () => {
      int(how, "how");
      if (how < c.SHUT_RD || how > c.SHUT_RDWR) {
        throw systemError(this.#transport.closed ? "EBADF" : "EINVAL", "shutdown", {
          detail: `how ${how}`,
        });
      }
      const limits = blocking(this.#limits(0, undefined, undefined));
      await limited("shutdown", this.#transport.shutdown(how), limits);
    });
  }

  /**
   * Closes the socket; closing it again is no error. Data already sent still goes out, and pending calls fail with
   * EBADF. After SO_LINGER `[1, 0]` the connection is reset instead.
   *
   * Source: POSIX close().
   *
   * @example
   * ```ts
   * import { socket } from "@bsdsock/bsdsock";
   *
   * const s = socket();
   * await s.close();
   * console.log(s.closed); // true
   * ```
   */
  close(): Promise<void> {
    this.#closeAsked = true;
    return quietly(async () => {
      if (!this.#hasFiles) await this.#reallyClose();
    });
  }

  /**
   * Makes a file over the socket: of text in the modes `r`, `w` and `rw`, of bytes with a `b` added.
   *
   * Source: Python `socket.makefile`.
   *
   * @param mode reading, writing or both, of text or bytes; `r` if left out
   * @throws {RangeError} for another mode, an unknown encoding, or text without a buffer
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * await using file = a.makefile("rw", { newline: "\r\n" });
   * await b.sendall("220 ready\r\n");
   * console.log(await file.readline()); // "220 ready\n"
   * await file.write("QUIT\n");
   * await file.flush();
   * await b.recv(1024); // the bytes of "QUIT\r\n"
   * ```
   */
  makefile<B extends number>(
    mode?: TextMode,
    options?: FileOptions & { buffering?: B extends 0 ? never : B | null | undefined },
  ): SocketFile<string>;
  /** An unbuffered file of bytes. Its calls return `null` when a non-blocking socket would block. */
  makefile(
    mode: BinaryMode,
    options: BinaryFileOptions & { buffering: 0 },
  ): SocketFile<Uint8Array<ArrayBuffer>, null>;
  /** A file of bytes. */
  makefile(mode: BinaryMode, options?: BinaryFileOptions): SocketFile<Uint8Array<ArrayBuffer>>;
  /** A file of text or bytes, for a mode that is known when the program runs. */
  makefile<B extends number>(
    mode: TextMode | BinaryMode,
    options?: { buffering?: B extends 0 ? never : B | null | undefined },
  ): SocketFile<string> | SocketFile<Uint8Array<ArrayBuffer>>;
  makefile(
    mode: TextMode | BinaryMode = "r",
    options: FileOptions = {},
  ):
    | SocketFile<string>
    | SocketFile<Uint8Array<ArrayBuffer>>
    | SocketFile<Uint8Array<ArrayBuffer>, null> {
    const kind = checkFileKind(mode, options);
    this.#checkOpen("makefile");
    const file: SocketFile<Uint8Array<ArrayBuffer>> = new SocketFile({
      receive: (max, options) => this.recv(max, 0, options),
      peek: (max, options) => this.recv(max, c.MSG_PEEK, options),
      send: (data, options) => this.send(data, 0, options),
      sendAll: (data, options) => this.sendall(data, 0, options),
      fileno: () => this.#knownDescriptor(),
      release: () => this.#closeFile(file),
    }, kind);
    (this.#files ??= new Set()).add(file);
    return file;
  }

  /**
   * Releases the descriptor of a connection to the caller: the socket closes, the descriptor stays open.
   *
   * Source: Python `socket.detach`.
   *
   * @returns the descriptor; -1 when closed
   * @throws {SocketError} ENOTSUP when the runtime does not expose it, or the socket is not a connected stream
   *
   * @example
   * ```ts
   * import { capabilities, close, socketpair } from "@bsdsock/bsdsock";
   *
   * const [a] = await socketpair();
   * if (capabilities().fileno) {
   *   const fd = a.detach();
   *   close(fd);
   * }
   * ```
   */
  detach(): number {
    if (this.#transport.closed) return -1;
    const fd = this.#transport.detach();
    this.#failStreams();
    noteDetached(fd, this.#adapter, this.#options);
    return fd;
  }

  /**
   * The descriptor, -1 when closed.
   *
   * Source: Python `socket.fileno`.
   *
   * @throws {SocketError} ENOTSUP when the runtime does not expose it, or opens it only with `bind` or `connect`
   *
   * @example
   * ```ts
   * import { capabilities, socketpair } from "@bsdsock/bsdsock";
   *
   * const [a] = await socketpair();
   * if (capabilities().fileno) console.log(a.fileno());
   * ```
   */
  fileno(): number {
    if (this.#transport.closed) return -1;
    const fd = this.#knownDescriptor();
    return fd < 0 ? this.#descriptor("fileno") : fd;
  }

  /**
   * Another socket for the same connection or listening socket, with its own descriptor and timeout. Each byte is
   * received once, by either socket; options, shutdowns and the connection's error are those of both.
   *
   * Source: Python `socket.dup`.
   *
   * @throws {SocketError} ENOTSUP when the descriptor cannot be duplicated (without libc; datagram sockets)
   *
   * @example
   * ```ts
   * import { socketpair, SocketError } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * try {
   *   await using copy = a.dup();
   *   await copy.sendall("hello");
   *   await b.recv(5);
   * } catch (error) {
   *   if (!(error instanceof SocketError) || error.code !== "ENOTSUP") throw error;
   * }
   * ```
   */
  dup(): Socket<A> {
    this.#checkOpen("dup");
    const fd = this.#descriptor("dup");
    noteHolder(fd, this.#transport, this.type);
    const socket = this.#alike({ adapter: this.#adapter, fileno: fd });
    socket.settimeout(this.#timeout);
    return socket;
  }

  /**
   * Whether child processes inherit the descriptor: `false` until {@linkcode Socket.set_inheritable} changes it, unless
   * the descriptor was taken over.
   *
   * Source: Python `socket.get_inheritable`.
   *
   * @throws {SocketError} ENOTSUP when the descriptor was taken over and the runtime cannot tell
   *
   * @example
   * ```ts
   * import { socket } from "@bsdsock/bsdsock";
   *
   * await using s = socket();
   * console.log(s.get_inheritable()); // false
   * ```
   */
  get_inheritable(): boolean {
    this.#checkOpen("get_inheritable");
    const inheritable = this.#isInheritable(-1) ?? this.#inheritable;
    if (inheritable !== undefined) return inheritable;
    const { adapter } = this.#adapter.capabilities();
    const detail = `${adapter} cannot tell of a descriptor that was taken over`;
    throw systemError("ENOTSUP", "fcntl", { detail });
  }

  /** What the adapter says of the descriptor, of `taken` if the runtime reveals none; `undefined` if it cannot tell. */
  #isInheritable(taken: number): boolean | undefined {
    const adapter = this.#adapter;
    if (adapter.isInheritable === undefined) return false;
    const shown = this.#transport.handle?.fd ?? -1;
    const fd = shown < 0 ? taken : shown;
    return fd < 0 ? undefined : calling(adapter, "fcntl", () => adapter.isInheritable!(fd));
  }

  /**
   * Sets whether child processes inherit the descriptor.
   *
   * Source: Python `socket.set_inheritable`; FD_CLOEXEC of POSIX fcntl().
   *
   * @throws {SocketError} ENOTSUP when that changes it, needs libc, and there is none
   *
   * @example
   * ```ts
   * import { create_server, SocketError } from "@bsdsock/bsdsock";
   *
   * await using server = await create_server(["127.0.0.1", 0]);
   * try {
   *   server.set_inheritable(true);
   * } catch (error) {
   *   if (!(error instanceof SocketError) || error.code !== "ENOTSUP") throw error;
   * }
   * ```
   */
  set_inheritable(inheritable: boolean | number): void {
    const inherits = checkFlag(inheritable, "inheritable");
    this.#checkOpen("set_inheritable");
    if (inherits === this.get_inheritable()) return;
    const fd = this.#descriptor("fcntl");
    if (this.#adapter.setInheritable === undefined) {
      const detail = `${this.#adapter.capabilities().adapter} cannot change it`;
      throw systemError("ENOTSUP", "fcntl", { detail });
    }
    calling(this.#adapter, "fcntl", () => this.#adapter.setInheritable!(fd, inherits));
    this.#inheritable = inherits;
  }

  /**
   * The socket's own address; the wildcard address and port 0 while unbound.
   *
   * Source: POSIX getsockname().
   *
   * @example
   * ```ts
   * import { create_server } from "@bsdsock/bsdsock";
   *
   * await using server = await create_server(["127.0.0.1", 0]);
   * const [host, port] = server.getsockname();
   * console.log(`listening on ${host}, port ${port}`);
   * ```
   */
  getsockname(): A {
    this.#checkOpen("getsockname");
    return copyAddress(this.#transport.local) as A;
  }

  /**
   * The peer's address, even after the peer has gone.
   *
   * Source: POSIX getpeername().
   *
   * @throws {SocketError} ENOTCONN when not connected
   *
   * @example
   * ```ts
   * import { create_connection, create_server } from "@bsdsock/bsdsock";
   *
   * await using server = await create_server(["127.0.0.1", 0]);
   * await using client = await create_connection(server.getsockname());
   * console.log(client.getpeername());
   * ```
   */
  getpeername(): A {
    this.#checkOpen("getpeername");
    const { remote } = this.#transport;
    if (remote === undefined) throw systemError("ENOTCONN", "getpeername");
    return copyAddress(remote) as A;
  }

  /**
   * Reads an option: the value set, or the system's default. With `buflen`, the bytes of C's value.
   *
   * Source: POSIX getsockopt().
   *
   * @throws {SocketError} ENOPROTOOPT for an option that the adapter does not offer, or that is write-only
   * @throws {SocketError} EINVAL when `buflen` is not 0 to 1024
   *
   * @example
   * ```ts
   * import { SO_KEEPALIVE, socket, SOL_SOCKET } from "@bsdsock/bsdsock";
   *
   * await using s = socket();
   * console.log(s.getsockopt(SOL_SOCKET, SO_KEEPALIVE)); // 0
   * ```
   */
  getsockopt(level: number, optname: number, buflen?: 0): number;
  /** Reads an option as bytes, if `buflen` is not 0. */
  getsockopt(level: number, optname: number, buflen: number): Uint8Array<ArrayBuffer>;
  /** Reads an option as a number or as bytes, for a `buflen` that is known when the program runs. */
  getsockopt(level: number, optname: number, buflen?: number): number | Uint8Array<ArrayBuffer>;
  getsockopt(level: number, optname: number, buflen?: number): number | Uint8Array<ArrayBuffer> {
    int(level, "level");
    int(optname, "optname");
    if (buflen !== undefined) int(buflen, "buflen");
    this.#checkOpen("getsockopt");
    if (buflen !== undefined && (buflen < 0 || buflen > 1024)) {
      throw systemError("EINVAL", "getsockopt", {
        detail: `buflen must be 0 to 1024, not ${buflen}`,
      });
    }
    return buflen === undefined || buflen === 0
      ? this.#options.get(this.#transport, level, optname)
      : this.#options.getBytes(this.#transport, level, optname, buflen);
  }

  /**
   * Sets an option, before or after `connect` or `listen`. If the system refuses the value only when it opens the
   * socket, `bind`, `connect`, `listen` or the first `sendto` fails with that error, and the option is dropped.
   *
   * Source: POSIX setsockopt().
   *
   * @param value a number or boolean, the bytes of C's value, or `[onoff, seconds]` for SO_LINGER
   * @throws {SocketError} ENOPROTOOPT for an option that the adapter cannot set, EINVAL for a refused value
   *
   * @example
   * ```ts
   * import { IPPROTO_TCP, socket, TCP_NODELAY } from "@bsdsock/bsdsock";
   *
   * await using s = socket();
   * s.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
   * ```
   */
  setsockopt(level: number, optname: number, value: OptionValue): void {
    int(level, "level");
    int(optname, "optname");
    checkOptionValue(value);
    this.#checkOpen("setsockopt");
    this.#options.set(this.#transport, level, optname, value);
  }

  /**
   * Sets how long calls may wait.
   *
   * Source: Python `socket.settimeout`.
   *
   * @param timeout fractional seconds; `null` waits for ever, 0 makes the socket non-blocking
   * @throws {TypeError} when it is neither a number nor null
   * @throws {RangeError} when it is negative, not finite or above 9223372036
   *
   * @example
   * ```ts
   * import { socketpair, TimeoutError } from "@bsdsock/bsdsock";
   *
   * const [a] = await socketpair();
   * a.settimeout(0.05);
   * await a.recv(1).catch((error) => console.log(error instanceof TimeoutError)); // true
   * ```
   */
  settimeout(timeout: number | null): void {
    const checked = seconds(timeout, "timeout");
    this.#checkOpen("settimeout");
    this.#timeout = checked;
    this.#plainLimits = undefined;
  }

  /**
   * The timeout in seconds, `null` for none.
   *
   * Source: Python `socket.gettimeout`.
   *
   * @example
   * ```ts
   * import { socket } from "@bsdsock/bsdsock";
   *
   * await using s = socket();
   * console.log(s.gettimeout()); // null
   * ```
   */
  gettimeout(): number | null {
    return this.#timeout;
  }

  /**
   * Makes the socket blocking or not: `true` (or 1) is `settimeout(null)`, `false` (or 0) is `settimeout(0)`.
   *
   * Source: Python `socket.setblocking`.
   *
   * @example
   * ```ts
   * import { socketpair, SocketError } from "@bsdsock/bsdsock";
   *
   * const [a] = await socketpair();
   * a.setblocking(false);
   * await a.recv(1).catch((error) => console.log((error as SocketError).code)); // "EAGAIN"
   * ```
   */
  setblocking(flag: boolean | number): void {
    const blocks = checkFlag(flag, "flag");
    this.#checkOpen("setblocking");
    this.#timeout = blocks ? null : 0;
    this.#plainLimits = undefined;
  }

  /**
   * Whether calls may wait, that is, whether the timeout is not 0.
   *
   * Source: Python `socket.getblocking`.
   *
   * @example
   * ```ts
   * import { socket } from "@bsdsock/bsdsock";
   *
   * await using s = socket();
   * s.settimeout(0);
   * console.log(s.getblocking()); // false
   * ```
   */
  getblocking(): boolean {
    return this.#timeout !== 0;
  }

  /**
   * The connections of a listening socket, until it is closed. Leaving the loop closes nothing.
   *
   * @example
   * ```ts
   * import { create_connection, create_server } from "@bsdsock/bsdsock";
   *
   * await using server = await create_server(["127.0.0.1", 0]);
   * await using client = await create_connection(server.getsockname());
   * for await (const [conn, address] of server) {
   *   console.log("connected by", address);
   *   await conn.close();
   *   break;
   * }
   * ```
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<[conn: Socket<A>, address: A], void, void> {
    while (!this.closed) {
      try {
        yield await this.accept();
      } catch (error) {
        if (this.closed) return;
        throw error;
      }
    }
  }

  /**
   * Closes the socket in the background.
   *
   * @example
   * ```ts
   * import { socketpair } from "@bsdsock/bsdsock";
   *
   * const [a, b] = await socketpair();
   * {
   *   using s = a;
   *   await s.sendall("hello");
   * }
   * await b.recv(5);
   * ```
   */
  [Symbol.dispose](): void {
    this.close().catch(() => {/* A failed close leaves nothing to do. */});
  }

  /**
   * Closes the socket.
   *
   * @example
   * ```ts
   * import { socket } from "@bsdsock/bsdsock";
   *
   * await using s = socket();
   * await s.bind(["127.0.0.1", 0]);
   * // Closed where the block ends, even by an error.
   * ```
   */
  [Symbol.asyncDispose](): Promise<void> {
    return quietly(async () => {
      await this.close();
    });
  }

  /**
   * The socket as Python's repr shows it; the descriptor is -1 if unknown.
   *
   * @example
   * ```ts
   * import { socket } from "@bsdsock/bsdsock";
   *
   * await using s = socket();
   * console.log(`${s}`); // <socket.socket fd=-1, family=AF_INET, type=SOCK_STREAM, proto=0, ...>
   * ```
   */
  toString(): string {
    const { handle, local, remote } = this.#transport;
    const parts = [
      `fd=${this.#transport.closed ? -1 : handle?.fd ?? -1}`,
      `family=${familyName(this.family)}`,
      `type=${typeName(this.type)}`,
      `proto=${this.proto}`,
    ];
    if (!this.closed) {
      // As in Python, an unnamed UNIX address is left out.
      if (local !== "") parts.push(`laddr=${inspectAddress(local)}`);
      if (remote !== undefined && remote !== "") parts.push(`raddr=${inspectAddress(remote)}`);
    }
    return `<socket.socket ${this.closed ? "[closed] " : ""}${parts.join(", ")}>`;
  }

  /** The Web Streams of the socket. Their calls bypass the check for a locked stream. */
  get #webStreams(): WebStreams {
    if (this.#streams === undefined) {
      this.#streams = new WebStreams(this.#streamSocket());
      if (this.#transport.closed) this.#failStreams();
    }
    return this.#streams;
  }

  /** The streams end with the socket, even if nothing waits on them. */
  #failStreams(): void {
    this.#streams?.fail(closedError);
  }

  #streamSocket(): StreamSocket {
    // A peek of 0 bytes settles once there is something to receive.
    const look = receiveRequest("recv", 0, c.MSG_PEEK, undefined);
    return {
      ready: (signal) => this.#transport.receive(look, this.#limits(0, { signal }, "SO_RCVTIMEO")),
      take: (max) => this.#transport.receiveNow(receiveRequest("recv", max, 0, undefined)),
      sendAll: (data, signal) =>
        this.#send("send", data, 0, true, { signal }) as Promise<unknown> as Promise<void>,
      shutdown: async (how) => {
        // A closed connection has nothing to shut down.
        if (!this.#transport.closed) await this.#transport.shutdown(how).catch(ignoreNotConnected);
      },
    };
  }

  #checkUnlocked(syscall: string): void {
    if (this.#streams?.locked !== true || this.#transport.closed) return;
    throw systemError("EBUSY", syscall, { detail: "the readable stream is locked to a reader" });
  }

  /** How long a call may wait. `option` names the kernel's timeout, used when the socket has none of its own. */
  #limits(
    flags: number,
    options: WaitOptions | undefined,
    option: "SO_RCVTIMEO" | "SO_SNDTIMEO" | undefined,
  ): Limits {
    const isPlain = options === undefined && flags === 0;
    if (isPlain && !this.#options.hasTimeouts) return this.#plainLimits ??= this.#makeLimits();
    const plain = this.#makeLimits();
    const signal = signalOf(options);
    if (signal?.aborted) throw signal.reason;
    if ((flags & c.MSG_DONTWAIT) !== 0) return { ...plain, timeout: 0, signal };
    const kernel = option === undefined ? 0 : this.#options.timeout(option);
    return plain.timeout === null && kernel > 0
      ? { ...plain, timeout: kernel, expired: "EAGAIN", signal }
      : { ...plain, signal };
  }

  #makeLimits(): Limits {
    const turn = pollTurnOf(this.#adapter);
    const timeout = this.#timeout;
    if (usualLimits?.timeout !== timeout || usualLimits.turn !== turn) {
      usualLimits = { timeout, expired: "ETIMEDOUT", signal: undefined, turn };
    }
    return usualLimits;
  }

  async #connect(destination: Destination, options: WaitOptions | undefined): Promise<void> {
    // A datagram socket waits for a look-up only, and the kernel's timeout does not cover that.
    const isStream = this.type === c.SOCK_STREAM;
    const limits = this.#limits(0, options, isStream ? "SO_SNDTIMEO" : undefined);
    const goesOn = limits.expired === "EAGAIN" && this.family !== c.AF_UNIX;
    await this.#transport.connect(
      destination,
      goesOn ? { ...limits, expired: "EINPROGRESS" } : limits,
    );
  }

  #reallyClose(): Promise<void> {
    if (takeLost(this.#transport)) return rejected(systemError("EBADF", "close"));
    if (this.#transport.closed) return this.#closing ?? Promise.resolve();
    this.#closing = this.#transport.close(this.#options.resets);
    this.#failStreams();
    socketClosed();
    return this.#closing;
  }

  async #closeFile(file: SocketFile<Uint8Array<ArrayBuffer>>): Promise<void> {
    this.#files?.delete(file);
    if (this.#closeAsked && !this.#hasFiles) await this.#reallyClose();
  }

  get #hasFiles(): boolean {
    return this.#files !== undefined && this.#files.size > 0;
  }

  #descriptor(syscall: string): number {
    const fd = this.#transport.handle?.fd ?? -1;
    if (fd >= 0) return fd;
    const { adapter } = this.#adapter.capabilities();
    throw systemError("ENOTSUP", syscall, { detail: `${adapter} reveals no descriptor here` });
  }

  /** The descriptor that the program may close by its number from now on; -1 if there is none. */
  #knownDescriptor(): number {
    const fd = this.#transport.handle?.fd ?? -1;
    if (fd >= 0) noteHolder(fd, this.#transport, this.type);
    return fd;
  }

  #checkOpen(syscall: string): void {
    if (this.#transport.closed) throw systemError("EBADF", syscall);
  }

  /** The result of a receive of 0 bytes, which does nothing, as in Python. */
  #nothing<T>(syscall: string, result: T): Promise<T> {
    this.#checkOpen(syscall);
    return resolved(result);
  }

  #send(
    syscall: string,
    data: BytesLike,
    flags: number,
    all: boolean,
    options: WaitOptions | undefined,
  ): Promise<number> {
    try {
      const bytes = toBytes(data, "data");
      const limits = this.#limits(sendFlags(flags, syscall), options, "SO_SNDTIMEO");
      return this.#transport.send({ syscall, data: bytes, all }, limits);
    } catch (error) {
      return rejected(all ? withBytesSent(error, 0) : error);
    }
  }

  #receiveFrom<T>(
    syscall: string,
    max: number,
    flags: number,
    into: Uint8Array | undefined,
    options: WaitOptions | undefined,
    make: FromMessage<T>,
    parts?: readonly Uint8Array[],
  ): Promise<T> {
    const checked = receiveFlags(flags, this.type, syscall);
    this.#checkUnlocked(syscall);
    const limits = this.#limits(checked, options, "SO_RCVTIMEO");
    if (max === 0 && this.type === c.SOCK_STREAM) {
      // Unlike recv of 0 bytes, it asks the kernel, which waits for a byte and leaves it in the queue.
      const look = receiveRequest(syscall, 1, checked | c.MSG_PEEK, undefined);
      const nothing: Received = into === undefined ? empty() : 0;
      return this.#transport.receiveFrom(look, limits, (_, ...rest) => make(nothing, ...rest));
    }
    const request = receiveRequest(syscall, max, checked, into);
    return this.#transport.receiveFrom(
      parts === undefined ? request : { ...request, parts },
      limits,
      make,
    );
  }

  #accept(limits: Limits): Promise<[conn: Socket<A>, address: A]> {
    return this.#transport.accept(limits, (endpoint) => {
      const conn = this.#connection(endpoint);
      return [conn, copyAddress(endpoint.stream.remote) as A];
    });
  }

  /** Another socket of this kind. */
  #alike(init: SocketInit): Socket<A> {
    const { family, type, proto } = this.#kind;
    return new Socket<A>(family, type, proto, init);
  }

  #connection(endpoint: StreamEndpoint): Socket<A> {
    const conn = this.#alike({ adapter: this.#adapter });
    // An accepted UNIX socket starts with the system's defaults, as on Linux.
    if (this.family !== c.AF_UNIX) conn.#options.inherit(this.#options);
    conn.#options.applyAccepted(endpoint.stream);
    // Only stream sockets accept.
    (conn.#transport as StreamTransport).attach(endpoint);
    return conn;
  }
}

/** Whether the family, type or protocol of a descriptor is to be found out: -1 asks for that, as in Python. */
function isLeftOut(argument: number | undefined): boolean {
  return argument === undefined || argument === -1;
}

function ignoreNotConnected(error: unknown): void {
  if (!(error instanceof SocketError) || error.code !== "ENOTCONN") throw error;
}

/** The last limits made. Most sockets have the same timeout and share them. */
let usualLimits: Limits | undefined;

/** The result of recvfrom. The request decides whether `D` is the bytes or their count. */
function withAddress<D extends Received, A extends Address>(
  data: Received,
  address: Address | null,
): [data: D, address: A | null] {
  return [data as D, address as A | null];
}

/** The parts of recvmsg's result. */
function withFlags<D extends Received, A extends Address>(
  data: Received,
  address: Address | null,
  flags: number,
): [data: D, address: A | null, flags: number] {
  return [data as D, address as A | null, flags];
}
