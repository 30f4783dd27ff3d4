import { systemClock } from "../channels/clock.ts";
import type { ModelIdentity } from "../http/agents.ts";
import type { ConfigRefusal } from "./lifecycle/reload.ts";
import type { TunnelState } from "../tunnel/handlers.ts";

/** What this gateway does at the moment. */
export type Role = "leader" | "standby" | "draining";

/** What the reports look at. */
export interface HealthSource {
  readonly version: string;
  readonly model: ModelIdentity;
  /** State of the tunnel; undefined: no edge is configured. */
  readonly edge: () => TunnelState | undefined;
  /** Ids of the channels that run. */
  readonly channels: () => readonly string[];
  readonly role: () => Role;
  /** Why the config as it is written does not run; undefined: it does, or nobody follows it. */
  readonly configRefusal?: (() => ConfigRefusal | undefined) | undefined;
  /** Whether a change would be saved now: false on a full disk. A standby has nothing to save. */
  readonly canSave: () => Promise<boolean>;
  /** Unix time, milliseconds. */
  readonly now: () => number;
  /** Unix ms. */
  readonly startedAt: number;
}

/** For anybody: that we live, and whether we are the one to ask. */
export function liveness({ role }: HealthSource): { readonly ok: true; readonly status: string } {
  return { ok: true, status: role() === "standby" ? "standby" : "live" };
}

/** For callers who have shown a token. */
export function fullHealth(source: HealthSource): object {
  const { version, model, edge, channels, startedAt, now } = source;
  return {
    ...liveness(source),
    version,
    uptimeMs: now() - startedAt,
    model: { id: model.id, demo: model.demo },
    edge: describeEdge(edge()),
    channels: channels(),
    configRefused: source.configRefusal?.(),
  };
}

/** Whether new work is taken, and if not, why. */
export async function readiness({ role, canSave }: HealthSource): Promise<{
  readonly ready: boolean;
  readonly failing: readonly string[];
}> {
  const now = role();
  const failing = [
    ...(now === "leader" ? [] : [now]),
    ...(now === "standby" || (await canSave()) ? [] : ["store"]),
  ];
  return { ready: failing.length === 0, failing };
}

/** For people and programs. */
export function describeEdge(state: TunnelState | undefined): object {
  if (state === undefined) return { configured: false };
  const { connected, since, lastError, warnings } = state;
  return { configured: true, connected, since, lastError: lastError ?? null, warnings };
}

/** What a gateway that stands by can tell of itself. */
export function standbySource({
  version,
  model,
  tunnel,
  startedAt,
}: {
  readonly version: string;
  readonly model: () => ModelIdentity;
  readonly tunnel: () => { readonly state: TunnelState } | undefined;
  readonly startedAt: number;
}): HealthSource {
  return {
    version,
    get model() {
      return model();
    },
    edge: () => tunnel()?.state,
    channels: () => [],
    role: () => "standby",
    canSave: () => Promise.resolve(true),
    now: systemClock.now,
    startedAt,
  };
}
