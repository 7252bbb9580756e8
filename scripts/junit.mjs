/**
 * Reads the JUnit reports of `node --test`, `deno test` and `bun test`, which say the same thing in
 * three shapes, and counts the same thing in each: tests. Suites are not counted.
 */

/** @typedef {"passed" | "failed" | "skipped"} Result */

/**
 * @typedef {object} Test
 * @property {string} name With the names of its suites before it.
 * @property {Result} result
 */

const tag =
  /<(\/?)(testsuite|testcase|failure|error|skipped)\b((?:[^"'>]|"[^"]*"|'[^']*')*?)(\/?)>/g;

/** @param {string} text */
function unescape(text) {
  /** @type {Record<string, string>} */
  const named = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
  return text.replace(
    /&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi,
    (whole, hex, decimal, name) =>
      hex !== undefined
        ? String.fromCodePoint(parseInt(hex, 16))
        : decimal !== undefined
        ? String.fromCodePoint(Number(decimal))
        : named[name] ?? whole,
  );
}

/** @param {string} attributes @param {string} key */
function attribute(attributes, key) {
  const found = new RegExp(`\\b${key}="([^"]*)"`).exec(attributes)?.[1];
  return found === undefined ? "" : unescape(found);
}

/**
 * The individual tests of a report, in its order.
 *
 * @param {string} xml
 * @param {string} file The test file. A file is not a test, though Node lists it as one when it
 *   fails as a whole or has no tests.
 * @returns {Test[]}
 */
export function readReport(xml, file) {
  /** @type {Test[]} */
  const tests = [];
  /** @type {string[]} */
  const suites = [];
  /** @type {Test | undefined} */
  let current;
  for (const [, closing, name, attributes = "", empty] of withoutText(xml).matchAll(tag)) {
    if (name === "testsuite") {
      if (closing !== "") suites.pop();
      else if (empty === "") suites.push(attribute(attributes, "name"));
    } else if (name === "testcase") {
      if (closing === "") {
        // Node and Bun nest suites. Deno puts the whole path into the name, and Bun and Deno have
        // an outermost suite for the file.
        const path = suites.filter((suite) => !isFile(suite, file));
        current = { name: [...path, attribute(attributes, "name")].join(" > "), result: "passed" };
        tests.push(current);
      }
      if (closing !== "" || empty !== "") current = undefined;
    } else if (current !== undefined && closing === "") {
      // A test that is to do may fail: it counts as skipped, whichever is said first.
      if (name === "skipped") current.result = "skipped";
      else if (current.result !== "skipped") current.result = "failed";
    }
  }
  // Deno lists suites among their tests: whatever has tests below it is a suite.
  const names = tests.map((test) => test.name);
  return tests.filter((test) =>
    !(isFile(test.name, file) && test.result === "passed") &&
    !names.some((name) => name.startsWith(`${test.name} > `))
  );
}

/** Comments and character data may hold anything, so they go first. @param {string} xml */
function withoutText(xml) {
  return xml.replace(/<!--[\s\S]*?-->/g, "").replace(/<!\[CDATA\[[\s\S]*?\]\]>/g, "");
}

/** @param {string} name @param {string} file */
function isFile(name, file) {
  const path = name.replaceAll("\\", "/").replace(/^\.\//, "");
  return path === "ext:deno_node/testing.ts" || path === file || path.endsWith(`/${file}`);
}
