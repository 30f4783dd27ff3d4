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
