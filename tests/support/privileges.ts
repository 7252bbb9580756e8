/** Programs that have no more rights than any user. */

import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { isCompiled } from "./runtime.ts";

const PORT = "/proc/sys/net/ipv4/ip_unprivileged_port_start";

/** Why port 81 can be bound by any user, or false. */
export const noPrivilegedPort: string | false =
  Number(spawnSync("cat", [PORT], { encoding: "utf8" }).stdout) <= 81 &&
  "here no port needs privileges";

/** Whether this process is root's. */
export const isRoot: boolean = process.getuid?.() === 0;

/** What to put before a command to run it as another user than root, or why that cannot be done here. */
export const unprivileged: { readonly skip: string | false; readonly command: readonly string[] } =
  find();

function find(): typeof unprivileged {
  if (!isRoot) return { skip: false, command: [] };
  const command = [
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=-all",
  ];
  const file = fileURLToPath(new URL("../peers/privileged.ts", import.meta.url));
  const probe = spawnSync(command[0]!, [
    ...command.slice(1),
    "sh",
    "-c",
    'cd / && test -r "$1" && "$2" --version',
    "sh",
    isCompiled ? file.replace(/\.ts$/, ".js") : file,
    process.execPath,
  ]);
  return probe.status === 0
    ? { skip: false, command }
    : { skip: "this is root, and no other user can run the program", command };
}
