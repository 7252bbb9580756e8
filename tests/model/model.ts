/**
 * A model of BSD sockets, as Linux has them: what each call of a program gives when every call's effects have arrived
 * before the next is made. TCP here, AF_UNIX where it differs; datagrams are in `model_udp.ts`.
 */

import { End, UnixEnd } from "./model_end.ts";
import { Datagrams, type UdpSocket } from "./model_udp.ts";
import { notGenerated } from "./differences.ts";
import { type Kind, type Result, shown, type Step, Undetermined } from "./program.ts";

/** A call that waits for others. */
interface Waiting {
  readonly step: Step;
  result?: Result;
}

/** A socket. */
export interface Sock {
  readonly kind: Kind;
  state: "new" | "listening" | "connected" | "closed";
  /** Its address, ports by the number of the socket: `H:@0`. */
  name: string | undefined;
  /** A path that this socket has bound and not removed. */
  path: boolean;
  end: End | undefined;
  /** A listener's connections that nobody has accepted. */
  queue: { end: End; from: string }[];
  timeout: number | null;
  options: Map<string, number>;
  /** A non-blocking connect has succeeded or failed, and no second connect has asked. */
  connecting: "succeeded" | "failed" | undefined;
  /** The pending error of a socket without a connection. */
  error: string | undefined;
  /** Linux: a failed non-blocking connect leaves both directions shut down. */
  spent: boolean;
  /** It was shut down before it was connected. */
  shutEarly: boolean;
  /** It has listened, and was shut down. */
  stopped: boolean;
  /** Linux: a failed connect leaves a port in its name. */
  attempted: boolean;
  udp: UdpSocket | undefined;
}

/** What a program's sockets are to look like before the next step, for those who wait until it is so. */
export interface Settled {
  readonly socks: Record<string, { unread: number; over: boolean; waiting: number }>;
  /** Calls that have waited and are done. */
  readonly done: number[];
}

/** The state of all sockets of a program. */
export class Model {
  readonly socks: (Sock | undefined)[] = [];
  readonly waiting = new Map<number, Waiting>();
  readonly #udp = new Datagrams();

  /** Makes the call and gives its result. After a throw the model is of no more use. */
  apply(step: Step): Result {
    const result = this.#apply(step);
    const ended = result === "!timeout" || result === "!aborted";
    if (step.ends !== undefined && !ended) throw new Undetermined();
    if (step.waits !== undefined && step.op !== "join" && result !== "waits") {
      throw new Undetermined();
    }
    this.#serveWaiting();
    return result;
  }

  /** Whether no call waits. */
  get isQuiet(): boolean {
    return this.waiting.size === 0;
  }

  /** Whether a receive or accept could only wait now. */
  wouldWait(step: Step): boolean {
    const sock = this.socks[step.s];
    if (sock === undefined || sock.state === "closed" || sock.timeout === 0) return false;
    if (step.flags?.includes("MSG_DONTWAIT")) return false;
    if (step.op === "accept") return sock.state === "listening" && sock.queue.length === 0;
    if (sock.error !== undefined || sock.spent || step.n === 0) return false;
    if (sock.udp !== undefined) return sock.udp.isEmpty;
    const all = step.flags?.includes("MSG_WAITALL") === true && sock.timeout === null;
    return sock.end?.wouldWait(all ? step.n! : 1) ?? false;
  }

  /** What each open stream has to receive. */
  settled(): Settled {
    const socks: Settled["socks"] = {};
    this.socks.forEach((sock, i) => {
      if (sock === undefined || sock.state === "closed") return;
      const { end, udp } = sock;
      socks[i] = {
        unread: end?.unread.length ?? udp?.queue.length ?? 0,
        over: end !== undefined && (end.fin || end.dead),
        waiting: sock.queue.length,
      };
    });
    const done = [...this.waiting].filter(([, { result }]) => result !== undefined);
    return { socks, done: done.map(([id]) => id) };
  }

  #apply(step: Step): Result {
    if (step.op === "socket") return this.#socket(step.as!, step.kind!);
    if (step.op === "join") return this.#join(step.waits!);
    const sock = this.socks[step.s];
    if (sock === undefined) throw new Undetermined();
    if (sock.kind === "unix" && step.to === "foreign") throw new Undetermined();
    if (sock.state === "closed") return this.#onClosed(step);
    if (this.#isBusy(step)) throw new Undetermined();
    if (step.op === "close") return this.#close(step.s, sock);
    const method = this.#methods[step.op];
    if (method === undefined) throw new Undetermined();
    if (waitsInPython(sock, step)) throw notGenerated("a wrong call with a timeout");
    return method(sock, step);
  }

