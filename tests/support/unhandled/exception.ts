/** A timer throws while a test runs that passes. The runner must fail this file: tests/unhandled.test.ts. */

import { describe, it } from "node:test";

describe("a test", () => {
  it("passes", async () => {
    setTimeout(() => {
      throw new Error("nobody catches");
    }, 20);
    await new Promise((resolve) => setTimeout(resolve, 200));
  });
});
