/** Heartbeats as jobs: which agents have one, when, and what they are asked. Pure. */
import { createHash } from "node:crypto";
import type { Heartbeat } from "../config/sections/heartbeat.ts";
import type { Settings } from "../config/settings.ts";
import type { CronDefinition } from "../store/cron-job.ts";
import { wallOf } from "./zoned.ts";

/** As OpenClaw has it. */
const DEFAULT_EVERY_MS = 30 * 60_000;
/** Of a heartbeat that says nothing of its own. */
const MAX_TURN_MS = 600_000;
/** Of `HEARTBEAT.md`: it is asked with every beat. */
export const MAX_CHECKLIST_UNITS = 16_384;

const PROMPT =
  "Follow the checklist of HEARTBEAT.md when there is one. Do not infer or repeat old tasks from prior chats. If nothing needs attention, reply HEARTBEAT_OK.";

/** Source of all heartbeat jobs: their ids begin with it. */
const PREFIX = "heartbeat:";

export function heartbeatJobId(agentId: string): string {
  return `${PREFIX}${agentId}`;
}

/** What of the settings says who has one. */
export type HeartbeatSettings = Pick<Settings, "config" | "agents">;

/**
 * The heartbeat of an agent; undefined: it has none. When one agent has its own, only those that
 * have their own have any, on top of what the defaults say.
 */
export function heartbeatOf(
  { config, agents }: HeartbeatSettings,
  agentId: string,
): Heartbeat | undefined {
  const written = new Map<string, Heartbeat | undefined>([
    ...config.agents.list.map((one) => [one.id, one.heartbeat] as const),
    ...Object.entries(config.agents.entries).map(([id, one]) => [id, one.heartbeat] as const),
  ]);
  const { heartbeat: defaults } = config.agents.defaults;
  const own = written.get(agentId);
  if (own !== undefined) return { ...defaults, ...own };
  const anyOwn = written.values().some((one) => one !== undefined);
  const isDefault = agents.some(({ id, isDefault: chosen }) => id === agentId && chosen);
  return anyOwn || !isDefault ? undefined : defaults;
}

export function everyMsOf(heartbeat: Heartbeat | undefined): number {
  return heartbeat === undefined ? 0 : (heartbeat.every ?? DEFAULT_EVERY_MS);
}

export function timeoutMsOf(heartbeat: Heartbeat): number {
  const { timeoutSeconds } = heartbeat;
  const everyMs = everyMsOf(heartbeat);
  if (timeoutSeconds !== undefined) return timeoutSeconds * 1_000;
  return Math.min(everyMs === 0 ? MAX_TURN_MS : everyMs, MAX_TURN_MS);
}

/** The job that an agent's heartbeat is. */
export function heartbeatDefinition(
  agentId: string,
  everyMs: number,
  enabled: boolean,
): CronDefinition {
  return {
    name: `heartbeat-${agentId}`,
    displayName: `Heartbeat (${agentId})`,
    declarationKey: heartbeatJobId(agentId),
    agentId,
    enabled: enabled && everyMs > 0,
    schedule: {
      kind: "every",
      everyMs: everyMs === 0 ? DEFAULT_EVERY_MS : everyMs,
      // The same in every process, and not the same for every agent.
      anchorMs: anchorOf(agentId, everyMs === 0 ? DEFAULT_EVERY_MS : everyMs),
    },
    sessionTarget: "main",
    wakeMode: "next-heartbeat",
    payload: { kind: "heartbeat" },
    // What was not asked yesterday needs no asking today.
    missedRuns: "skip",
  };
}

function anchorOf(agentId: string, everyMs: number): number {
  const draw = createHash("sha256").update(heartbeatJobId(agentId)).digest().readUInt32BE(0);
  return Math.floor((draw / 2 ** 32) * everyMs);
}

/** Whether it may speak at `at`. */
export function isActive({ activeHours }: Heartbeat, at: number, hostZone: string): boolean {
  if (activeHours === undefined) return true;
  const { start, end, timezone = "local" } = activeHours;
  const zone = timezone === "local" || timezone === "user" ? hostZone : timezone;
  const now = minutesAt(at, zone) ?? minutesAt(at, hostZone) ?? 0;
  const [from, to] = [minutesOf(start), minutesOf(end)];
  if (from === to) return false;
  return from < to ? now >= from && now < to : now >= from || now < to;
}

function minutesOf(text: string): number {
  const [hour = "0", minute = "0"] = text.split(":");
  return Number(hour) * 60 + Number(minute);
}

function minutesAt(at: number, zone: string): number | undefined {
  try {
    const { hour, minute } = wallOf(at, zone);
    return hour * 60 + minute;
  } catch {
    return undefined; // a RangeError: no zone of this name
  }
}

/** What an agent is asked. */
export function heartbeatPrompt(
  heartbeat: Heartbeat,
  facts: { checklist: string; notes: readonly string[]; now: number; reason: string | undefined },
): string {
  const { checklist, notes, now, reason } = facts;
  return [
    heartbeat.prompt ?? PROMPT,
    ...(isEmptyChecklist(checklist) ? [] : [`HEARTBEAT.md:\n${checklist.trim()}`]),
    ...notes,
    ...(reason === undefined ? [] : [`System: woken because: ${reason}`]),
    `Current time: ${new Date(now).toISOString()}`,
  ].join("\n\n");
}

/** A file of headings and empty list items asks for nothing. */
export function isEmptyChecklist(text: string): boolean {
  return text
    .split("\n")
    .every((line) => /^\s*(?:#+(?:\s.*)?|[-*+]\s*(?:\[[ x]?\]\s*)?|<!--.*-->)?\s*$/i.test(line));
}
