/**
 * The contract between the library and a runtime: everything that a port to a new runtime must provide.
 *
 * The core (`core/`) holds the Berkeley state machine: which call is allowed when, queues, flags,
 * timeouts, cancellation, the shape of errors. An adapter holds none of that. It opens connections,
 * listeners and datagram sockets with whatever the runtime offers, moves bytes, and says in
 * {@linkcode Capabilities} what it cannot do. `memory.ts` is the shortest complete adapter and the
 * template for a port.
 *
 * Five rules run through all of it:
 *
 * 1. **Addresses are literals.** Names are resolved by the core through {@linkcode Adapter.lookup};
 *    an adapter sees numeric hosts only, and gives back the same form.
 * 2. **Push with exact stop.** The adapter pushes what arrives into a sink that the core has set; the
 *    sink's answer says whether to go on. After `false`, where stopping is expensive after one more
 *    `false` in a row, nothing is pushed until `resume()` is called, and the kernel's window closes.
 *    `resume()` may be called at any time, also when reading.
 * 3. **Errors are the runtime's own.** An adapter rejects or throws whatever the runtime gave it, or
 *    an `Error` with a POSIX `code`; {@linkcode Adapter.errorCode} names the code, and the core alone
 *    makes the public error of it. Where a socket cannot be opened because of one of its settings, the
 *    error names it as `option`: the core drops it.
 * 4. **Everything opened is closed by the core**, exactly once, by `close()`, `reset()` or
 *    `release()`. A broken connection keeps its object until then; the adapter may free the
 *    descriptor earlier.
 * 5. **An open socket keeps no process alive.** Streams, listeners and datagram sockets begin without doing so.
 *    While a call waits for what arrives the core has asked for it, by `ref()`; a connect, a `write` and a
 *    `close` under way do so by themselves.
 *
 * @module
 */

/** An IPv4 or IPv6 address: the host as a numeric literal and the port, for IPv6 with flow information and scope id. */
export type InetAddress = [host: string, port: number, flowinfo?: number, scope_id?: number];

/** An IPv6 address as the library returns it: always with flow information and scope id. */
export type Inet6Address = [host: string, port: number, flowinfo: number, scope_id: number];

/**
 * A socket address as the library returns it: {@linkcode InetAddress} for AF_INET and AF_INET6; for
 * AF_UNIX a string, or bytes where the path is not UTF-8. `"\0name"` is an abstract name, `""` an
 * unnamed socket.
 */
export type Address = InetAddress | string | Uint8Array<ArrayBuffer>;

/** A value now or later. */
export type Awaitable<T> = T | Promise<T>;

/** The options a user has set on a socket, by name (`"SO_KEEPALIVE"`), with the value as `setsockopt` took it. */
export type Settings = ReadonlyMap<string, number>;

/** What every open socket of an adapter offers. */
export interface Handle {
  /** The address it is bound to, as the operating system tells it. Stays readable after the end. */
  readonly local: Address;
  /** The descriptor, or -1 where the runtime does not reveal it or it is closed. */
  readonly fd: number;
  /**
   * Sets an option on the real socket; answers `false` where this runtime has no way to.
   * Called only for options that {@linkcode Capabilities.options} lists as settable. A {@linkcode Bound}
   * or {@linkcode Listener} may answer `true` to options that matter to connections only: the core
   * sets them again on every connection that comes from it. SO_LINGER is the seconds, or -1 for off.
   */
  setOption(name: string, value: number): boolean;
  /** Reads an option from the real socket; `undefined` where this runtime has no way to, and the core answers with what was set. */
  getOption(name: string): number | undefined;
  /**
   * A call begins to wait for what arrives here: the process must not end before `unref()`. Not called for a
   * {@linkcode Bound}. Absent where nothing can arrive from outside the process.
   */
  ref?(): void;
  /** No call waits any more. Also called after `close`. */
  unref?(): void;
}

/** Where a stream puts what arrives. Set by the core before the first `resume()`. */
export interface StreamSink {
  /**
   * Bytes arrived, in order.
   *
   * @param chunk the bytes, at least one
   * @param owned `true` hands the memory over for good, a buffer that holds nothing else; `false` lends it for the time
   * of the call
   * @returns whether to go on; after `false` the stream stops until `resume()`
   */
  data(chunk: Uint8Array<ArrayBuffer>, owned: boolean): boolean;
  /**
   * So many bytes, at least one, have been put into the buffer that `resume` was given.
   *
   * @returns whether to go on, into memory of the stream's own
   */
  filled(count: number): boolean;
  /** The peer has finished sending (FIN). Sending may go on. Called at most once, after all data. */
  end(): void;
  /**
   * The connection broke. All data that had arrived must have been pushed before, even past a
   * `false`: the operating system no longer keeps it.
   */
  error(cause: unknown): void;
}

