/** Python, where there is one. */

import { spawnSync } from "node:child_process";
import process from "node:process";

export const pythonFile = process.env["PYTHON"] ?? "python3";

/** Whether Python 3.8 or newer can be started here. */
export const hasPython =
  spawnSync(pythonFile, ["-c", "import sys; sys.exit(sys.version_info < (3, 8))"])
    .status === 0;
