/** The rows of docs/differences.md that the model-based test meets, each by its name and in this place only. */

import type { Capabilities } from "../../mod.ts";
import type { Predicted } from "./generate.ts";
import { type Kind, type Result, type Step, Undetermined } from "./program.ts";

/** One result of the library. */
export interface Context {
  readonly program: Predicted;
  readonly adapter: Capabilities;
  readonly at: number;
  readonly expected: Result;
  readonly actual: Result;
}

/** A known difference. */
export interface Row {
  /** Its first column in the page. */
  readonly name: string;
  /** What comes after cannot be compared. */
  readonly ends: boolean;
  readonly matches: (context: Context, step: Step) => boolean;
}

/** The kind of the socket that a call is on. */
function kindOf({ program }: Context, { s }: Step): Kind {
  let kind: Kind = "tcp";
  for (const step of program.steps) if (step.op === "socket") kind = step.kind!;
  return program.steps.find(({ op, as }) => op === "socket" && as === s)?.kind ?? kind;
}

function isReceive({ op }: Step): boolean {
  return op.startsWith("recv");
}

/** Whether the socket has had such a call before. */
function had({ program, at }: Context, { s }: Step, op: string, result?: Result): boolean {
  return program.steps.slice(0, at).some((step, i) =>
    step.s === s && (step.op === op || (op === "send*" && step.op.startsWith("send"))) &&
    (result === undefined || program.results[i] === result)
  );
}

