/**
 * Berkeley sockets for every JavaScript runtime: the socket API of POSIX and of Python's `socket`
 * module, as promises, on Node, Deno and Bun.
 *
 * - Sockets: {@linkcode socket}, {@linkcode Socket}, {@linkcode SocketInit},
 *   {@linkcode create_connection}, {@linkcode ConnectionOptions}, {@linkcode create_server},
 *   {@linkcode ServerOptions}, {@linkcode has_dualstack_ipv6}, {@linkcode serve},
 *   {@linkcode ServeOptions}, {@linkcode ConnectionHandler}, {@linkcode socketpair}
 * - Arguments and results: {@linkcode Address}, {@linkcode AddressLike}, {@linkcode AddressLikeOf},
 *   {@linkcode AddressOf}, {@linkcode InetAddress}, {@linkcode Inet6Address},
 *   {@linkcode BytesLike}, {@linkcode OptionValue}, {@linkcode AncillaryData},
 *   {@linkcode WaitOptions}
 * - Default timeout: {@linkcode getdefaulttimeout}, {@linkcode setdefaulttimeout}
 * - Files and sendfile: {@linkcode SocketFile}, {@linkcode Content}, {@linkcode TextMode},
 *   {@linkcode BinaryMode}, {@linkcode FileOptions}, {@linkcode BinaryFileOptions},
 *   {@linkcode EncodingErrors}, {@linkcode Newline}, {@linkcode FileSource},
 *   {@linkcode SendFileOptions}
 * - Descriptors and ancillary data: {@linkcode fromfd}, {@linkcode close}, {@linkcode CMSG_LEN},
 *   {@linkcode CMSG_SPACE}
 * - Names and addresses: {@linkcode getaddrinfo}, {@linkcode AddrInfo}, {@linkcode getnameinfo},
 *   {@linkcode gethostbyname}, {@linkcode gethostbyname_ex}, {@linkcode gethostbyaddr},
 *   {@linkcode HostEntry}, {@linkcode getfqdn}, {@linkcode gethostname}
 * - Services and protocols: {@linkcode getservbyname}, {@linkcode getservbyport},
 *   {@linkcode getprotobyname}
 * - Interfaces: {@linkcode if_nameindex}, {@linkcode if_nametoindex}, {@linkcode if_indextoname}
 * - Conversions: {@linkcode htons}, {@linkcode htonl}, {@linkcode ntohs}, {@linkcode ntohl},
 *   {@linkcode inet_aton}, {@linkcode inet_ntoa}, {@linkcode inet_pton}, {@linkcode inet_ntop}
 * - Errors: {@linkcode SocketError} (`error`, `OSError`), {@linkcode GaiError} (`gaierror`),
 *   {@linkcode HostError} (`herror`), {@linkcode TimeoutError} (`timeout`),
 *   {@linkcode SocketErrorOptions}, {@linkcode errno}, {@linkcode ErrnoName}
 * - Adapters: {@linkcode getAdapter}, {@linkcode setAdapter}, {@linkcode capabilities},
 *   {@linkcode Capabilities}, {@linkcode OptionSupport}
 * - A network in memory: {@linkcode createMemoryAdapter}, {@linkcode MemoryAdapter},
 *   {@linkcode MemoryOptions}, {@linkcode MemoryConnection}, {@linkcode MemoryFaults},
 *   {@linkcode Fault}, {@linkcode FaultScope}, {@linkcode Side}
 * - The contract of adapters: {@linkcode Adapter}, {@linkcode Handle}, {@linkcode Stream},
 *   {@linkcode StreamSink}, {@linkcode Bound}, {@linkcode BindRequest}, {@linkcode Listener},
 *   {@linkcode ListenerSink}, {@linkcode ConnectAttempt}, {@linkcode ConnectTarget},
 *   {@linkcode Datagram}, {@linkcode DatagramSink}, {@linkcode DatagramRequest},
 *   {@linkcode Adopted}, {@linkcode AdoptedStream}, {@linkcode AdoptedDatagram},
 *   {@linkcode LookupAnswer}, {@linkcode NetworkInterface}, {@linkcode Settings},
 *   {@linkcode Awaitable}
 * - Constants, with Linux's values: `AF_*`, `SOCK_*`, `SOL_*`, `SO_*`, `IPPROTO_*`, `IPPORT_*`,
 *   `TCP_*`, `IP_*`, `IPV6_*`, `MSG_*`, `SHUT_*`, `AI_*`, `EAI_*`, `NI_*`, `INADDR_*`, `SOMAXCONN`,
 *   {@linkcode has_ipv6}
 *
 * An echo server and its client:
 *
 * @example
 * ```ts
 * import * as socket from "@bsdsock/bsdsock";
 *
 * await using server = socket.socket(socket.AF_INET, socket.SOCK_STREAM);
 * await server.bind(["127.0.0.1", 0]);
 * await server.listen();
 *
 * await using s = socket.socket(socket.AF_INET, socket.SOCK_STREAM);
 * await s.connect(server.getsockname());
 * await s.sendall("hello");
 *
 * const [conn, address] = await server.accept();
 * console.log("connected by", address);
 * await conn.sendall(await conn.recv(1024));
 * await conn.close();
 *
 * console.log(await s.recv(1024));
 * ```
 *
 * @module
 */

