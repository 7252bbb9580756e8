/** The flags of sends and receives. */

import { int } from "./arguments.ts";
import * as c from "./constants.ts";
import { systemError } from "./errors/errors.ts";

/** Flags that Linux accepts in any receive and ignores. */
const IGNORED_IN_RECEIVE = c.MSG_CTRUNC | c.MSG_EOR | c.MSG_CONFIRM | c.MSG_NOSIGNAL;
const RECEIVE_STREAM = c.MSG_PEEK | c.MSG_WAITALL | c.MSG_DONTWAIT | IGNORED_IN_RECEIVE;
const RECEIVE_DATAGRAM = RECEIVE_STREAM | c.MSG_TRUNC;
/** Flags that Linux accepts in any send and ignores. */
const IGNORED_IN_SEND = c.MSG_PEEK | c.MSG_CTRUNC | c.MSG_TRUNC | c.MSG_EOR | c.MSG_WAITALL;
const SEND = c.MSG_DONTWAIT | c.MSG_NOSIGNAL | IGNORED_IN_SEND;

/** Flags that may be refused, by name. */
const NAMED = {
  MSG_OOB: c.MSG_OOB,
  MSG_DONTROUTE: c.MSG_DONTROUTE,
  MSG_TRUNC: c.MSG_TRUNC,
  MSG_CONFIRM: c.MSG_CONFIRM,
  MSG_ERRQUEUE: c.MSG_ERRQUEUE,
  MSG_MORE: c.MSG_MORE,
};

/** Checks the flags of a receive; EOPNOTSUPP for one that the library cannot honour. */
export function receiveFlags(flags: unknown, type: number, syscall: string): number {
  return check(flags, type === c.SOCK_STREAM ? RECEIVE_STREAM : RECEIVE_DATAGRAM, syscall);
}

/** Checks the flags of a send; EOPNOTSUPP for one that the library cannot honour. */
export function sendFlags(flags: unknown, syscall: string): number {
  return check(flags, SEND, syscall);
}

function check(value: unknown, allowed: number, syscall: string): number {
  if (value === 0) return 0;
  const flags = int(value, "flags");
  const rest = flags & ~allowed;
  if (rest === 0) return flags;
  const names = Object.entries(NAMED).filter(([, flag]) => (flag & rest) !== 0)
    .map(([name]) => name);
  const detail = `flags ${names.length > 0 ? names.join(", ") : `0x${(rest >>> 0).toString(16)}`}`;
  throw systemError("EOPNOTSUPP", syscall, { detail: `${detail} not offered here` });
}
