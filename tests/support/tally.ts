/**
 * How often a test tries what it promises, and what was lost: the numbers of docs/reliability.md. `npm test` has the
 * usual ones, `npm run soak` the large ones.
 */

import assert from "node:assert/strict";
import { appendFileSync } from "node:fs";
import process from "node:process";

/** Whether this is `npm run soak`. */
export const isSoak: boolean = process.env["BSDSOCK_SOAK"] === "1";

/** Where the random choices of a test start. */
export const seed: number = Number(process.env["BSDSOCK_SEED"] ?? 1);

/** How often to try, in `npm test` and in `npm run soak`. */
export function times(usual: number, soak: number): number {
  return isSoak ? soak : usual;
}

/** Milliseconds for a test whose soak takes longer by so much. */
export function limit(usual: number, soak: number): number {
  return times(usual, soak);
}

/** A row of docs/reliability.md. */
export interface Row {
  /** What was tried; the same words add up. */
  readonly what: string;
  /** How often. */
  readonly tried: number;
  /** Of what: the plural of a noun. */
  readonly unit: string;
  /** How many of them have failed in any way; more than none fails the test. */
  readonly lost: number;
}

/** Tells the runner of the tests, and fails where something was lost. */
export function tally(row: Row): void {
  const file = process.env["BSDSOCK_TALLY"];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(row)}\n`);
  assert.equal(row.lost, 0, `${row.what}: ${row.lost} of ${row.tried} ${row.unit} lost`);
}
