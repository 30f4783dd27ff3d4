import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { otherUnits, portIn } from "./look.ts";

test.each([
  ["[Service]\nExecStart=/usr/bin/openclaw gateway --port 19001\n", 19_001],
  ["[Service]\nExecStart=/usr/bin/openclaw gateway --port=19002 --bind lan\n", 19_002],
  ['[Service]\nEnvironment="OPENCLAW_GATEWAY_PORT=19003"\nExecStart=/x gateway\n', 19_003],
  ["[Service]\nEnvironment=OPENCLAW_GATEWAY_PORT=19004\nExecStart=/x --port 19005\n", 19_005],
  ["[Service]\nExecStart=/usr/bin/openclaw gateway\n# --port 1\n", 18_789],
  ["", 18_789],
])("%j means port %s", (text, port) => {
  expect(portIn(text)).toBe(port);
});

test("only units that start by themselves are in the way", async () => {
  const home = await mkdtemp(join(tmpdir(), "look-"));
  onTestFinished(() => rm(home, { recursive: true }));
  const folder = join(home, ".config/systemd/user");
  await mkdir(join(folder, "default.target.wants"), { recursive: true });
  const file = join(folder, "openclaw-gateway.service");
  await writeFile(file, "[Service]\nExecStart=/x gateway\n");
  expect(await otherUnits(home, undefined)).toEqual([]);
  await symlink(file, join(folder, "default.target.wants/openclaw-gateway.service"));
  expect(await otherUnits(home, undefined)).toEqual([{ file, port: 18_789 }]);
});
