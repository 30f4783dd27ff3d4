import { randomUUID } from "node:crypto";
import {
  arch,
  cpus,
  freemem,
  hostname,
  loadavg,
  networkInterfaces,
  platform,
  release,
  totalmem,
} from "node:os";
import { statfs } from "node:fs/promises";
import * as z from "zod";
import type { SessionInfo } from "../../store/session.ts";
import type { NamedMethod } from "../method.ts";
import type { Board } from "./board.ts";
import { type HealthParts, sessionsOf } from "./health.ts";
import { statusRow } from "./status-row.ts";
import type { Life } from "./life.ts";
import type { PresenceRegistry } from "./presence.ts";
import { describeRestart, type RestartFacts } from "./restart.ts";
import { memory, type Stability as StabilityRecorder } from "./stability.ts";
import { type InstallKind, updateStatus } from "./update.ts";

const Nothing = z.strictObject({});
const Health = z.strictObject({
  probe: z.boolean().optional(),
  includeSensitive: z.boolean().optional(),
  timeoutMs: z.int().min(1).max(600_000).optional(),
});
const Status = z.strictObject({
  includeChannelSummary: z.boolean().default(true),
  includeCliProjection: z.boolean().optional(),
  includeSensitive: z.boolean().optional(),
});
const Text = z.string().max(256);
const Event = z.strictObject({
  text: z.string().trim().min(1).max(4_096),
  sessionKey: Text.optional(),
  idempotencyKey: Text.optional(),
  wake: z.boolean().optional(),
  deviceId: Text.optional(),
  instanceId: Text.optional(),
  host: Text.optional(),
  ip: Text.optional(),
  mode: Text.optional(),
  version: Text.optional(),
  platform: Text.optional(),
  deviceFamily: Text.optional(),
  modelIdentifier: Text.optional(),
  lastInputSeconds: z.number().min(0).optional(),
  reason: Text.optional(),
  roles: z.array(Text).max(32).optional(),
  scopes: z.array(Text).max(32).optional(),
  tags: z.array(Text).max(32).optional(),
});
const Stability = z.strictObject({
  limit: z.int().min(1).max(1_000).optional(),
  type: Text.optional(),
  sinceSeq: z.int().min(0).optional(),
});

export interface SystemParts {
  readonly health: HealthParts;
  readonly board: Board;
  readonly presence: PresenceRegistry;
  /**
   * Tells the agent, with the next prompt of a session.
   *
   * @param sessionKey - Default: the main one of the default agent.
   * @param id - The same one again, while it waits, is the same event.
   */
  readonly enqueue: (text: string, sessionKey: string | undefined, id: string) => void;
  /** Runs under way. */
  readonly activeRuns: () => number;
  /** Processes that had this state, and how they ended. */
  readonly life: Pick<Life, "facts">;
  readonly stability: Pick<StabilityRecorder, "snapshot">;
  readonly installedAs: InstallKind;
  /** The restart that is to come; undefined: there is none. */
  readonly pendingRestart: () => RestartFacts | undefined;
  readonly stateDir: string;
  readonly port: () => number;
  /** Names this process. */
  readonly instanceId: string;
  /** Unix ms. */
  readonly startedAt: number;
}

/** What the gateway tells of itself, its machine and who is there. */
export function systemMethods(parts: SystemParts): readonly NamedMethod[] {
  const { board, presence } = parts;
  const read = "operator.read";
  return [
    [
      "health",
      {
        // Probes come without scopes, and are told that it lives.
        scope: "any",
        async call(params, { client }) {
          Health.parse(params);
          const report = await board.look();
          return client.scopes.length === 0 ? bare(report) : report;
        },
      },
    ],
    ["status", { scope: read, call: (params) => statusOf(Status.parse(params), parts) }],
    [
      "system-presence",
      {
        scope: read,
        call(params) {
          Nothing.parse(params);
          return presence.list();
        },
      },
    ],
    [
      "system-event",
      {
        scope: "operator.write",
        call(params) {
          const {
            text,
            sessionKey,
            idempotencyKey: once = randomUUID(),
            wake: _wake,
            ...said
          } = Event.parse(params);
          if (isSomebody(said)) presence.note({ ...said, text });
          else parts.enqueue(text, sessionKey, once);
          return { ok: true };
        },
      },
    ],
    [
      "system.info",
      {
        scope: read,
        call(params) {
          Nothing.parse(params);
          return systemInfo(parts);
        },
      },
    ],
    [
      "update.status",
      {
        scope: read,
        call(params) {
          z.looseObject({}).parse(params);
          return updateStatus(parts.life.facts, parts.installedAs);
        },
      },
    ],
    [
      "diagnostics.stability",
      {
        scope: read,
        call(params) {
          const query = Stability.parse(params);
          const uptimeMs = parts.health.now() - parts.startedAt;
          const ours = { pid: process.pid, nodeVersion: process.versions.node, uptimeMs };
          return { ...parts.stability.snapshot(query), process: { ...parts.life.facts, ...ours } };
        },
      },
    ],
  ];
}

