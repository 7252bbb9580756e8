/** The types of files follow their mode. Compiled, never run. */

import { AF_UNIX, type Socket, socket, type SocketFile } from "../../mod.ts";

const s: Socket<string> = socket(AF_UNIX);

const text: SocketFile<string> = s.makefile("r");
const both: SocketFile<string> = s.makefile("rw", { buffering: 1, newline: "\r\n" });
const bytes: SocketFile<Uint8Array> = s.makefile("rb");
const raw: SocketFile<Uint8Array, null> = s.makefile("rwb", { buffering: 0 });

for (const mode of ["r", "rb"] as const) {
  const either: SocketFile<string> | SocketFile<Uint8Array> = s.makefile(mode);
  await either.close();
  s.makefile(mode, { buffering: 4096 });
  // @ts-expect-error: a mode of text needs a buffer
  s.makefile(mode, { buffering: 0 });
  // @ts-expect-error: and one of bytes has no encoding
  s.makefile(mode, { encoding: "utf-8" });
}

const line: string = await text.readline();
const chunk: Uint8Array = await bytes.read(10);
const maybe: Uint8Array | null = await raw.read(10);
// What was read is the program's own, and goes where a shared buffer may not.
new Blob([await s.makefile("rb").read(), await s.makefile("rb").readline()]);
for await (const item of both) item.trimEnd();
for await (const item of bytes) item.subarray(1);
await both.write(line);
await raw.write(chunk);
await raw.write(new DataView(new ArrayBuffer(1)));
await raw.readinto(new Uint8Array(1), { signal: AbortSignal.timeout(1) });
const some: Uint8Array = await bytes.read1(10);
new Blob([await s.makefile("rb").peek(), await s.makefile("rb").read1()]);
const count: number = await bytes.readinto1(new Uint8Array(1), { signal: AbortSignal.timeout(1) });
const size: number = line.length;
s.makefile("w", { buffering: size, encoding: null });
s.makefile("w", { buffering: null });
s.makefile(undefined, {});
s.makefile("rb", { buffering: size });

/** Takes the files of all modes. */
async function firstLine(file: SocketFile<string | Uint8Array, null>): Promise<void> {
  const first: string | Uint8Array | null = await file.readline();
  if (first !== null) await file.close();
}
for (const file of [text, bytes, raw, s.makefile("wb", { buffering: 0 })]) await firstLine(file);

// @ts-expect-error: a file of bytes gives no strings
const wrong: string = await bytes.readline();
// @ts-expect-error: a file of text takes no bytes
await both.write(chunk);
// @ts-expect-error: an unbuffered file may give null
const never: Uint8Array = await raw.read(10);
// @ts-expect-error: a file of bytes takes no text
await raw.write("text");
// @ts-expect-error: nor lines of it
await bytes.writelines(["text"]);
// @ts-expect-error: text is not read into a buffer
await text.readinto(new Uint8Array(1));
// @ts-expect-error: only bytes are read with a single receive
await text.read1();
// @ts-expect-error: and only a buffer can be looked into
await raw.peek();
// @ts-expect-error: text needs a buffer
s.makefile("r", { buffering: 0 });
// @ts-expect-error: bytes have no encoding
s.makefile("rb", { encoding: "utf-8" });
// @ts-expect-error: nor newlines, also without a buffer
s.makefile("rb", { buffering: 0, newline: "" });
// @ts-expect-error: there is no such mode
s.makefile("a");

export { count, maybe, never, some, wrong };
