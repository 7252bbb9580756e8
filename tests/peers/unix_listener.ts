/** Binds to a path, says so, and closes when its input ends. */

import process from "node:process";
import { AF_UNIX, socket } from "../../mod.ts";

const s = socket(AF_UNIX);
try {
  await s.bind(process.argv[2] ?? "");
  await s.listen();
  console.log("bound");
  await new Promise((resolve) => process.stdin.on("end", resolve).resume());
} catch (error) {
  console.log((error as { code?: string }).code);
}
await s.close();
