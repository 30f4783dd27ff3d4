import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { AgentDirectory } from "../../agents/directory.ts";
import type { Settings } from "../../config/settings.ts";
import type { Automation } from "../../cron/automation.ts";
import { lazyCronMethods } from "../../methods/cron/lazy.ts";
import { heartbeatMethods } from "../../methods/heartbeat/methods.ts";
import { hookMethods } from "../../methods/hooks/methods.ts";
import { cronTool } from "../../methods/tools/cron-tool.ts";
import { gatewayTool } from "../../methods/tools/gateway-tool.ts";
import type { NamedMethod } from "../../methods/method.ts";
import type { Store } from "../../store/store.ts";

/** Everything that clients may do about what happens by itself. */
export function automationMethods(parts: {
  readonly automation: Automation;
  readonly store: Pick<Store, "cron">;
  readonly settings: () => Settings;
  readonly directory: AgentDirectory;
  readonly now: () => number;
}): readonly NamedMethod[] {
  const { automation, store, settings, directory, now } = parts;
  directory.equip([
    cronTool({
      scheduler: automation.scheduler,
      defaultAgent: () => directory.defaultId(),
      now,
      newId: randomUUID,
    }),
    gatewayTool({ settings }),
  ]);
  return [
    ...lazyCronMethods({
      ...automation,
      store: store.cron,
      storePath: join(settings().stateDir, "sallyport.sqlite"),
      now,
      newId: randomUUID,
    }),
    ...heartbeatMethods({ ...automation, newId: randomUUID }),
    ...hookMethods({
      hooks: automation.hooks,
      settings,
      workspace: (id) => directory.find(id ?? directory.defaultId())?.workspace,
    }),
  ];
}
