/**
 * The contract between the library and a runtime: everything a port to a new runtime must provide.
 *
 * The core (`core/`) holds the Berkeley state machine: which call is allowed when, queues, flags, timeouts,
 * cancellation and the shape of errors. An adapter holds none of that. It opens connections, listening sockets and
 * datagram sockets with whatever the runtime offers, moves bytes, and declares in {@linkcode Capabilities} what it
 * cannot do. `memory.ts` is the shortest complete adapter and the template for a port.
 *
 * Five rules hold throughout:
 *
 * 1. **Addresses are literals.** The core resolves names through {@linkcode Adapter.lookup}; an adapter sees only
 *    numeric hosts, and returns the same form.
 * 2. **Push, with an exact stop.** The adapter pushes what arrives into a sink set by the core; the sink returns
 *    whether to go on. After `false` the adapter pushes nothing until `resume()`, and the kernel's window closes. Where
 *    stopping is expensive, the adapter may push once more and stop after a second `false` in a row. `resume()` may be
 *    called at any time, even while reading.
 * 3. **Errors are the runtime's own.** An adapter rejects or throws whatever the runtime gave it, or an `Error` with a
 *    POSIX `code`. {@linkcode Adapter.errorCode} names the code, and only the core turns it into a public error. If a
 *    socket cannot be opened because of one of its settings, the error names that setting as `option`, and the core
 *    drops it.
 * 4. **The core closes everything that was opened**, exactly once, with `close()`, `reset()` or `release()`. A broken
 *    connection keeps its object until then; the adapter may free the descriptor earlier.
 * 5. **An open socket does not keep the process alive.** Streams, listening sockets and datagram sockets start out that
 *    way. While a call waits for something to arrive, the core holds the process with `ref()`; a connect, a `write` or
 *    a `close` under way holds it by itself.
 *
 * @module
 */

/** An IPv4 or IPv6 address: the host as a numeric literal and the port; for IPv6 also flow information and scope id. */
export type InetAddress = [host: string, port: number, flowinfo?: number, scope_id?: number];

/** An IPv6 address as the library returns it: always with flow information and scope id. */
export type Inet6Address = [host: string, port: number, flowinfo: number, scope_id: number];

/**
 * A socket address as the library returns it: an {@linkcode InetAddress} for AF_INET and AF_INET6; for AF_UNIX a
 * string, or bytes if the path is not UTF-8. `"\0name"` is an abstract name, `""` an unnamed socket.
 */
export type Address = InetAddress | string | Uint8Array<ArrayBuffer>;

/** A value, or a promise of it. */
export type Awaitable<T> = T | Promise<T>;

/**
 * The options the user has set on a socket, by name (`"SO_KEEPALIVE"`). The values are numbers: 0 or 1 for flags, for
 * SO_LINGER the seconds or -1 for off.
 */
export type Settings = ReadonlyMap<string, number>;

/** An open socket of an adapter. */
export interface Handle {
  /** The local address, as the operating system reports it. Stays readable after close. */
  readonly local: Address;
  /** The descriptor; -1 if the runtime does not expose it or it is closed. */
  readonly fd: number;
  /**
   * Sets an option on the real socket. Called only for options that {@linkcode Capabilities.options} lists as settable.
   * A {@linkcode Bound} or {@linkcode Listener} may return `true` for options that matter only to connections: the core
   * sets them again on every connection that comes from it. The value of SO_LINGER is in seconds, -1 for off.
   *
   * @returns `false` if this runtime has no way to set it
   */
  setOption(name: string, value: number): boolean;
  /**
   * Reads an option from the real socket; `undefined` if this runtime has no way to, and the core returns what was set.
   */
  getOption(name: string): number | undefined;
  /**
   * Keeps the process alive until `unref()`: a call now waits for something to arrive. Not called for a
   * {@linkcode Bound}. Absent if nothing can arrive from outside the process.
   */
  ref?(): void;
  /** Undoes `ref()`: no call waits any more. Also called after `close`. */
  unref?(): void;
}

