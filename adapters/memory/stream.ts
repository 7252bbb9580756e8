/** Connected streams in memory: two ends and a wire each way. */

import { ByteQueue } from "../../core/stream/byte_queue.ts";
import type { Address, Settings, Stream, StreamSink } from "../adapter.ts";
import { queueMicrotask } from "../timers.ts";
import { failure } from "./failure.ts";
import { MemoryHandle } from "./handle.ts";
import { after } from "./turns.ts";
import type { WireRules } from "./faults.ts";
import { type Parcel, Wire } from "./wire.ts";

/** The largest chunk pushed at once. */
const MAX_CHUNK = 64 * 1024;
/** The smallest buffer sizes: Linux silently raises smaller values. */
const SMALLEST = { SO_SNDBUF: 4608, SO_RCVBUF: 2304 } as const;

/** The initial state of a stream. */
export interface StreamStart {
  readonly local: Address;
  readonly remote: Address;
  readonly settings?: Settings;
  /** Whether it is AF_UNIX: the other end's state is known at once, while TCP learns it from the network. */
  readonly unix: boolean;
  /** How many bytes may be unread or in transit in one direction. */
  readonly window: number;
  /** The faults that apply to what this end sends. */
  readonly rules: () => WireRules;
  /** Called when the handshake's response arrives. */
  readonly opened?: () => void;
  /** Called once, when this end is closed or broken. */
  readonly ended: () => void;
  /** Called on close, to release the address. */
  readonly release?: () => void;
}

/** A write that waits for room. */
interface Waiting {
  readonly chunk: Uint8Array;
  readonly resolve: (count: number) => void;
  readonly reject: (cause: unknown) => void;
}

/** One end of a connection. */
export class MemoryStream extends MemoryHandle implements Stream {
  /** 0: a read costs nothing, so nothing is read ahead. */
  readonly readAhead: number = 0;
  readonly #start: StreamStart;
  readonly #wire: Wire;
  #peer!: MemoryStream;
  #sink: StreamSink | undefined;
  #reading = false;
  /** Bytes that have arrived and were not pushed yet. */
  readonly #arrived = new ByteQueue();
  #finArrived = false;
  #endPushed = false;
  #resetToReport = false;
  /** Whether FIN was sent. */
  #shut = false;
  /** Whether the core has closed it. */
  #closed = false;
  /** Whether RST was received or sent: nothing moves any more. */
  #dead = false;
  #waiting: Waiting | undefined;
  /** How many bytes the last write sent. */
  #taken = 0;

  constructor(start: StreamStart) {
    super(start.settings);
    this.#start = start;
    this.#wire = new Wire(start.rules, (parcel) => this.#peer.#arrive(parcel));
  }

  /** Creates the two ends of one connection. */
  static join(a: StreamStart, b: StreamStart): [MemoryStream, MemoryStream] {
    const ends: [MemoryStream, MemoryStream] = [new MemoryStream(a), new MemoryStream(b)];
    ends[0].#peer = ends[1];
    ends[1].#peer = ends[0];
    return ends;
  }

  get local(): Address {
    return this.#start.local;
  }

  get remote(): Address {
    return this.#start.remote;
  }

  get sink(): StreamSink {
    return this.#sink!;
  }

