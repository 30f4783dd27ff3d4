import type { AgentDirectory } from "../../agents/directory.ts";
import type { Settings } from "../../config/settings.ts";
import type { CommandHost } from "../../conversation/commands/host.ts";
import type { Engine } from "../../conversation/engine.ts";
import { tellChanged } from "../../methods/chat/parts.ts";
import type { EventHub } from "../../methods/events.ts";
import { sessionRow } from "../../methods/sessions/row.ts";
import { catalogOf } from "../../models/catalog.ts";
import type { Tunnel } from "../../tunnel/handlers.ts";

export interface CommandHostParts {
  readonly engine: Pick<Engine, "runs">;
  readonly directory: Pick<AgentDirectory, "find" | "facts">;
  readonly prepared: { readonly settings: () => Settings };
  readonly version: string;
  /** Unix ms. */
  readonly startedAt: number;
  readonly tunnel: () => Pick<Tunnel, "state"> | undefined;
  readonly hub: EventHub;
  /** Unix ms. */
  readonly now: () => number;
}

/** What commands tell of this gateway. */
export function commandHost(parts: CommandHostParts): CommandHost {
  const { engine, directory, prepared, version, startedAt, tunnel, hub, now } = parts;
  return {
    version,
    startedAt,
    edge: () => tunnel()?.state.connected,
    models: (agentId) =>
      catalogOf(prepared.settings(), agentId).map(({ ref, alias, unavailable, contextWindow }) => ({
        ref,
        alias,
        available: unavailable === undefined,
        contextWindow,
      })),
    changed(key, reason, info) {
      const active = engine.runs.active(key);
      const defaultModel = directory.find(key.split(":")[1] ?? "")?.modelRefs[0];
      const contextWindowOf = (ref: string): number | undefined =>
        directory.facts(ref).contextWindow;
      const session = sessionRow(info, { active, defaultModel, contextWindowOf, now: now() });
      tellChanged({ hub, now }, key, { reason, sessionId: info.sessionId, session });
    },
  };
}
