/** Addresses as text, for messages and inspection. */

import type { Address } from "../../adapters/adapter.ts";

// A hostile peer's name must not reach a terminal as control characters.
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x1f\x7f-\x9f]/g;

/** The address as a person writes it: `127.0.0.1:80`, `[::1]:80`, `/run/app.sock`, `@name`. */
export function formatAddress(address: Address): string {
  if (typeof address === "string") return printable(address);
  if (address instanceof Uint8Array) return printable(new TextDecoder().decode(address));
  const [host, port] = address;
  return host.includes(":") ? `[${printable(host)}]:${port}` : `${printable(host)}:${port}`;
}

/** The address as Python's repr would show it: `("127.0.0.1", 80)`. */
export function inspectAddress(address: Address): string {
  if (typeof address === "string") return quoted(address);
  if (address instanceof Uint8Array) return quoted(new TextDecoder().decode(address));
  return `(${address.map((member) => quoted(member)).join(", ")})`;
}

/** JSON escapes the control characters of ASCII only. */
function quoted(value: unknown): string {
  return escapeControls(JSON.stringify(value));
}

function printable(text: string): string {
  const name = text.startsWith("\0") ? `@${text.slice(1)}` : text;
  return escapeControls(name);
}

/** The text with its control characters as `\\x1b`. */
export function escapeControls(text: string): string {
  return text.replace(CONTROL, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