  /** The order in which two receives of one socket are served is not determined, nor what a send beside one gives. */
  #isBusy(step: Step): boolean {
    const sock = this.socks[step.s]!;
    for (const { step: other, result } of this.waiting.values()) {
      const isOwn = other.s === step.s;
      if (result !== undefined || !(isOwn || areCopies(this.socks[other.s]!, sock))) continue;
      // Python's receive goes on after it.
      if (step.op === "shutdown" && sock.kind === "udp") return true;
      if (step.op.startsWith("recv") || step.op === "accept" || step.op === "transfer") return true;
      // What the waiting call has taken so far is told by nobody.
      if (step.op === "close" && isOwn && other.flags?.includes("MSG_WAITALL")) return true;
      if (step.op === "getsockopt" || step.op === "settimeout") return true;
    }
    return false;
  }

  #socket(as: number, kind: Kind): Result {
    if (this.socks[as] !== undefined) throw new Undetermined();
    this.socks[as] = newSock(kind);
    if (kind === "udp") this.socks[as]!.udp = this.#udp.add(as);
    return "ok";
  }

  #join(id: number): Result {
    const waiting = this.waiting.get(id);
    if (waiting?.result === undefined) throw new Undetermined();
    this.waiting.delete(id);
    return waiting.result;
  }

  #onClosed(step: Step): Result {
    if (step.op === "transfer") throw new Undetermined();
    if (step.op === "close") return "ok";
    // Python does nothing where nothing is to be received.
    if (step.n === 0 && step.op.startsWith("recv") && step.op !== "recvfrom") return nothing(step);
    return step.op === "connect_ex" ? "9" : "!EBADF";
  }

  #close(s: number, sock: Sock): Result {
    sock.state = "closed";
    for (const { end } of sock.queue.splice(0)) end.abort();
    const linger = sock.options.get("SO_LINGER") === 1;
    if (!this.#hasCopies(sock)) sock.end?.close(linger);
    if (sock.udp !== undefined) this.#udp.remove(s);
    for (const waiting of this.waiting.values()) {
      if (waiting.step.s === s) waiting.result ??= "!EBADF";
    }
    return "ok";
  }

  /** A call that would wait: what becomes of it. */
  #wait(sock: Sock, step: Step): Result {
    if (step.waits !== undefined) {
      if (step.flags?.includes("MSG_TRUNC") && step.op !== "recv_into") {
        throw notGenerated("MSG_TRUNC of `recv` and `recvfrom`");
      }
      if (sock.timeout === 0 || step.flags?.includes("MSG_DONTWAIT")) throw new Undetermined();
      this.waiting.set(step.waits, { step });
      return "waits";
    }
    if (sock.timeout === 0 || step.flags?.includes("MSG_DONTWAIT")) {
      if (step.ends !== undefined) throw new Undetermined();
      if ((sock.timeout ?? 0) > 0) throw notGenerated("MSG_DONTWAIT with a timeout");
      return "!EAGAIN";
    }
    if (step.ends === "timeout") return "!timeout";
    if (step.ends === "abort") return "!aborted";
    throw new Undetermined();
  }

  #serveWaiting(): void {
    for (const waiting of this.waiting.values()) {
      if (waiting.result !== undefined) continue;
      const sock = this.socks[waiting.step.s]!;
      const { waits: _, ...step } = waiting.step;
      try {
        waiting.result = this.#methods[step.op]!(sock, step);
      } catch (error) {
        if (!(error instanceof Undetermined)) throw error;
      }
    }
  }

  readonly #methods: Record<string, (sock: Sock, step: Step) => Result> = {
    bind: (sock, step) => this.#bind(sock, step),
    listen: (sock, step) => this.#listen(sock, step),
    accept: (sock, step) => this.#accept(sock, step),
    connect: (sock, step) => this.#connect(sock, step),
    connect_ex: (sock, step) => {
      const result = this.#connect(sock, step);
      if (result === "!timeout" || result === "!aborted") throw new Undetermined();
      return result === "ok" ? "0" : String(NUMBERS[result.slice(1)]);
    },
    send: (sock, step) => this.#send(sock, step),
    sendall: (sock, step) => {
      const result = this.#send(sock, step);
      return result.startsWith("!") ? result : "ok";
    },
    sendto: (sock, step) => this.#sendto(sock, step),
    recv: (sock, step) => this.#recv(sock, step),
    recv_into: (sock, step) => this.#recv(sock, step),
    recvfrom: (sock, step) => this.#recv(sock, step),
    transfer: (sock, step) => this.#transfer(sock, step),
    shutdown: (sock, step) => this.#shutdown(sock, step),
    dup: (sock, step) => this.#dup(sock, step),
    settimeout: (sock, step) => {
      // Whether it waits is the system's, and so the copies' too.
      if (this.#hasCopies(sock)) throw new Undetermined();
      sock.timeout = step.value as number | null;
      return "ok";
    },
    getsockname: (sock) => this.#nameOf(sock),
    getpeername: (sock) => this.#peerName(sock),
    setsockopt: (sock, step) => this.#setOption(sock, step),
    getsockopt: (sock, step) => this.#getOption(sock, step),
  };

  #nameOf(sock: Sock): string {
    if (sock.udp !== undefined) return sock.udp.name;
    if (sock.attempted && sock.name === undefined) {
      throw notGenerated("`getsockname` after a failed `connect`");
    }
    return sock.name ?? (sock.kind === "unix" ? '""' : "0.0.0.0:0");
  }

  #peerName(sock: Sock): Result {
    if (sock.udp !== undefined) return sock.udp.peerName;
    const { end } = sock;
    if (end === undefined || (sock.kind === "tcp" && end.isOver)) return "!ENOTCONN";
    return end.peerName;
  }

  #bind(sock: Sock, { s, to }: Step): Result {
    if (sock.udp !== undefined) return this.#udp.bind(sock.udp, to!, this.#addressOf(to!));
    // Linux looks at the address before the state.
    if (to === "foreign") return "!EADDRNOTAVAIL";
    if (to === "missing") throw new Undetermined();
    if (sock.kind === "tcp") {
      const isOver = sock.end?.isOver || sock.stopped || sock.spent ||
        (sock.attempted && sock.name !== undefined);
      if (isOver) throw notGenerated("`bind` of a socket whose connection is over");
      if (sock.connecting !== undefined) throw new Undetermined();
      if (sock.state !== "new" || sock.name !== undefined) return "!EINVAL";
      if (typeof to === "number") {
        this.#boundElsewhere(s, to);
        return "!EADDRINUSE";
      }
      sock.name = `H:@${s}`;
      return "ok";
    }
    if (typeof to === "number") {
      this.#boundElsewhere(s, to);
      return "!EADDRINUSE";
    }
    if (this.#hasCopies(sock)) throw new Undetermined();
    if (sock.name === `path${s}`) return "!EADDRINUSE";
    if (sock.name !== undefined) return "!EINVAL";
    sock.name = `path${s}`;
    sock.path = true;
    // A connection tells its end's name at any time.
    if (sock.end !== undefined) sock.end.peer.peerName = sock.name;
    return "ok";
  }

  /** Only the address of an open socket that has bound it itself is known to be in use. */
  #boundElsewhere(s: number, to: number): void {
    const other = this.socks[to];
    if (to === s || other === undefined || other.kind !== this.socks[s]!.kind) {
      throw new Undetermined();
    }
    const own = other.kind === "unix" ? `path${to}` : `H:@${to}`;
    if (other.state === "closed" || other.name !== own) throw new Undetermined();
  }

  #listen(sock: Sock, { s }: Step): Result {
    if (sock.udp !== undefined) return "!EOPNOTSUPP";
    if (sock.state === "listening") return "ok";
    if (sock.state === "connected") return "!EINVAL";
    if (sock.connecting !== undefined) return "!EINVAL";
    if (sock.spent || sock.shutEarly) {
      throw notGenerated("`shutdown` of a socket without a peer");
    }
    if (sock.kind === "unix" && sock.name === undefined) return "!EINVAL";
    sock.name ??= `0.0.0.0:@${s}`;
    sock.state = "listening";
    return "ok";
  }

  #accept(sock: Sock, step: Step): Result {
    if (step.as !== undefined && this.socks[step.as] !== undefined) throw new Undetermined();
    if (sock.udp !== undefined) return "!EOPNOTSUPP";
    if (sock.state !== "listening") return "!EINVAL";
    const first = sock.queue[0];
    if (first === undefined) return this.#wait(sock, step);
    sock.queue.shift();
    const accepted = newSock(sock.kind);
    accepted.state = "connected";
    accepted.end = first.end;
    accepted.name = sock.name;
    if (accepted.name?.startsWith("0.0.0.0")) accepted.name = first.end.localName;
    if (sock.kind === "tcp") accepted.options = new Map(sock.options);
    this.socks[step.as!] = accepted;
    return first.from;
  }

  /** Only of connections: the others' duplicates have a state of their own in the library. */
  #dup(sock: Sock, { as }: Step): Result {
    if (sock.state !== "connected" || sock.connecting !== undefined) throw new Undetermined();
    if (this.socks[as!] !== undefined) throw new Undetermined();
    this.socks[as!] = { ...sock };
    return "ok";
  }

  /** Whether another open socket has the same connection. */
  #hasCopies(sock: Sock): boolean {
    return this.socks.some((other) =>
      other !== undefined && other !== sock && other.state !== "closed" && areCopies(other, sock)
    );
  }

  #connect(sock: Sock, step: Step): Result {
    const { kind } = sock;
    if (sock.udp !== undefined) return this.#udp.connect(sock.udp, this.#udpTarget(step));
    if (step.to === "free" || step.to === "foreign" || step.to === step.s) throw new Undetermined();
    if (kind === "tcp" && sock.connecting !== undefined) {
      const { connecting, error } = sock;
      if (sock.end?.isOver) throw new Undetermined();
      sock.connecting = sock.error = undefined;
      if (connecting === "succeeded") return "ok";
      sock.spent = false;
      return `!${error ?? "ECONNABORTED"}`;
    }
    let other = typeof step.to === "number" ? this.socks[step.to] : undefined;
    // An accepted socket has its listener's path.
    if (kind === "unix" && other?.name !== undefined) {
      other = this.socks[Number(other.name.slice("path".length))];
    }
    // AF_UNIX looks at the peer first.
    if (kind === "tcp" && sock.state !== "new") return "!EISCONN";
    if (step.to === "missing") {
      if (kind !== "unix") throw new Undetermined();
      return "!ENOENT";
    }
    if (other === undefined || other.kind !== kind) throw new Undetermined();
    if (kind === "unix" && other.name === undefined) throw new Undetermined();
    if (kind === "tcp" && (other.name === undefined || other.name.startsWith("127."))) {
      throw new Undetermined();
    }
    // An accepted socket has its listener's address.
    const isOwn = other.name?.endsWith(`@${step.to}`);
    if (kind === "tcp" && other.state !== "listening" && !isOwn) throw new Undetermined();
    if (kind === "unix" && other.state === "listening" && sock.state !== "new") {
      return sock.state === "connected" ? "!EISCONN" : "!EINVAL";
    }
    if (sock.shutEarly || other.shutEarly) {
      throw notGenerated("`shutdown` of a socket without a peer");
    }
    if (other.state !== "listening") {
      if (kind === "tcp") sock.attempted = true;
      if (kind === "unix" || sock.timeout === null) return "!ECONNREFUSED";
      sock.connecting = "failed";
      sock.spent = true;
      // Python with a timeout makes a non-blocking call, and takes its error.
      if (sock.timeout > 0) return "!ECONNREFUSED";
      sock.error = "ECONNREFUSED";
      return "!EINPROGRESS";
    }
    this.#establish(step, sock, other);
    if (kind === "unix" || sock.timeout === null) return "ok";
    sock.connecting = "succeeded";
    return sock.timeout > 0 ? "ok" : "!EINPROGRESS";
  }

  #establish(step: Step, sock: Sock, other: Sock): void {
    const { kind } = sock;
    // Connections over loopback come from the address that they go to only where it was bound.
    if (kind === "tcp") sock.name ??= `127.0.0.1:@${step.s}`;
    const Class = kind === "tcp" ? End : UnixEnd;
    // The wildcard address leads to the one that the client is bound to.
    const server = other.name!.replace("0.0.0.0", sock.name?.startsWith("H") ? "H" : "127.0.0.1");
    const [a, b] = [new Class(), new Class()];
    a.peer = b;
    b.peer = a;
    b.localName = a.peerName = server;
    a.localName = b.peerName = sock.name ?? '""';
    sock.end = a;
    sock.state = "connected";
    other.queue.push({ end: b, from: b.peerName });
  }

  #udpTarget(step: Step): { name: string; slot: number } {
    const name = typeof step.to === "number" ? this.#addressOf(step.to) : undefined;
    if (name === undefined || name.startsWith("0.0.0.0")) throw new Undetermined();
    return { name, slot: step.to as number };
  }

  #addressOf(to: Step["to"]): string | undefined {
    if (typeof to !== "number") return undefined;
    const sock = this.socks[to];
    if (sock === undefined) throw new Undetermined();
    if (sock.udp === undefined) throw new Undetermined();
    // A closed socket's port may be another's by now.
    if (sock.state === "closed") throw new Undetermined();
    return sock.udp.name;
  }

  #send(sock: Sock, step: Step): Result {
    const data = step.data!;
    if (sock.udp !== undefined) {
      if (sock.error !== undefined) throw new Undetermined();
      return this.#udp.send(sock.udp, data, undefined);
    }
    if (sock.error !== undefined) {
      const { error } = sock;
      sock.error = undefined;
      return `!${error}`;
    }
    if (sock.end === undefined) return sock.kind === "tcp" ? "!EPIPE" : "!ENOTCONN";
    return sock.end.send(data);
  }

  #sendto(sock: Sock, step: Step): Result {
    if (sock.udp !== undefined) {
      return this.#udp.send(sock.udp, step.data!, this.#udpTarget(step));
    }
    if (typeof step.to !== "number") throw new Undetermined();
    const other = this.socks[step.to];
    if (other === undefined || other.kind !== sock.kind || other.name === undefined) {
      throw new Undetermined();
    }
    if (sock.kind === "tcp") return this.#send(sock, step);
    return sock.end === undefined ? "!EOPNOTSUPP" : "!EISCONN";
  }

  #recv(sock: Sock, step: Step): Result {
    return this.#tryRecv(sock, step) ?? this.#wait(sock, step);
  }

  /** What a receive gives now; `undefined` where it would wait. */
  #tryRecv(sock: Sock, step: Step): Result | undefined {
    // Python makes no system call then.
    if (step.n === 0 && step.op !== "recvfrom") return nothing(step);
    if (sock.udp !== undefined) return this.#udp.receive(sock.udp, step, sock.timeout);
    if (step.n === 0) throw new Undetermined();
    if (sock.error !== undefined) {
      const { error } = sock;
      sock.error = undefined;
      return `!${error}`;
    }
    if (sock.spent) return received(step, "", "None");
    if (sock.end === undefined) return sock.kind === "tcp" ? "!ENOTCONN" : "!EINVAL";
    const waitless = sock.timeout === 0 || step.flags?.includes("MSG_DONTWAIT") === true;
    // Python with a timeout makes a non-blocking call, too, which takes what is there.
    const partial = waitless || step.ends === "timeout" || sock.timeout !== null;
    const all = step.flags?.includes("MSG_WAITALL") === true && !partial;
    if (
      sock.kind === "unix" && step.flags?.includes("MSG_PEEK") && step.flags.includes("MSG_WAITALL")
    ) throw notGenerated("MSG_PEEK with MSG_WAITALL on a UNIX socket");
    if (
      sock.kind === "unix" && sock.end.error !== undefined && sock.end.unread.length < step.n! &&
      step.flags?.includes("MSG_WAITALL")
    ) throw new Undetermined();
    if (
      step.flags?.includes("MSG_WAITALL") && sock.end.wouldWait(step.n!) &&
      (step.ends === "timeout" ? sock.end.unread !== "" : (sock.timeout ?? 0) > 0)
    ) throw notGenerated("MSG_WAITALL with a timeout");
    const data = sock.end.receive(step.n!, all, step.flags?.includes("MSG_PEEK") === true);
    if (data === undefined || data.startsWith("!")) return data;
    const from = sock.kind === "unix" && data !== "'" && sock.end.peerName !== '""'
      ? sock.end.peerName
      : "None";
    return received(step, data.slice(1), data === "'" ? "None" : from);
  }

  /** All that was not received yet, and so many bytes more, which the socket sends meanwhile. */
  #transfer(sock: Sock, step: Step): Result {
    const to = this.socks[step.to as number];
    if (sock.timeout === 0 || to === undefined || to.timeout === 0) throw new Undetermined();
    if (to.timeout !== null) throw new Undetermined();
    const { end } = sock;
    if (end === undefined || end.peer !== to.end || to.state !== "connected") {
      throw new Undetermined();
    }
    if (!end.canSend || end.peer.rdShut) throw new Undetermined();
    for (const { step: other } of this.waiting.values()) {
      const waits = this.socks[other.s]!;
      if (waits === to || areCopies(waits, to)) throw new Undetermined();
    }
    const before = end.peer.unread;
    end.peer.unread = "";
    return String(before.length + step.n!);
  }

  #shutdown(sock: Sock, { how }: Step): Result {
    if (sock.udp !== undefined) return this.#udp.shutdown(sock.udp, how!);
    if (sock.state === "listening") {
      // What a UNIX listener that was shut down does next is Linux's own.
      if (sock.kind === "unix") throw new Undetermined();
      if (how === "SHUT_WR") return "ok";
      for (const { end } of sock.queue.splice(0)) end.abort();
      sock.state = "new";
      sock.stopped = true;
      // The port that listen chose is given up, and may be another's.
      if (sock.name?.startsWith("0.")) throw new Undetermined();
      return "ok";
    }
    if (sock.end === undefined) {
      if (sock.kind === "unix") throw new Undetermined();
      if (sock.connecting !== undefined) throw new Undetermined();
      // Linux shuts it down all the same.
      sock.shutEarly = true;
      if (how !== "SHUT_WR") sock.spent = true;
      return "!ENOTCONN";
    }
    if (sock.connecting !== undefined) {
      if (sock.end.isOver) throw new Undetermined();
      // Linux counts this as the second look at the connection.
      sock.connecting = undefined;
    }
    return sock.end.shutdown(how!);
  }

  #setOption(sock: Sock, { option, value }: Step): Result {
    const wrong = wrongOption(sock.kind, option!, "!ENOPROTOOPT");
    if (wrong !== undefined) return wrong;
    if (sock.kind === "tcp" && sock.queue.length > 0) {
      throw notGenerated("an option of a listener, set while connections wait");
    }
    sock.options.set(option!, Array.isArray(value) ? value[0]! : value as number);
    return "ok";
  }

  #getOption(sock: Sock, { option }: Step): Result {
    const wrong = wrongOption(sock.kind, option!, "!EOPNOTSUPP");
    if (wrong !== undefined) return wrong;
    switch (option) {
      case "SO_TYPE":
        return sock.kind === "udp" ? "2" : "1";
      case "SO_ACCEPTCONN":
        return sock.state === "listening" ? "1" : "0";
      case "SO_ERROR":
        return String(this.#takeError(sock));
      default:
        return String(sock.options.get(option!) ?? 0);
    }
  }

  #takeError(sock: Sock): number {
    const holder = sock.error !== undefined ? sock : sock.end ?? sock.udp ?? sock;
    const { error } = holder;
    holder.error = undefined;
    return error === undefined ? 0 : NUMBERS[error]!;
  }
}

