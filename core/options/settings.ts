/** The options set on a socket: maps that are replaced, never changed, so that sockets with equal options share one. */

import type { Settings } from "../../adapters/adapter.ts";
import { optionNamed } from "./table.ts";

/** The settings of a new socket. */
export const NOTHING: Settings = new Map();

/** The latest change. */
let last: { from: Settings; name: string; value: number; to: Settings } | undefined;

/** The settings with one option added or changed. */
export function withSetting(from: Settings, name: string, value: number): Settings {
  if (last?.from === from && last.name === name && last.value === value) return last.to;
  const to = new Map(from).set(name, value);
  last = { from, name, value, to };
  return to;
}

/** The settings without one. */
export function without(from: Settings, name: string): Settings {
  const to = new Map(from);
  to.delete(name);
  return to;
}

/** The settings that an accepted socket inherits from its listener's. */
export function inheritedOf(from: Settings): Settings {
  let to = from;
  from.forEach((_, name) => {
    if (!optionNamed(name).inherited) to = without(to, name);
  });
  return to;
}
