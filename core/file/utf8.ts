/** Well-formedness of UTF-8 (Unicode 15, table 3-7). */

/** A stretch of well-formed UTF-8 and what follows it. */
export interface ValidPrefix {
  /** The count of well-formed bytes. */
  readonly valid: number;
  /** The count of invalid bytes after them; 0 if nothing follows, or only the start of a character. */
  readonly invalid: number;
}

/** Measures the well-formed start of bytes. */
export function validPrefix(bytes: Uint8Array): ValidPrefix {
  let i = 0;
  while (i < bytes.length) {
    const lead = bytes[i]!;
    if (lead < 0x80) {
      i++;
      continue;
    }
    const length = lead >= 0xc2 && lead <= 0xdf
      ? 2
      : lead >= 0xe0 && lead <= 0xef
      ? 3
      : lead >= 0xf0 && lead <= 0xf4
      ? 4
      : 0;
    if (length === 0) return { valid: i, invalid: 1 };
    let follow = 1;
    while (
      follow < length && i + follow < bytes.length && follows(lead, follow, bytes[i + follow]!)
    ) {
      follow++;
    }
    if (follow === length) i += length;
    else return { valid: i, invalid: i + follow === bytes.length ? 0 : follow };
  }
  return { valid: i, invalid: 0 };
}

/** Whether a byte may stand at a place after its lead byte. Some leads narrow the range of the first. */
function follows(lead: number, place: number, byte: number): boolean {
  if (place > 1) return byte >= 0x80 && byte <= 0xbf;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  return byte >= low && byte <= high;
}

/** The length of a cut character at the end. */
export function cutLength(bytes: Uint8Array): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length++) {
    const tail = bytes.subarray(bytes.length - length);
    // A continuation byte: its lead is further left.
    if ((tail[0]! & 0xc0) === 0x80) continue;
    // CPython waits for the rest of a surrogate before it refuses it.
    if (tail[0] === 0xed && length === 2) return length;
    const { valid, invalid } = validPrefix(tail);
    return valid === 0 && invalid === 0 ? length : 0;
  }
  return 0;
}