export * from "./core/constants.ts";
export * from "./core/address/conversion.ts";
export { errno, type ErrnoName } from "./core/errors/errno.ts";
export {
  GaiError,
  GaiError as gaierror,
  HostError,
  HostError as herror,
  SocketError,
  SocketError as error,
  SocketError as OSError,
  type SocketErrorOptions,
  TimeoutError,
  TimeoutError as timeout,
} from "./core/errors/errors.ts";
export { type AncillaryData, Socket, type SocketInit } from "./core/socket.ts";
export { type Content, SocketFile } from "./core/file/socket_file.ts";
export type {
  BinaryFileOptions,
  BinaryMode,
  FileOptions,
  TextMode,
} from "./core/file/file_mode.ts";
export type { Newline } from "./core/file/newlines.ts";
export type { EncodingErrors } from "./core/file/text_codec.ts";
export type { FileSource, SendFileOptions } from "./core/sendfile.ts";
export { type ConnectionHandler, serve, type ServeOptions } from "./core/serve.ts";
export { type ConnectionOptions, create_connection } from "./core/create_connection.ts";
export { create_server, has_dualstack_ipv6, type ServerOptions } from "./core/create_server.ts";
export { socketpair } from "./core/socketpair.ts";
export { CMSG_LEN, CMSG_SPACE } from "./core/cmsg.ts";
export { close } from "./core/descriptors.ts";
export { fromfd, socket } from "./core/create.ts";
export type { AddressLike, AddressLikeOf, AddressOf } from "./core/address/address.ts";
export type { WaitOptions } from "./core/arguments.ts";
export type { BytesLike } from "./core/bytes.ts";
export type { OptionValue } from "./core/options/values.ts";
export { getdefaulttimeout, setdefaulttimeout } from "./core/default_timeout.ts";
export { getprotobyname, getservbyname, getservbyport } from "./core/names/services.ts";
export { type AddrInfo, getaddrinfo } from "./core/names/getaddrinfo.ts";
export { getnameinfo } from "./core/names/getnameinfo.ts";
export {
  getfqdn,
  gethostbyaddr,
  gethostbyname,
  gethostbyname_ex,
  type HostEntry,
} from "./core/names/host_names.ts";
export { gethostname } from "./core/names/hostname.ts";
export { if_indextoname, if_nameindex, if_nametoindex } from "./core/names/interfaces.ts";
export { capabilities, getAdapter, setAdapter } from "./core/adapter_choice.ts";
export {
  createMemoryAdapter,
  type Fault,
  type FaultScope,
  type MemoryAdapter,
  type MemoryConnection,
  type MemoryFaults,
  type MemoryOptions,
  type Side,
} from "./adapters/memory.ts";
export type * from "./adapters/adapter.ts";
