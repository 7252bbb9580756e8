/**
 * Error codes of name resolution and their texts.
 *
 * Source: RFC 3493 and glibc's `gai_strerror` for `getaddrinfo` and `getnameinfo`; POSIX.1-2001
 * `h_errno` and glibc's `hstrerror` for `gethostbyaddr` and its kin.
 */

import {
  EAI_ADDRFAMILY,
  EAI_AGAIN,
  EAI_BADFLAGS,
  EAI_FAIL,
  EAI_FAMILY,
  EAI_MEMORY,
  EAI_NODATA,
  EAI_NONAME,
  EAI_OVERFLOW,
  EAI_SERVICE,
  EAI_SOCKTYPE,
  EAI_SYSTEM,
} from "../constants.ts";

/** The name of an error of `getaddrinfo`: the `code` of a `GaiError`. */
export type GaiCode =
  | "EAI_BADFLAGS"
  | "EAI_NONAME"
  | "EAI_AGAIN"
  | "EAI_FAIL"
  | "EAI_NODATA"
  | "EAI_FAMILY"
  | "EAI_SOCKTYPE"
  | "EAI_SERVICE"
  | "EAI_ADDRFAMILY"
  | "EAI_MEMORY"
  | "EAI_SYSTEM"
  | "EAI_OVERFLOW";

/** Numbers of the errors of `getaddrinfo` by name, as glibc has them (all negative). */
export const gaiCodes: Readonly<Record<GaiCode, number>> = {
  EAI_BADFLAGS,
  EAI_NONAME,
  EAI_AGAIN,
  EAI_FAIL,
  EAI_NODATA,
  EAI_FAMILY,
  EAI_SOCKTYPE,
  EAI_SERVICE,
  EAI_ADDRFAMILY,
  EAI_MEMORY,
  EAI_SYSTEM,
  EAI_OVERFLOW,
};

// In the order of the numbers, from -1 down.
const gaiTexts: readonly string[] = [
  "Bad value for ai_flags",
  "Name or service not known",
  "Temporary failure in name resolution",
  "Non-recoverable failure in name resolution",
  "No address associated with hostname",
  "ai_family not supported",
  "ai_socktype not supported",
  "Servname not supported for ai_socktype",
  "Address family for hostname not supported",
  "Memory allocation failure",
  "System error",
  // glibc before 2.37 had no text of its own for this one.
  "Result too large for supplied buffer",
];

/**
 * The text of an error of `getaddrinfo`, as glibc's `gai_strerror` returns it.
 *
 * @param code An error number, such as -2 (EAI_NONAME).
 * @returns The text, such as "Name or service not known"; "Unknown error" for any other number.
 *
 * @example
 * ```ts
 * import { gai_strerror } from "./gai.ts";
 *
 * gai_strerror(-3); // "Temporary failure in name resolution"
 * ```
 */
export function gai_strerror(code: number): string {
  return gaiTexts[-1 - code] ?? "Unknown error";
}

/** The name of an error of `gethostbyaddr`: the `code` of a `HostError`. */
export type HostCode = "HOST_NOT_FOUND" | "TRY_AGAIN" | "NO_RECOVERY" | "NO_DATA";

/** Numbers of the errors of `gethostbyaddr` by name: the values of `h_errno`. */
export const hostCodes: Readonly<Record<HostCode, number>> = {
  HOST_NOT_FOUND: 1,
  TRY_AGAIN: 2,
  NO_RECOVERY: 3,
  NO_DATA: 4,
};

const hostTexts: readonly string[] = [
  "Resolver Error 0 (no error)",
  "Unknown host",
  "Host name lookup failure",
  "Unknown server error",
  "No address associated with name",
];

/**
 * The text of a value of `h_errno`, as glibc's `hstrerror` returns it.
 *
 * @param code An error number, such as 1 (HOST_NOT_FOUND).
 * @returns The text, such as "Unknown host".
 *
 * @example
 * ```ts
 * import { hstrerror } from "./gai.ts";
 *
 * hstrerror(1); // "Unknown host"
 * ```
 */
export function hstrerror(code: number): string {
  return hostTexts[code] ?? (code < 0 ? "Resolver internal error" : "Unknown resolver error");
}
