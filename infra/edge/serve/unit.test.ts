import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { parseCommand } from "../parse-command.ts";
import { unitText } from "./unit.ts";

const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

function unit(...args: string[]): string {
  const parsed = parseCommand(["serve", ...args], {}, { cwd: "/", home: "/root" });
  if (!parsed.ok || parsed.value.command !== "serve") throw new Error("not understood");
  const place = { node: process.execPath, entry: "/opt/sallyport/core/sallyport.mjs", args };
  return unitText(parsed.value.options, place);
}

test("the unit runs this command on this Node, with storage of its own", () => {
  expect(unit("--port", "8787")).toContain(
    `ExecStart=${process.execPath} /opt/sallyport/core/sallyport.mjs edge serve --port 8787 --storage /var/lib/sallyport-edge\n`,
  );
  expect(unit("--storage", "/data")).toContain("edge serve --storage /data\n");
});

test("only a port below 1024 needs a capability", () => {
  expect(unit("--port", "443")).toContain("AmbientCapabilities=CAP_NET_BIND_SERVICE\n");
  expect(unit("--port", "8443")).toContain("AmbientCapabilities=\n");
});

test("a command line that has to be mended is not tried again and again", () => {
  expect(unit()).toContain("RestartPreventExitStatus=78\n");
});

test("what is special to systemd is written so that it is not", () => {
  expect(unit("--storage", '/a b/100%/$HOME/"x"')).toContain(
    String.raw`--storage "/a b/100%%/$$HOME/\"x\""`,
  );
});

test.runIf(hasSystemd)("systemd has nothing to say against it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "unit-"));
  const path = join(folder, "sallyport-edge.service");
  await writeFile(path, unit("--port", "443", "--tls-cert", "/c.pem", "--tls-key", "/k.pem"));
  // It prints what it finds wrong and exits with 0 all the same.
  const { stdout, stderr } = await promisify(execFile)("systemd-analyze", ["verify", path]);
  const ours = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("sallyport-edge"));
  expect(ours).toEqual([]);
  await rm(folder, { recursive: true });
});
