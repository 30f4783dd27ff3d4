import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import type { Definition } from "./definition.ts";
import { plistText } from "./plist.ts";

const hasPython = spawnSync("python3", ["-c", "import plistlib"]).status === 0;

const DEFINITION: Definition = {
  node: "/usr/local/bin/node",
  entry: `/a b/<c>/&amp;/"d"/--/]]>/é`,
  args: ["gateway", "run", "--port", "18789"],
  variables: { OPENCLAW_STATE_DIR: "/s & <t>" },
  envFile: "/s & <t>/service.env",
  stateDir: "/s & <t>",
  stopSec: 35,
  notify: false,
  user: null,
};

test.runIf(hasPython)("a parser of Apple's format reads what was meant", async () => {
  const folder = await mkdtemp(join(tmpdir(), "plist-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "agent.plist");
  await writeFile(file, plistText(DEFINITION, "ai.sallyport.gateway", "/logs/gateway.log"));
  const read =
    "import json,plistlib,sys; print(json.dumps(plistlib.load(open(sys.argv[1], 'rb'))))";
  const { stdout, stderr } = await promisify(execFile)("python3", ["-c", read, file]);
  expect(stderr).toBe("");
  expect(JSON.parse(stdout)).toEqual({
    Label: "ai.sallyport.gateway",
    ProgramArguments: [
      "/usr/local/bin/node",
      "--env-file-if-exists=/s & <t>/service.env",
      DEFINITION.entry,
      ...DEFINITION.args,
    ],
    EnvironmentVariables: {
      PATH: "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
      OPENCLAW_STATE_DIR: "/s & <t>",
      SALLYPORT_SERVICE: "launchd",
    },
    WorkingDirectory: "/",
    RunAtLoad: true,
    KeepAlive: { SuccessfulExit: false },
    ThrottleInterval: 10,
    ExitTimeOut: 35,
    ProcessType: "Background",
    Umask: 63,
    StandardOutPath: "/dev/null",
    StandardErrorPath: "/logs/gateway.log",
  });
});

test.each(["/a\nb", "/a\u0000b", "/a\u001bb"])("%j is refused", (entry) => {
  expect(() => plistText({ ...DEFINITION, entry }, "a", "/l")).toThrow("no service can be given");
});
