import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { failureTypeOf } from "./failure.ts";
import { phaseIn, suspensionLines } from "./gateway/suspended.ts";
import { nobodyAt } from "./nobody.ts";
import { type Target, targetOf, TARGET_OPTIONS } from "./target.ts";
import { UsageCost, usageLines } from "./usage-text.ts";

const OPTIONS = {
  ...TARGET_OPTIONS,
  all: { type: "boolean" },
  deep: { type: "boolean" },
  usage: { type: "boolean" },
  json: { type: "boolean" },
} as const;

const Status = z.looseObject({
  runtimeVersion: z.string(),
  model: z.object({ id: z.string(), demo: z.boolean() }).optional(),
  edge: z.looseObject({ configured: z.boolean(), connected: z.boolean().optional() }).optional(),
  channelSummary: z.array(z.string()).default([]),
  sessions: z.looseObject({ count: z.number() }).optional(),
  uptimeMs: z.number().optional(),
  configRefused: z.object({ reason: z.string() }).optional(),
  pendingRestart: z.looseObject({ phase: z.string(), waitsFor: z.string() }).optional(),
});

interface Extra {
  readonly [name: string]: unknown;
}

export const status: Command = {
  usage:
    "status [--deep] [--all] [--usage] [--json] [--url URL] [--token T] [--password P] [--port N]",
  summary: "Show how the gateway, its channels, sessions and agents are",

  async run(args, io) {
    const { values, positionals } = parseFlags(args, OPTIONS);
    if (positionals.length > 0) {
      throw new GatewayError("invalid_request", "status takes flags alone; try --help");
    }
    const target = await targetOf(values, io);
    const json = values.json === true;
    try {
      const { payload, suspension, ...extra } = await ask(target, values);
      const gateway = { mode: modeOf(target), url: target.url, urlSource: target.source };
      const found = { ...gateway, reachable: true, suspension };
      const all = { ...Status.parse(payload), gateway: found, ...extra };
      if (json) io.out(JSON.stringify(all));
      else {
        const usage = UsageCost.safeParse(extra["usageCost"]).data;
        const lines = [
          ...describe(Status.parse(payload), target),
          ...suspensionLines(suspension),
          ...(usage === undefined ? [] : usageLines(usage)),
        ];
        for (const line of lines) io.out(line);
      }
      return 0;
    } catch (error) {
      if (!json || failureTypeOf(error) !== "gateway_transport_error") throw error;
      return unreachable(error, target, io);
    }
  },
};

async function ask(
  target: Target,
  flags: { readonly all?: boolean; readonly deep?: boolean; readonly usage?: boolean },
): Promise<Extra & { readonly payload: unknown; readonly suspension: string | undefined }> {
  const { openGateway } = await import("./client.ts");
  using line = await openGateway(target);
  if (line === undefined) {
    throw nobodyAt(target);
  }
  const payload = await line.call("status", {});
  const more = flags.all === true || flags.deep === true;
  return {
    payload,
    suspension: phaseIn(line.hello),
    ...(more && { health: await line.call("health", { probe: true }) }),
    ...(more && { channels: await line.call("channels.status", { probe: flags.deep === true }) }),
    ...(flags.usage === true && {
      usage: await line.call("usage.status", {}),
      usageCost: await line.call("usage.cost", { agentScope: "all" }),
    }),
  };
}

/** For programs: that nobody answers is an answer, too. */
function unreachable(error: unknown, target: Target, io: Io): number {
  const { message } = error instanceof Error ? error : new Error("unknown fault");
  const gateway = {
    mode: modeOf(target),
    url: target.url,
    urlSource: target.source,
    reachable: false,
    error: message,
  };
  const failure = { type: failureTypeOf(error), message };
  io.out(JSON.stringify({ ok: false, error: failure, gateway }));
  return 1;
}

function modeOf({ source }: Target): "local" | "remote" {
  return source === "local" ? "local" : "remote";
}

function describe(told: z.output<typeof Status>, { url }: Target): string[] {
  const { runtimeVersion, model, edge, channelSummary, sessions, uptimeMs } = told;
  const { pendingRestart: restart, configRefused } = told;
  const minutes = uptimeMs === undefined ? "" : `, up ${Math.floor(uptimeMs / 60_000)} min`;
  const waits = restart === undefined ? [] : [`restart: ${restart.phase}, ${restart.waitsFor}`];
  return [
    `gateway: sallyport ${runtimeVersion} at ${url}${minutes}`,
    ...waits,
    ...(configRefused === undefined ? [] : [`config: not as written: ${configRefused.reason}`]),
    ...(model === undefined ? [] : [`model: ${model.id}${model.demo ? " (a demo)" : ""}`]),
    `sessions: ${sessions?.count ?? 0}`,
    `channels: ${channelSummary.length === 0 ? "none" : channelSummary.join(", ")}`,
    ...(edge?.configured === true
      ? [`edge: ${edge.connected === true ? "connected" : "not connected"}`]
      : []),
  ];
}