  set sink(sink: StreamSink) {
    this.#sink = sink;
    // The connection may have broken before the sink was set.
    if (this.#resetToReport) queueMicrotask(() => this.#push());
  }

  override setOption(name: string, value: number): boolean {
    super.setOption(name, value);
    // A larger buffer makes room.
    if (name === "SO_SNDBUF") queueMicrotask(() => this.#roomMade());
    if (name === "SO_RCVBUF") queueMicrotask(() => this.#peer.#roomMade());
    return true;
  }

  override getOption(name: string): number | undefined {
    if (name === "SO_SNDBUF" || name === "SO_RCVBUF") return this.#buffer(name);
    return super.getOption(name);
  }

  resume(): void {
    if (this.#closed) return;
    this.#reading = true;
    // What has arrived is not delayed by another turn: a call that waits for one turn must find it.
    if (this.#arrived.size > 0 || this.#finArrived) queueMicrotask(() => this.#push());
  }

  tryWrite(chunk: Uint8Array): number {
    this.#checkWritable();
    return this.#waiting === undefined ? this.#put(chunk, this.#room) : 0;
  }

  write(chunk: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      const taken = this.tryWrite(chunk);
      this.#taken = taken;
      if (taken > 0 || chunk.length === 0) resolve(taken);
      else {
        this.#waiting = { chunk, resolve, reject };
        this.#probe();
      }
    });
  }

  takeBack(): number {
    this.#waiting = undefined;
    return this.#taken;
  }

  committed(): number {
    // Closing sends the chunk that waits for room.
    return this.#waiting?.chunk.length ?? this.#taken;
  }

  // deno-lint-ignore require-await -- a failed check must reject, not throw
  async shutdownWrite(): Promise<void> {
    if (this.#shut || this.#closed) return;
    if (this.#dead) throw failure("ENOTCONN");
    this.#flush();
    this.#shut = true;
    this.#wire.send("fin");
  }

  reset(): Promise<void> {
    if (!this.#closed) this.#close(true);
    return Promise.resolve();
  }

  close(): Promise<void> {
    if (!this.#closed) {
      this.#flush();
      // With bytes unread, Linux sends RST, not FIN: the peer learns that not everything was received.
      const unread = this.#arrived.size + (this.#start.unix ? this.#peer.#wire.size : 0);
      this.#close(unread > 0);
    }
    return Promise.resolve();
  }

  /** Sends the handshake's response, ahead of all bytes. */
  open(): void {
    this.#wire.send("open");
  }

  /** Handles an RST, from the peer or out of nowhere. */
  break(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#start.ended();
    // After a FIN the end of the stream is final, and only sending fails: tcp(7)'s CLOSE_WAIT.
    if (!this.#finArrived) {
      this.#resetToReport = true;
      this.#push();
    }
    this.#rejectWaiting(this.#finArrived ? "EPIPE" : "ECONNRESET");
    this.#peer.#probe();
  }

  /** Delivers what a fault held back: faults have changed. */
  wake(): void {
    this.#wire.wake();
  }

  get #window(): number {
    return this.#buffer("SO_SNDBUF") + this.#peer.#buffer("SO_RCVBUF");
  }

  get #room(): number {
    return Math.max(0, this.#window - this.#wire.size - this.#peer.#arrived.size);
  }

  /** A buffer's size: half the window for each end of a direction, unless set by its options. */
  #buffer(name: keyof typeof SMALLEST): number {
    const set = this.options.get(name);
    if (set !== undefined) return Math.max(set, SMALLEST[name]);
    const half = this.#start.window / 2;
    return name === "SO_SNDBUF" ? Math.ceil(half) : Math.floor(half);
  }

  #checkWritable(): void {
    if (this.#closed) throw failure("EBADF");
    const peerGone = this.#start.unix && this.#peer.#closed;
    if (this.#shut || this.#dead || peerGone) throw failure("EPIPE");
  }

  #put(chunk: Uint8Array, room: number): number {
    const taken = Math.min(room, chunk.length);
    if (taken > 0) this.#wire.send(chunk.slice(0, taken));
    return taken;
  }

  /** Resumes a waiting write, once there is enough room: the peer has read, or a buffer is larger. */
  #roomMade(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#peer.#closed) return;
    const room = this.#room;
    if (room === 0 || room < Math.min(waiting.chunk.length, this.#window / 4)) return;
    this.#served(waiting, room);
  }

  /** The window probe of a write that waits: an end that no longer knows the connection answers it. */
  #probe(): void {
    if (this.#waiting !== undefined && this.#peer.#dead) this.#peer.#wire.send("reset");
  }

  #served({ chunk, resolve }: Waiting, room: number): void {
    this.#waiting = undefined;
    this.#taken = this.#put(chunk, room);
    resolve(this.#taken);
  }

  /** Sends a waiting write past the window: it was made before FIN, and goes before FIN. */
  #flush(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.#dead) return;
    this.#served(waiting, waiting.chunk.length);
  }

  #rejectWaiting(code: string): void {
    this.#waiting?.reject(failure(code));
    this.#waiting = undefined;
  }

  #close(reset: boolean): void {
    this.#closed = true;
    const wasDead = this.#dead;
    this.#rejectWaiting("EBADF");
    if (!wasDead) {
      if (reset) {
        this.#dead = true;
        this.#wire.send("reset");
      } else if (!this.#shut) {
        this.#shut = true;
        this.#wire.send("fin");
      }
      this.#start.ended();
    }
    this.#arrived.take(this.#arrived.size);
    this.#start.release?.();
    // Over TCP, a peer whose write waits for room learns of it from the RST that its bytes provoke.
    if (this.#start.unix) this.#peer.#rejectWaiting("EPIPE");
  }

  #arrive(parcel: Parcel): void {
    if (parcel === "open") return this.#start.opened?.();
    if (parcel === "reset") return this.break();
    if (this.#dead) {
      // This end no longer knows the connection.
      this.#wire.send("reset");
    } else if (this.#closed) {
      if (parcel === "fin") return;
      this.#dead = true;
      this.#wire.send("reset");
    } else {
      if (parcel === "fin") this.#finArrived = true;
      else this.#arrived.append(parcel, true);
      this.#push();
    }
  }

  #push(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#closed) return;
    if (this.#resetToReport) return this.#pushReset(sink);
    const { split } = this.#peer.#start.rules();
    while (this.#reading && this.#arrived.size > 0) {
      const chunk = this.#arrived.take(Math.min(split, MAX_CHUNK));
      this.#reading = false;
      if (sink.data(chunk, true)) this.#reading = true;
      this.#peer.#roomMade();
      if (split !== Infinity && this.#reading && this.#arrived.size > 0) {
        return after(0, () => this.#push());
      }
    }
    if (this.#reading && this.#finArrived && !this.#endPushed) {
      this.#endPushed = true;
      sink.end();
    }
  }

  /** Pushes a reset, which does not wait for `resume()`: the bytes before it are pushed even after a `false`. */
  #pushReset(sink: StreamSink): void {
    const { split } = this.#peer.#start.rules();
    while (this.#arrived.size > 0) sink.data(this.#arrived.take(Math.min(split, MAX_CHUNK)), true);
    this.#resetToReport = false;
    sink.error(failure("ECONNRESET"));
  }
}
