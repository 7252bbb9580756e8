/**
 * Uses the packed npm package as its users do: imported and required on every line of Node, on Deno and Bun, bundled,
 * and compiled against by several TypeScripts. One line a check; the exit code is 0 only if all hold.
 *
 *     npm run test:package
 */

import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import { machineNode, npmCommand, root } from "./setup.mjs";
import { takesNothing } from "./arguments.mjs";
import { run } from "./child.mjs";
import { pack } from "./pack.mjs";
import { installTools, toolsFolder } from "./package_tools.mjs";
import { commandOf, executable, runtimes, versionOf } from "./runtimes.mjs";

takesNothing("npm run test:package");

/** What the sizes must not grow past, in bytes. Bundles are minified and gzipped. */
const most = { unpacked: 407_500, everything: 64_500, tcp: 46_500, services: 6_350 };

/** What a user might write first. */
const program = `
const server = await socket.create_server(["127.0.0.1", 0]);
const client = await socket.create_connection(server.getsockname());
const [conn] = await server.accept();
await conn.sendall("hello");
const data = await client.recv(9);
await Promise.all([conn.close(), client.close(), server.close()]);
console.log(new TextDecoder().decode(data), socket.getservbyname("smtp"));
`;
const expected = "hello 25\n";

const scratch = mkdtempSync(join(tmpdir(), "bsdsock-package-"));
process.on("exit", () => rmSync(scratch, { recursive: true, force: true }));
const project = join(scratch, "project");
const nodes = {
  "Node (the machine's own)": machineNode,
  "Node 22": executable("node22"),
  "Node 24": executable("node24"),
  "Node 26": executable("node"),
};
/** How each condition's runtime starts a program. @type {Record<string, [string, ...string[]]>} */
const commands = {
  node: [executable("node")],
  deno: [executable("deno"), "run", "--quiet", "--allow-net", "--node-modules-dir=manual"],
  bun: [executable("bun")],
};
let failures = 0;

/**
 * @param {string} name
 * @param {() => unknown} body Throws, or gives words to add to the line.
 */
async function check(name, body) {
  try {
    const note = await body();
    console.log(`ok     ${name}${typeof note === "string" ? `: ${note}` : ""}`);
  } catch (error) {
    failures++;
    const text = error instanceof Error ? error.message : String(error);
    console.log(`FAILED ${name}\n${text.trimEnd().replaceAll(/^/gm, "    | ")}`);
  }
}

/**
 * Runs a command in the project, and fails when it fails or prints something else.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {string} output
 */
async function printed(file, args, output) {
  const done = await run(file, args, { cwd: project, limit: 120_000 });
  if (done.code !== 0) throw new Error(done.output || `exit code ${done.code}`);
  if (done.output !== output) {
    throw new Error(`printed ${JSON.stringify(done.output)} instead of ${JSON.stringify(output)}`);
  }
}

/** @param {string} folder @returns {string[]} */
function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** @param {string} name @param {string} text */
const write = (name, text) => writeFileSync(join(project, name), text);

mkdirSync(project);
write("package.json", '{ "private": true, "type": "module" }\n');
write("main.mjs", `import * as socket from "bsdsock";\n${program}`);
write("main.cjs", `const socket = require("bsdsock");\n(async () => {${program}})();\n`);
const npm = npmCommand(["install", "--offline", "--no-audit", "--no-fund", await pack(scratch)]);
await check("npm install in a fresh project", async () => {
  const done = await run(npm.file, npm.args, { cwd: project, shell: npm.shell, limit: 120_000 });
  if (done.code !== 0) throw new Error(done.output);
});
const installed = join(project, "node_modules", "bsdsock");

await check("the package's files", () => {
  const files = filesBelow(installed);
  for (const name of ["README.md", "LICENSE", "CHANGELOG.md", "dist/mod.js", "dist/mod.d.ts"]) {
    if (!files.includes(join(installed, name))) throw new Error(`${name} is missing`);
  }
  for (const file of files) {
    const text = readFileSync(file, "utf8");
    for (const path of [root, homedir(), tmpdir()]) {
      // A system's temporary folder stands in examples; a path below it would be this machine's.
      const inner = path === tmpdir() ? `${path}/bsdsock-` : path;
      if (path !== "/" && text.includes(inner)) throw new Error(`${file} names ${path}`);
    }
  }
  for (const file of files.filter((file) => file.endsWith(".js"))) {
    if (!files.includes(`${file}.map`)) throw new Error(`${file} has no map`);
  }
  const size = files.reduce((sum, file) => sum + statSync(file).size, 0);
  if (size > most.unpacked) throw new Error(`${size} bytes, more than ${most.unpacked}`);
  return `${files.length} files, ${Math.round(size / 1000)} kB`;
});

