/** Loaded before a program on Bun: makes the C library impossible to open, as it is on macOS and Windows. */

import process from "node:process";

const { getBuiltinModule } = process;
const without = {
  dlopen: (): never => {
    throw new Error("no library");
  },
};
process.getBuiltinModule =
  ((name: string) =>
    name === "bun:ffi"
      ? without
      : getBuiltinModule.call(process, name)) as typeof process.getBuiltinModule;