const ROWS: readonly Row[] = [
  {
    name: "`getpeername` once the connection is over, `shutdown` after both FINs",
    ends: false,
    matches: ({ expected, actual }, { op }) =>
      expected === "!ENOTCONN" &&
      ((op === "getpeername" && !actual.startsWith("!")) || (op === "shutdown" && actual === "ok")),
  },
  {
    name: "`shutdown` of a UNIX socket whose peer has gone",
    ends: true,
    matches: (context, step) =>
      kindOf(context, step) === "unix" && step.op === "shutdown" && context.expected === "ok" &&
      context.actual === "!ENOTCONN",
  },
  {
    name: "`dup()`, a change by `set_inheritable()`",
    ends: true,
    matches: ({ adapter, actual }, { op }) =>
      op === "dup" && actual === "!ENOTSUP" &&
      (!adapter.fileno || adapter.options["SOCK_STREAM"]?.["SO_RCVBUF"] === undefined),
  },
  {
    name: "the descriptor of a connection that is over",
    ends: true,
    matches: ({ expected, actual }, { op }) =>
      op === "dup" && expected === "ok" && actual === "!ENOTSUP",
  },
  {
    name: "UNIX: a peer that has closed with unread bytes",
    ends: true,
    matches: (context, step) =>
      kindOf(context, step) === "unix" &&
      (context.expected === "!ECONNRESET" || context.expected === "104"),
  },
  {
    name: "UNIX: `shutdown(SHUT_RD)`",
    ends: true,
    matches: (context, step) =>
      kindOf(context, step) === "unix" && step.op.startsWith("send") &&
      context.expected === "!EPIPE" && !context.actual.startsWith("!"),
  },
  {
    name: "UNIX paths",
    ends: false,
    matches: ({ expected, actual }, { op }) =>
      (op === "connect" && expected === "!ECONNREFUSED" && actual === "!ENOENT") ||
      (op === "connect_ex" && expected === "111" && actual === "2"),
  },
  {
    name: "a call with two mistakes",
    ends: false,
    matches: ({ expected, actual }, { op }) =>
      (op === "bind" && (expected === "!EADDRNOTAVAIL" || expected === "!EADDRINUSE") &&
        actual === "!EINVAL") ||
      (op === "connect" && (expected === "!ENOENT" || expected === "!ECONNREFUSED") &&
        (actual === "!EISCONN" || actual === "!EINVAL")) ||
      (op === "connect_ex" && (expected === "2" || expected === "111") &&
        (actual === "106" || actual === "22")),
  },
  {
    name: "`bind` of a connected UNIX socket",
    ends: true,
    matches: (context, step) =>
      kindOf(context, step) === "unix" && step.op === "bind" && context.expected === "ok" &&
      context.actual === "!EINVAL",
  },
  {
    name: "a UDP send that had no address",
    ends: true,
    matches: (context, step) =>
      kindOf(context, step) === "udp" &&
      (step.op === "bind" || context.actual === "0.0.0.0:0") &&
      had(context, step, "send*", "!EDESTADDRREQ"),
  },
  {
    name: "`sendto` with another address on a connected UDP socket",
    ends: true,
    matches: (context, step) =>
      kindOf(context, step) === "udp" && step.op === "sendto" && context.actual === "!EISCONN",
  },
  {
    name: "options beyond the common ones",
    ends: false,
    matches: (context, step) => {
      const type = kindOf(context, step) === "udp" ? "SOCK_DGRAM" : "SOCK_STREAM";
      return step.op.endsWith("sockopt") && context.actual === "!ENOPROTOOPT" &&
        context.adapter.options[type]?.[step.option!] === undefined;
    },
  },
  {
    name: "a reset while nothing is received",
    ends: true,
    matches: (context, step) =>
      (step.op === "getsockopt" && step.option === "SO_ERROR" && context.actual === "0") ||
      (step.op.startsWith("send") && context.expected === "!ECONNRESET" &&
        context.actual === "!EPIPE"),
  },
  {
    name: "UNIX: a listener that is closed with connections not accepted",
    ends: true,
    matches: (context, step) =>
      kindOf(context, step) === "unix" && context.expected === "!ECONNRESET" &&
      isReceive(step) && !context.actual.startsWith("!") && context.adapter.adapter !== "memory",
  },
  {
    name: "a connection between `bind` and `listen`",
    ends: true,
    matches: ({ adapter, expected, actual }, { op }) =>
      adapter.adapter === "deno" &&
      ((op === "connect" && expected === "!ECONNREFUSED" && actual === "ok") ||
        (op === "connect_ex" && expected === "111" && actual === "0") ||
        // What a non-blocking connect has come to.
        (expected === "!ECONNREFUSED" || expected === "111")),
  },
  {
    name: "`listen` again with another backlog",
    ends: false,
    matches: ({ actual }, { op }) => op === "listen" && actual === "!EOPNOTSUPP",
  },
  {
    name: "connecting a bound UNIX socket",
    ends: true,
    matches: (context, step) =>
      kindOf(context, step) === "unix" && had(context, step, "bind") &&
      ((step.op === "connect" && context.actual === "!EOPNOTSUPP") ||
        (step.op === "connect_ex" && context.actual === "95")),
  },
  {
    name: "SO_LINGER `[1, 0]` on an open socket",
    ends: true,
    matches: ({ adapter, actual }, { op }) =>
      adapter.reset !== "always" && actual === "!ENOPROTOOPT" &&
      (op === "setsockopt" || op === "listen"),
  },
  {
    name: "close with unread data",
    ends: true,
    matches: (context, step) =>
      context.adapter.adapter === "deno" && /ECONNRESET|EPIPE|^104$|^32$/.test(context.expected) &&
      context.program.steps.slice(0, context.at).some(({ op, s }) =>
        (op === "close" || op === "shutdown") && s !== step.s
      ),
  },
  {
    name: "a connection that was reset before `accept`",
    ends: true,
    matches: ({ adapter, actual, program, at }, { op }) =>
      op === "accept" && adapter.adapter === "deno" && actual === "waits for ever" &&
      program.steps.slice(0, at).some(({ option }) => option === "SO_LINGER"),
  },
  {
    name: "`connect` from a bound port to a peer that another socket of the port has",
    ends: true,
    matches: ({ expected, actual }, { op }) =>
      (op === "connect" && expected === "!ECONNREFUSED" &&
        (actual === "!EADDRNOTAVAIL" || actual === "!EINVAL")) ||
      (op === "connect_ex" && expected === "111" && (actual === "99" || actual === "22")),
  },
  {
    name: "a non-blocking `connect` that failed",
    ends: true,
    matches: (context, step) =>
      (had(context, step, "connect") || had(context, step, "connect_ex")) &&
      ((isReceive(step) && context.actual === "!ENOTCONN") ||
        context.expected === "!ECONNABORTED" || context.expected === "103"),
  },
  {
    name: "a datagram that comes before `connect` fixes another peer",
    ends: true,
    matches: (context, step) =>
      kindOf(context, step) === "udp" && context.adapter.adapter === "deno" && isReceive(step) &&
      !context.expected.startsWith("!") && had(context, step, "connect"),
  },
  {
    name: "the address of a UDP socket that has connected",
    ends: false,
    matches: (context, step) =>
      kindOf(context, step) === "udp" && step.op === "getsockname" &&
      context.adapter.adapter === "deno" &&
      context.actual === context.expected.replace("127.0.0.1", "0.0.0.0"),
  },
  {
    name: "a send of no bytes",
    ends: true,
    matches: ({ expected, actual }, { op, data }) =>
      op.startsWith("send") && data === "" && expected.startsWith("!") &&
      (actual === "0" || actual === "ok"),
  },
  {
    name: "a receive of no bytes on a closed socket",
    ends: false,
    matches: ({ actual }, step) => isReceive(step) && step.n === 0 && actual === "!EBADF",
  },
  {
    name: "`recvfrom` on a UNIX stream",
    ends: false,
    matches: (context, step) =>
      step.op === "recvfrom" && kindOf(context, step) === "unix" &&
      context.actual === context.expected.replace(/ path\d$/, " None"),
  },
  {
    name: "`connect` on a non-blocking socket that is connected by now",
    ends: false,
    matches: ({ expected, actual }, { op }) =>
      (op === "connect" && expected === "ok" && actual === "!EISCONN") ||
      (op === "connect_ex" && expected === "0" && actual === "106"),
  },
  {
    name: "`recv` on a UNIX socket without a peer",
    ends: false,
    matches: (context, step) =>
      kindOf(context, step) === "unix" && isReceive(step) && context.expected === "!EINVAL" &&
      context.actual === "!ENOTCONN",
  },
  {
    name: "a non-blocking `connect` of a UNIX socket",
    ends: true,
    matches: (context, step) =>
      kindOf(context, step) === "unix" &&
      (step.op === "connect" || step.op === "connect_ex") &&
      (context.actual === "!EINPROGRESS" || context.actual === "115"),
  },
  {
    name: "options of TCP on a UDP socket, of multicast on a TCP socket",
    ends: false,
    matches: (context, step) =>
      kindOf(context, step) === "udp" && step.op === "getsockopt" &&
      context.expected === "!EOPNOTSUPP" && context.actual === "!ENOPROTOOPT",
  },
  {
    name: "`shutdown` of a socket without a peer",
    ends: true,
    matches: (context, step) =>
      isReceive(step) && context.actual === "!ENOTCONN" &&
      had(context, step, "shutdown", "!ENOTCONN") && !context.expected.startsWith("!"),
  },
];

