// Each example runs as its header says, word for word, and on Deno needs each of its flags.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  create_connection,
  create_server,
  type InetAddress,
  SHUT_WR,
  type Socket,
} from "../../mod.ts";
import {
  assertOneLine,
  exampleNames,
  examplePath,
  folder,
  freePort,
  interrupt,
} from "../support/examples.ts";
import { checkNothingLeft, noDescriptors } from "../support/outside.ts";
import { type Exit, type Program, start } from "../support/process.ts";
import { launch, runtimeName } from "../support/runtime.ts";
import { bounded, type Scope, sleep } from "../support/scope.ts";

/** What an example needs around it to show that its line works. */
interface Row {
  /** The ports in the header. Free ones take their places. */
  ports?: readonly number[];
  /** What else is replaced, as a public server by a local one. `P` is the first port. */
  replace?: readonly (readonly [from: string, to: string])[];
  /** What a server at the last of the ports says to everybody. */
  answer?: string;
  /** What a client says to the example, which is a server at the first of the ports. */
  question?: string;
  /** What is typed. */
  input?: string;
  /** What the example must say, by its answer, on standard output, or in a file that it writes. */
  says: RegExp;
  file?: string;
}

/** An example with two lines is a server and its client. */
const rows: Readonly<Record<string, Row>> = {
  echo: { ports: [7000], says: /^Hello/ },
  gopher: {
    ports: [70],
    replace: [["gopher.floodgap.com:70", "localhost:P"], [
      "gopher.floodgap.com /gopher",
      "localhost /gopher --port P",
    ]],
    answer: "0Hello\t/hello\thost\t70\r\n.\r\n",
    says: /^\[0\] Hello {2}\/hello {2}host:70$/m,
  },
  gopher_server: { ports: [7070], question: "/hello.txt\r\n", says: /^Hello\r\n\.\r\n$/ },
  http_get: {
    ports: [8000],
    answer: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello",
    file: "file.bin",
    says: /^Hello$/,
  },
  lookup: { says: /getservbyname +80\/tcp/ },
  multicast_chat: {
    ports: [5007],
    // Not every machine has a network.
    replace: [["multicast_chat.ts", "multicast_chat.ts --port P --interface 127.0.0.1"]],
    input: "Hello\n",
    says: /: Hello$/m,
  },
  nc: { ports: [7000], file: "received.txt", says: /^Hello$/ },
  portscan: { says: /^\d+ open, \d+ closed, 0 silent on 127\.0\.0\.1$/m },
  proxy: { ports: [7003, 7000], question: "x", answer: "Hello", says: /^Hello$/ },
  redis: { ports: [6379], replace: [["SET", "--port P SET"]], answer: "+OK\r\n", says: /^OK\n$/ },
  smtp_send: {
    ports: [25],
    answer: "220\r\n250\r\n250\r\n250\r\n354\r\n250\r\n221\r\n",
    says: /^$/,
  },
  udp_time: { ports: [3737], says: /^20\d\d-.*Z$/m },
  unix_echo: { replace: [], says: /^Hello$/m },
  upper_client: { ports: [7001], answer: "HELLO\n", input: "hello\n", says: /^> HELLO$/m },
  upper_server: { ports: [7001], question: "hello\n", says: /^HELLO$/m },
  welcome_server: { ports: [7002], question: "hello\n", says: /entered 5 characters\.$/m },
};

/** The commands in an example's header for this runtime. */
function commandsOf(name: string): string[] {
  const header = readFileSync(examplePath(name), "utf8").split("*/", 1)[0]!;
  const runtime = runtimeName === "deno" ? "deno run" : runtimeName;
  const path = `examples/${name}.ts`;
  const lines = header.match(/^ \* {5}(node|deno run|bun) .*$/gm) ?? [];
  return lines.map((line) => line.slice(7)).filter((line) => {
    assert.ok(line.includes(` ${path}`), `another program: ${line}`);
    return line.startsWith(`${runtime} `);
  });
}

/** Deno's flags in a command. */
function flagsOf(command: string): string[] {
  return [...command.matchAll(/ (--\S+)/g)].map((match) => match[1]!)
    .filter((flag) => command.indexOf(flag) < command.indexOf(" examples/"));
}

/** Where the commands of one example run: a folder, and ports that are free. */
class Place {
  readonly #scope: Scope;
  readonly #row: Row;
  readonly #ports: readonly number[];
  readonly home: string;

  private constructor(scope: Scope, row: Row, ports: readonly number[]) {
    this.#scope = scope;
    this.#row = row;
    this.#ports = ports;
    this.home = folder(scope);
    mkdirSync(join(this.home, "docs"));
    writeFileSync(join(this.home, "docs", "hello.txt"), "Hello\n");
    writeFileSync(join(this.home, "question.txt"), "Hello");
    writeFileSync(join(this.home, "mail.txt"), "Subject: Hello\n\nHello\n");
  }

