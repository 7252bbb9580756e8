/** What is set of a socket's options: maps that are never changed, but replaced, so that alike sockets share one. */

import type { Settings } from "../../adapters/adapter.ts";
import { optionNamed } from "./table.ts";

/** Nothing is set. */
export const NOTHING: Settings = new Map();

/** The change that was made last. */
let last: { from: Settings; name: string; value: number; to: Settings } | undefined;

/** The settings with one more, or another value of one. */
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

/** What an accepted socket has of its listener's. */
export function inheritedOf(from: Settings): Settings {
  let to = from;
  from.forEach((_, name) => {
    if (!optionNamed(name).inherited) to = without(to, name);
  });
  return to;
}
