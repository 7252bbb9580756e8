/** A listener of a signal throws while a test runs that passes. The runner must fail this file: tests/unhandled.test.ts. */

import { describe, it } from "node:test";

describe("a test", () => {
  it("passes", async () => {
    const controller = new AbortController();
    controller.signal.addEventListener("abort", () => {
      throw new Error("nobody catches");
    });
    controller.abort();
    await new Promise((resolve) => setTimeout(resolve, 100));
  });
});
