/** `cron`: an agent's own jobs. What a job says is done later, when nobody watches: it is bounded. */
import * as z from "zod";
import type { AgentTool, ToolCaller } from "../../agents/tool.ts";
import { parametersOf } from "../../agents/tools/parameters.ts";
import type { Scheduler } from "../../cron/scheduler.ts";
import { listedJob } from "../../cron/public-job.ts";
import { mainSessionKey } from "../../conversation/route.ts";
import type { CronDefinition, CronJob } from "../../store/cron-job.ts";
import { explained, shown } from "./answer.ts";
import { Rate } from "./rate.ts";

/** Of one agent: more than a person keeps in mind. */
const MAX_JOBS = 50;
/** Made in a while by one agent. */
const MAX_ADDED = 10;
const WINDOW_MS = 60 * 60_000;
/** A job that is due more often than this keeps the model busy with itself. */
const MIN_EVERY_MS = 60_000;
const NAME = "cron";

const Text = z.string().trim().min(1).max(16_000);
const ToolNames = z.array(z.string().min(1).max(128)).max(64);

/** As it is described to models: not all of them read a choice of shapes. */
const Described = z.strictObject({
  action: z.enum(["list", "add", "remove"]),
  jobId: z.string().optional().describe("For remove"),
  job: z
    .strictObject({
      name: z.string(),
      schedule: z
        .strictObject({
          kind: z.enum(["at", "every", "cron"]),
          at: z.string().optional().describe("ISO 8601 with its offset, or a span such as 20m"),
          everyMs: z.number().optional().describe("Milliseconds, a minute at least"),
          expr: z.string().optional().describe("Minute, hour, day, month, weekday"),
          tz: z.string().optional().describe("IANA time zone of expr"),
        })
        .describe("When it is due: kind, and the fields of that kind"),
      payload: z
        .strictObject({
          kind: z.enum(["systemEvent", "agentTurn"]),
          text: z.string().optional().describe("Of a systemEvent"),
          message: z.string().optional().describe("Of an agentTurn"),
          toolsAllow: ToolNames.optional().describe("Of an agentTurn: its tools; default: all"),
          lightContext: z.boolean().optional(),
        })
        .describe(
          "systemEvent: a reminder in the main session of this agent. agentTurn: a task in a session of its own",
        ),
      delivery: z
        .strictObject({
          mode: z.enum(["none", "announce"]),
          channel: z.string().optional(),
          to: z.string().optional(),
        })
        .optional()
        .describe("Where the answer goes; default: where the owner was talked to last"),
      deleteAfterRun: z.boolean().optional(),
    })
    .optional()
    .describe("For add"),
});

const Schedule = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("at"), at: z.string().min(1).max(64) }),
  z.strictObject({ kind: z.literal("every"), everyMs: z.int().min(MIN_EVERY_MS) }),
  z.strictObject({
    kind: z.literal("cron"),
    // Seconds would be a sixth.
    expr: z
      .string()
      .max(256)
      .regex(/^\s*\S+(?:\s+\S+){4}\s*$/, "must have five fields"),
    tz: z.string().max(64).optional(),
  }),
]);
const Payload = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("systemEvent"), text: Text }),
  z.strictObject({
    kind: z.literal("agentTurn"),
    message: Text,
    lightContext: z.boolean().optional(),
    toolsAllow: ToolNames.optional(),
  }),
]);
const Job = z.strictObject({
  name: z.string().trim().min(1).max(200),
  schedule: Schedule,
  payload: Payload,
  delivery: z
    .strictObject({
      mode: z.enum(["none", "announce"]),
      channel: z.string().trim().min(1).max(64).optional(),
      to: z.string().trim().min(1).max(256).optional(),
    })
    .optional(),
  deleteAfterRun: z.boolean().optional(),
});
const Input = z.strictObject({
  action: z.enum(["list", "add", "remove"]),
  job: Job.optional(),
  jobId: z.string().min(1).max(128).optional(),
});

