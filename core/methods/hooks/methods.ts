import { readdir } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { Config } from "../../config/schema.ts";
import type { InternalHooks } from "../../cron/hooks.ts";
import type { NamedMethod } from "../method.ts";

/** Folders with hooks that are code, as OpenClaw has them: shown, so that nobody wonders. */
const MAX_FOLDERS = 256;
const NONE = { bins: [], anyBins: [], env: [], config: [], os: [] } as const;
const NO_CODE = "hooks that are code are not loaded: declare an action in hooks.internal.entries";

const Status = z.strictObject({ agentId: z.string().min(1).max(64).optional() });

export interface HookMethodParts {
  readonly hooks: Pick<InternalHooks, "report">;
  readonly settings: () => {
    readonly config: Config;
    readonly configPath: string;
    readonly stateDir: string;
  };
  /** Of the agent; undefined: there is none of this name. */
  readonly workspace: (agentId: string | undefined) => string | undefined;
}

/** `hooks.status`: what is done on which events. */
export function hookMethods(parts: HookMethodParts): readonly NamedMethod[] {
  return [
    [
      "hooks.status",
      { scope: "operator.read", call: (params) => status(parts, Status.parse(params).agentId) },
    ],
  ];
}

async function status(
  { hooks, settings, workspace }: HookMethodParts,
  agentId: string | undefined,
): Promise<object> {
  const { config, configPath, stateDir } = settings();
  const { enabled: isOn, entries } = config.hooks.internal;
  const managedHooksDir = join(stateDir, "hooks");
  const declared = Object.entries(entries)
    .filter(([, { action }]) => action !== undefined)
    .map(([name, { description = "", events, enabled, action }]) => ({
      ...facts(name, description, events, configPath),
      source: "config",
      action: action?.kind,
      enabledByConfig: isOn && enabled,
      disabled: !(isOn && enabled),
      loadable: isOn && enabled && events.length > 0,
      eligible: isOn && enabled && events.length > 0,
      ...(isOn && enabled ? {} : { blockedReason: "disabled in config" }),
      ...(events.length === 0 ? { blockedReason: "no events defined" } : {}),
      ...hooks.report(name),
    }));
  const code = (await foldersOf(managedHooksDir))
    .filter((name) => entries[name]?.action === undefined)
    .map((name) => ({
      ...facts(name, "", [], join(managedHooksDir, name)),
      source: "openclaw-managed",
      enabledByConfig: entries[name]?.enabled ?? false,
      disabled: true,
      loadable: false,
      eligible: false,
      blockedReason: NO_CODE,
    }));
  const workspaceDir = workspace(agentId) ?? "";
  return { enabled: isOn, workspaceDir, managedHooksDir, hooks: [...declared, ...code] };
}

/** @param path - Of the file or folder that has it. */
function facts(name: string, description: string, events: readonly string[], path: string): object {
  return {
    name,
    filePath: path,
    baseDir: path,
    handlerPath: path,
    always: false,
    requirements: NONE,
    configChecks: [],
    install: [],
    hookKey: name,
    description,
    events,
    unknownEvents: [],
    requirementsSatisfied: true,
    managedByPlugin: false,
    missing: NONE,
  };
}

async function foldersOf(dir: string): Promise<string[]> {
  try {
    const found = await readdir(dir, { withFileTypes: true });
    const folders = found.filter((one) => one.isDirectory()).map(({ name }) => name);
    return folders.toSorted().slice(0, MAX_FOLDERS);
  } catch {
    return []; // most have none; what cannot be read is not loaded either
  }
}