/** A connected stream: TCP or AF_UNIX. Opened without reading; reads from the first `resume()` on. */
export interface Stream extends Handle {
  /** The peer's address. Stays readable after the end. */
  readonly remote: Address;
  /**
   * How many unclaimed bytes the core may let this stream read ahead, at the moment. Where stopping and starting
   * costs system calls, some 64 KiB; where a read is posted for each chunk anyway, 0.
   */
  readonly readAhead: number;
  /** Set by the core, always before the first `resume()`. */
  sink: StreamSink;
  /**
   * Start or go on pushing.
   *
   * @param into memory of the receive that waits, which has no timeout and no signal: a stream that reads into memory it
   * is given may read there and call `sink.filled`; the others push as ever
   */
  resume(into?: Uint8Array): void;
  /**
   * Gives the operating system as much of `chunk` as it takes at once. Absent where the runtime
   * cannot tell at once.
   *
   * @returns the bytes taken; 0 when none could be without waiting
   * @throws the runtime's error when the connection cannot send
   */
  tryWrite?(chunk: Uint8Array): number;
  /**
   * Gives the operating system at least one byte of `chunk`, waiting for room. One call at a time;
   * nobody changes the memory of `chunk` until the promise settles, which closing the stream makes it do, too. A core that
   * gave up waiting and cannot take the chunk back leaves the call to finish by itself.
   *
   * @param revocable the core may give up waiting and has no way to say that some bytes went out: where the runtime
   * can wait for room without being given bytes, it does
   * @returns the bytes taken
   */
  write(chunk: Uint8Array, revocable?: boolean): Promise<number>;
  /**
   * Takes back what the `write` under way has not given away yet. Absent where the runtime has the chunk and keeps it.
   *
   * @returns the bytes that are gone, which the promise of `write` tells in its time; after 0 it never settles
   */
  takeBack?(): number;
  /**
   * How many bytes of the `write` under way are gone, or will go although its call has ended. 0 where absent.
   *
   * @param closing the stream is closed next; where only that tells, the answer comes then
   */
  committed?(closing: boolean): Awaitable<number>;
  /** Sends FIN after what was written, and leaves reading as it is. */
  shutdownWrite(): Promise<void>;
  /** Aborts the connection with RST (SO_LINGER 1, 0). Absent where this stream has no way to. */
  reset?(): Promise<void>;
  /** Closes both directions; what was committed of a `write` still goes out. Settles when the descriptor is free. */
  close(): Promise<void>;
  /** Gives up the descriptor without closing it, for `detach()`. Absent where this cannot be done. */
  release?(): number;
}

/** Where a listener puts new connections. */
export interface ListenerSink {
  /**
   * A connection was accepted. The core sets its sink before it returns, or closes it: one that comes after `close()`,
   * say.
   *
   * @returns whether to go on accepting; after `false` nothing more until `resume()`, where
   * {@linkcode Capabilities.backlog} says that the runtime can stop
   */
  connection(stream: Stream): boolean;
  /** Accepting failed once (EMFILE, say); the listener lives on. The adapter stops until `resume()`. */
  error(cause: unknown): void;
}

/** A listening socket. Accepts from the first `resume()` on, or at once where the runtime cannot wait. */
export interface Listener extends Handle {
  /** Start or go on accepting. */
  resume(): void;
  /** Changes the backlog of a listening socket, as a second `listen(2)` does. Absent where the runtime cannot. */
  setBacklog?(backlog: number): void;
  /** Stops listening. Connections that were handed over live on. Settles when the descriptor is free. */
  close(): Promise<void>;
}

/** An address claimed by bind(2), not yet listening or connected. It is used up by `listen` or `connect`. */
export interface Bound extends Handle {
  /** Turns it into a listener. */
  listen(backlog: number, sink: ListenerSink): Promise<Listener>;
  /** Connects from the claimed address. */
  connect(target: ConnectTarget): ConnectAttempt;
  /** Gives the address up. */
  close(): Promise<void>;
}

/** What to claim. */
export interface BindRequest {
  /** AF_INET, AF_INET6 or AF_UNIX. */
  readonly family: number;
  /** The literal address; port 0 chooses one. */
  readonly address: Address;
  /** The options set so far; those that only work before bind(2) must be applied here. */
  readonly settings: Settings;
}