/** The rows' names. */
export const rowNames: readonly string[] = ROWS.map(({ name }) => name);

/** Rows of the page for calls that are not generated, since nothing after them could be compared, and why. */
export const NOT_GENERATED = {
  "bytes for a socket that has shut down both directions": "Linux resets the connection",
  "MSG_WAITALL with a timeout": "Python makes a non-blocking call, which gives what is there",
  "MSG_PEEK with MSG_WAITALL on a UNIX socket": "Linux gives what one send has sent",
  "MSG_DONTWAIT with a timeout": "Python waits until the socket is ready before it makes the call",
  "MSG_TRUNC of `recv` and `recvfrom`": "Python gives bytes that it has not received",
  "a wrong call with a timeout": "Python waits until the socket is ready before it makes the call",
  "`shutdown` of a socket without a peer": "Linux keeps it shut when it is connected later",
  "`getsockname` after a failed `connect`": "Linux tells the port of the attempt",
  "a non-blocking `connect` that failed":
    "Linux shuts the socket down, and tells ECONNABORTED later",
  "an option of a listener, set while connections wait": "Linux copies the options when they come",
  "`bind` of a socket whose connection is over": "Linux lets go of its port, at times",
} as const;

/** The step is left out of programs for one of these rows. */
export function notGenerated(_row: keyof typeof NOT_GENERATED): Undetermined {
  return new Undetermined();
}

/** The row that a result belongs to. */
export function known(context: Context): Row | undefined {
  if (context.actual === context.expected) return undefined;
  const { steps } = context.program;
  const step = steps[context.at]!;
  // The call that has waited is the one that differs.
  const call = step.op === "join"
    ? steps.find(({ op, waits }) => op !== "join" && waits === step.waits)!
    : step;
  return ROWS.find((row) => row.matches(context, call));
}
