/**
 * Makes one small `mod.d.ts` out of the compiler's declarations. An editor shows of it what it shows of the sources, but
 * for examples and references to books: those are in the documentation.
 */

/** The text of a documentation comment without what is for readers of the source. @param {string} comment */
function shortComment(comment) {
  const text = comment.replace(/^\/\*\*[\s*]*/, "").replace(/\s*\*\/$/, "")
    .replaceAll(/\n *\* ?/g, "\n")
    .replaceAll(/\n*@example\n```ts\n[^]*?\n```(?=\n|$)/g, "")
    .replaceAll(/(^|\n)Source: (?:.|\n(?![\n@]))*/g, "")
    .trim()
    .replaceAll(/\n{2,}(?=@)/g, "\n")
    .replaceAll(/\n{3,}/g, "\n\n");
  return `/** ${text} */`;
}

/**
 * Names what is exported where it is declared, and not again at the end.
 *
 * @param {string} code
 */
function exportedInPlace(code) {
  /** @type {string[]} */
  const renamed = [];
  /** @type {Set<string>} */
  const names = new Set();
  const declarations = code.replaceAll(/^export (?:type )?\{([^}]*)\};\n?/gm, (_, list) => {
    for (const item of list.split(",").map((/** @type {string} */ each) => each.trim())) {
      if (item.includes(" as ")) renamed.push(item);
      else names.add(item);
    }
    return "";
  });
  const exported = declarations.replaceAll(
    /^(?:declare )?((?:const|function|class|interface|type) (\w+))/gm,
    (whole, declaration, name) => names.has(name) ? `export ${declaration}` : whole,
  );
  return `${exported.trimEnd()}\nexport { ${renamed.join(", ")} };\n`;
}

/** For programs whose libraries are older than `await using`. */
const libraries = '/// <reference lib="esnext.disposable" />\n';

/**
 * TypeScript before 5.7 does not know `Uint8Array<ArrayBuffer>`; what `slice` gives is that where it is known.
 *
 * @param {string} code
 */
function forOlderCompilers(code) {
  return `type OwnBytes = ReturnType<Uint8Array["slice"]>;\n${
    code.replaceAll("Uint8Array<ArrayBuffer>", "OwnBytes")
  }`;
}

/**
 * @param {string} code What rollup-plugin-dts has made.
 * @returns {string} The same in fewer bytes.
 */
export function compactDeclarations(code) {
  const short = code
    // The first lines of a source file, which the comment of its first declaration follows.
    .replaceAll(/^\/\*\*(?:(?!\*\/)[^])*\*\/\n+(?=\/\*\*)/gm, "")
    .replaceAll(/\/\*\*[^]*?\*\//g, shortComment)
    .replaceAll(/^ +/gm, "")
    .replaceAll(/(?<=[;}])\n{2,}/g, "\n");
  return libraries + exportedInPlace(forOlderCompilers(short))
    // What is constant line by line is one declaration.
    .replaceAll(
      /^((?:\/\*\*(?:(?!\*\/)[^])*\*\/\n)?export const \w+(?: = |: )[^;{\n]*;\n){2,}/gm,
      (run) =>
        `export const\n${run.replaceAll(/^export const (.*);$/gm, "$1,").replace(/,\n$/, ";\n")}`,
    )
    .replace(
      /(?<=^export const errno: )\{[^}]*\}/m,
      (table) => `Readonly<${table.replaceAll("readonly ", "").replaceAll("\n", "")}>`,
    );
}
