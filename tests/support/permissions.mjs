/**
 * What Deno is allowed in the tests, in one place. Plain JavaScript, because the runner that starts
 * Deno reads it too, on a Node that knows no TypeScript.
 */

import process from "node:process";

/** The runner asks so for what the library does with system calls of its own. */
const ffi = process.env["BSDSOCK_FFI"] === "1" ? ["--allow-ffi"] : [];

/**
 * For the tests themselves. The library needs the first one only; the others are for what tests do
 * besides: they read files below tests/ and /proc, start peers and inspect their environment.
 *
 * @type {readonly string[]}
 */
export const testPermissions = [
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-run",
  "--allow-env",
  "--allow-sys",
  ...ffi,
];

/**
 * For a program that a test starts, unless the test says otherwise.
 *
 * @type {readonly string[]}
 */
export const programPermissions = ["--allow-net", ...ffi];