/** Where to connect. */
export interface ConnectTarget {
  /** AF_INET, AF_INET6 or AF_UNIX. */
  readonly family: number;
  /** The literal address. */
  readonly address: Address;
  /** The name that the user gave, for runtimes whose permissions are granted by name; the literal where there was none. */
  readonly name: string;
  /** The options set so far; those that only work before connect(2) must be applied here. */
  readonly settings: Settings;
}

/** A connection under way. */
export interface ConnectAttempt {
  /** Settles when the connection stands or failed. */
  readonly done: Promise<Stream>;
  /** The runtime was given the name, not the literal, and has tried what it could: the core tries no other address. */
  readonly byName?: boolean;
  /** Gives up. `done` rejects, or is resolved with a stream that the core closes. */
  cancel(): void;
}

/** Where a datagram socket puts what arrives. */
export interface DatagramSink {
  /**
   * One datagram, whole. The memory is handed over where `owned`, as {@linkcode StreamSink.data} has it, else lent for the time of the call.
   *
   * @returns whether a receive waits; without, a socket that can stop pushes nothing more until `resume()`
   */
  datagram(data: Uint8Array<ArrayBuffer>, from: Address, owned: boolean): boolean;
  /** An error that the operating system reported for a sent datagram (ECONNREFUSED). The socket stays usable. */
  error(cause: unknown): void;
}

/** A bound or connected datagram socket. */
export interface Datagram extends Handle {
  /** Set by the core right after opening. */
  sink: DatagramSink;
  /**
   * Several calls of `send` may be under way, and go out in their order. Absent where the core has to wait for the
   * promise of one before the next.
   */
  readonly concurrent?: boolean;
  /** Sends one datagram, whole or not at all; without an address to the fixed peer. At once where it gives no promise. */
  send(data: Uint8Array, to: Address | undefined): Awaitable<unknown>;
  /** A receive waits: start or go on pushing. Absent where the runtime cannot stop: it pushes from the start. */
  resume?(): void;
  /** Fixes the peer, perhaps in place of another. Absent where the core must filter. */
  connect?(peer: Address): Awaitable<void>;
  /** Joins or leaves a multicast group on an interface (address or index; empty for the system's choice). */
  membership?(action: "join" | "leave", group: string, device: string): void;
  /** Chooses the interface of outgoing multicast, which an IPv6 socket has one for AF_INET of, too. */
  multicastInterface?(device: string, family: number): void;
  /** Closes it. Settles when the descriptor is free. */
  close(): Promise<void>;
}

/** What a datagram socket starts from. */
export interface DatagramRequest {
  /** AF_INET, AF_INET6 or AF_UNIX. */
  readonly family: number;
  /** The literal address to bind. */
  readonly address: Address;
  /** Where the first datagram goes or the peer will be, when the socket is not bound by hand. */
  readonly toward: Address | undefined;
  /** The options set so far. */
  readonly settings: Settings;
}

/** A descriptor that was taken over: a connected stream, or a bound socket that perhaps listens. */
export type Adopted =
  & {
    /** AF_INET, AF_INET6 or AF_UNIX. */
    readonly family: number;
  }
  & (
    | { readonly stream: Stream }
    | { readonly bound: Bound; readonly listening: boolean }
  );

/** One answer of the resolver. */
export interface LookupAnswer {
  /** The numeric address; for IPv6 perhaps with a scope (`fe80::1%eth0`). */
  readonly address: string;
  /** 4 or 6. */
  readonly family: number;
}

/** A network interface of the machine. */
export interface NetworkInterface {
  /** The name, such as `lo`. */
  readonly name: string;
  /** The index, from 1; 0 where the runtime does not tell. */
  readonly index: number;
  /** Its numeric addresses. */
  readonly addresses: readonly string[];
}

/** How an option can be used: read and set, only read, or set only before the socket is connected or listening. */
export type OptionSupport = "set" | "before-open" | "get";

