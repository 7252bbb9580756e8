/** Answers of Python's `socket` module, which the library is compared with. */

import { spawnSync } from "node:child_process";
import process from "node:process";
import { pythonFile } from "./process.ts";

/**
 * Why Python's answers cannot be had here, or false. Its constants and conversions are those of the
 * C library, so that only Linux with glibc can be compared.
 */
export const noPython: string | false = probe();

function probe(): string | false {
  if (process.platform !== "linux") return `compared with Linux, not with ${process.platform}`;
  try {
    const libc = python<string>("import platform\nanswer = platform.libc_ver()[0]", null);
    return libc === "glibc" ? false : `python3 uses another C library than glibc`;
  } catch (error) {
    return `python3 does not run: ${error instanceof Error ? error.message : error}`;
  }
}

/** Runs a script that finds `question` and leaves its result in `answer`. */
export function python<Answer>(script: string, question: unknown): Answer {
  const program = `import json, sys\nquestion = json.load(sys.stdin)\n${script}\n` +
    `json.dump(answer, sys.stdout)\n`;
  const { error, status, stdout, stderr } = spawnSync(pythonFile, ["-c", program], {
    // Pure ASCII: no locale can get in the way, and a lone surrogate survives.
    input: JSON.stringify(question).replace(
      /[^\0-~]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
    encoding: "utf8",
    maxBuffer: 2 ** 26,
  });
  if (error !== undefined && error !== null) throw error;
  if (status !== 0) throw new Error(`python3 ended with ${status}: ${stderr}`);
  return JSON.parse(stdout);
}