for (const [name, node] of Object.entries(nodes)) {
  const version = await versionOf(node);
  await check(`import on ${name}, ${version}`, () => printed(node, ["main.mjs"], expected));
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const requires = major > 22 || (major === 22 && minor >= 13) || (major === 20 && minor >= 19);
  if (requires) {
    await check(`require on ${name}, ${version}`, () => printed(node, ["main.cjs"], expected));
  }
}
for (const key of /** @type {const} */ (["deno", "bun"])) {
  const [file, ...args] = commands[key] ?? [""];
  await check(
    `import on ${runtimes[key].name} ${await versionOf(file)}`,
    () => printed(file, [...args, "main.mjs"], expected),
  );
}

for (const [key, [file, ...args]] of Object.entries(commands)) {
  await check(`${key} loads its own adapter only`, async () => {
    const others = ["any", ...Object.keys(commands)].filter((other) => other !== key)
      .map((other) => join(installed, "dist", `${other}.js`));
    for (const other of others) renameSync(other, `${other}.away`);
    try {
      await printed(file, [...args, "main.mjs"], expected);
    } finally {
      for (const other of others) renameSync(`${other}.away`, other);
    }
  });
}

await check("stack traces name functions, and lines of the sources", async () => {
  write("trace.mjs", 'import { htons } from "bsdsock";\nhtons("8080");\n');
  const { output } = await run(machineNode, ["trace.mjs"], { cwd: project });
  if (!output.includes("at htons (")) throw new Error(output);
  const mapped = await run(machineNode, ["--enable-source-maps", "trace.mjs"], { cwd: project });
  const [, file = "", line = ""] = /at integer .*(core\/\w+\.ts):(\d+)/.exec(mapped.output) ?? [];
  const source = readFileSync(join(root, file || "mod.ts"), "utf8").split("\n")[Number(line) - 1];
  if (!source?.includes("throw new TypeError")) throw new Error(mapped.output);
});

await installTools();
symlinkSync(join(toolsFolder, "node_modules"), join(scratch, "node_modules"));
const { build } = await import(tool("esbuild/lib/main.js"));
const { rollup } = await import(tool("rollup/dist/es/rollup.js"));
const { nodeResolve } = await import(tool("@rollup/plugin-node-resolve/dist/es/index.js"));
const { build: viteBuild } = await import(tool("vite/dist/node/index.js"));

/** @param {string} path */
function tool(path) {
  return new URL(`file://${join(toolsFolder, "node_modules", path)}`).href;
}

/** @param {string[]} warnings @param {string} bundle */
async function checkBundle(warnings, bundle) {
  if (warnings.length > 0) throw new Error(warnings.join("\n"));
  await printed(machineNode, [bundle], expected);
}

await check("bundled by esbuild", async () => {
  const entryPoints = [join(project, "main.mjs")];
  const options = { bundle: true, format: "esm", platform: "node", logLevel: "silent" };
  const { warnings } = await build({ ...options, entryPoints, outfile: join(project, "es.mjs") });
  await checkBundle(warnings.map((/** @type {{ text: string }} */ { text }) => text), "es.mjs");
});

await check("a bundle for Node says so on another runtime", async () => {
  const [file, ...args] = commands["bun"] ?? [""];
  const { code, output } = await run(file, [...args, "es.mjs"], { cwd: project });
  if (code === 0 || !output.includes("this bundle has bsdsock for Node only and runs on Bun")) {
    throw new Error(output);
  }
});

await check("bundled by esbuild for every runtime", async () => {
  const entryPoints = [join(project, "main.mjs")];
  const options = { bundle: true, format: "esm", platform: "neutral", minify: true };
  await build({ ...options, entryPoints, outfile: join(project, "every.mjs") });
  for (const [file, ...args] of Object.values(commands)) {
    await printed(file, [...args, "every.mjs"], expected);
  }
});

