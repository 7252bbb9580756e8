/** Tests of descriptors, and why they cannot run: what this runtime can do with descriptors. */

import process from "node:process";
import { it } from "node:test";
import { capabilities, SOCK_STREAM } from "../../mod.ts";
import { noPeer } from "./peers.ts";
import { bounded, type Scope } from "./scope.ts";

const able = capabilities();

/** Why no descriptor is taken over, or false. */
export const noAdopt: string | false = able.adopt ? false : "this runtime takes over no descriptor";

/** Why nothing needs libc, or false; without it the options beyond the common ones are missing, too. */
export const noLibc: string | false = able.options["SOCK_STREAM"]!["SO_RCVBUF"] === undefined
  ? "it needs libc"
  : false;

/** Why there are no duplicates, or false. */
export const noDup: string | false = able.fileno ? noLibc : "this runtime reveals no descriptor";

/** Why no socket of a kind is taken over; whether that is so is tested where such a socket is refused. */
export function noAdopted(family: string, type: number): string | false {
  return !able.adoptTypes[family]?.includes(type === SOCK_STREAM ? "SOCK_STREAM" : "SOCK_DGRAM") &&
    `${able.adapter} takes over no such socket`;
}

/** Why no parent passes descriptors on, or false. */
export const noParent: string | false = noAdopt || noPeer ||
  process.platform !== "linux" && "pass_fds is POSIX's";

/** A test with time for other programs. */
export function test(
  name: string,
  body: (scope: Scope) => void | Promise<void>,
  skip: string | false,
): void {
  it(name, { skip }, bounded(async (scope) => await body(scope), 30_000));
}
