/** The same while a later test runs. The runner must fail this file: tests/unhandled.test.ts. */

import { describe, it } from "node:test";

describe("a test", () => {
  it("passes", () => {
    setTimeout(() => Promise.reject(new Error("nobody looks")), 20);
  });

  it("passes too", () => new Promise((resolve) => setTimeout(resolve, 200)));
});