/** The receiver of what arrives on a stream. Set by the core before the first `resume()`. */
export interface StreamSink {
  /**
   * Takes bytes that arrived, in order.
   *
   * @param chunk the bytes, at least one
   * @param owned `true` hands the memory over for good, in a buffer that holds nothing else; `false` lends it for the
   * duration of the call
   * @returns whether to go on; after `false` the stream stops until `resume()`
   */
  data(chunk: Uint8Array<ArrayBuffer>, owned: boolean): boolean;
  /**
   * Takes the count of bytes, at least one, that were read into the buffer passed to `resume`.
   *
   * @returns whether to go on, into the stream's own memory
   */
  filled(count: number): boolean;
  /** The peer has finished sending (FIN). Sending may continue. Called at most once, after all data. */
  end(): void;
  /**
   * The connection broke. All data that had arrived must have been pushed before, even after a `false`: the operating
   * system no longer holds it.
   */
  error(cause: unknown): void;
}

/** A connected stream: TCP or AF_UNIX. It opens paused, and reads from the first `resume()` on. */
export interface Stream extends Handle {
  /** The peer's address. Stays readable after close. */
  readonly remote: Address;
  /**
   * How many unclaimed bytes the core may currently let this stream read ahead: about 64 KiB if stopping and starting
   * costs system calls, 0 if each chunk needs a read of its own anyway.
   */
  readonly readAhead: number;
  /** The core's sink, always set before the first `resume()`. */
  sink: StreamSink;
  /**
   * Starts or resumes pushing.
   *
   * @param into memory of the waiting receive, which has neither a timeout nor a signal: a stream that can read into
   * given memory may read there and call `sink.filled`; others push as usual. Without memory while some is lent: an
   * adapter that has `duplicate` reads there no more
   */
  resume(into?: Uint8Array): void;
  /**
   * Writes as much of `chunk` as the operating system takes at once. Absent if the runtime cannot report that at once.
   *
   * @returns the count of bytes taken; 0 if none could be without waiting
   * @throws the runtime's error if the connection cannot send
   */
  tryWrite?(chunk: Uint8Array): number;
  /**
   * Writes at least one byte of `chunk`, waiting for room. There is one call at a time. Nobody changes the memory of
   * `chunk` until the promise settles or the chunk is taken back; closing the stream settles it, too. A core that gave up
   * waiting and cannot take the chunk back leaves the call to finish by itself.
   *
   * @param revocable the core may give up waiting and then cannot report that some bytes went out: if the runtime can
   * wait for room without being given bytes, it must
   * @returns the count of bytes taken
   */
  write(chunk: Uint8Array, revocable?: boolean): Promise<number>;
  /**
   * Takes back the part of the `write` under way that has not gone out. From now on the chunk may change: what cannot be
   * taken back is a copy. Absent if the runtime keeps the chunk once it has it.
   *
   * @returns the count of bytes that cannot be taken back; the promise of `write` resolves with it in due course, and
   * after 0 it never settles
   */
  takeBack?(): number;
  /**
   * How many bytes of the `write` under way are sent, or will be although the stream is closed or reset next. If only
   * that shows the count, the promise resolves after it. Absent means 0.
   */
  committed?(): Awaitable<number>;
  /** Sends FIN after everything written; reading goes on. */
  shutdownWrite(): Promise<void>;
  /** Aborts the connection with RST (SO_LINGER 1, 0). Absent if this stream cannot. */
  reset?(): Promise<void>;
  /** Closes both directions; what was committed of a `write` still goes out. Settles when the descriptor is free. */
  close(): Promise<void>;
  /** Gives up the descriptor without closing it, for `detach()`. Absent if this stream cannot. */
  release?(): number;
}

