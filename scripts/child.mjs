/** Child processes with a time limit, of which nothing is left behind. */

import { spawn } from "node:child_process";
import process from "node:process";

/** The children that run now, each the leader of its own process group where there are groups. */
const running = new Set();

/**
 * Ends a child and, where there are process groups, whatever it started itself.
 *
 * @param {import("node:child_process").ChildProcess} child
 */
function end(child) {
  if (child.pid === undefined) return;
  try {
    if (process.platform === "win32") child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is gone already, which is what is wanted.
  }
}

for (const [signal, code] of /** @type {const} */ ([["SIGINT", 130], ["SIGTERM", 143]])) {
  process.on(signal, () => {
    for (const child of running) end(child);
    process.exit(code);
  });
}

/**
 * @typedef {object} Options
 * @property {string} [cwd]
 * @property {Record<string, string>} [env] Added to this process's environment.
 * @property {number} [limit] Milliseconds until the child is ended; 60 seconds unless given.
 * @property {boolean} [shell]
 * @property {(line: string) => void} [onLine] Called with each line of standard output as it comes.
 */

/**
 * @typedef {object} Outcome
 * @property {number} code The exit code; 1 where a signal ended it or it could not be started.
 * @property {string} stdout
 * @property {string} output Standard output and standard error, interleaved as they came.
 * @property {boolean} timedOut
 */

/**
 * @typedef {object} Child
 * @property {Promise<Outcome>} done Never rejects.
 * @property {() => void} kill
 */

/**
 * Starts a program.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {Options} [options]
 * @returns {Child}
 */
export function start(file, args, options = {}) {
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: {
      ...process.env,
      NO_COLOR: "1",
      FORCE_COLOR: undefined,
      // Node's runner does nothing in a process that a test has started.
      NODE_TEST_CONTEXT: undefined,
      ...options.env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    shell: options.shell ?? false,
    detached: process.platform !== "win32",
  });
  running.add(child);
  let stdout = "";
  let output = "";
  let line = "";
  let timedOut = false;
  child.stdout.setEncoding("utf8").on("data", (/** @type {string} */ text) => {
    stdout += text;
    output += text;
    if (options.onLine === undefined) return;
    const lines = (line + text).split(/\r?\n/);
    line = lines.pop() ?? "";
    for (const whole of lines) options.onLine(whole);
  });
  child.stderr.setEncoding("utf8").on("data", (/** @type {string} */ text) => output += text);
  const timer = setTimeout(() => {
    timedOut = true;
    end(child);
  }, options.limit ?? 60_000);
  /** @type {Promise<Outcome>} */
  const done = new Promise((resolve) => {
    /** @param {number} code */
    const finish = (code) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code, stdout, output, timedOut });
    };
    child.on("error", (error) => {
      output += `${error.message}\n`;
      finish(1);
    });
    // What the child started and forgot must neither outlive it nor hold its pipes open.
    child.on("exit", () => end(child));
    child.on("close", (code) => finish(code ?? 1));
  });
  return { done, kill: () => end(child) };
}

/**
 * Runs a program to its end.
 *
 * @param {string} file
 * @param {readonly string[]} args
 * @param {Options} [options]
 * @returns {Promise<Outcome>}
 */
export function run(file, args, options) {
  return start(file, args, options).done;
}
