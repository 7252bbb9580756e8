/**
 * The main job, shown: examples/echo.ts as the server on one runtime and as the client on another,
 * all nine pairs of Node, Deno and Bun, over IPv4 and IPv6. Exit code 0 only if all 18 worked.
 */

import process from "node:process";
import { root } from "./setup.mjs";
import { takesNothing } from "./arguments.mjs";
import { run, start } from "./child.mjs";
import { executable, runtimes, versionOf } from "./runtimes.mjs";
import { table } from "./table.mjs";

takesNothing("npm start");

const keys = /** @type {const} */ (["node", "deno", "bun"]);
const families = /** @type {const} */ ([["IPv4", "127.0.0.1"], ["IPv6", "::1"]]);
const echo = "examples/echo.ts";
const limit = 20_000;

/** The table's rows: who talked to whom, and how it went. @type {(string | number)[][]} */
const rows = [[
  "family",
  "server",
  "client",
  "message",
  "bytes",
  "client address",
  "server address",
  "round trip",
  "result",
]];
/** What the failed programs printed. @type {string[]} */
const complaints = [];
let worked = 0;

/**
 * One server and three clients, one after another.
 *
 * @param {string} family
 * @param {string} host
 * @param {typeof keys[number]} server
 */
async function converse(family, host, server) {
  const serverArgs = [echo, "server", host, "0", "--connections", String(keys.length), "--json"];
  /** @type {(line: string) => void} */
  let announce = () => {};
  const announced = new Promise((resolve) => announce = resolve);
  const [script = "", ...rest] = serverArgs;
  const child = start(executable(server), [...runtimes[server].program(script), ...rest], {
    cwd: root,
    limit: limit * 2,
    onLine: (line) => announce(line),
  });
  const line = await Promise.race([
    announced,
    child.done.then(() => undefined),
    new Promise((resolve) => setTimeout(resolve, limit).unref()),
  ]);
  /** @type {{ port?: number }} */
  let listening = {};
  try {
    listening = JSON.parse(String(line));
  } catch {
    // No line, or not one that says where it listens: the server failed, and its output says why.
  }
  if (listening.port === undefined) {
    child.kill();
    const { output } = await child.done;
    complaints.push(`${runtimes[server].name} as server on ${host}:\n${output.trim()}`);
    const reason = output.includes("EADDRNOTAVAIL") ? `no ${family} here` : "server failed";
    for (const client of keys) {
      rows.push([family, runtimes[server].name, runtimes[client].name, "", 0, "", "", "", reason]);
    }
    return;
  }

  for (const client of keys) {
    const [from, to] = [runtimes[client].name, runtimes[server].name];
    const message = `${from} to ${to} over ${family} ☺`;
    const args = [...runtimes[client].program(echo), "client", host, String(listening.port)];
    const done = await run(executable(client), [...args, message, "--json"], { cwd: root, limit });
    try {
      if (done.code !== 0) throw new Error(`exit code ${done.code}`);
      const said = JSON.parse(done.stdout);
      if (said.echoed !== message) throw new Error(`echoed ${JSON.stringify(said.echoed)}`);
      const [bytes, time] = [Number(said.bytes), `${Number(said.milliseconds).toFixed(2)} ms`];
      rows.push([family, to, from, message, bytes, said.local, said.peer, time, "ok"]);
      worked++;
    } catch (error) {
      const why = done.timedOut ? `no end after ${limit} ms` : String(error);
      complaints.push(`${from} as client of ${to} on ${host}: ${why}\n${done.output.trim()}`);
      rows.push([family, to, from, message, 0, "", "", "", "FAILED"]);
    }
  }
  // The server counted its clients and ends by itself; one that does not has failed.
  const late = setTimeout(() => child.kill(), 5_000);
  const { code, output } = await child.done;
  clearTimeout(late);
  if (code !== 0) {
    complaints.push(
      `${runtimes[server].name} as server on ${host}, code ${code}:\n${output.trim()}`,
    );
  }
}

const versions = await Promise.all(keys.map((key) => versionOf(executable(key))));
console.log(keys.map((key, i) => `${runtimes[key].name} ${versions[i]}`).join(", "));
console.log(`${echo} as server on one runtime, as client on another:\n`);
for (const [family, host] of families) {
  for (const server of keys) await converse(family, host, server);
}
console.log(table(rows));
for (const complaint of complaints) console.error(`\n${complaint}`);
const expected = families.length * keys.length ** 2;
console.log(`\n${worked} of ${expected} conversations worked`);
process.exitCode = worked === expected && complaints.length === 0 ? 0 : 1;
