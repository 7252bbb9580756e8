/** Defines what the globals of other runtimes are called, then imports the library, and prints which adapter it has. */

for (const name of ["Bun", "Deno"]) {
  if (!(name in globalThis)) Object.assign(globalThis, { [name]: { version: { deno: "2.0.0" } } });
}
const { AF_INET, capabilities, socketpair } = await import("../../mod.ts");
for (const s of await socketpair(AF_INET)) await s.close();
console.log(capabilities().adapter);