const Bare = z.object({ ts: z.number(), durationMs: z.number() });

/** What anybody may know who got in. */
function bare(report: object): object {
  const { ts, durationMs } = Bare.parse(report);
  return { ok: true, ts, durationMs };
}

function isSomebody({
  deviceId,
  instanceId,
  host,
}: Pick<z.output<typeof Event>, "deviceId" | "instanceId" | "host">): boolean {
  return deviceId !== undefined || instanceId !== undefined || host !== undefined;
}

async function statusOf(
  { includeChannelSummary }: z.output<typeof Status>,
  parts: SystemParts,
): Promise<object> {
  const { health } = parts;
  const agents = health.agents();
  const { contextWindowOf } = health;
  const defaultModel = health.model().id;
  const rowOf = (info: SessionInfo, now: number) =>
    statusRow(info, { defaultModel, contextWindowOf, now });
  const [all, ...each] = await Promise.all([
    sessionsOf(health, undefined, rowOf),
    ...agents.map(({ id }) => sessionsOf(health, id, rowOf)),
  ]);
  const byAgent = agents.map(({ id }, index) => ({ agentId: id, ...each[index] }));
  return {
    runtimeVersion: health.version,
    version: health.version,
    model: health.model(),
    edge: health.edge(),
    configRefused: health.configRefusal(),
    heartbeat: {
      defaultAgentId: agents.find(({ isDefault }) => isDefault)?.id ?? "main",
      agents: agents.map(({ id }) => {
        const { enabled, every, everyMs } = health.heartbeat(id);
        return { agentId: id, enabled, every, everyMs };
      }),
    },
    channelSummary: includeChannelSummary
      ? health.channels().map(({ id }) => `${id}: configured`)
      : [],
    queuedSystemEvents: [],
    tasks: { total: parts.activeRuns(), active: parts.activeRuns(), terminal: 0, failures: 0 },
    sessions: {
      paths: [all.path],
      count: all.count,
      defaults: { model: defaultModel, contextTokens: contextWindowOf(defaultModel) ?? null },
      recent: all.recent,
      byAgent,
    },
    ...describeRestart(parts.pendingRestart()),
    processMemory: memory(),
    pid: process.pid,
    uptimeMs: health.now() - parts.startedAt,
  };
}

async function systemInfo(parts: SystemParts): Promise<object> {
  const [load1 = 0, load5 = 0, load15 = 0] = loadavg();
  const [cpu] = cpus();
  const disk = await statfs(parts.stateDir);
  return {
    machineName: hostname(),
    hostname: hostname(),
    platform: platform(),
    release: release(),
    arch: arch(),
    osLabel: `${platform()} ${release()}`,
    lanAddress: lanAddress(),
    port: parts.port(),
    nodeVersion: process.versions.node,
    pid: process.pid,
    processInstanceId: parts.instanceId,
    uptimeMs: parts.health.now() - parts.startedAt,
    cpuCount: cpus().length,
    cpuModel: cpu?.model,
    loadAverage: [load1, load5, load15],
    memoryTotalBytes: totalmem(),
    memoryFreeBytes: freemem(),
    diskTotalBytes: disk.blocks * disk.bsize,
    diskAvailableBytes: disk.bavail * disk.bsize,
    diskPath: parts.stateDir,
  };
}

function lanAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flat();
  return all.find((one) => one?.family === "IPv4" && !one.internal)?.address;
}
