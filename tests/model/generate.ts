/** Random programs whose every result is determined. */

import { Random } from "../support/bytes.ts";
import { Model, type Settled } from "./model.ts";
import {
  type Kind,
  letters,
  type Program,
  type Result,
  type Step,
  Undetermined,
} from "./program.ts";

/** A program and what the model says of it. */
export interface Predicted extends Program {
  readonly results: readonly Result[];
  /** How it stands after each step. */
  readonly settled: readonly Settled[];
}

const MOST_SOCKETS = 7;

/** Makes the program of a seed. */
export function generate(seed: number): Predicted {
  return new Generator(seed).run();
}

/** What the model says of a program; `undefined` where a step is not determined. */
export function predict(program: Program): Predicted | undefined {
  const model = new Model();
  try {
    const settled: Settled[] = [];
    const results = program.steps.map((step) => {
      const result = model.apply(step);
      settled.push(model.settled());
      return result;
    });
    return model.isQuiet ? { ...program, results, settled } : undefined;
  } catch (error) {
    if (error instanceof Undetermined) return undefined;
    throw error;
  }
}

class Generator {
  readonly #seed: number;
  readonly #random: Random;
  /** Whether sockets are duplicated. */
  readonly #copies: boolean;
  #model = new Model();
  readonly #steps: Step[] = [];
  #sockets = 0;
  #calls = 0;
  #sent = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#copies = this.#chance(12);
  }

  run(): Predicted {
    const kind = this.#pick<Kind>(["tcp", "tcp", "tcp", "unix", "unix", "udp"]);
    const length = this.#random.integer(6, 28);
    if (kind === "udp") this.#openDatagrams();
    else if (this.#chance(75)) this.#openConnection(kind);
    else this.#create(kind, 2);
    for (let tries = 0; this.#steps.length < length && tries < 400; tries++) {
      this.#try(this.#step(kind));
    }
    this.#finish();
    const predicted = predict({ seed: this.#seed, steps: this.#steps });
    if (predicted === undefined) throw new Error(`seed ${this.#seed}: not determined`);
    return predicted;
  }

  #chance(percent: number): boolean {
    return this.#random.integer(0, 99) < percent;
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.integer(0, list.length - 1)]!;
  }

  #try(step: Step | undefined): boolean {
    if (step === undefined) return false;
    try {
      this.#model.apply(step);
    } catch (error) {
      if (!(error instanceof Undetermined)) throw error;
      // It may have happened in part.
      this.#replay();
      return false;
    }
    this.#steps.push(step);
    if (step.as !== undefined && this.#model.socks[step.as] !== undefined) {
      this.#sockets = Math.max(this.#sockets, step.as + 1);
    }
    if (step.data !== undefined) this.#sent += step.data.length;
    if (step.waits !== undefined && step.op !== "join") this.#calls = step.waits + 1;
    return true;
  }

  #create(kind: Kind, count: number): void {
    for (let i = 0; i < count; i++) this.#try({ op: "socket", s: -1, as: this.#sockets, kind });
  }

  #openConnection(kind: Kind): void {
    this.#create(kind, 2);
    this.#try({ op: "bind", s: 0, to: "free" });
    this.#try({ op: "listen", s: 0, value: 8 });
    if (this.#chance(20)) this.#try(this.#optionStep(this.#random.integer(0, 1)));
    if (this.#chance(15)) this.#try({ op: "bind", s: 1, to: "free" });
    if (this.#chance(10)) this.#try({ op: "settimeout", s: 1, value: 0 });
    this.#try({ op: "connect", s: 1, to: 0 });
    if (this.#chance(85)) this.#try({ op: "accept", s: 0, as: 2 });
  }

  #openDatagrams(): void {
    this.#create("udp", this.#random.integer(2, 3));
    for (let s = 0; s < this.#sockets; s++) {
      if (this.#chance(70)) this.#try({ op: "bind", s, to: "free" });
    }
    if (this.#chance(50)) this.#try({ op: "connect", s: 0, to: 1 });
  }

  #data(): string {
    const length = this.#chance(6)
      ? 0
      : this.#chance(8)
      ? this.#random.integer(1000, 6000)
      : this.#random.integer(1, 20);
    return letters(this.#sent, length);
  }

  #size(): number {
    if (this.#chance(5)) return 0;
    return this.#chance(25) ? 10000 : this.#random.integer(1, 24);
  }

  /** The end of the connections matter most. */
  #socket(): number {
    if (this.#sockets > 2 && this.#chance(70)) return this.#random.integer(1, this.#sockets - 1);
    return this.#random.integer(0, this.#sockets - 1);
  }

  #target(kind: Kind): Step["to"] {
    if (kind === "unix" && this.#chance(8)) return "missing";
    return this.#random.integer(0, this.#sockets - 1);
  }

  #optionStep(s: number): Step {
    const option = this.#pick(["SO_KEEPALIVE", "SO_REUSEADDR", "TCP_NODELAY", "SO_LINGER"]);
    const on = this.#random.integer(0, 1);
    return { op: "setsockopt", s, option, value: option === "SO_LINGER" ? [on, 0] : on };
  }

  #step(kind: Kind): Step | undefined {
    const s = this.#socket();
    if (this.#copies && this.#sockets < MOST_SOCKETS && this.#chance(10)) {
      return { op: "dup", s, as: this.#sockets };
    }
    const roll = this.#random.integer(0, 99);
    if (roll < 26) return this.#receive(s);
    if (roll < 46) return this.#send(s, kind);
    if (roll < 54) {
      return { op: "shutdown", s, how: this.#pick(["SHUT_RD", "SHUT_WR", "SHUT_WR", "SHUT_RDWR"]) };
    }
    if (roll < 60) return { op: "close", s };
    if (roll < 64) return this.#accept(kind);
    if (roll < 72) return this.#connect(s, kind);
    if (roll < 75) return this.#bind(s);
    if (roll < 77) return { op: "listen", s, value: this.#pick([8, 100]) };
    if (roll < 80) return { op: "settimeout", s, value: this.#pick([null, null, 0, 5]) };
    if (roll < 83) return { op: this.#pick(["getsockname", "getpeername"]), s };
    if (roll < 86) return this.#optionStep(s);
    if (roll < 91) {
      const option = this.#pick([
        "SO_ERROR",
        "SO_ERROR",
        "SO_TYPE",
        "SO_ACCEPTCONN",
        "SO_KEEPALIVE",
        "SO_REUSEADDR",
        "TCP_NODELAY",
        "SO_LINGER",
      ]);
      return { op: "getsockopt", s, option };
    }
    if (roll < 93) return this.#transfer(s);
    if (roll < 95 && this.#sockets < MOST_SOCKETS) {
      return { op: "socket", s: -1, as: this.#sockets, kind };
    }
    return this.#join();
  }

  #receive(s: number): Step {
    const flags = [
      ...this.#chance(20) ? ["MSG_PEEK"] : [],
      ...this.#chance(15) ? ["MSG_WAITALL"] : [],
      ...this.#chance(15) ? ["MSG_DONTWAIT"] : [],
      ...this.#model.socks[s]?.kind === "udp" && this.#chance(15) ? ["MSG_TRUNC"] : [],
    ];
    const step = { op: this.#pick(["recv", "recv", "recv_into", "recvfrom"]), s, flags };
    return this.#ending({ ...step, n: this.#size() });
  }

  /** Most calls that would wait must end. */
  #ending(step: Step): Step {
    if (this.#model.wouldWait(step)) {
      const roll = this.#random.integer(0, 99);
      if (roll < 45) return { ...step, ends: "timeout" };
      if (roll < 65) return { ...step, ends: "abort" };
      return { ...step, waits: this.#calls };
    }
    return step;
  }

  #send(s: number, kind: Kind): Step {
    const data = this.#data();
    if (kind === "udp" ? this.#chance(60) : this.#chance(4)) {
      return { op: "sendto", s, data, to: this.#target("udp")! };
    }
    const op = this.#pick(["send", "sendall"]);
    return { op, s, data, flags: this.#chance(10) ? ["MSG_DONTWAIT"] : [] };
  }

  #accept(kind: Kind): Step | undefined {
    if (this.#sockets >= MOST_SOCKETS) return undefined;
    const s = this.#chance(80) ? 0 : this.#socket();
    // A socket of a call that waits has no number yet.
    const step: Step = { op: "accept", s, as: this.#sockets };
    if (kind === "udp") return step;
    if (!this.#model.wouldWait(step)) return step;
    return { ...step, ends: this.#chance(70) ? "timeout" : "abort" };
  }

  #connect(s: number, kind: Kind): Step {
    const op = this.#chance(70) ? "connect" : "connect_ex";
    const to = kind !== "udp" && this.#chance(60) ? 0 : this.#target(kind);
    return { op, s, to: to! };
  }

  #bind(s: number): Step {
    const to = this.#chance(50)
      ? "free"
      : this.#chance(30)
      ? "foreign"
      : this.#random.integer(0, this.#sockets - 1);
    return { op: "bind", s, to };
  }

  #transfer(s: number): Step {
    const n = this.#random.integer(1, 600_000);
    return { op: "transfer", s, to: this.#random.integer(0, this.#sockets - 1), n };
  }

  #join(): Step | undefined {
    const id = [...this.#model.waiting.keys()][0];
    return id === undefined ? undefined : { op: "join", s: -1, waits: id };
  }

  /** Every call that still waits ends with its socket; where that is not determined, the program ends before the call. */
  #finish(): void {
    for (const [id, { step, result }] of [...this.#model.waiting]) {
      if (result === undefined) this.#try({ op: "close", s: step.s });
      if (this.#try({ op: "join", s: -1, waits: id })) continue;
      this.#steps.length = this.#steps.findIndex(({ waits }) => waits === id);
      this.#replay();
      return this.#finish();
    }
  }

  #replay(): void {
    this.#model = new Model();
    for (const step of this.#steps) this.#model.apply(step);
  }
}
