/**
 * Fetches a file by HTTP/1.1 over a plain socket.
 *
 * It shows `makefile("rb")`: a protocol of lines and counted bytes is read line by line, then piece
 * by piece, from the same file; and the three ways in which HTTP says where a body ends: a length,
 * chunks, or the end of the stream. A body that stops short of that is an error. Redirects are
 * told, not followed.
 *
 *     node examples/http_get.ts http://127.0.0.1:8000/file.bin -o file.bin
 *     deno run --allow-net=127.0.0.1:8000 --allow-write=file.bin examples/http_get.ts http://127.0.0.1:8000/file.bin -o file.bin
 *     bun examples/http_get.ts http://127.0.0.1:8000/file.bin -o file.bin
 *
 * Without `-o` the body goes to standard output. What came of a broken body is kept.
 */

import { open } from "node:fs/promises";
import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { port as portOf, seconds } from "./support/arguments.ts";
import { Failure, main } from "./support/main.ts";
import { Progress } from "./support/progress.ts";
import { hangUpOn, print } from "./support/streams.ts";

const usage = "http_get.ts URL [-o FILE] [--timeout SECONDS]";

type File = socket.SocketFile<Uint8Array>;

await main(usage, async (signal, usage) => {
  const { values, positionals: [text, ...more] } = parseArgs({
    options: {
      output: { type: "string", short: "o" },
      timeout: { type: "string", default: "30" },
    },
    allowPositionals: true,
  });
  if (text === undefined || more.length > 0) throw usage();
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:") throw new Failure(`not an http: address: ${text}`, 2);

  const timeout = seconds(values.timeout);

  // A URL writes an IPv6 address in brackets; a socket does not.
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? socket.getservbyname("http", "tcp") : portOf(url.port);
  const s = await socket.create_connection([host, port], { timeout, signal });
  hangUpOn(signal, s);
  const file = s.makefile("rb", { buffering: 65536 });
  try {
    await s.sendall(
      `GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\n` +
        "User-Agent: http_get\r\nAccept-Encoding: identity\r\nConnection: close\r\n\r\n",
    );
    const [status, headers] = await readHead(file);
    if (!/^2/.test(status)) {
      const location = headers.get("location");
      throw new Failure(`${status}${location === undefined ? "" : `: ${location}`}`);
    }

    const length = headers.get("content-length");
    const progress = new Progress(length === undefined ? undefined : size(length), megabytes);
    const out = values.output === undefined ? undefined : await open(values.output, "w");
    let count = 0;
    try {
      for await (const piece of body(file, headers)) {
        await (out === undefined ? print(piece) : out.writeFile(piece));
        count += piece.length;
        progress.update(count);
      }
    } finally {
      progress.end(count);
      await out?.close();
    }
  } finally {
    await file.close();
    await s.close();
  }
});

/** A line without its end. The stream must not end before it. */
async function readLine(file: File): Promise<string> {
  const line = new TextDecoder("latin1").decode(await file.readline(65536));
  if (!line.endsWith("\n")) throw new Failure("the server hung up in the middle");
  return line.replace(/\r?\n$/, "");
}

/** The status, such as `200 OK`, and the headers by their names in small letters. */
async function readHead(file: File): Promise<[status: string, headers: Map<string, string>]> {
  const [, status] = /^HTTP\/1\.\d (\d{3}.*)/.exec(await readLine(file)) ?? [];
  if (status === undefined) throw new Failure("that is no HTTP server");
  const headers = new Map<string, string>();
  for (let line; (line = await readLine(file)) !== "";) {
    const colon = line.indexOf(":");
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return [status, headers];
}

/** The body in pieces. */
async function* body(file: File, headers: Map<string, string>): AsyncGenerator<Uint8Array> {
  const length = headers.get("content-length");
  if (/\bchunked$/i.test(headers.get("transfer-encoding") ?? "")) {
    for (;;) {
      const length = parseInt(await readLine(file), 16);
      if (!(length >= 0)) throw new Failure("a chunk without a length");
      if (length === 0) break;
      yield* counted(file, length);
      await readLine(file);
    }
    while (await readLine(file) !== ""); // trailers
  } else if (length !== undefined) {
    yield* counted(file, size(length));
  } else {
    for (let data; (data = await file.read(65536)).length > 0;) yield data;
  }
}

/** So many bytes, in pieces. */
async function* counted(file: File, length: number): AsyncGenerator<Uint8Array> {
  for (let left = length; left > 0;) {
    const data = await file.read(Math.min(left, 65536));
    if (data.length === 0) throw new Failure(`the server hung up with ${left} bytes to come`);
    left -= data.length;
    yield data;
  }
}

/** What a server calls the length of a body. */
function size(text: string): number {
  if (!/^\d+$/.test(text)) throw new Failure(`that is no length: ${text}`);
  return Number(text);
}

function megabytes(count: number): string {
  return `${(count / 2 ** 20).toFixed(1)} MiB`;
}