await check("bundled by rollup", async () => {
  /** @type {string[]} */
  const warnings = [];
  const bundle = await rollup({
    input: join(project, "main.mjs"),
    plugins: [nodeResolve({ exportConditions: ["node"] })],
    onwarn: (/** @type {{ message: string }} */ { message }) => warnings.push(message),
  });
  await bundle.write({ file: join(project, "rollup.mjs"), format: "es" });
  await bundle.close();
  await checkBundle(warnings, "rollup.mjs");
});

await check("bundled by vite", async () => {
  /** @type {string[]} */
  const warnings = [];
  const say = (/** @type {string} */ message) => warnings.push(message);
  await viteBuild({
    root: project,
    configFile: false,
    logLevel: "warn",
    customLogger: {
      hasWarned: false,
      info() {},
      warn: say,
      warnOnce: say,
      error: say,
      clearScreen() {},
      hasErrorLogged: () => false,
    },
    ssr: { noExternal: true, target: "node" },
    build: { ssr: join(project, "main.mjs"), outDir: join(project, "vite"), emptyOutDir: true },
  });
  const [name] = readdirSync(join(project, "vite"));
  await checkBundle(warnings, join("vite", name ?? ""));
});

for (
  const [name, contents, limit] of /** @type {const} */ ([
    ["everything", 'export * from "bsdsock";', most.everything],
    ["what speaks TCP", 'export { socket } from "bsdsock";', most.tcp],
    ["the tables of services", 'export { getservbyname } from "bsdsock";', most.services],
  ])
) {
  await check(`size of a bundle for Node of ${name}`, async () => {
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: project },
      bundle: true,
      minify: true,
      format: "esm",
      platform: "node",
      write: false,
    });
    const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
    if (size > limit) throw new Error(`${size} bytes, more than ${limit}`);
    return `${(size / 1000).toFixed(1)} kB`;
  });
}

write(
  "typed.ts",
  `import * as socket from "bsdsock";
const s: socket.Socket<string> = socket.socket(socket.AF_UNIX);
const name: string = s.getsockname();
const data: Promise<Blob> = s.recv(1).then((bytes) => new Blob([bytes]));
const line: Promise<string> = s.makefile("r").readline();
export { data, line, name };
`,
);
const compilers = {
  "TypeScript 5.6": join(toolsFolder, "node_modules", "typescript56", "bin", "tsc"),
  "TypeScript 5.9": join(toolsFolder, "node_modules", "typescript59", "bin", "tsc"),
  "TypeScript 6.0": join(toolsFolder, "node_modules", "typescript60", "bin", "tsc"),
  "TypeScript 7.0": commandOf("typescript", "tsc"),
};
/** Libraries that have what the types name, and the packages with others. */
const libraries = {
  "DOM": { lib: ["ES2022", "DOM"], types: [] },
  "@types/node": { lib: ["ES2022"], types: ["node"] },
};
for (const [name, tsc] of Object.entries(compilers)) {
  for (
    const [module, resolution] of [
      ["NodeNext", "NodeNext"],
      ["ESNext", "Bundler"],
      // Deprecated by TypeScript 6, removed by 7.
      ...name.includes(" 5.") ? [["ESNext", "Node10"]] : [],
    ]
  ) {
    for (const [library, { lib, types }] of Object.entries(libraries)) {
      const compilerOptions = {
        module,
        moduleResolution: resolution,
        noEmit: true,
        strict: true,
        skipLibCheck: false,
        target: "ES2022",
        lib,
        types,
      };
      write("tsconfig.json", JSON.stringify({ compilerOptions, files: ["typed.ts"] }));
      await check(
        `${name}, ${resolution}, ${library}`,
        () => printed(process.execPath, [tsc, "-p", "."], ""),
      );
    }
  }
}

// How long an import takes depends on the machine, down to its page faults; what Node loads for it does not.
write(
  "import.mjs",
  `const before = new Set(process.moduleLoadList);
await import("bsdsock");
const loaded = process.moduleLoadList.filter((name) => !before.has(name) && !name.includes("internal/"));
console.log(loaded.join());
`,
);
for (const [name, node] of Object.entries(nodes)) {
  await check(
    `import loads nothing but a clock, ${name}`,
    () => printed(node, ["import.mjs"], "NativeModule perf_hooks\n"),
  );
}

console.log(failures === 0 ? "all checks of the package passed" : `${failures} checks failed`);
process.exitCode = failures === 0 ? 0 : 1;
