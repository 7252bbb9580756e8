/**
 * What the types promise, checked by the compiler alone (`tsc -p tsconfig.tests.json`): each
 * `@ts-expect-error` fails where the wrong use under it would compile.
 */

import * as bsdsock from "../../mod.ts";
import {
  type Address,
  AF_INET,
  AF_INET6,
  AF_UNIX,
  errno,
  type InetAddress,
  MSG_PEEK,
  SHUT_WR,
  SO_KEEPALIVE,
  SO_LINGER,
  SOCK_STREAM,
  type Socket,
  socket,
  SocketError,
  SOL_SOCKET,
} from "../../mod.ts";

/** Compiles only where both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true
  : never;
function same<A, B>(_: Same<A, B>): void {}

export function addressFollowsFamily(): void {
  same<ReturnType<typeof socket<typeof AF_UNIX>>, Socket<string>>(true);
  same<ReturnType<typeof socket<typeof AF_INET>>, Socket<InetAddress>>(true);
  same<ReturnType<typeof socket<typeof AF_INET6>>, Socket<bsdsock.Inet6Address>>(true);

  const unix = socket(AF_UNIX, SOCK_STREAM);
  const path: string = unix.getsockname();
  path.slice(1);
  // @ts-expect-error a path is not a pair
  const [_host, _port] = unix.getpeername() as [string, number];

  for (const s of [socket(), socket(AF_INET), socket(AF_INET6, SOCK_STREAM)]) {
    const [host, port] = s.getsockname();
    host.toUpperCase();
    port.toFixed();
    const address: InetAddress = s.getpeername();
    // @ts-expect-error an internet address is not a string
    const text: string = s.getpeername();
    void [address, text];
  }

  const [, , flowinfo, scope_id] = socket(AF_INET6).getsockname();
  const four: number = flowinfo + scope_id;
  const either: Socket<InetAddress> = socket(AF_INET6);

  const family: number = Number("2");
  const any: Address = socket(family).getsockname();
  // @ts-expect-error a family that is only known at run time may have paths
  const inet: InetAddress = socket(family).getsockname();
  void [any, inet, path, _host, _port, four, either];
}

/** A class cannot find its address type out from a number: it is AF_INET's unless given. */
export function familyOfNew(family: number): void {
  const unix: Socket<string> = new bsdsock.Socket<string>(AF_UNIX);
  const v6: Socket<InetAddress> = new bsdsock.Socket(AF_INET6, SOCK_STREAM);
  const any: Socket<Address> = new bsdsock.Socket<Address>(family);
  void [unix, v6, any];
}

/** The loop of Python's documentation: what getaddrinfo gives is what socket() and connect() take. */
export async function reached(host: string): Promise<Socket | undefined> {
  for (
    const [family, type, proto, , address] of await bsdsock.getaddrinfo(
      host,
      1,
      bsdsock.AF_UNSPEC,
      SOCK_STREAM,
    )
  ) {
    let s: Socket | null = null;
    try {
      s = socket(family, type, proto);
      await s.connect(address);
      return s;
    } catch {
      await s?.close();
    }
  }
  return undefined;
}

export async function addressIn(s: Socket<Address>, name: bsdsock.AddressLike): Promise<void> {
  const [unix, v4, v6] = [socket(AF_UNIX), socket(AF_INET), socket(AF_INET6)];
  await unix.connect("/tmp/s");
  await unix.bind(Uint8Array.of(0xff));
  await v4.connect(["localhost", 1]);
  await v6.connect(["::1", 1]);
  await v6.connect(v4.getsockname());
  await v6.sendto("text", 0, ["fe80::1", 1, 0, 2]);
  await s.connect(name);
  // @ts-expect-error a UNIX socket has no port
  await unix.connect(["a", 1]);
  // @ts-expect-error an internet socket has no path
  await v4.connect("/tmp/s");
  // @ts-expect-error an internet socket has no path
  await v6.bind("/tmp/s");
  // @ts-expect-error an internet socket has no path
  await v4.sendto("text", "/tmp/s");
  // @ts-expect-error a string is data, not several
  await v4.sendmsg("text");
  // @ts-expect-error the default family is AF_INET
  await bsdsock.create_server("/tmp/s");
  await bsdsock.create_server("/tmp/s", { family: AF_UNIX });
  const passOn = async <A extends Address>(from: Socket<A>, to: Socket<A>): Promise<void> =>
    await from.connect(to.getsockname());
  await passOn(v4, v4);
}

