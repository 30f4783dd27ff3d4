import { hostname, platform, release } from "node:os";
import { join } from "node:path";
import type { Settings } from "../../config/settings.ts";
import type { AgentDirectory } from "../../agents/directory.ts";
import { everyMsOf, heartbeatOf } from "../../cron/heartbeat.ts";
import { logsMethods } from "../../methods/logs/methods.ts";
import { covers, type NamedMethod } from "../../methods/method.ts";
import { Board } from "../../methods/system/board.ts";
import type { HealthParts, HealthReport, HeartbeatFacts } from "../../methods/system/health.ts";
import { type LifecycleParts, lifecycleMethods } from "../../methods/system/lifecycle.ts";
import type { Life } from "../../methods/system/life.ts";
import type { Stability } from "../../methods/system/stability.ts";
import { systemMethods } from "../../methods/system/methods.ts";
import { PresenceRegistry } from "../../methods/system/presence.ts";
import type { Suspension } from "../../methods/system/suspension.ts";
import type { Store } from "../../store/store.ts";
import type { Connections } from "../rpc/connections.ts";
import { describeEdge, type HealthSource } from "../health.ts";
import { installKind } from "../version.ts";
import { BOOT_ID } from "../rpc/hello.ts";

/** What every agent calls the session of its owner. */
const MAIN_KEY = "main";

export interface OperationParts {
  readonly health: HealthSource;
  readonly settings: () => Settings;
  readonly directory: AgentDirectory;
  readonly store: Pick<Store, "sessions">;
  readonly connections: Connections;
  readonly presence: PresenceRegistry;
  readonly activeRuns: () => number;
  readonly suspension: Suspension;
  /** For the agent, with its next prompt. */
  readonly enqueue: (text: string, sessionKey: string, id: string) => void;
  readonly life: Life;
  readonly stability: Stability;
  readonly restart: LifecycleParts["restart"];
  readonly pendingRestart: LifecycleParts["pendingRestart"];
  readonly configRefusal: HealthParts["configRefusal"];
  readonly publicKey: () => Promise<string>;
  /** The log file of this moment; undefined: there is none. */
  readonly logFile: () => string | undefined;
  readonly port: () => number;
}

/** How the gateway runs, for those who run it. Disposing it ends what it tells by itself. */
export interface Operations extends Disposable {
  readonly methods: readonly NamedMethod[];
  /** Of the greeting, for a client with these scopes. */
  snapshot(scopes: readonly string[]): object;
}

/** Us, as others see us in the list of who is there. */
export function presenceOf(version: string, now: () => number): PresenceRegistry {
  const host = hostname();
  const self = {
    host,
    version,
    platform: `${platform()} ${release()}`,
    mode: "gateway",
    reason: "self",
    instanceId: BOOT_ID,
    text: `Gateway: ${host} · app ${version} · mode gateway · reason self`,
  };
  return new PresenceRegistry(self, now);
}

export function startOperations(parts: OperationParts): Operations {
  const { settings, directory, store, connections, presence, activeRuns, suspension } = parts;
  const { now, startedAt, version, model, edge, channels } = parts.health;
  const { stateDir, configPath } = settings();
  const health: HealthParts = {
    version,
    model: () => model,
    edge: () => describeEdge(edge()),
    channels: () => channels().map((id) => ({ id, status: { configured: true } })),
    agents: () => directory.list(),
    heartbeat: (id) => heartbeatFacts(settings(), id),
    sessions: store.sessions,
    contextWindowOf: (ref) => directory.facts(ref).contextWindow,
    statePath: join(stateDir, "sallyport.sqlite"),
    reloads: () => settings().config.gateway.reload.mode !== "off",
    configRefusal: parts.configRefusal,
    now,
  };
  const board = new Board(connections, presence, health);
  // For the first greeting; whatever is wrong with the store shows where it is used.
  board.renew().catch(() => undefined);
  return {
    methods: [
      ...systemMethods({
        health,
        board,
        presence,
        enqueue(text, sessionKey, id) {
          const key = sessionKey ?? `agent:${directory.defaultId()}:${MAIN_KEY}`;
          parts.enqueue(text, key, id);
        },
        activeRuns,
        pendingRestart: parts.pendingRestart,
        life: parts.life,
        stability: parts.stability,
        installedAs: installKind(),
        stateDir,
        port: parts.port,
        instanceId: BOOT_ID,
        startedAt,
      }),
      ...lifecycleMethods({
        restart: parts.restart,
        pendingRestart: parts.pendingRestart,
        suspension,
        publicKey: parts.publicKey,
        instanceId: BOOT_ID,
      }),
      ...logsMethods(parts.logFile),
    ],
    snapshot(scopes) {
      const reads = covers(scopes, "operator.read");
      const defaultAgentId = directory.defaultId();
      return {
        suspension: { phase: suspension.phase },
        presence: reads ? presence.list() : [],
        health: reads ? published(board.health) : { ok: true, ts: now() },
        stateVersion: board.stateVersion,
        uptimeMs: Math.round(now() - startedAt),
        sessionDefaults: {
          defaultAgentId,
          mainKey: MAIN_KEY,
          mainSessionKey: `agent:${defaultAgentId}:${MAIN_KEY}`,
          scope: settings().config.session.scope,
          modelConfigured: !model.demo,
        },
        ...(covers(scopes, "operator.admin") && { configPath, stateDir }),
      };
    },
    [Symbol.dispose]: () => board[Symbol.dispose](),
  };
}

/** What is ours alone has no place in a greeting, whose shape is published and closed. */
function published({ version: _v, model: _m, edge: _e, ...health }: HealthReport): object {
  return health;
}

function heartbeatFacts(settings: Settings, agentId: string): HeartbeatFacts {
  const heartbeat = heartbeatOf(settings, agentId);
  const everyMs = everyMsOf(heartbeat);
  return {
    enabled: everyMs > 0,
    every: everyMs === 0 ? "0m" : spanOf(everyMs),
    everyMs: everyMs === 0 ? null : everyMs,
    prompt: heartbeat?.prompt ?? "",
    target: heartbeat?.target ?? "owner",
    ackMaxChars: heartbeat?.ackMaxChars ?? 0,
  };
}

function spanOf(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000}m` : `${Math.round(ms / 1_000)}s`;
}
