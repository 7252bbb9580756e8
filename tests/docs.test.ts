/**
 * The pages of the documentation: each TypeScript block is a program that runs to its end, each link
 * leads somewhere, each test that is named is there, and all places tell the same version.
 */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import * as library from "../mod.ts";
import { checkNothingLeft, noDescriptors } from "./support/outside.ts";
import { start } from "./support/process.ts";
import { isCompiled, launch, runtimeName } from "./support/runtime.ts";
import { bounded } from "./support/scope.ts";
import { tally } from "./support/tally.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Where the npm package has been installed, of which the compiled tests are. */
const installed = join(root, "node_modules", "bsdsock");

const inDocs = [
  "adapters",
  "architecture",
  "compatibility",
  "concepts",
  "differences",
  "errors",
  "getting-started",
  "performance",
  "reliability",
].map((name) => `docs/${name}.md`);

/** The pages, by their paths below the root. */
const pages = [
  "README.md",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  ...inDocs,
  "bench/README.md",
  "examples/README.md",
];

const inPackage = ["README.md", "CHANGELOG.md"];

/** Why a page cannot be read here, or false. */
function missing(page: string): string | false {
  return isCompiled && !inPackage.includes(page) && `${page} is not in the npm package`;
}

/** Why this runtime cannot run the programs of a page as they stand, or false. */
function unparsed(page: string): string | false {
  if (missing(page) !== false || !/^(await )?using /m.test(programs(page).join(""))) return false;
  try {
    new Function("{ using nothing = null; }");
    return false;
  } catch {
    return "this version of Node has no `using`";
  }
}

function read(page: string): string {
  return readFileSync(join(isCompiled ? installed : root, page), "utf8");
}

/** The TypeScript blocks of a page, with the library in this folder in the place of the published one. */
function programs(page: string): string[] {
  const library = new URL(isCompiled ? "../mod.js" : "../mod.ts", import.meta.url).href;
  return [...read(page).matchAll(/^```(?:ts|typescript)\n(.*?)^```$/gms)]
    .map(([, block = ""]) =>
      block.replaceAll(/ from "(@bsdsock\/)?bsdsock"/g, ` from "${library}"`)
    );
}

describe("the programs of a page run", () => {
  for (const page of ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...inDocs]) {
    it(
      page,
      { skip: missing(page) || unparsed(page) },
      bounded(async (scope) => {
        const folder = mkdtempSync(join(tmpdir(), "bsdsock-docs-"));
        scope.add({ close: () => rmSync(folder, { recursive: true, force: true }) });
        for (const [i, source] of programs(page).entries()) {
          // In the package's README no block has types: there, Node before 22 runs it as it stands.
          const file = join(folder, `${i}.${isCompiled ? "mjs" : "mts"}`);
          writeFileSync(file, source);
          const command = launch(new URL(`file://${file}`));
          const { code, signal, stderr } = await scope.add(start(command)).exit();
          assert.deepEqual({ code, signal, stderr }, { code: 0, signal: null, stderr: "" }, source);
        }
      }, 60_000),
    );
  }

  it("and there are some", () => {
    assert.equal(programs("README.md").length > 0, true);
  });
});

describe("the links of a page lead to files and headings", () => {
  for (const page of pages) {
    it(
      page,
      { skip: missing(page) || (isCompiled && "its links lead out of the npm package") },
      () => {
        const links = /(?:\]\(|\b(?:src|srcset)=")([^)"\s]+)[)"]/g;
        for (const [whole, target = ""] of withoutCode(read(page)).matchAll(links)) {
          if (/^https?:/.test(target)) continue;
          const [path = "", heading] = target.split("#");
          const file = path === "" ? page : join(dirname(page), path);
          assert.ok(existsSync(join(root, file)), `${page}: ${whole}: there is no ${file}`);
          if (heading === undefined) continue;
          assert.ok(anchors(read(file)).includes(heading), `${page}: ${whole}: no such heading`);
        }
      },
    );
  }

  it(
    "and no page is forgotten",
    { skip: missing("docs") },
    () => assert.deepEqual(readdirSync(join(root, "docs")).sort().map((n) => `docs/${n}`), inDocs),
  );
});

