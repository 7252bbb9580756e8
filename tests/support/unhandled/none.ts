/** Nothing is wrong here: this one the runner must pass. See tests/unhandled.test.ts. */

import { describe, it } from "node:test";

describe("a test", () => {
  it("passes", async () => {
    await Promise.reject(new Error("somebody looks")).catch(() => {});
  });
});