export async function verbs(): Promise<void> {
  const s = socket(AF_INET);
  const signal = AbortSignal.abort();

  same<ReturnType<typeof s.bind>, Promise<void>>(true);
  await s.bind(["", 0]);
  await s.bind(["127.0.0.1", 0] as const);
  // @ts-expect-error the port is a number
  await s.bind(["127.0.0.1", "80"]);
  // @ts-expect-error an address has a port
  await s.bind(["127.0.0.1"]);
  // @ts-expect-error there is no address
  await s.bind();

  await s.listen();
  await s.listen(5);
  // @ts-expect-error the backlog is a number
  await s.listen("5");

  const [conn, address] = await s.accept({ signal });
  same<typeof conn, Socket<InetAddress>>(true);
  same<typeof address, InetAddress>(true);
  for await (const [each, from] of s) {
    same<typeof each, Socket<InetAddress>>(true);
    same<typeof from, InetAddress>(true);
  }

  await s.connect(["127.0.0.1", 80], { signal });
  // @ts-expect-error a signal is an AbortSignal
  await s.connect(["127.0.0.1", 80], { signal: 5 });
  same<ReturnType<typeof s.connect_ex>, Promise<number>>(true);

  const data: Uint8Array = await s.recv(10, MSG_PEEK, { signal });
  data.fill(0);
  // @ts-expect-error a size is needed
  await s.recv();
  // @ts-expect-error the signal comes after the flags
  await s.recv(10, { signal });
  const count: number = await s.recv_into(new Uint16Array(4), 2, 0, { signal });
  await s.recv_into(new ArrayBuffer(4));
  // @ts-expect-error nothing can be written to a string
  await s.recv_into("text");
  const [bytes, sender] = await s.recvfrom(10);
  same<typeof sender, InetAddress | null>(true);
  const [read, other] = await s.recvfrom_into(new DataView(new ArrayBuffer(4)));
  same<typeof read, number>(true);
  same<typeof other, InetAddress | null>(true);

  const sent: number = await s.send("text");
  await s.sendall(new Uint8Array(4), 0, { signal });
  await s.sendall(new ArrayBuffer(4));
  await s.sendall(new Float64Array(4));
  // @ts-expect-error a number is not bytes
  await s.sendall(5);
  // @ts-expect-error an array of numbers is not bytes
  await s.send([1, 2]);
  same<ReturnType<typeof s.sendall>, Promise<void>>(true);

  await s.shutdown(SHUT_WR);
  // @ts-expect-error how is needed
  await s.shutdown();
  same<ReturnType<typeof s.close>, Promise<void>>(true);
  const fd: number = s.detach() + s.fileno();
  void [count, bytes, sent, fd];
}

/** What is received has a buffer of its own, which is what the platform's functions ask for. */
export async function bytesOut(): Promise<void> {
  const s = socket(AF_INET);
  const data = await s.recv(9);
  const [from] = await s.recvfrom(9);
  const [message] = await s.recvmsg(9);
  const option = s.getsockopt(SOL_SOCKET, SO_LINGER, 8);
  const packed = bsdsock.inet_aton("127.0.0.1");
  same<typeof data, Uint8Array<ArrayBuffer>>(true);
  same<typeof from, typeof data>(true);
  same<typeof message, typeof data>(true);
  same<typeof option, typeof data>(true);
  same<typeof packed, typeof data>(true);
  same<ReturnType<typeof bsdsock.inet_pton>, typeof data>(true);
  same<typeof s.readable, ReadableStream<typeof data>>(true);

  await crypto.subtle.digest("SHA-256", data);
  await fetch("http://127.0.0.1/", { method: "POST", body: data });
  s.readable.pipeThrough(new TextDecoderStream());
  structuredClone(data, { transfer: [data.buffer] });
  // Bytes in may be in shared memory.
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  await s.recv_into(shared);
  await s.sendall(shared);
  void new Blob([data, from, message, option, packed]);
}

export async function disposal(): Promise<void> {
  await using a = socket();
  using b = socket(AF_UNIX);
  void [a, b];
}

