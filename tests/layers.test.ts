/** What may import what: the sources' layers, as docs/architecture.md describes them. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "node:test";

const root = fileURLToPath(new URL("..", import.meta.url));
const skip = !existsSync(join(root, "core/socket.ts")) && "the npm package has no sources";

/** All of core that adapters may use: what any adapter could write for itself. */
const FOR_ADAPTERS = [
  "core/address/address.ts",
  "core/address/inet.ts",
  "core/arguments.ts",
  "core/bytes.ts",
  "core/constants.ts",
  "core/errors/errno.ts",
  "core/options/table.ts",
  "core/stream/byte_queue.ts",
];

/** All that core has of the adapters. */
const FOR_CORE = [
  "adapters/adapter.ts",
  "adapters/detect.ts",
  "adapters/runtime_name.ts",
  "adapters/timers.ts",
];

/** Without libc Bun's datagram sockets are those of its `node:dgram`. */
const BETWEEN_RUNTIMES = ["adapters/bun.ts imports adapters/node/datagram.ts"];

/** The modules that each module imports, types too. */
function readImports(): Map<string, string[]> {
  const files = ["core", "adapters"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
      .filter((name) => name.endsWith(".ts"))
  );
  return new Map(files.map((file) => {
    const source = readFileSync(join(root, file), "utf8").replaceAll(/^ *(\/\/|\/?\*).*$/gm, "");
    const imports = [...source.matchAll(/\bfrom "(\.[^"]+)"/g)];
    return [file, imports.map(([, from]) => normalize(join(dirname(file), from!)))];
  }));
}

/** The folder of a runtime's adapter: `node` of `adapters/node.ts` and of what is in `adapters/node/`. */
function runtimeOf(file: string): string | undefined {
  return /^adapters\/(node|deno|bun|memory)(?:\.ts|\/)/.exec(file)?.[1];
}

describe("the layers of the sources", () => {
  const imports = skip === false ? readImports() : new Map<string, string[]>();
  const all = [...imports].flatMap(([file, list]) => list.map((other) => [file, other] as const));

  it("core knows of the adapters the contract, the choice of one, and the timers", { skip }, () => {
    const others = all.filter(([file, other]) =>
      file.startsWith("core/") && other.startsWith("adapters/") && !FOR_CORE.includes(other)
    );
    assert.deepEqual(others, []);
  });

  it("adapters take tables and small functions from core", { skip }, () => {
    const others = all.filter(([file, other]) =>
      file.startsWith("adapters/") && other.startsWith("core/") && !FOR_ADAPTERS.includes(other)
    );
    assert.deepEqual(others, []);
  });

  it("no adapter uses another's", { skip }, () => {
    const others = all
      .filter(([file, other]) => {
        const runtime = runtimeOf(other);
        return runtime !== undefined && runtimeOf(file) !== runtime &&
          file !== "adapters/detect.ts" && file.startsWith("adapters/");
      })
      .map(([file, other]) => `${file} imports ${other}`);
    assert.deepEqual(others, BETWEEN_RUNTIMES);
  });

  it("no module imports itself, not by others either, nor by types", { skip }, () => {
    const finished = new Set<string>();
    const visit = (file: string, path: string[]): void => {
      assert.ok(!path.includes(file), [...path, file].join(" → "));
      if (finished.has(file)) return;
      for (const other of imports.get(file) ?? []) visit(other, [...path, file]);
      finished.add(file);
    };
    for (const file of imports.keys()) visit(file, []);
    assert.ok(finished.size > 100);
  });
});
