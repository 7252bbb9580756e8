/** Prints what the adapter of this runtime can do, as JSON: the raw material of the README's table. */

import { capabilities } from "../mod.ts";

console.log(JSON.stringify(capabilities()));
