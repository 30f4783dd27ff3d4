/** Turns of a main session that nobody asked for: heartbeats, and wake-ups by events. */
import { createHash } from "node:crypto";
import * as z from "zod";
import type { Heartbeat } from "../config/sections/heartbeat.ts";
import { mainSessionKey } from "../conversation/route.ts";
import type { RunOrder, RunState } from "../conversation/run.ts";
import {
  heartbeatOf,
  heartbeatPrompt,
  isActive,
  isEmptyChecklist,
  timeoutMsOf,
} from "./heartbeat.ts";
import type { CronParts } from "./parts.ts";
import { ACK_MAX_CHARS, saidOf } from "./silence.ts";
import { destinationOf } from "./target.ts";
import { announce, type Delivered, type Executed, finished, NOT_REQUESTED } from "./turn.ts";

const LAST = "heartbeat:last";
const MAX_PREVIEW_UNITS = 200;

/** As programs read it: `last-heartbeat`, and the event. */
const Beat = z.object({
  ts: z.number(),
  status: z.enum(["sent", "ok-empty", "ok-token", "skipped", "failed"]),
  reason: z.string().optional(),
  message: z.string().optional(),
  preview: z.string().optional(),
  channel: z.string().optional(),
  to: z.string().optional(),
  durationMs: z.number().optional(),
  agentId: z.string().optional(),
});
export type Beat = z.output<typeof Beat>;

/** A turn that is under way. */
interface Begun {
  readonly agentId: string;
  readonly id: string;
  readonly sessionKey: string;
  readonly heartbeat: Heartbeat;
  readonly startedAt: number;
}

export class Heartbeats {
  readonly #parts: CronParts;
  /** Sessions that are being woken; true: once more when that is over. */
  readonly #waking = new Map<string, boolean>();

  constructor(parts: CronParts) {
    this.#parts = parts;
  }

  /** What became of the last one; null: there was none. */
  async last(): Promise<Beat | null> {
    const text = await this.#parts.store.get(LAST);
    return text === undefined ? null : Beat.parse(JSON.parse(text));
  }

  /**
   * One heartbeat.
   *
   * @param id - The same one again is the same beat.
   * @returns Undefined: `signal` has aborted.
   */
  async beat(agentId: string, id: string, signal: AbortSignal): Promise<Executed | undefined> {
    const { settings, clock, runs, hostZone, checklist } = this.#parts;
    const heartbeat = heartbeatOf(settings(), agentId);
    const sessionKey = sessionOf(heartbeat, agentId, id);
    if (heartbeat === undefined) return this.#skipped(agentId, "disabled");
    if (!isActive(heartbeat, clock.now(), hostZone)) return this.#skipped(agentId, "quiet-hours");
    const begun = runs.active(sessionKey);
    if (begun.some((run) => run.id !== id)) return this.#skipped(agentId, "requests-in-flight");
    const workspace = settings().agents.find((one) => one.id === agentId)?.workspace;
    const list = workspace === undefined ? "" : await checklist(workspace);
    const waiting = await this.#parts.events.count(sessionKey);
    if (list !== "" && isEmptyChecklist(list) && waiting === 0) {
      return this.#skipped(agentId, "empty-heartbeat-file");
    }
    return this.#turn({ agentId, id, sessionKey, heartbeat, list, reason: undefined }, signal);
  }

