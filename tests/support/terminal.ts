/** A program under a terminal of some size, and what its screen shows then. */

import type { Program } from "./process.ts";
import { pythonProgram } from "./peers.ts";
import type { Scope } from "./scope.ts";
import { until } from "./scope.ts";

/**
 * Runs a program in a pseudo terminal. The kernel's side of the terminal is the real one: it echoes
 * what is typed, edits the line, and makes a signal of Ctrl-C. The screen is drawn here: characters,
 * CR, LF, backspace, the escape sequences for "clear the rest of the line", and nothing else, so
 * that a program which sends more of them fails the test. A full line wraps, as terminals do it.
 *
 * Each line on standard input is what is typed next, as JSON; each line of output is the screen.
 */
const source = `
import codecs, fcntl, json, os, pty, select, struct, sys, termios

columns, command = int(sys.argv[1]), sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    # The size is there before the program begins.
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.environ["TERM"] = "xterm"
    os.execvp(command[0], command)

lines, row, column, escape = [""], 0, 0, ""
def put(char):
    global row, column, escape
    if escape:
        escape += char
        if escape in ("\\x1b[K", "\\x1b[0K"):
            lines[row] = lines[row][:column]
        elif len(escape) < 4 and "\\x1b[0K".startswith(escape):
            return
        else:
            lines.append("unknown escape sequence: %r" % escape)
        escape = ""
    elif char == "\\x1b":
        escape = char
    elif char == "\\r":
        column = 0
    elif char == "\\b":
        column = max(0, column - 1)
    else:
        if char == "\\n" or column == columns:
            row, column = row + 1, column if char == "\\n" else 0
            lines.append("") if row == len(lines) else None
        if char != "\\n":
            line = lines[row].ljust(column)
            lines[row] = line[:column] + char + line[column + 1:]
            column += 1

def say(**more):
    print(json.dumps({"lines": lines, "row": row, "column": column, **more}), flush=True)

decoder, typed = codecs.getincrementaldecoder("utf-8")(), b""
while True:
    for ready in select.select([terminal, 0], [], [])[0]:
        if ready == 0:
            data = os.read(0, 4096)
            if not data:
                sys.exit()
            *keys, typed = (typed + data).split(b"\\n")
            for key in keys:
                os.write(terminal, json.loads(key).encode())
            continue
        try:
            data = os.read(terminal, 65536)
        except OSError:
            # The program has closed its terminal.
            status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            say(code=status if status >= 0 else 128 - status)
            sys.exit()
        for char in decoder.decode(data):
            put(char)
            # A bar as it was before it is drawn anew.
            if char == "\\r" and lines[row]:
                say()
    say()
`;

/** What is on the screen. */
export interface Screen {
  readonly lines: readonly string[];
  /** Where the cursor is. */
  readonly row: number;
  readonly column: number;
  /** How the program ended, as a shell tells it. */
  readonly code?: number;
}

/** A terminal with a program in it. */
export class Terminal {
  readonly #program: Program;
  /** All that the screen has shown. */
  readonly screens: Screen[] = [];
  #ended = false;

  /** Starts a program in a terminal that is so many columns wide. */
  constructor(scope: Scope, columns: number, command: readonly string[]) {
    this.#program = pythonProgram(scope, source, [String(columns), ...command]);
    void this.#watch();
  }

  async #watch(): Promise<void> {
    try {
      for await (const line of this.#program.lines()) this.screens.push(JSON.parse(line));
    } catch {
      // What was to come is missed by who waits for it.
    }
    this.#ended = true;
  }

  /** Types on the keyboard. */
  type(keys: string): void {
    this.#program.write(`${JSON.stringify(keys)}\n`);
  }

  /** What is on the screen, without empty lines at its end. */
  get text(): string {
    return (this.screens.at(-1)?.lines ?? []).join("\n").trimEnd();
  }

  /** Waits until the screen shows this. */
  async shows(text: string): Promise<void> {
    const what = (): string => `the screen shows\n${text}\n-- not --\n${this.text}\n--`;
    try {
      await until(() => this.text === text.trimEnd(), "", 10_000);
    } catch {
      throw new Error(`${what()} ${this.#program.stderr}`);
    }
  }

  /** Waits for the program's end. */
  async end(): Promise<Screen> {
    await until(() => this.#ended, `the program's end; ${this.text}`, 10_000);
    const last = this.screens.at(-1);
    if (last?.code === undefined) throw new Error(`no exit code: ${this.#program.stderr}`);
    return last;
  }
}
