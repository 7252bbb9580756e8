/** The long version of the model-based test: `soak.ts SEED PROGRAMS MINUTES native|memory`. Ends with 1 on a failure. */

import process from "node:process";
import { createMemoryAdapter, getAdapter } from "../../mod.ts";
import { tally } from "../support/tally.ts";
import { checkMany, Laboratory } from "./check.ts";

const [seed, programs, minutes, place] = process.argv.slice(2);
const time = Number(minutes) * 60_000;
const native = getAdapter();
const laboratory = new Laboratory(true, time + 120_000);
try {
  const report = await checkMany(
    laboratory,
    place === "memory" ? createMemoryAdapter : () => native,
    { firstSeed: Number(seed), programs: Number(programs), time },
  );
  console.log(`${report.programs} programs, ${report.calls} calls, from seed ${seed}`);
  for (const [row, count] of report.known) console.log(`  ${count} times: ${row}`);
  if (report.once > 0) {
    console.log(`  ${report.once} programs differed once, and not by themselves`);
  }
  for (const failure of report.failures) console.log(`\n${failure}`);
  if (report.failures.length === 0) {
    const where = place === "memory" ? "in memory" : "on the system's network";
    const what = `generated programs ${where}, call by call`;
    tally({ what, tried: report.programs, unit: "programs", lost: 0 });
  }
  process.exitCode = report.failures.length === 0 ? 0 : 1;
} finally {
  await laboratory.close();
}
