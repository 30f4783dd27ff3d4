/** The gateway as a launch agent: a stand-in for launchctl that really starts what the agent says. */
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { awaitedIn } from "../../core/cli/gateway/service/machine.ts";
import type { Definition } from "../../core/service/definition.ts";
import { install, uninstall } from "../../core/service/install.ts";
import { findService, lookAt } from "../../core/service/look.ts";
import { type Machine, managerOf, textFor } from "../../core/service/managers.ts";
import { ENTRY } from "../../core/service/runtime.ts";
import { freePort } from "../support/free-port.ts";
import { WARM } from "../support/warm.ts";

const FAKE = fileURLToPath(new URL("../support/fake-launchctl.ts", import.meta.url));
const hasPython = spawnSync("python3", ["-c", "import plistlib"]).status === 0;

async function createMac() {
  const folder = await mkdtemp(join(tmpdir(), "sallyport-mac-"));
  const [home, bin, stateDir] = ["home & <x>", "bin", "state"].map((name) => join(folder, name));
  if (home === undefined || bin === undefined || stateDir === undefined)
    throw new Error("no folder");
  for (const path of [home, bin, stateDir]) await mkdir(path, { mode: 0o700 });
  const script = `#!/bin/sh\nexec '${process.execPath}' '${FAKE}' "$@"\n`;
  await writeFile(join(bin, "launchctl"), script, { mode: 0o755 });
  const env = { ...WARM, PATH: `${bin}:${process.env["PATH"]}`, HOME: home, FAKE_LAUNCHD: folder };
  const machine: Machine = { platform: "darwin", env, home, uid: 501 };
  const manager = managerOf(machine, "user");
  const port = await freePort();
  const definition: Definition = {
    node: process.execPath,
    entry: ENTRY,
    args: ["gateway", "run"],
    variables: { OPENCLAW_STATE_DIR: stateDir, OPENCLAW_GATEWAY_PORT: String(port) },
    envFile: join(stateDir, "service.env"),
    stateDir,
    stopSec: 35,
    notify: false,
    user: null,
  };
  onTestFinished(async () => {
    await uninstall(manager, true);
    await rm(folder, { recursive: true });
  });
  return {
    machine,
    manager,
    definition,
    stateDir,
    install: (its: Definition = definition, at = port) =>
      install({
        ...awaitedIn({ manager, definition: its }, at),
        text: textFor(manager, its, home),
        envFile: its.envFile,
        stateDir,
        force: false,
      }),
  };
}

test.runIf(hasPython)("an agent is installed, kept, started anew and taken away", async () => {
  const mac = await createMac();
  await writeFile(join(mac.stateDir, "service.env"), "SOME_PROXY=x\n", { mode: 0o600 });
  const first = await mac.install();
  expect(first.result).toBe("installed");
  expect(mac.manager.file).toMatch(/\/Library\/LaunchAgents\/ai\.sallyport\.gateway\.plist$/);
  const found = await findService(mac.machine);
  if (found === undefined) throw new Error("nothing was found");
  expect(await lookAt(found)).toMatchObject({
    isEdited: false,
    isOutdated: false,
    gone: [],
    state: { phase: "running", pid: first.pid, enabled: true },
  });
  expect(await mac.install()).toEqual({ result: "unchanged", pid: first.pid });

  await mac.manager.stop();
  expect(await mac.manager.state()).toMatchObject({ phase: "stopped", pid: undefined });
  const again = await mac.install();
  expect(again.pid).not.toBe(first.pid);
  // What it logs goes into files of its own, which are cut by day.
  expect(await mac.manager.lastWords()).toEqual([]);

  expect(await uninstall(mac.manager, false)).toBe(true);
  expect(await findService(mac.machine)).toBeUndefined();
});

test.runIf(hasPython)("an agent that does not come up is taken back", async () => {
  const mac = await createMac();
  await mac.install();
  const before = await readFile(mac.manager.file, "utf8");
  const broken = { ...mac.definition, args: ["gateway", "run", "--port", "none"] };
  await expect(mac.install(broken)).rejects.toThrow(/--port.*what was there is back/s);
  expect(await readFile(mac.manager.file, "utf8")).toBe(before);
  expect(await mac.manager.state()).toMatchObject({ phase: "running" });
});