export function options(): void {
  const s = socket();
  s.settimeout(1.5);
  s.settimeout(null);
  // @ts-expect-error null is for ever, undefined is nothing
  s.settimeout(undefined);
  same<ReturnType<typeof s.gettimeout>, number | null>(true);
  s.setblocking(false);
  same<ReturnType<typeof s.getblocking>, boolean>(true);

  s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, true);
  s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
  s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, new Uint8Array(4));
  s.setsockopt(SOL_SOCKET, SO_LINGER, [1, 0]);
  // @ts-expect-error a string is not an option's value
  s.setsockopt(SOL_SOCKET, SO_KEEPALIVE, "1");
  // @ts-expect-error a value is needed
  s.setsockopt(SOL_SOCKET, SO_KEEPALIVE);
  const number: number = s.getsockopt(SOL_SOCKET, SO_KEEPALIVE);
  const also: number = s.getsockopt(SOL_SOCKET, SO_KEEPALIVE, 0);
  const bytes: Uint8Array = s.getsockopt(SOL_SOCKET, SO_LINGER, 8);
  void [number, also, bytes];

  same<typeof s.timeout, number | null>(true);
  // @ts-expect-error the state is read-only
  s.family = AF_INET6;
  // @ts-expect-error the state is read-only
  s.timeout = 1;
  // @ts-expect-error the state is read-only
  s.closed = true;
}

/** Options that are undefined are left out, also under `exactOptionalPropertyTypes`. */
export function undefinedOptions(size?: number, text?: string): void {
  const memory = bsdsock.createMemoryAdapter({
    hosts: undefined,
    addresses: undefined,
    hostname: text,
    window: size,
    seed: size,
  });
  memory.faults.stall({ connection: memory.connections[0], from: undefined });
  new SocketError("", { code: text, errno: size, syscall: text, bytes_sent: size });
  const either: number | Uint8Array = socket().getsockopt(SOL_SOCKET, SO_LINGER, size);
  // @ts-expect-error a size that may be left out may give a number
  const bytes: Uint8Array = socket().getsockopt(SOL_SOCKET, SO_LINGER, size);
  void [either, bytes];
}

export function faults(address: readonly [host: string, port: number]): void {
  const { faults } = bsdsock.createMemoryAdapter();
  faults.refuse(address);
  faults.silence(["::", 0, 0, 0] as const);
  faults.refuse(Uint8Array.of(0xff));
  // @ts-expect-error an address has a port
  faults.silence(["127.0.0.1"]);
}

/** What a handler gives is ignored. */
export async function handlers(server: Socket): Promise<void> {
  await bsdsock.serve(server, (conn) => conn.sendall("x"));
  await bsdsock.serve(server, async (conn, [host]) => await conn.send(host));
  await bsdsock.serve(server, () => 5);
  // @ts-expect-error a handler is a function
  await bsdsock.serve(server, 5);
}

export function constants(): void {
  same<typeof AF_INET, 2>(true);
  same<typeof AF_INET6, 10>(true);
  same<typeof SOCK_STREAM, 1>(true);
  const refused: number = errno.ECONNREFUSED;
  // @ts-expect-error there is no such error
  const nothing = errno.ENOSUCHERROR;
  void [refused, nothing];
}

export function errors(error: unknown): void {
  if (error instanceof bsdsock.TimeoutError) {
    const base: SocketError = error;
    void base;
  }
  if (error instanceof SocketError) {
    const code: string = error.code;
    const number: number = error.errno;
    const sent: number | undefined = error.bytes_sent;
    // @ts-expect-error errors are read-only
    error.code = "EPERM";
    void [code, number, sent];
  }
  const timeout: typeof bsdsock.TimeoutError = bsdsock.timeout;
  const gaierror: typeof bsdsock.GaiError = bsdsock.gaierror;
  void [timeout, gaierror];
}

export function adapters(): void {
  const adapter: bsdsock.Adapter = bsdsock.getAdapter();
  const { fileno, reset }: bsdsock.Capabilities = bsdsock.capabilities();
  same<typeof fileno, boolean>(true);
  same<typeof reset, "always" | "before-open" | "never">(true);
  bsdsock.setAdapter(adapter);
  // @ts-expect-error an adapter is an object
  bsdsock.setAdapter("node");
  socket(AF_INET, SOCK_STREAM, 0, { adapter: bsdsock.createMemoryAdapter() });
  // @ts-expect-error the capabilities are read-only
  bsdsock.capabilities().fileno = true;
}