describe("what the pages name", () => {
  it(
    "as a test in a table is a test",
    { skip: missing("docs") },
    () => {
      for (const page of ["docs/differences.md", "docs/reliability.md"]) {
        const rows = read(page).split("\n").filter((line) => line.startsWith("|"));
        let column = -1;
        let named = 0;
        for (const row of rows) {
          const cells = row.split(/(?<!\\)\|/).map((cell) => cell.trim());
          if (cells.includes("test")) column = cells.indexOf("test");
          for (const [, name = ""] of cells[column]?.matchAll(/`([^`]+)`/g) ?? []) {
            assert.ok(existsSync(join(root, "tests", `${name}.test.ts`)), `${page}: ${name}`);
            named++;
          }
        }
        assert.ok(named > 5, `${page} names ${named} tests`);
      }
    },
  );

  it(
    "as a difference has a test that shows it",
    { skip: missing("docs/differences.md") },
    () => {
      const titles = new Set<string>();
      for (const line of read("docs/differences.md").split("\n")) {
        const cells = line.split("|").slice(1, -1).map((cell) => cell.trim());
        const [row = ""] = cells;
        if (cells.length === 0 || row === "what" || /^-+$/.test(row)) continue;
        const tests = cells.at(-1) ?? "";
        assert.match(tests, /^(all|`[^`]+`(, `[^`]+`)*)$/, `no test shows: ${row}`);
        if (tests.includes("`differences`")) titles.add(row);
      }
      // There a test has the name of its row.
      const there = [...read("tests/differences.test.ts").matchAll(/\btest\(\s*"([^"]+)"/g)];
      assert.deepEqual(there.map(([, title = ""]) => title).sort(), [...titles].sort());
    },
  );

  it(
    "as tried is what the test itself calls it",
    { skip: missing("docs/reliability.md") },
    () => {
      const [, table = ""] = read("docs/reliability.md").split("<!-- tried: ");
      const rows = [...table.matchAll(/^\| ([^|]+?) +\|.*\| `(.*?)` +\|$/gm)];
      assert.ok(rows.length > 10, `${rows.length} rows`);
      for (const [, what = "", name = ""] of rows) {
        // Without the words that the test puts around the name of one of its rounds.
        const [words = ""] = what.replace("bytes while there is a ", "").split(": ");
        assert.ok(read(`tests/${name}.test.ts`).includes(words), `${name} does not say: ${words}`);
      }
    },
  );
});

/** A row of the table of permissions is a call and the flags that it needs. */
const permissionRows = isCompiled
  ? []
  : [...read("SECURITY.md").matchAll(/^\| `(socket\..*?)` +\| (.*?) *\|$/gm)]
    .map(([, call = "", flags = ""]) => ({
      call,
      flags: [...flags.matchAll(/`([^`]+)`/g)].map(([, flag = ""]) => flag),
    }));

/** The same flags in all ways without one of them, or without one of what a flag lists. */
function oneLess(flags: readonly string[]): string[][] {
  return flags.flatMap((flag) => {
    const others = flags.filter((other) => other !== flag);
    const [name, list = ""] = flag.split("=");
    const parts = list.split(",");
    if (parts.length < 2) return [others];
    return parts.map((part) => {
      const rest = parts.filter((other) => other !== part);
      return [...others, `${name}=${rest.join(",")}`];
    });
  });
}

const notDeno = runtimeName !== "deno" &&
  `${runtimeName} has no permissions that tests could take away`;

describe("SECURITY.md", () => {
  it(
    "lists exactly the permissions that a call needs on Deno",
    { skip: notDeno },
    bounded(async (scope) => {
      assert.ok(permissionRows.length > 15);
      const folder = mkdtempSync(join(tmpdir(), "bsdsock-docs-"));
      scope.add({ close: () => rmSync(folder, { recursive: true, force: true }) });
      const library = new URL("../mod.ts", import.meta.url).href;
      await Promise.all(permissionRows.map(async ({ call, flags }, i) => {
        const file = join(folder, `${i}.mts`);
        writeFileSync(
          file,
          `import * as socket from "${library}";
const code = await (async () => ${call})().then(() => "done", (error) => error.code ?? String(error));
console.log(code);
Deno.exit();
`,
        );
        /** How the call ends: with a code, or "done". */
        const outcome = async (permissions: string[]) => {
          const command = launch(new URL(`file://${file}`), [], { permissions });
          const { stdout, stderr } = await scope.add(start(command)).exit();
          assert.equal(stderr, "", call);
          return stdout.trim();
        };
        // Nobody listens there, or another row does, or has just gone: all of it was permitted.
        const how = await outcome(flags);
        assert.match(how, /^(done|ECONN[A-Z]+|EADDRINUSE|ENOENT)$/, `${call}: ${how}`);
        for (const less of oneLess(flags)) {
          assert.equal(await outcome(less), "EACCES", `${call} with ${less}`);
        }
        tally({
          what: "calls on Deno with exactly their permissions, and with one less",
          tried: 1 + oneLess(flags).length,
          unit: "runs",
          lost: 0,
        });
      }));
    }, 60_000),
  );

  it("names every function", { skip: missing("SECURITY.md") }, () => {
    const page = read("SECURITY.md");
    for (const [name, value] of Object.entries(library)) {
      if (typeof value !== "function" || /^class\b/.test(String(value))) continue;
      assert.match(page, new RegExp(`(socket\\.|\`)${name}[(\`]`), name);
    }
  });

  it("is right that no code is made at run time and no other module loaded", () => {
    const sources = ["core", "adapters"].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
        .filter((name) => /\.[jt]s$/.test(name))
        .map((name) => `${folder}/${name}`)
    );
    assert.ok(sources.length > 50);
    for (const source of sources) {
      const code = readFileSync(join(root, source), "utf8").replaceAll(/^ *(\/\/|\/?\*).*$/gm, "");
      assert.doesNotMatch(
        code,
        /\beval\(|\bnew Function\b|\bFunction\(|\bimport\(|\brequire\(/,
        source,
      );
      for (const [, from = ""] of code.matchAll(/\bfrom "([^"]+)"/g)) {
        assert.match(from, /^\.\.?\//, source);
      }
    }
  });

  it(
    "is right that importing changes no global",
    bounded(async (scope) => {
      const folder = mkdtempSync(join(tmpdir(), "bsdsock-docs-"));
      scope.add({ close: () => rmSync(folder, { recursive: true, force: true }) });
      const file = join(folder, "globals.mjs");
      const library = new URL(isCompiled ? "../mod.js" : "../mod.ts", import.meta.url).href;
      // Names of globals, of what hangs on the prototypes, and of listeners on the process.
      writeFileSync(
        file,
        `const seen = () => JSON.stringify([
  Object.getOwnPropertyNames(globalThis).sort(),
  ["Object", "Array", "Uint8Array", "Promise", "Error", "AbortSignal"]
    .map((name) => Reflect.ownKeys(globalThis[name].prototype).map(String)),
  process.eventNames().map(String),
]);
const before = seen();
await import("${library}");
console.log(seen() === before);
`,
      );
      const { stdout, stderr } = await scope.add(start(launch(new URL(`file://${file}`)))).exit();
      assert.deepEqual([stdout, stderr], ["true\n", ""]);
    }),
  );
});

describe("the index of mod.ts", () => {
  it("has every public name, constants by their prefix", { skip: missing("mod.ts") }, () => {
    const [index = ""] = read("mod.ts").split("@example");
    for (const name of Object.keys(library)) {
      const [prefix = ""] = /^[A-Z0-9]+_/.exec(name) ?? [];
      const entry = prefix === "" || name.startsWith("CMSG_") ? name : `${prefix}*`;
      assert.match(index, new RegExp(`[\\s\`]${entry.replace("*", "\\*")}[}\`]`), name);
    }
  });
});

describe("the oldest versions", () => {
  it(
    "are those that the workflow tries",
    { skip: missing("docs/compatibility.md") },
    () => {
      const workflow = read(".github/workflows/ci.yml");
      for (const name of ["Deno", "Bun"]) {
        const pattern = new RegExp(`^\\| ${name} +\\| (\\d+\\.\\d+\\.\\d+) `, "m");
        const [, oldest] = pattern.exec(read("docs/compatibility.md")) ?? [];
        assert.ok(oldest !== undefined, name);
        assert.ok(
          workflow.includes(`${name.toLowerCase()}@${oldest} `) ||
            workflow.includes(`${name.toLowerCase()}@${oldest}\n`),
          `${name} ${oldest}`,
        );
      }
    },
  );
});

describe("the version", () => {
  it("is the same in the manifests and the changelog", { skip: missing("deno.json") }, () => {
    const { version } = JSON.parse(read("package.json"));
    assert.equal(JSON.parse(read("deno.json")).version, version);
    assert.equal(JSON.parse(read("package-lock.json")).version, version);
    assert.equal(/^## \[(\d[^\]]*)\]/m.exec(read("CHANGELOG.md"))?.[1], version);
  });
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});

/** A page without its code, in which brackets and parentheses mean something else. */
function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^```.*?^```$/gms, "").replaceAll(/`[^`\n]+`/g, "`code`");
}

/** The headings of a page as GitHub names them in links. */
function anchors(markdown: string): string[] {
  return [...markdown.replaceAll(/^```.*?^```$/gms, "").matchAll(/^#+ (.*)$/gm)].map((
    [, text = ""],
  ) => text.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-"));
}
