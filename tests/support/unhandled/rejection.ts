/** A promise of a test that passes rejects, and nobody looks. The runner must fail this file: tests/unhandled.test.ts. */

import { describe, it } from "node:test";

describe("a test", () => {
  it("passes", () => {
    Promise.reject(new Error("nobody looks"));
  });
});