  /** Has the agent read what waits for its session, now. Calls in between are one. */
  async wake(agentId: string, sessionKey: string, signal: AbortSignal): Promise<void> {
    if (this.#waking.has(sessionKey)) {
      this.#waking.set(sessionKey, true);
      return;
    }
    this.#waking.set(sessionKey, false);
    try {
      const heartbeat = heartbeatOf(this.#parts.settings(), agentId) ?? {};
      const base = { agentId, sessionKey, heartbeat, list: "", reason: "event" };
      await this.#turn({ ...base, id: undefined }, signal);
    } finally {
      const again = this.#waking.get(sessionKey) === true;
      this.#waking.delete(sessionKey);
      if (again && !signal.aborted) await this.wake(agentId, sessionKey, signal);
    }
  }

  async #turn(
    order: {
      readonly agentId: string;
      readonly id: string | undefined;
      readonly sessionKey: string;
      readonly heartbeat: Heartbeat;
      readonly list: string;
      readonly reason: string | undefined;
    },
    signal: AbortSignal,
  ): Promise<Executed | undefined> {
    const { runs, events, clock } = this.#parts;
    const { agentId, sessionKey, heartbeat, list, reason } = order;
    const startedAt = clock.now();
    const held = await events.hold(sessionKey);
    const id = order.id ?? `wake:${agentId}:${digest([sessionKey, ...held.ids])}`;
    let told = false;
    let begun: RunOrder;
    try {
      if (order.id === undefined && held.ids.length === 0)
        return this.#skipped(agentId, "no-events");
      const facts = { checklist: list, notes: held.lines, now: startedAt, reason: undefined };
      const message =
        reason === undefined ? heartbeatPrompt(heartbeat, facts) : held.lines.join("\n\n");
      const { model, lightContext } = heartbeat;
      const timeoutMs = timeoutMsOf(heartbeat);
      begun = { id, kind: "heartbeat", sessionKey, message, model, lightContext, timeoutMs };
      await runs.start(begun);
      told = true;
    } finally {
      await events.settle(sessionKey, held, told);
    }
    const run = await finished(runs, begun, signal);
    if (run === undefined) return undefined;
    return this.#tell({ agentId, id, sessionKey, heartbeat, startedAt }, run);
  }

  async #tell(beat: Begun, run: RunState): Promise<Executed> {
    const { agentId, sessionKey, heartbeat, startedAt } = beat;
    const now = this.#parts.clock.now();
    const base = { ts: now, durationMs: Math.max(0, now - startedAt), agentId };
    if (run.status !== "ok") {
      const error = run.error?.message ?? "The run was ended before it was done";
      await this.#note({ ...base, status: "failed", reason: error });
      const code = run.error?.code ?? "canceled";
      return { status: "error", code, error, sessionKey, run, delivery: NOT_REQUESTED };
    }
    const said = saidOf(run.text, heartbeat.ackMaxChars ?? ACK_MAX_CHARS);
    if (said.text === undefined) {
      await this.#note({ ...base, status: said.reason === "empty" ? "ok-empty" : "ok-token" });
      const delivery = { status: "not-delivered", suppressed: said.reason } as const;
      return { status: "ok", summary: run.text.trim(), sessionKey, run, delivery };
    }
    const delivery = await this.#deliver(beat, said.text, base);
    return { status: "ok", summary: said.text, sessionKey, run, delivery };
  }

  async #deliver(
    { agentId, id, sessionKey, heartbeat }: Begun,
    text: string,
    base: Pick<Beat, "ts" | "durationMs" | "agentId">,
  ): Promise<Delivered> {
    const { routes, happened } = this.#parts;
    const { target = "owner", to } = heartbeat;
    const wish = { channel: target, to, sessionKey: mainSessionKey(agentId) };
    const destination = await destinationOf(wish, routes);
    const preview = text.slice(0, MAX_PREVIEW_UNITS);
    happened({ event: "heartbeat:alert", facts: { agentId, sessionKey, text: preview } });
    if (destination.kind === "route") {
      const { route } = destination;
      const delivery = await announce(this.#parts, id, route, text);
      const status = delivery.status === "delivered" ? "sent" : "failed";
      await this.#note({ ...base, status, reason: delivery.error, preview, ...route });
      return delivery;
    }
    if (destination.kind === "none") {
      await this.#note({ ...base, status: "skipped", reason: "target-none", preview });
      return NOT_REQUESTED;
    }
    const message = destination.reason;
    await this.#note({ ...base, status: "skipped", reason: "no-route", message, preview });
    return { status: "not-delivered", error: message };
  }

  async #skipped(agentId: string, reason: string): Promise<Executed> {
    await this.#note({ ts: this.#parts.clock.now(), status: "skipped", reason, agentId });
    const error = `heartbeat skipped: ${reason}`;
    return { status: "skipped", error, delivery: NOT_REQUESTED };
  }

  async #note(beat: Beat): Promise<void> {
    await this.#parts.store.set(LAST, JSON.stringify(beat));
    this.#parts.publish("heartbeat", beat);
  }
}

function sessionOf(heartbeat: Heartbeat | undefined, agentId: string, id: string): string {
  if (heartbeat?.isolatedSession === true) return `agent:${agentId}:cron:heartbeat:run:${id}`;
  const { session = "main" } = heartbeat ?? {};
  if (session === "main") return mainSessionKey(agentId);
  return session.startsWith("agent:") ? session : `agent:${agentId}:${session}`;
}

function digest(parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("base64url").slice(0, 22);
}
