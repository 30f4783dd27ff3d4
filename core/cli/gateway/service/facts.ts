/** What `gateway status` says of the service. */
import { userInfo } from "node:os";
import type { Settings } from "../../../config/settings.ts";
import { stopSecFor } from "../../../service/definition.ts";
import { lingers } from "../../../service/linger.ts";
import { findService, issuesOf, lookAt } from "../../../service/look.ts";
import type { Io } from "../../command.ts";
import { machineOf } from "./machine.ts";

type Facts = Awaited<ReturnType<typeof serviceFacts>>;

/** @param runs - Version of the gateway that answers; undefined when none does. */
export async function serviceFacts(
  { stateDir, limits }: Pick<Settings, "stateDir" | "limits">,
  runs: string | undefined,
  io: Io,
) {
  const found = await findService(machineOf(io));
  if (found === undefined) return { installed: false, unit: null } as const;
  const looked = await lookAt(found);
  const { manager, definition, state, version } = looked;
  const { kind, scope } = manager;
  const issues = issuesOf(looked, stopSecFor(limits.drainTimeoutMs));
  const isOfUser = kind === "systemd" && scope === "user";
  const linger = isOfUser ? await lingers(userInfo().username) : null;
  const versionOfRunning = definition.stateDir === stateDir ? runs : undefined;
  return {
    installed: true,
    unit: manager.file,
    name: manager.name,
    kind,
    scope,
    enabled: state.enabled,
    phase: state.phase,
    detail: state.detail,
    mainPid: state.pid ?? null,
    restarts: state.restarts,
    stateDir: definition.stateDir,
    envFile: definition.envFile,
    command: [definition.node, definition.entry, ...definition.args],
    dropIns: state.dropIns,
    edited: looked.isEdited,
    upToDate: issues.length === 0,
    issues: [...issues, ...updateIssue(version, versionOfRunning)],
    version: { installed: version ?? null, running: versionOfRunning ?? null },
    linger,
  } as const;
}

function updateIssue(installed: string | undefined, running: string | undefined): string[] {
  if (installed === undefined || running === undefined || installed === running) return [];
  return [`it runs ${running}, and ${installed} is installed: sallyport gateway restart`];
}

/** For people. */
export function serviceLines(facts: Facts): string[] {
  if (!facts.installed) return ["service: none (sallyport gateway install)"];
  const { name, scope, detail, enabled, mainPid, linger, issues, dropIns } = facts;
  const words = [
    `${scope} service ${name}`,
    detail,
    enabled ? "enabled" : "not enabled",
    ...(mainPid === null ? [] : [`pid ${mainPid}`]),
    ...(linger === false ? ["ends with your session (no linger)"] : []),
  ];
  return [
    `service: ${words.join(", ")}`,
    ...dropIns.map((file) => `  changed by ${file}`),
    ...issues.map((issue) => `  ${issue}`),
  ];
}
