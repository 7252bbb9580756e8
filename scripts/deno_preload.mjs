/**
 * Loaded before each test file on Deno. Deno 2.9 lets a test run pass in which a timer or an event
 * handler threw, once node:test is imported; the other runners fail it. So such errors are printed
 * with a mark that the runner of all tests looks for and counts as a failure.
 */

import process from "node:process";

/** @param {unknown} error */
function report(error) {
  const text = error instanceof Error ? error.stack : error;
  console.error(`uncaught outside any test: ${text}`);
}

process.on("uncaughtException", report);
process.on("unhandledRejection", report);
