/** A config that a host manages elsewhere: whoever would write it says so, and does nothing. */
import { chmod, mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createCommandHome, typed } from "../../test/support/command-home.ts";
import { channels } from "./channels.ts";
import type { Command } from "./command.ts";
import { configure } from "./configure.ts";
import { doctor } from "./doctor.ts";
import { migrate } from "./migrate.ts";
import { onboard } from "./onboard.ts";
import { secrets } from "./secrets.ts";

const CONFIG = "{ gateway: { mode: 'local', port: 1 } }";
const BOT = "42:abcdefghijklmnopqrstuvwxyz";
const FLAGS = ["--non-interactive", "--accept-risk", "--skip-health"];

test.each<[string, Command, readonly string[]]>([
  ["onboard by flags", onboard, [...FLAGS, "--gateway-port", "2"]],
  ["onboard by questions", onboard, []],
  ["configure", configure, ["--section", "gateway"]],
  ["channels add", channels, ["add", "--channel", "telegram", "--token", BOT]],
  ["doctor --fix", doctor, ["--fix"]],
  ["migrate --apply", migrate, ["--from", "openclaw", "--apply"]],
  ["secrets configure", secrets, ["configure", "--apply", "--yes"]],
])("%s leaves a config alone that is managed elsewhere", async (_name, command, args) => {
  const it = await createCommandHome({ OPENCLAW_CONFIG_READONLY: "1" });
  onTestFinished(() => it[Symbol.asyncDispose]());
  await mkdir(it.stateDir, { mode: 0o700 });
  const file = join(it.stateDir, "openclaw.json");
  await writeFile(file, CONFIG);
  await chmod(file, 0o644);
  const run = await it.run(command, args, { input: typed("y", "", "", "") });
  expect(run.code).not.toBe(0);
  expect(run.err).toContain("OPENCLAW_CONFIG_READONLY=1");
  expect([await it.read("openclaw.json"), await it.read(".env")]).toEqual([CONFIG, ""]);
  expect((await stat(file)).mode & 0o777).toBe(0o644);
});