  static async make(scope: Scope, row: Row): Promise<Place> {
    const ports: number[] = [];
    for (const _ of row.ports ?? []) ports.push(await freePort());
    const place = new Place(scope, row, ports);
    if (row.answer !== undefined) {
      const server = scope.add(await create_server(["127.0.0.1", ports.at(-1)!]));
      void place.#answer(server, row.answer);
    }
    return place;
  }

  /** The server that says the same to everybody. */
  async #answer(server: Socket<InetAddress>, text: string): Promise<void> {
    try {
      for await (const [conn] of server) {
        this.#scope.add(conn);
        await conn.sendall(text);
        await conn.shutdown(SHUT_WR);
      }
    } catch {
      // The test is over.
    }
  }

  /** Starts a command of a header, by a shell. */
  run(name: string, command: string): Program {
    let line = command;
    for (const [from, to] of this.#row.replace ?? []) line = line.replace(from, to);
    this.#row.ports?.forEach((port, i) =>
      line = line.replace(new RegExp(`\\b${port}\\b`, "g"), String(this.#ports[i]))
    );
    line = line.replace(/\bP\b/g, String(this.#ports[0])).replaceAll("/tmp/", `${this.home}/`);
    // As launch() starts programs: in the tests of the package another file is meant.
    const url = new URL(`file://${examplePath(name)}`);
    const [file, ...args] = launch(url, [], { permissions: flagsOf(line) });
    const rest = line.slice(line.indexOf(`examples/${name}.ts`)).replace(/^\S+/, "");
    const quoted = [file, ...args].map((word) => `'${word}'`).join(" ");
    return this.#scope.add(start(["sh", "-c", `exec ${quoted}${rest}`], { cwd: this.home }));
  }

  /** What a client gets for its question. */
  async ask(question: string): Promise<string> {
    const s = await create_connection(["127.0.0.1", this.#ports[0]!], { timeout: 10 });
    this.#scope.add(s);
    await s.sendall(question);
    await s.shutdown(SHUT_WR);
    const decoder = new TextDecoder();
    let text = "";
    for (let data; (data = await s.recv(4096)).length > 0;) text += decoder.decode(data);
    return text;
  }
}

it("every example has a row", () => assert.deepEqual(exampleNames, Object.keys(rows)));

describe("runs as its header says", () => {
  for (const [name, row] of Object.entries(rows)) {
    it(
      name,
      bounded(async (scope) => {
        const place = await Place.make(scope, row);
        const [first, second, ...more] = commandsOf(name);
        assert.ok(first !== undefined && more.length === 0, `${more.length + 2} commands`);
        const program = place.run(name, first);
        let text: string;
        if (row.question !== undefined) {
          assert.notEqual(await program.line(), null, program.stderr);
          text = await place.ask(row.question);
          interrupt(program);
          assert.equal((await program.exit()).code, 130);
        } else if (second !== undefined) {
          // The server may not be there yet.
          const attempt = async (): Promise<Exit> => {
            const client = place.run(name, second);
            client.end();
            return await client.exit();
          };
          let done = await attempt();
          for (let i = 0; i < 50 && done.code !== 0; i++) {
            await sleep(50);
            done = await attempt();
          }
          assert.equal(done.code, 0, done.stderr + program.stderr);
          text = done.stdout;
          if (row.file === undefined) interrupt(program);
          else assert.equal((await program.exit()).code, 0);
        } else {
          program.write(row.input ?? "");
          program.end();
          const { code, stdout, stderr } = await program.exit();
          assert.equal(code, 0, stderr);
          text = stdout;
        }
        if (row.file !== undefined) text = readFileSync(join(place.home, row.file), "utf8");
        assert.match(text, row.says);
      }),
    );
  }
});

describe("needs each of its flags", () => {
  for (const [name, row] of Object.entries(rows)) {
    it(
      name,
      bounded(async (scope) => {
        const place = await Place.make(scope, row);
        for (const command of commandsOf(name)) {
          const flags = flagsOf(command);
          assert.equal(flags.length > 0, runtimeName === "deno");
          for (const flag of flags) {
            const program = place.run(name, command.replace(` ${flag}`, ""));
            program.write(row.input ?? "");
            program.end();
            const done = await program.exit();
            assertOneLine(name, done);
            const kind = /^--allow-(\w+)/.exec(flag)![1]!;
            assert.match(done.stderr, new RegExp(`Requires ${kind} access.*--allow-${kind}`));
          }
        }
      }),
    );
  }
});

describe("after all tests of this file", () => {
  it("no socket is open", { skip: noDescriptors }, checkNothingLeft);
});
