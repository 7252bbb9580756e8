/**
 * Fetches a file by HTTP/1.1 over a plain socket.
 *
 * It shows `makefile("rb")`: a protocol of lines and counted bytes is read line by line, then piece
 * by piece, from the same file; and the three ways in which HTTP says where a body ends: a length,
 * chunks, or the end of the stream. A body that stops short of that is an error. Redirects are
 * told, not followed.
 *
 *     node examples/http_get.ts http://127.0.0.1:8000/file.bin -o file.bin
 *     deno run --allow-net=127.0.0.1 --allow-write=file.bin examples/http_get.ts http://127.0.0.1:8000/file.bin -o file.bin
 *     bun examples/http_get.ts http://127.0.0.1:8000/file.bin -o file.bin
 *
 * Without `-o` the body goes to standard output. What came of a broken body is kept.
 */

import { createWriteStream } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import * as socket from "../mod.ts";
import { Failure, main, seconds, write } from "./support/main.ts";
import { Progress } from "./support/progress.ts";

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

  // A URL writes an IPv6 address in brackets; a socket does not.
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const port = url.port === "" ? socket.getservbyname("http", "tcp") : Number(url.port);
  const s = await socket.create_connection([host, port], {
    timeout: seconds(values.timeout),
    signal,
  });
  // A file's calls take no signal: on Ctrl-C the end of the stream ends them.
  signal.addEventListener("abort", () => void s.shutdown(socket.SHUT_RDWR).catch(() => {}));
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

    const out = values.output === undefined ? process.stdout : createWriteStream(values.output);
    // The error comes from the write that it fails.
    out.on("error", () => {});
    const length = headers.get("content-length");
    const progress = new Progress(length === undefined ? undefined : Number(length), megabytes);
    let count = 0;
    try {
      for await (const piece of body(file, headers)) {
        await write(out, piece);
        count += piece.length;
        progress.update(count);
      }
    } finally {
      progress.end(count);
    }
    if (out !== process.stdout) await new Promise<void>((resolve) => out.end(resolve));
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
      const size = parseInt(await readLine(file), 16);
      if (!(size >= 0)) throw new Failure("a chunk without a size");
      if (size === 0) break;
      yield* counted(file, size);
      await readLine(file);
    }
    while (await readLine(file) !== ""); // trailers
  } else if (length !== undefined) {
    yield* counted(file, Number(length));
  } else {
    for (let data; (data = await file.read(65536)).length > 0;) yield data;
  }
}

/** So many bytes, in pieces. */
async function* counted(file: File, size: number): AsyncGenerator<Uint8Array> {
  for (let left = size; left > 0;) {
    const data = await file.read(Math.min(left, 65536));
    if (data.length === 0) throw new Failure(`the server hung up with ${left} bytes to come`);
    left -= data.length;
    yield data;
  }
}

function megabytes(count: number): string {
  return `${(count / 2 ** 20).toFixed(1)} MiB`;
}
