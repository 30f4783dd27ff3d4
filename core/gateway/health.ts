import * as z from "zod";
import type { ModelIdentity } from "../http/models.ts";
import type { TunnelState } from "../tunnel/handlers.ts";
import type { Method } from "../methods/method.ts";

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

/** The part of the greeting that says how the gateway is. */
export function snapshot(source: HealthSource): object {
  return {
    presence: [],
    health: rpcHealth(source),
    stateVersion: { presence: 0, health: 0 },
    uptimeMs: source.now() - source.startedAt,
    sessionDefaults: {
      defaultAgentId: "main",
      mainKey: "main",
      mainSessionKey: "agent:main:main",
      scope: "per-sender",
      modelConfigured: !source.model.demo,
    },
  };
}

const HealthParams = z.strictObject({ probe: z.boolean().optional() });

/** The method `health`. */
export function healthMethod(source: HealthSource): Method {
  return {
    scope: "operator.read",
    call(params) {
      HealthParams.parse(params);
      return rpcHealth(source);
    },
  };
}

function rpcHealth(source: HealthSource): object {
  const { version, model, edge, channels, now } = source;
  const ts = now();
  const ids = channels();
  return {
    ok: true,
    ts,
    durationMs: now() - ts,
    version,
    model: { id: model.id, demo: model.demo },
    edge: describeEdge(edge()),
    channels: Object.fromEntries(ids.map((id) => [id, { configured: true }])),
    channelOrder: ids,
    channelLabels: Object.fromEntries(ids.map((id) => [id, label(id)])),
    defaultAgentId: "main",
    agents: [{ agentId: "main", isDefault: true }],
  };
}

function describeEdge(state: TunnelState | undefined): object {
  if (state === undefined) return { configured: false };
  const { connected, since, lastError, warnings } = state;
  return { configured: true, connected, since, lastError: lastError ?? null, warnings };
}

function label(id: string): string {
  return id.charAt(0).toUpperCase() + id.slice(1);
}