/** What an adapter can do, as plain data. */
export interface Capabilities {
  /** The adapter's name: `node`, `deno`, `bun`, `memory`, or a name of your own. */
  readonly adapter: string;
  /** The runtime's version, empty where there is none. */
  readonly version: string;
  /** The families that `socket()` accepts. */
  readonly families: readonly string[];
  /** The types that `socket()` accepts, by family: `{ AF_INET: ["SOCK_STREAM"] }`. */
  readonly types: Readonly<Record<string, readonly string[]>>;
  /**
   * How each socket option can be used, by type and name: `{ SOCK_STREAM: { SO_KEEPALIVE: "set" } }`. An option that
   * is not listed throws ENOPROTOOPT, and so may one of IPv4 on a datagram socket of IPv6.
   */
  readonly options: Readonly<Record<string, Readonly<Record<string, OptionSupport>>>>;
  /** Why some options are missing, for the message of ENOPROTOOPT. */
  readonly optionsReason: string;
  /** Whether `fileno()` tells a real descriptor, and `detach()` that of a connection. */
  readonly fileno: boolean;
  /** Whether `fromfd()` adopts a descriptor. */
  readonly adopt: boolean;
  /** Whether `listen(n)` sets the kernel's backlog. */
  readonly backlog: boolean;
  /** Whether SO_LINGER [1, 0] resets: on every stream, on those where it was set before `connect`, or never. */
  readonly reset: "always" | "before-open" | "never";
  /** Whether a connected datagram socket learns ECONNREFUSED from a closed port. */
  readonly datagramRefused: boolean;
  /** Whether MSG_OOB, the urgent data of TCP, can be used. No adapter can so far. */
  readonly oob: boolean;
  /** Whether `sendmsg` and `recvmsg` carry ancillary data. */
  readonly ancillary: boolean;
}

/** A runtime's sockets. */
export interface Adapter {
  /** What it can do. The same object at every call is fine. */
  capabilities(): Capabilities;
  /** Claims an address for a stream socket: bind(2). Errors are raised here, not at `listen`. */
  bind(request: BindRequest): Awaitable<Bound>;
  /** Connects a stream socket from an address of the system's choice. */
  connect(target: ConnectTarget): ConnectAttempt;
  /** Opens a datagram socket. Absent where there are none. */
  datagram?(request: DatagramRequest): Awaitable<Datagram>;
  /**
   * Takes over the descriptor of a stream socket, at once: inherited, or given away by `release()`. Absent where this
   * cannot be done.
   *
   * @throws an error with the code EBADF or ENOTSOCK when it is none
   */
  adopt?(fd: number): Adopted;
  /** Closes a bare descriptor. Absent where this cannot be done. */
  closeDescriptor?(fd: number): void;
  /** Duplicates a descriptor: dup(2), closed on exec. Absent where this cannot be done; may throw ENOTSUP. */
  duplicate?(fd: number): number;
  /** Whether child processes inherit a descriptor. Absent where they never do. */
  isInheritable?(fd: number): boolean;
  /** Sets whether child processes inherit a descriptor. Absent where this cannot be done; may throw ENOTSUP. */
  setInheritable?(fd: number, inheritable: boolean): void;
  /**
   * Resolves a name with the system's resolver (the hosts file first, then DNS).
   *
   * @param name the name, in its ASCII form
   * @param family 4, 6, or 0 for both
   * @param port what the addresses are for, 0 or left out where that is not known: a permission may hold for a name at a port
   * @returns at least one answer, in the resolver's order
   */
  lookup(name: string, family: 0 | 4 | 6, port?: number): Promise<LookupAnswer[]>;
  /** The name and service of an address (getnameinfo), which comes without a scope; rejects when there is no name. */
  lookupService?(address: string, port: number): Promise<{ hostname: string; service: string }>;
  /** The machine's name. */
  hostname?(): string;
  /** The machine's interfaces. */
  interfaces?(): NetworkInterface[];
  /**
   * Resolves once I/O that is ready has been pushed: how long a non-blocking receive or accept looks before it
   * gives EAGAIN. Absent where two `setImmediate` in a row take in a poll of the event loop.
   */
  turn?(): Promise<void>;
  /**
   * The POSIX (`ECONNREFUSED`) or getaddrinfo (`EAI_NONAME`) name of an error that this adapter threw or
   * pushed; `undefined` when it cannot be told.
   */
  errorCode(cause: unknown): string | undefined;
  /** What the message of such an error should add, such as the permission to grant. */
  errorDetail?(cause: unknown): string | undefined;
  /** What the message should add for a family and type that is not offered, such as the flag to run with. */
  kindDetail?(family: number, type: number): string | undefined;
  /**
   * Why an option that the capabilities have cannot be set to this value on a datagram socket of this family;
   * `undefined` where it can.
   */
  datagramOptionDetail?(family: number, name: string, value: number): string | undefined;
}
