import { expect, test } from "vitest";
import { resolvePaths } from "./paths.ts";

const FROM = { cwd: "/srv", home: "/home/ada" };

test.each([
  [{}, "/home/ada/.openclaw", "/home/ada/.openclaw/openclaw.json"],
  [{ OPENCLAW_HOME: "/srv/ada" }, "/srv/ada/.openclaw", "/srv/ada/.openclaw/openclaw.json"],
  [{ OPENCLAW_STATE_DIR: "/state" }, "/state", "/state/openclaw.json"],
  [{ OPENCLAW_STATE_DIR: "~/state" }, "/home/ada/state", "/home/ada/state/openclaw.json"],
  [{ OPENCLAW_STATE_DIR: "state/" }, "/srv/state", "/srv/state/openclaw.json"],
  [{ OPENCLAW_STATE_DIR: "~ada" }, "/srv/~ada", "/srv/~ada/openclaw.json"],
  [{ OPENCLAW_STATE_DIR: " " }, "/home/ada/.openclaw", "/home/ada/.openclaw/openclaw.json"],
  [{ OPENCLAW_CONFIG_PATH: "/etc/oc.json" }, "/home/ada/.openclaw", "/etc/oc.json"],
  [
    { OPENCLAW_CONFIG_PATH: "~/c.json", OPENCLAW_STATE_DIR: "/state", OPENCLAW_HOME: "/h" },
    "/state",
    "/h/c.json",
  ],
])("%o puts state and config where they belong", (env, stateDir, configPath) => {
  expect(resolvePaths({ ...FROM, env })).toEqual({
    stateDir,
    home: "OPENCLAW_HOME" in env ? env.OPENCLAW_HOME : FROM.home,
    configPath,
    envFiles: { cwd: "/srv/.env", state: `${stateDir}/.env` },
  });
});
