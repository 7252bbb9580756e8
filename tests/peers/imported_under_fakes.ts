/** Imports the library while timers are fake, and prints how calls end that need real ones. */

const before = { setTimeout, setImmediate, performance };
const fakes = { setTimeout: () => 1, setImmediate: () => 1, performance: { now: () => 0 } };
for (const [name, value] of Object.entries(fakes)) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
const { AF_INET, socketpair } = await import("../../mod.ts");
for (const [name, value] of Object.entries(before)) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

const [a, b] = await socketpair(AF_INET);
for (let i = 0; i < 200; i++) await a.send("x");
for (let left = 200; left > 0;) left -= (await b.recv(left)).length;
b.settimeout(0.1);
const error = await b.recv(1).catch((cause: unknown) => cause);
console.log((error as { code?: string }).code);
await Promise.all([a.close(), b.close()]);
