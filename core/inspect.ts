/** How objects are shown by `console.log` and the like. */

/** Shows a class's objects as their text; `isOne` tells them from the prototype and from proxies. */
export function inspectAsText(
  prototype: object,
  name: string,
  isOne: (value: object) => boolean,
): void {
  // Node and Bun call the first, Deno the second.
  for (const hook of ["nodejs.util.inspect.custom", "Deno.customInspect"]) {
    Object.defineProperty(prototype, Symbol.for(hook), {
      value(this: object): string {
        return isOne(this) ? String(this) : `${name} {}`;
      },
    });
  }
}
