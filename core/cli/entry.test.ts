import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const ENTRY = fileURLToPath(new URL("../sallyport.mjs", import.meta.url));

/** Says at the end whether Node had to load what strips types. */
const WITNESS = `process.on("exit", () => {
  const strips = process.moduleLoadList.some((name) => name.includes("internal/deps/amaro"));
  console.error(strips ? "stripped types" : "stripped none");
});`;

test("only the first run of a command strips types: the next one finds its compiled code", async () => {
  const home = await mkdtemp(join(tmpdir(), "sallyport-entry-"));
  try {
    const witness = join(home, "witness.cjs");
    await writeFile(witness, WITNESS);
    const run = async (): Promise<string> => {
      const args = ["--require", witness, ENTRY, "--version"];
      const env = { HOME: home };
      return (await promisify(execFile)(process.execPath, args, { env })).stderr;
    };
    expect(await run()).toBe("stripped types\n");
    expect(await run()).toBe("stripped none\n");
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});

/** Exports are checked before a line runs: so is everything an older Node lacks. */
const OLD_NODE = `
  Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.19.0" } });
  const { registerHooks } = require("node:module");
  registerHooks({
    resolve: (name, context, next) =>
      name === "node:module"
        ? { url: "data:text/javascript,export const syncBuiltinESMExports = 1", shortCircuit: true }
        : next(name, context),
  });
`;

test("a Node that is too old is told so, in a line", async () => {
  const home = await mkdtemp(join(tmpdir(), "sallyport-entry-"));
  try {
    const old = join(home, "old.cjs");
    await writeFile(old, OLD_NODE);
    const run = promisify(execFile)(process.execPath, ["--require", old, ENTRY, "--version"]);
    await expect(run).rejects.toMatchObject({
      code: 1,
      stdout: "",
      stderr: "sallyport: needs Node 24 or newer; this is 20.19.0\n",
    });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
});