/** The receiver of a listener's new connections. */
export interface ListenerSink {
  /**
   * Takes an accepted connection. The core sets its sink before returning, or closes it, for example if it comes after
   * `close()`.
   *
   * @returns whether to go on accepting; after `false` nothing more until `resume()`, if
   * {@linkcode Capabilities.backlog} says that the runtime can stop
   */
  connection(stream: Stream): boolean;
  /** Accepting failed once (with EMFILE, for example); the listener lives on. The adapter stops until `resume()`. */
  error(cause: unknown): void;
}

/** A listening socket. Accepts from the first `resume()` on, or at once if the runtime cannot wait. */
export interface Listener extends Handle {
  /** Starts or resumes accepting. */
  resume(): void;
  /** Changes the backlog, as a second `listen(2)` does. Absent if the runtime cannot. */
  setBacklog?(backlog: number): void;
  /** Stops listening. Connections already handed over live on. Settles when the descriptor is free. */
  close(): Promise<void>;
}

/**
 * An address claimed by bind(2), neither listening nor connected yet. `listen` or `connect` uses it up. One that was
 * taken over may have no address yet.
 */
export interface Bound extends Handle {
  /**
   * Binds a descriptor that was taken over before it had an address; present only then. The result replaces this
   * object, which stays as it is if that fails.
   */
  bind?(address: Address): Bound;
  /** Starts listening. */
  listen(backlog: number, sink: ListenerSink): Promise<Listener>;
  /** Connects from the claimed address. */
  connect(target: ConnectTarget): ConnectAttempt;
  /** Releases the address. */
  close(): Promise<void>;
}

/** A request for an address. */
export interface BindRequest {
  /** AF_INET, AF_INET6 or AF_UNIX. */
  readonly family: number;
  /** The literal address; port 0 asks for an ephemeral port. */
  readonly address: Address;
  /** The options set so far; the adapter must apply those that only work before bind(2). */
  readonly settings: Settings;
}

/** A request for a connection. */
export interface ConnectTarget {
  /** AF_INET, AF_INET6 or AF_UNIX. */
  readonly family: number;
  /** The literal address. */
  readonly address: Address;
  /** The name the user gave, for runtimes that grant permissions by name; the literal if there was none. */
  readonly name: string;
  /** The options set so far; the adapter must apply those that only work before connect(2). */
  readonly settings: Settings;
}

/** A connection under way. */
export interface ConnectAttempt {
  /** Settles when the connection is established or has failed. */
  readonly done: Promise<Stream>;
  /**
   * Whether the runtime was given the name, not the literal, and has tried all it could: the core tries no other
   * address.
   */
  readonly byName?: boolean;
  /** Gives up. `done` rejects, or resolves with a stream that the core closes. */
  cancel(): void;
}

/** The receiver of what arrives on a datagram socket. */
export interface DatagramSink {
  /**
   * Takes one whole datagram. The memory is handed over if `owned`, as with {@linkcode StreamSink.data}, else lent for
   * the duration of the call.
   *
   * @returns whether a receive waits; if none does, a socket that can stop pushes nothing more until `resume()`
   */
  datagram(data: Uint8Array<ArrayBuffer>, from: Address, owned: boolean): boolean;
  /** The operating system reported an error for a sent datagram (ECONNREFUSED). The socket stays usable. */
  error(cause: unknown): void;
}

/** A bound or connected datagram socket. */
export interface Datagram extends Handle {
  /** The core's sink, set right after opening. */
  sink: DatagramSink;
  /**
   * Whether several calls of `send` may be under way, and go out in order. If absent, the core waits for the promise of
   * one before it makes the next.
   */
  readonly concurrent?: boolean;
  /**
   * Sends one datagram, whole or not at all; without an address, to the fixed peer. No promise means that it was sent
   * at once.
   */
  send(data: Uint8Array, to: Address | undefined): Awaitable<unknown>;
  /** Starts or resumes pushing: a receive waits. Absent if the runtime cannot stop; it then pushes from the start. */
  resume?(): void;
  /** Fixes the peer, perhaps in place of another. Absent if the core must filter. */
  connect?(peer: Address): Awaitable<void>;
  /** Joins or leaves a multicast group on an interface (address or index; empty lets the system choose). */
  membership?(action: "join" | "leave", group: string, device: string): void;
  /** Chooses the interface for outgoing multicast. An IPv6 socket has a separate one for AF_INET. */
  multicastInterface?(device: string, family: number): void;
  /** Closes the socket. Settles when the descriptor is free. */
  close(): Promise<void>;
}