export interface CronToolParts {
  readonly scheduler: () => Promise<Pick<Scheduler, "jobs" | "add" | "remove">>;
  /** Id of the default agent: jobs that name none are its. */
  readonly defaultAgent: () => string;
  /** Unix ms. */
  readonly now: () => number;
  readonly newId: () => string;
}

export function cronTool(parts: CronToolParts): AgentTool {
  const rate = new Rate(MAX_ADDED, WINDOW_MS, parts.now);
  return {
    spec: {
      name: NAME,
      description:
        "Reminders and tasks by the clock: lists, adds and removes jobs of this agent. Times are in UTC unless they say otherwise.",
      parameters: parametersOf(Described),
    },
    for: "owner",
    run: (input, _signal, caller) =>
      explained(async () => {
        const { action, job, jobId } = Input.parse(input);
        if (action === "list") return list(parts, caller);
        // A job that makes jobs would never come to an end.
        if (!caller.isAttended) return UNATTENDED;
        if (action === "remove") return remove(parts, jobId, caller);
        if (job === undefined) return "Bad input: add needs a job";
        return add(parts, rate, job, caller);
      }),
  };
}

const UNATTENDED = "Jobs can only be changed in a conversation with a person.";

async function list(parts: CronToolParts, caller: ToolCaller): Promise<string> {
  const jobs = (await own(parts, caller)).map((job) => {
    const { schedule, payload, name, enabled, delivery } = job.definition;
    const { nextRunAtMs, lastStatus } = job.state;
    const nextRunAt = nextRunAtMs === undefined ? undefined : new Date(nextRunAtMs).toISOString();
    return { id: job.id, name, enabled, schedule, payload, delivery, nextRunAt, lastStatus };
  });
  return shown({ jobs });
}

async function remove(
  parts: CronToolParts,
  jobId: string | undefined,
  caller: ToolCaller,
): Promise<string> {
  if (jobId === undefined) return "Bad input: remove needs a jobId";
  const job = (await own(parts, caller)).find(({ id }) => id === jobId);
  if (job === undefined) return `There is no job ${jobId} of this agent.`;
  await (await parts.scheduler()).remove(job.id);
  return shown({ removed: true, id: job.id, name: job.definition.name });
}

async function add(
  parts: CronToolParts,
  rate: Rate,
  job: z.output<typeof Job>,
  caller: ToolCaller,
): Promise<string> {
  const definition = await definitionFor(job, caller, parts.now());
  if ((await own(parts, caller)).length >= MAX_JOBS) {
    return `Not added: ${MAX_JOBS} jobs are as many as one agent may make. Remove some.`;
  }
  if (!rate.take(caller.agentId)) {
    return `Not added: ${MAX_ADDED} jobs in an hour are as many as there may be.`;
  }
  const made = await (await parts.scheduler()).add(parts.newId(), definition);
  return shown(listedJob(made));
}

async function definitionFor(
  { payload, ...job }: z.output<typeof Job>,
  { agentId, tools }: ToolCaller,
  now: number,
): Promise<CronDefinition> {
  const { definitionOf } = await import("../cron/input.ts");
  // It may use later what could be used when it was made, but for making others.
  const cap = tools.filter((name) => name !== NAME);
  const wanted = payload.kind === "agentTurn" ? payload.toolsAllow : undefined;
  const toolsAllow = wanted === undefined ? cap : wanted.filter((name) => cap.includes(name));
  const isTurn = payload.kind === "agentTurn";
  const definition = {
    ...job,
    agentId,
    payload: { ...payload, toolsAllow },
    sessionTarget: isTurn ? "isolated" : "main",
    sessionKey: isTurn ? undefined : mainSessionKey(agentId),
    wakeMode: "now",
  };
  return definitionOf(definition, now);
}

/** Those that people see as this agent's; heartbeats are made by the config. */
async function own(parts: CronToolParts, { agentId }: ToolCaller): Promise<readonly CronJob[]> {
  const all = await (await parts.scheduler()).jobs();
  return all.filter(
    ({ definition }) =>
      definition.payload.kind !== "heartbeat" &&
      (definition.agentId ?? parts.defaultAgent()) === agentId,
  );
}