const NUMBERS: Readonly<Record<string, number>> = {
  ENOENT: 2,
  EBADF: 9,
  EAGAIN: 11,
  EINVAL: 22,
  EPIPE: 32,
  EADDRINUSE: 98,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  EISCONN: 106,
  ENOTCONN: 107,
  ECONNREFUSED: 111,
  EALREADY: 114,
  EINPROGRESS: 115,
};

/** Python with a timeout waits until the socket is ready, before the system can tell that the call is wrong. */
function waitsInPython(sock: Sock, { op }: Step): boolean {
  const timed = sock.timeout !== null && sock.timeout > 0;
  if (timed && sock.state === "listening") return op.startsWith("recv") || op.startsWith("send");
  if (timed && op === "accept") return true;
  return false;
}

function areCopies(a: Sock, b: Sock): boolean {
  return a.end !== undefined && a.end === b.end;
}

function newSock(kind: Kind): Sock {
  return {
    kind,
    state: "new",
    name: undefined,
    path: false,
    end: undefined,
    queue: [],
    timeout: null,
    options: new Map(),
    connecting: undefined,
    error: undefined,
    spent: false,
    shutEarly: false,
    stopped: false,
    attempted: false,
    udp: undefined,
  };
}

/** Linux has one number for UDP's setsockopt and another for its getsockopt. */
function wrongOption(kind: Kind, option: string, ofUdp: Result): Result | undefined {
  if (option !== "TCP_NODELAY" || kind === "tcp") return undefined;
  return kind === "unix" ? "!EOPNOTSUPP" : ofUdp;
}

/** A receive's result in the form of its call. */
export function received(step: Step, data: string, from: string): Result {
  if (step.op === "recv_into") return String(data.length);
  const text = shown(data);
  return step.op === "recvfrom" ? `${text} ${from}` : text;
}

function nothing(step: Step): Result {
  return step.op === "recv_into" ? "0" : "''";
}
