import * as z from "zod";
import { GatewayError } from "../../../shared/errors.ts";
import { heartbeatJobId } from "../../cron/heartbeat.ts";
import { configRevision, listedJob } from "../../cron/public-job.ts";
import { destinationOf, previewOf } from "../../cron/target.ts";
import type { CronJob } from "../../store/cron-job.ts";
import type { NamedMethod } from "../method.ts";
import { found } from "./found.ts";
import { definitionOf, idAndRest, updateOf } from "./input.ts";
import { listMethods } from "./list.ts";
import type { CronMethodParts } from "./parts.ts";
import { scratchMethods } from "./scratch.ts";

const Run = z.strictObject({
  mode: z.enum(["due", "force", "if-enabled"]).default("force"),
  expectedProcessInstanceId: z.string().min(1).max(128).optional(),
});
const Nothing = z.strictObject({});

/** The scheduler, for the command line and for UIs. Reading needs read, changing admin. */
export function cronMethods(parts: CronMethodParts): readonly NamedMethod[] {
  return [
    ...listMethods(parts),
    ...scratchMethods(parts),
    ["cron.add", { scope: "operator.admin", call: (params) => add(parts, params) }],
    ["cron.update", { scope: "operator.admin", call: (params) => update(parts, params) }],
    ["cron.remove", { scope: "operator.admin", call: (params) => remove(parts, params) }],
    ["cron.run", { scope: "operator.admin", call: (params) => run(parts, params) }],
  ];
}

async function add(parts: CronMethodParts, params: unknown): Promise<object> {
  const definition = definitionOf(params, parts.now());
  checkAgent(parts, definition.agentId);
  const scheduler = await parts.scheduler();
  const { declarationKey: key } = definition;
  if (key === undefined) {
    const job = await scheduler.add(parts.newId(), definition);
    return { ...listedJob(job), deliveryPreview: await preview(parts, job) };
  }
  const jobs = await scheduler.jobs();
  const known = jobs.find((job) => job.definition.declarationKey === key);
  if (known === undefined) {
    const job = await scheduler.add(parts.newId(), definition);
    return { created: true, job: listedJob(job) };
  }
  refuseHeartbeat(known);
  // Whoever declares it again without a word on it leaves it stopped, or running.
  const isSaid = typeof params === "object" && params !== null && "enabled" in params;
  const enabled = isSaid ? definition.enabled : known.definition.enabled;
  const wanted = { ...definition, enabled };
  const updated = JSON.stringify(known.definition) !== JSON.stringify(wanted);
  const job = updated ? await scheduler.update(known.id, () => wanted) : known;
  return { created: false, updated, job: listedJob(job ?? known) };
}

async function update(parts: CronMethodParts, params: unknown): Promise<object> {
  const { id, rest } = idAndRest(params);
  const asked = updateOf(rest, parts.now());
  const scheduler = await parts.scheduler();
  const job = await scheduler.update(id, (before) => {
    refuseHeartbeat(before);
    if (asked.expected !== undefined && asked.expected !== configRevision(before)) {
      throw new GatewayError("conflict", "the job was changed meanwhile: read it again");
    }
    const definition = asked.change(before.definition);
    checkAgent(parts, definition.agentId);
    return definition;
  });
  return listedJob(found(job, id));
}

async function remove(parts: CronMethodParts, params: unknown): Promise<object> {
  const { id, rest } = idAndRest(params);
  Nothing.parse(rest);
  const scheduler = await parts.scheduler();
  const job = await scheduler.find(id);
  if (job !== undefined) refuseHeartbeat(job);
  return { ok: true, removed: await scheduler.remove(id) };
}

async function run(parts: CronMethodParts, params: unknown): Promise<object> {
  const { id, rest } = idAndRest(params);
  const { mode } = Run.parse(rest);
  const scheduler = await parts.scheduler();
  const job = found(await scheduler.find(id), id);
  if (mode === "if-enabled" && !job.definition.enabled) {
    return { ok: true, ran: false, reason: "disabled" };
  }
  if (mode === "due") {
    const { nextRunAtMs } = job.state;
    if (nextRunAtMs === undefined || nextRunAtMs > parts.now()) {
      return { ok: true, ran: false, reason: "not-due" };
    }
    const dueRun = await scheduler.runDue(job);
    return dueRun === undefined
      ? { ok: true, ran: false, reason: "not-due" }
      : { ok: true, enqueued: true, runId: dueRun };
  }
  const runId = await scheduler.runNow(job);
  return runId === undefined
    ? { ok: true, ran: false, reason: "already-running" }
    : { ok: true, enqueued: true, runId };
}

async function preview({ routes, agents }: CronMethodParts, job: CronJob): Promise<object> {
  const { delivery, agentId = agents()[0] ?? "main" } = job.definition;
  const wish = { ...delivery, sessionKey: `agent:${agentId}:main` };
  return previewOf(delivery, await destinationOf(wish, routes));
}

function checkAgent({ agents }: CronMethodParts, agentId: string | undefined): void {
  if (agentId === undefined || agents().includes(agentId)) return;
  throw new GatewayError(
    "invalid_request",
    `Unknown agent '${agentId}': there is ${agents().join(", ")}`,
  );
}

function refuseHeartbeat({ id, definition }: CronJob): void {
  if (definition.payload.kind !== "heartbeat") return;
  const of = heartbeatJobId(definition.agentId ?? "");
  throw new GatewayError(
    "invalid_request",
    `${id === of ? (definition.displayName ?? id) : id} is made by the config: change agents.defaults.heartbeat there`,
  );
}
