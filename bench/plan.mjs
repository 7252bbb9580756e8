/** What is measured: the cases, and who takes part in them. */

/** @typedef {"node" | "deno" | "bun" | "python"} Platform */

/**
 * @typedef {object} Variant One server.
 * @property {Platform} platform
 * @property {string} name
 * @property {string} file Below bench/servers.
 * @property {string[]} args After the task.
 * @property {string[]} flags For the runtime.
 * @property {Record<string, number>} load What differs for it in the load.
 */

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} title
 * @property {"load" | "memory" | "import"} how
 * @property {string} task The servers' first argument.
 * @property {string} kind Of load; see load/load.c.
 * @property {Record<string, number>} load
 * @property {number} warm Exchanges before the first round: enough for the JITs.
 * @property {string} unit What the cost is in.
 * @property {number} scale Nanoseconds, bytes or milliseconds in one unit.
 * @property {Variant[]} variants
 */

/** @typedef {Partial<Pick<Variant, "args" | "flags" | "load">>} More */

/** @param {Platform} platform @param {string} name @param {string} file @param {More} [more] */
const variant = (platform, name, file, more = {}) => /** @type {Variant} */ ({
  platform,
  name,
  file,
  args: [],
  flags: [],
  load: {},
  ...more,
});

const raw = {
  node: variant("node", "raw", "node_net.mjs"),
  deno: variant("deno", "raw", "deno.ts"),
  bun: variant("bun", "raw", "bun.ts"),
};
const nodeNet = {
  deno: variant("deno", "node:net", "node_net.mjs"),
  bun: variant("bun", "node:net", "node_net.mjs"),
};
const threads = variant("python", "threads", "threads.py");
/** The runtimes of the library. */
export const platforms = /** @type {const} */ (["node", "deno", "bun"]);

/** @param {"node" | "deno" | "bun"} platform @param {string} name @param {More} [more] */
const ours = (platform, name, more) => variant(platform, name, "bsdsock.mjs", more);
const into = { args: ["--into"] };

/** recv, recv_into, the runtime's own, node:net: for each runtime. */
const streams = platforms.flatMap((platform) => [
  ours(platform, "recv"),
  ours(platform, "recv_into", into),
  raw[platform],
  ...(platform === "node" ? [] : [nodeNet[platform]]),
]);
/** The same without recv_into, where nothing much is received. */
const sending = streams.filter(({ name }) => name !== "recv_into");

/** The same where Deno may make system calls. */
const echoing = [
  ...streams,
  ours("deno", "recv, FFI", { flags: ["--allow-ffi"] }),
  ours("deno", "recv_into, FFI", { flags: ["--allow-ffi"], ...into }),
];

const ffi = ["--unstable-net", "--allow-ffi"];
const datagrams = [
  ours("node", "recvfrom"),
  ours("node", "recvfrom_into", into),
  variant("node", "raw", "node_dgram.mjs"),
  ours("deno", "recvfrom"),
  ours("deno", "recvfrom, FFI", { flags: ffi }),
  ours("deno", "recvfrom_into, FFI", { flags: ffi, ...into }),
  variant("deno", "raw", "deno.ts", { flags: ["--unstable-net"] }),
  variant("deno", "node:dgram", "node_dgram.mjs"),
  ours("bun", "recvfrom"),
  ours("bun", "recvfrom_into", into),
  variant("bun", "raw", "bun.ts"),
  variant("bun", "node:dgram", "node_dgram.mjs"),
];

const collecting = {
  node: ["--expose-gc"],
  deno: ["--v8-flags=--expose-gc"],
  bun: [],
};
/** V8's space for young objects no longer grows, so that only what the connections keep is counted. */
const keeping = {
  node: ["--expose-gc", "--max-semi-space-size=1"],
  deno: ["--v8-flags=--expose-gc,--max-semi-space-size=1"],
};

const MiB = 1 << 20;
const microsecond = 1000;

