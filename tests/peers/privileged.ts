/** Binds the port of its first argument and prints the fields of the error, as JSON. */

import { socket } from "../../mod.ts";

const [, , port = "0"] = (globalThis as unknown as { process: { argv: string[] } }).process.argv;
const s = socket();
try {
  await s.bind(["127.0.0.1", Number(port)]);
  console.log(JSON.stringify({ code: "bound" }));
} catch (error) {
  const { name, code, errno, syscall, message, address } = error as Record<string, unknown>;
  console.log(JSON.stringify({ name, code, errno, syscall, message, address }));
}
await s.close();
