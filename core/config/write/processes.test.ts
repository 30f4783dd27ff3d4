import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import JSON5 from "json5";
import { expect, test } from "vitest";
import { ConfigWriter } from "./writer.ts";

const CHILD = "test/support/config-writer-child.ts";

async function home() {
  const path = await mkdtemp(join(tmpdir(), "sallyport-writers-"));
  const folder = join(path, ".openclaw");
  await mkdir(folder);
  const file = join(folder, "openclaw.json");
  await writeFile(file, "// kept\n{ gateway: { mode: 'local' } }\n");
  return {
    path,
    file,
    folder,
    /** A process of its own that writes `count` times. */
    start(name: string, count: number): ChildProcess {
      const args = [CHILD, path, name, String(count)];
      return spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    },
    async vars(): Promise<Record<string, string>> {
      return JSON5.parse(await readFile(file, "utf8")).env?.vars ?? {};
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

test("two processes and this one write at once, and no change is lost", async () => {
  await using h = await home();
  const children = [h.start("A", 20), h.start("B", 20)];
  const writer = new ConfigWriter({ env: {}, cwd: h.path, home: h.path });
  const mine = Array.from({ length: 20 }, (_, turn) =>
    writer.write({ change: { kind: "set", path: ["env", "vars", `C_${turn}`], value: "x" } }),
  );
  const ends = await Promise.all(children.map((child) => once(child, "exit")));
  const results = await Promise.all(mine);
  expect(ends.map(([code]) => code)).toEqual([0, 0]);
  expect(results.every(({ ok }) => ok)).toBe(true);
  expect(Object.keys(await h.vars())).toHaveLength(60);
  expect(await readFile(h.file, "utf8")).toContain("// kept");
});

test("a writer that is killed in the middle leaves a whole config, and nobody locked out", async () => {
  await using h = await home();
  for (let round = 0; round < 4; round += 1) {
    const child = h.start("K", 10_000);
    let written = 0;
    child.stdout?.on("data", (chunk: Buffer) => {
      written += chunk.toString().split("\n").length - 1;
      if (written > 5 + round * 3) child.kill("SIGKILL");
    });
    const [, signal] = await once(child, "exit");
    expect(signal).toBe("SIGKILL");
    expect(JSON5.parse(await readFile(h.file, "utf8")).gateway.mode).toBe("local");
  }
  const writer = new ConfigWriter({ env: {}, cwd: h.path, home: h.path });
  const last = await writer.write({ change: { kind: "set", path: ["gateway", "port"], value: 7 } });
  expect(last.ok).toBe(true);
  expect((await readdir(h.folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});