/** @param {number} size */
const echo = (size) => ({
  name: size < 1024 ? `echo-${size}` : `echo-${size / 1024}k`,
  title: `echo, ${size < 1024 ? `${size} B` : `${size / 1024} KiB`}, 64 connections`,
  how: "load",
  task: "echo",
  kind: "stream",
  load: { connections: 64, request: size, response: size },
  warm: size > 4096 ? 10_000 : 20_000,
  unit: "µs a message",
  scale: microsecond,
  variants: size === 64 ? [...echoing, threads] : echoing,
});

/** @type {Case[]} */
export const cases = /** @type {Case[]} */ ([
  echo(64),
  echo(1024),
  echo(16384),
  {
    name: "sink",
    title: "bulk receive, 4 connections",
    how: "load",
    task: "sink",
    kind: "stream",
    load: { connections: 4, request: MiB, response: 1, echo: 0 },
    warm: 500,
    unit: "µs a MiB",
    scale: microsecond,
    variants: streams,
  },
  {
    name: "source",
    title: "bulk send, 4 connections",
    how: "load",
    task: "source",
    kind: "stream",
    load: { connections: 4, request: 1, response: MiB, echo: 0 },
    warm: 500,
    unit: "µs a MiB",
    scale: microsecond,
    variants: sending,
  },
  {
    name: "connect",
    title: "connect, 64 B there and back, close",
    how: "load",
    task: "connect",
    kind: "connect",
    load: { connections: 16 },
    warm: 3_000,
    unit: "µs a connection",
    scale: microsecond,
    variants: sending,
  },
  {
    name: "udp",
    title: "UDP echo, 64 B, 64 peers",
    how: "load",
    task: "udp",
    kind: "datagram",
    load: { connections: 64 },
    warm: 20_000,
    unit: "µs a message",
    scale: microsecond,
    variants: datagrams,
  },
  {
    name: "lines",
    title: "makefile, 80-byte lines, 16 connections",
    how: "load",
    task: "lines",
    kind: "stream",
    load: { connections: 16, request: 8000, response: 1, echo: 0, line: 80 },
    warm: 500,
    unit: "µs a 100 lines",
    scale: microsecond,
    variants: platforms.flatMap((platform) => [
      ours(platform, "makefile"),
      variant(platform, "node:readline", "node_net.mjs"),
    ]),
  },
  {
    name: "timeouts",
    title: "echo, 64 B, 64 connections, a timeout on each",
    how: "load",
    task: "echo",
    kind: "stream",
    load: { connections: 64 },
    warm: 20_000,
    unit: "µs a message",
    scale: microsecond,
    variants: platforms.flatMap((platform) => [
      ours(platform, "recv"),
      ours(platform, "settimeout(30)", { args: ["--timeout=30"] }),
    ]),
  },
  {
    name: "many",
    title: "echo, 64 B, 5,000 connections against 50",
    how: "load",
    task: "echo",
    kind: "stream",
    load: { connections: 50 },
    warm: 20_000,
    unit: "µs a message",
    scale: microsecond,
    variants: platforms.flatMap((platform) => [
      ours(platform, "50"),
      ours(platform, "5,000", { load: { connections: 5_000, messages: 20_000 } }),
      variant(platform, "raw, 50", raw[platform].file),
      variant(platform, "raw, 5,000", raw[platform].file, {
        load: { connections: 5_000, messages: 20_000 },
      }),
    ]),
  },
  {
    name: "idle",
    title: "memory of an idle connection with a receive waiting",
    how: "memory",
    task: "idle",
    kind: "idle",
    load: { connections: 2_000 },
    warm: 0,
    unit: "KiB a connection",
    scale: 1024,
    variants: [
      ...platforms.flatMap((platform) =>
        [ours(platform, "recv"), raw[platform]]
          .map((one) => ({ ...one, flags: collecting[platform] }))
      ),
      ...(/** @type {const} */ (["node", "deno"])).flatMap((platform) =>
        [ours(platform, "recv"), raw[platform]]
          .map((one) => ({ ...one, name: `${one.name}, kept`, flags: keeping[platform] }))
      ),
    ],
  },
  {
    name: "import",
    title: "import of the module, less that of an empty one",
    how: "import",
    task: "",
    kind: "",
    load: {},
    warm: 0,
    unit: "ms",
    scale: 1,
    variants: platforms.map((platform) => ours(platform, "import")),
  },
]);
