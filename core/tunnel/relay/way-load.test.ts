import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** A process of its own, which says whether it has looked for the proxy's package. */
const PROGRAM = `
import { registerHooks } from "node:module";
let loads = 0;
registerHooks({
  resolve(specifier, context, next) {
    if (specifier === "https-proxy-agent") loads += 1;
    return next(specifier, context);
  },
});
const { findWay } = await import(process.argv[1]);
const settings = { edge: new URL("https://edge.example"), version: "", stateDir: "" };
const proxy = process.argv[2] === "" ? undefined : new URL(process.argv[2]);
await findWay(settings.edge, { ...settings, proxy });
console.log(loads);
`;

test.each([
  ["not loaded without one", "", 0],
  ["loaded for one", "http://127.0.0.1:1", 1],
])("what it takes to use a proxy is %s", async (_name, proxy, loads) => {
  const way = new URL("./way.ts", import.meta.url).href;
  const args = ["--input-type=module", "--eval", PROGRAM, way, proxy];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: {} });
  expect(Number(stdout)).toBe(loads);
});
