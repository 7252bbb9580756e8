/**
 * Berkeley sockets for every JavaScript runtime: the socket API of POSIX and of Python's `socket`
 * module, as promises, on Node, Deno and Bun.
 *
 * - Sockets: {@linkcode socket}, {@linkcode Socket}
 * - Errors: {@linkcode SocketError} (`error`, `OSError`), {@linkcode GaiError} (`gaierror`),
 *   {@linkcode HostError} (`herror`), {@linkcode TimeoutError} (`timeout`), {@linkcode errno}
 * - Conversions: {@linkcode htons}, {@linkcode inet_aton}, {@linkcode inet_pton} and their kin
 * - Names of services and protocols: {@linkcode getservbyname}, {@linkcode getprotobyname}
 * - Names and addresses: {@linkcode getaddrinfo}, {@linkcode getnameinfo}, {@linkcode gethostbyname},
 *   {@linkcode gethostbyaddr}, {@linkcode getfqdn}, {@linkcode gethostname}, {@linkcode if_nameindex}
 * - Adapters: {@linkcode getAdapter}, {@linkcode setAdapter}, {@linkcode capabilities},
 *   {@linkcode createMemoryAdapter}
 *
 * A server that gives back what it receives, and its client:
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
export { close, CMSG_LEN, CMSG_SPACE } from "./core/descriptors.ts";
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
