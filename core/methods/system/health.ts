import type { SessionInfo, SessionStore } from "../../store/session.ts";

/** Sessions that a report names, the newest first. */
const RECENT = 5;

export interface HeartbeatFacts {
  readonly enabled: boolean;
  readonly every: string;
  readonly everyMs: number | null;
  readonly prompt: string;
  readonly target: string;
  readonly ackMaxChars: number;
}

/** What a report looks at. */
export interface HealthParts {
  readonly version: string;
  /** The first model that answers. */
  readonly model: () => { readonly id: string; readonly demo: boolean };
  /** The tunnel, for people. */
  readonly edge: () => object;
  /** Each channel that is configured, with what is known of it. */
  readonly channels: () => readonly { readonly id: string; readonly status: object }[];
  /** The default agent first. */
  readonly agents: () => readonly {
    readonly id: string;
    readonly name: string | undefined;
    readonly isDefault: boolean;
  }[];
  readonly heartbeat: (agentId: string) => HeartbeatFacts;
  readonly sessions: Pick<SessionStore, "list">;
  /** How many tokens `provider/model` takes; undefined: not known. */
  readonly contextWindowOf: (ref: string) => number | undefined;
  /** File that the sessions are in. */
  readonly statePath: string;
  /** Whether a change of the config takes effect by itself. */
  readonly reloads: () => boolean;
  /** Why the config as it is written does not run; undefined: it does. */
  readonly configRefusal: () => { readonly file: string; readonly reason: string } | undefined;
  /** Unix ms. */
  readonly now: () => number;
}

export interface SessionFacts {
  readonly path: string;
  readonly count: number;
  readonly recent: readonly {
    readonly key: string;
    readonly updatedAt: number;
    readonly age: number;
  }[];
}

/** What programs of the contract read, and what is ours. */
export interface HealthReport {
  readonly version?: string;
  readonly model?: object;
  readonly edge?: object;
  readonly [key: string]: unknown;
}

/** A gateway, as the method `health` and the event of that name tell it. */
export async function healthReport(parts: HealthParts): Promise<HealthReport> {
  const { version, model, edge, channels, agents, heartbeat, now } = parts;
  const ts = now();
  const known = channels();
  const listed = agents();
  const { id, demo } = model();
  const [sessions, ...ofAgents] = await Promise.all([
    sessionsOf(parts, undefined),
    ...listed.map((agent) => sessionsOf(parts, agent.id)),
  ]);
  const heartbeats = listed.map((agent) => heartbeat(agent.id));
  return {
    ok: true,
    ts,
    durationMs: now() - ts,
    version,
    model: { id, demo },
    edge: edge(),
    configReload: { hotReloadStatus: parts.reloads() ? "active" : "disabled" },
    configRefused: parts.configRefusal(),
    channels: Object.fromEntries(known.map((one) => [one.id, one.status])),
    channelOrder: known.map((one) => one.id),
    channelLabels: Object.fromEntries(known.map((one) => [one.id, labelOf(one.id)])),
    heartbeatSeconds: Math.round((heartbeats[0]?.everyMs ?? 0) / 1_000),
    defaultAgentId: listed.find(({ isDefault }) => isDefault)?.id ?? "main",
    agents: listed.map(({ id: agentId, name, isDefault }, index) => ({
      agentId,
      name,
      isDefault,
      heartbeat: heartbeats[index],
      sessions: ofAgents[index],
    })),
    sessions,
  };
}

/**
 * Sessions of one agent, or of all.
 *
 * @param rowOf - What is told of each; default: when it was used.
 */
export async function sessionsOf(
  { sessions, statePath, now }: Pick<HealthParts, "sessions" | "statePath" | "now">,
  agentId: string | undefined,
  rowOf: (info: SessionInfo, now: number) => SessionFacts["recent"][number] = shortRow,
): Promise<SessionFacts> {
  const page = await sessions.list({ limit: RECENT, offset: 0, agentId, archived: "no" });
  const at = now();
  const recent = page.sessions.map((info) => rowOf(info, at));
  return { path: statePath, count: page.total, recent };
}

function shortRow({ key, updatedAt }: SessionInfo, now: number): SessionFacts["recent"][number] {
  return { key, updatedAt, age: Math.max(0, now - updatedAt) };
}

function labelOf(id: string): string {
  return id.charAt(0).toUpperCase() + id.slice(1);
}
