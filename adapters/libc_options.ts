/** Options of a descriptor through libc. */

import { int32, type Libc } from "./bun_libc.ts";

const SOL_SOCKET = 1;
const IPPROTO_TCP = 6;

/** Level and number of the integer options that are set as they are. */
const INTEGERS: Readonly<Record<string, readonly [level: number, number: number]>> = {
  SO_KEEPALIVE: [SOL_SOCKET, 9],
  TCP_NODELAY: [IPPROTO_TCP, 1],
};

/** Sets an option; answers `false` for one that is not known here. */
export function setDescriptorOption(c: Libc, fd: number, name: string, value: number): boolean {
  const option = INTEGERS[name];
  if (option === undefined) return name === "SO_LINGER" || name === "SO_REUSEADDR";
  c.setOption(fd, option[0], option[1], int32(value));
  return true;
}

/** Reads an option; `undefined` for one that is not known here. */
export function getDescriptorOption(c: Libc, fd: number, name: string): number | undefined {
  const option = INTEGERS[name];
  return option === undefined ? undefined : c.getOption(fd, option[0], option[1]);
}
