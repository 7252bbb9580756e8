/** Programs of the model-based test: sequences of calls, their results as text, and both printed as TypeScript. */

/** The kind of a socket. */
export type Kind = "tcp" | "unix" | "udp";

/** Where a call goes: the address of another socket, a free one, one of no machine here, or a path that is not there. */
export type Target = number | "free" | "foreign" | "missing";

/** One call on the socket `s`. */
export interface Step {
  readonly op: string;
  readonly s: number;
  /** The new socket's number: of `socket`, `accept` and `dup`. */
  readonly as?: number;
  readonly kind?: Kind;
  readonly to?: Target;
  readonly data?: string;
  readonly n?: number;
  readonly flags?: readonly string[];
  readonly how?: "SHUT_RD" | "SHUT_WR" | "SHUT_RDWR";
  readonly option?: string;
  readonly value?: number | null | readonly number[];
  /** A call that would wait: it runs into a timeout of 10 ms, or is aborted. */
  readonly ends?: "timeout" | "abort";
  /** A call that waits while others are made; `join` looks at its result. */
  readonly waits?: number;
}

/** A sequence of calls. */
export interface Program {
  /** Reproduces it. */
  readonly seed: number;
  readonly steps: readonly Step[];
}

/**
 * What a call gave, as text: `ok`, a number, `'bytes'`, an address with the ports replaced by the number of the socket
 * that has it, or an error as `!ECONNREFUSED`.
 */
export type Result = string;

const LEVELS: Readonly<Record<string, string>> = { TCP_NODELAY: "IPPROTO_TCP" };

/** The level of a socket option. */
export function levelOf(option: string): string {
  return LEVELS[option] ?? "SOL_SOCKET";
}

/** The program as TypeScript, each call with its result. `notes` has what to say of each step. */
export function printProgram(program: Program, notes: readonly string[]): string {
  return program.steps.map((step, i) => {
    const note = notes[i] === undefined || notes[i] === "" ? "" : `  // ${notes[i]}`;
    return printStep(step) + note;
  }).join("\n");
}

function printStep(step: Step): string {
  const { op, s, ends, waits } = step;
  if (op === "join") return `await call${waits};`;
  if (op === "socket") {
    const family = { tcp: "AF_INET, SOCK_STREAM", unix: "AF_UNIX", udp: "AF_INET, SOCK_DGRAM" };
    return `const s${step.as} = socket(${family[step.kind!]});`;
  }
  const options = ends === "abort" ? ["{ signal: aborted soon }"] : [];
  const call = `s${s}.${op}(${[...argumentsOf(step), ...options].join(", ")})`;
  if (waits !== undefined) return `const call${waits} = ${call};`;
  if (ends === "timeout") return `s${s}.settimeout(0.01); await ${call}; s${s}.settimeout(before);`;
  if (op === "dup") return `const s${step.as} = ${call};`;
  if (op === "accept") return `const [s${step.as}, address${step.as}] = await ${call};`;
  return `await ${call};`;
}

function argumentsOf(step: Step): string[] {
  const { op, to, data, n, how, option, value } = step;
  const flags = step.flags?.length ? [step.flags.join(" | ")] : [];
  switch (op) {
    case "bind":
    case "connect":
    case "connect_ex":
      return [printTarget(to!)];
    case "send":
    case "sendall":
      return [printData(data!), ...flags];
    case "sendto":
      return [printData(data!), printTarget(to!)];
    case "recv_into":
      return [`new Uint8Array(${n})`, ...(flags.length > 0 ? ["0", ...flags] : [])];
    case "recv":
    case "recvfrom":
      return [String(n), ...flags];
    case "transfer":
      return [`s${to}`, `${n} bytes`];
    case "shutdown":
      return [how!];
    case "listen":
    case "settimeout":
      return [String(value)];
    case "setsockopt":
      return [levelOf(option!), option!, JSON.stringify(value)];
    case "getsockopt":
      return [levelOf(option!), option!];
    default:
      return [];
  }
}

function printData(data: string): string {
  return data.length > 60 ? `"${data.slice(0, 20)}…" /* ${data.length} */` : JSON.stringify(data);
}

function printTarget(to: Target): string {
  if (typeof to === "number") return `s${to}.getsockname()`;
  return { free: "[host, 0]", foreign: '["192.0.2.1", 0]', missing: "missing" }[to];
}

/** The letters from place `start` on, so that a gap or a repeat shows. */
export function letters(start: number, length: number): string {
  let text = "";
  for (let i = start; i < start + length; i++) text += String.fromCharCode(97 + i % 26);
  return text;
}

/** Bytes in a result: long ones by their length and ends. */
export function shown(text: string): Result {
  return text.length > 80
    ? `'${text.slice(0, 10)}…${text.slice(-10)}' (${text.length})`
    : `'${text}'`;
}

/** The step cannot be predicted, or would wait for ever. */
export class Undetermined extends Error {}
