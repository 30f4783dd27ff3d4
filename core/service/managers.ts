/** Which service manager a machine has. */
import { GatewayError } from "../../shared/errors.ts";
import type { Environment } from "../config/paths.ts";
import type { Definition } from "./definition.ts";
import { agentLogFile, LABEL, Launchd } from "./launchd.ts";
import type { ServiceManager } from "./manager.ts";
import { plistText } from "./plist.ts";
import { Systemd } from "./systemd.ts";
import { toolIn } from "./tool.ts";
import { unitText } from "./unit.ts";

export type Scope = ServiceManager["scope"];

export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly env: Environment;
  /** Of the user, absolute. */
  readonly home: string;
  readonly uid: number | undefined;
}

/** @throws GatewayError invalid_request where there are no services of that kind. */
export function managerOf({ platform, env, home, uid }: Machine, scope: Scope): ServiceManager {
  if (platform === "win32") {
    throw new GatewayError(
      "invalid_request",
      "services are for systemd and launchd: not on Windows",
    );
  }
  if (platform === "darwin") {
    if (scope === "system" || uid === undefined) {
      throw new GatewayError("invalid_request", "on macOS the gateway is a service of a user");
    }
    return new Launchd(toolIn(env), { home, uid });
  }
  if (scope === "system") return new Systemd(toolIn(env), undefined);
  // sudo, cron and Ansible leave it out, and then systemctl does not find the user's manager.
  const runtime = env["XDG_RUNTIME_DIR"] || (uid === undefined ? undefined : `/run/user/${uid}`);
  return new Systemd(toolIn({ ...env, XDG_RUNTIME_DIR: runtime }), home);
}

/** What the file of that manager says of such a service. @throws GatewayError invalid_request */
export function textFor({ kind }: ServiceManager, definition: Definition, home: string): string {
  return kind === "launchd"
    ? plistText(definition, LABEL, agentLogFile(home))
    : unitText(definition);
}