/** A request for a datagram socket. */
export interface DatagramRequest {
  /** AF_INET, AF_INET6 or AF_UNIX. */
  readonly family: number;
  /** The literal address to bind. */
  readonly address: Address;
  /** The target of the first datagram or the future peer, if the socket is not bound explicitly. */
  readonly toward: Address | undefined;
  /** The options set so far. */
  readonly settings: Settings;
}

/** A descriptor that was taken over. */
export type Adopted =
  & {
    /** AF_INET, AF_INET6 or AF_UNIX. */
    readonly family: number;
  }
  & (AdoptedStream | AdoptedDatagram);

/** A stream socket that was taken over: connected, or else bound or not, and perhaps listening. */
export type AdoptedStream =
  | { readonly stream: Stream }
  | { readonly bound: Bound; readonly listening: boolean };

/** A datagram socket that was taken over. */
export interface AdoptedDatagram {
  /** The socket, which is bound. */
  readonly datagram: Datagram;
  /** The peer that the kernel has fixed, if any. */
  readonly remote: Address | undefined;
}

/** One answer of the resolver. */
export interface LookupAnswer {
  /** The numeric address; for IPv6 optionally with a scope (`fe80::1%eth0`). */
  readonly address: string;
  /** The family: 4 or 6. */
  readonly family: number;
}

/** A network interface of the machine. */
export interface NetworkInterface {
  /** The name, such as `lo`. */
  readonly name: string;
  /** The index, from 1; 0 if the runtime does not report it. */
  readonly index: number;
  /** Its numeric addresses. */
  readonly addresses: readonly string[];
}

/** How an option can be used: read and set, set only before the socket is connected or listening, or only read. */
export type OptionSupport = "set" | "before-open" | "get";

/** The capabilities of an adapter, as plain data. */
export interface Capabilities {
  /** The adapter's name: `node`, `deno`, `bun`, `memory`, or a name of your own. */
  readonly adapter: string;
  /** The runtime's version; empty if there is none. */
  readonly version: string;
  /** The families that `socket()` accepts. */
  readonly families: readonly string[];
  /** The types that `socket()` accepts, by family: `{ AF_INET: ["SOCK_STREAM"] }`. */
  readonly types: Readonly<Record<string, readonly string[]>>;
  /**
   * How each socket option can be used, by type and name: `{ SOCK_STREAM: { SO_KEEPALIVE: "set" } }`. An option that is
   * not listed fails with ENOPROTOOPT, and an IPv4 option may do so on an IPv6 datagram socket.
   */
  readonly options: Readonly<Record<string, Readonly<Record<string, OptionSupport>>>>;
  /** Why some options are missing, for the message of ENOPROTOOPT. */
  readonly optionsReason: string;
  /** Whether `fileno()` returns a real descriptor, and `detach()` that of a connection. */
  readonly fileno: boolean;
  /** Whether `fromfd()` adopts a descriptor. */
  readonly adopt: boolean;
  /** The types of socket that it adopts, by family, like `types`; empty if it adopts none. */
  readonly adoptTypes: Readonly<Record<string, readonly string[]>>;
  /** Whether `listen(n)` sets the kernel's backlog. */
  readonly backlog: boolean;
  /** Whether SO_LINGER [1, 0] resets: on every stream, only on those where it was set before `connect`, or never. */
  readonly reset: "always" | "before-open" | "never";
  /** Whether a connected datagram socket reports ECONNREFUSED from a closed port. */
  readonly datagramRefused: boolean;
  /** Whether MSG_OOB, the urgent data of TCP, can be used. No adapter supports it so far. */
  readonly oob: boolean;
  /** Whether `sendmsg` and `recvmsg` carry ancillary data. */
  readonly ancillary: boolean;
}

/** A runtime's sockets. */
export interface Adapter {
  /** Returns what the adapter can do; the same object each time is fine. */
  capabilities(): Capabilities;
  /** Claims an address for a stream socket: bind(2). Errors surface here, not at `listen`. */
  bind(request: BindRequest): Awaitable<Bound>;
  /** Connects a stream socket from an address chosen by the system. */
  connect(target: ConnectTarget): ConnectAttempt;
  /** Opens a datagram socket. Absent if the adapter has none. */
  datagram?(request: DatagramRequest): Awaitable<Datagram>;
  /**
   * Takes over a descriptor, inherited or given up by `release()`, at once. Absent if the adapter cannot. One that is
   * refused stays open.
   *
   * @param type the type of socket that it must be; `undefined` for any
   * @param remote the peer of a connection, where it is known: the system forgets it when the connection has broken
   * @throws an error with the code EBADF or ENOTSOCK if it is no socket, ENOTSUP for one that cannot be taken over
   */
  adopt?(fd: number, type: number | undefined, remote?: Address): Adopted;
  /** Closes a bare descriptor. Absent if the adapter cannot. */
  closeDescriptor?(fd: number): void;
  /** Duplicates a descriptor: dup(2), closed on exec. Absent if the adapter cannot; may fail with ENOTSUP. */
  duplicate?(fd: number): number;
  /** Whether child processes inherit a descriptor; `undefined` if it cannot tell. Absent if they never do. */
  isInheritable?(fd: number): boolean | undefined;
  /** Sets whether child processes inherit a descriptor. Absent if the adapter cannot; may fail with ENOTSUP. */
  setInheritable?(fd: number, inheritable: boolean): void;
  /**
   * Resolves a name with the system's resolver (the hosts file first, then DNS).
   *
   * @param name the name, in its ASCII form
   * @param family 4, 6, or 0 for both
   * @param port the port to be used with the addresses, 0 or omitted if not known: a permission may cover a name at one
   * port
   * @returns at least one answer, in the resolver's order
   */
  lookup(name: string, family: 0 | 4 | 6, port?: number): Promise<LookupAnswer[]>;
  /** The name and service of an address (getnameinfo). The address has no scope. Rejects if it has no name. */
  lookupService?(address: string, port: number): Promise<{ hostname: string; service: string }>;
  /** The machine's name. */
  hostname?(): string;
  /** The machine's interfaces. */
  interfaces?(): NetworkInterface[];
  /**
   * Resolves once I/O that is ready has been pushed: a non-blocking receive or accept waits this long before it fails
   * with EAGAIN. Absent if two `setImmediate` in a row include a poll of the event loop.
   */
  turn?(): Promise<void>;
  /**
   * The POSIX (`ECONNREFUSED`) or getaddrinfo (`EAI_NONAME`) name of an error that this adapter threw or pushed;
   * `undefined` if it is unknown.
   */
  errorCode(cause: unknown): string | undefined;
  /** A detail to add to the message of such an error, such as the permission to grant. */
  errorDetail?(cause: unknown): string | undefined;
  /** A detail to add to the message about an unsupported family and type, such as the flag to run with. */
  kindDetail?(family: number, type: number): string | undefined;
  /** Why an option is missing, if for another reason than {@linkcode Capabilities.optionsReason}. */
  optionDetail?(name: string): string | undefined;
  /**
   * Why an option listed in the capabilities cannot be set to this value on a datagram socket of this family;
   * `undefined` if it can.
   */
  datagramOptionDetail?(family: number, name: string, value: number): string | undefined;
}
