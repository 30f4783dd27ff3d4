import * as z from "zod";
import { GatewayError } from "../../shared/errors.ts";
import { resolvePaths } from "../config/paths.ts";
import { STATUS_PATH } from "../gateway/methods/tunnel-status.ts";
import { type Command, type Io, parseFlags } from "./command.ts";
import { nobodyAt } from "./nobody.ts";
import { isOfThisMachine, type Target, targetOf, TARGET_OPTIONS } from "./target.ts";

/** A relay measures nothing and answers late when it has to be woken first. */
const TIMEOUT_MS = "10000";

const Report = z.object({
  sockets: z.number(),
  spooled: z.number(),
  oldestSpooledAt: z.number().nullish(),
  cores: z.array(z.object({ instance: z.string(), mode: z.string(), leads: z.boolean() })),
});

const Relay = z.object({
  name: z.string(),
  connected: z.boolean(),
  since: z.number(),
  lastError: z.string().nullable(),
  colo: z.string(),
  rttMs: z.number().nullable(),
  leads: z.boolean(),
  draining: z.boolean(),
  report: Report.nullable(),
});
type Relay = z.output<typeof Relay>;

const Status = z.discriminatedUnion("configured", [
  z.object({ configured: z.literal(false) }),
  z.object({
    configured: z.literal(true),
    mode: z.string(),
    /** Null for a standby that waits. */
    lease: z.object({ epoch: z.number() }).nullable(),
    /** Gateways of before do not say, and lead. */
    waitsFor: z.enum(["state", "work"]).nullish(),
    kid: z.string(),
    at: z.number(),
    connected: z.boolean(),
    relays: z.array(Relay),
    warnings: z.array(z.string()),
  }),
]);
type Status = z.output<typeof Status>;
type Configured = Extract<Status, { configured: true }>;

export const tunnel: Command = {
  usage: "tunnel status [--json] [--timeout MS] [--url URL] [--port N] [--token T]",
  summary: "Show how each relay of the edge is connected; exits 1 when none is",

  async run(args, io) {
    const { values, positionals } = parseFlags(args, {
      ...TARGET_OPTIONS,
      json: { type: "boolean" },
    });
    const [action, ...rest] = positionals;
    if (action !== "status" || rest.length > 0) {
      throw new GatewayError("invalid_request", `usage: sallyport ${tunnel.usage}`);
    }
    const payload = await askStatus(values, io);
    const status = Status.parse(payload);
    if (values.json === true) io.out(JSON.stringify(payload));
    else for (const line of describe(status)) io.out(line);
    if (!status.configured) return 0;
    for (const warning of status.warnings) io.err(`warning: ${warning}`);
    return status.connected ? 0 : 1;
  },
};

type Flags = Readonly<Record<string, string | boolean | undefined>>;

async function askStatus(flags: Flags, io: Io): Promise<unknown> {
  const { callGateway } = await import("./client.ts");
  const target = await targetOf({ timeout: TIMEOUT_MS, ...flags }, io);
  try {
    const answer = await callGateway(target, "tunnel.status", {});
    if (answer !== undefined) return answer.payload;
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code !== "not_leader") throw error;
    return (await askStandby(target)) ?? Promise.reject(error);
  }
  throw new GatewayError("core_offline", await whyNobody(target, io));
}

/** @returns undefined when it does not tell. */
async function askStandby({ url, token, timeoutMs }: Target): Promise<unknown> {
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token.reveal()}` };
  const signal = AbortSignal.timeout(timeoutMs);
  const response = await fetch(new URL(STATUS_PATH, url), { headers, signal }).catch(() => null);
  const body: unknown = await response?.json().catch(() => undefined);
  return response?.ok === true ? body : undefined;
}

/** Why no gateway answers: there may be none because there is a connector. */
async function whyNobody(target: Target, io: Io): Promise<string> {
  const nobody = nobodyAt(target).message;
  if (!isOfThisMachine(target)) return nobody;
  const { connectorsIn } = await import("../upstream/presence.ts");
  const [connector] = await connectorsIn(resolvePaths(io).stateDir);
  if (connector === undefined) return nobody;
  return `no gateway at ${target.url}: a connector runs here (pid ${connector.pid}); npx sallyport doctor says how its edge is`;
}

function describe(status: Status): string[] {
  if (!status.configured) return ["no edge is configured: set sallyport.edge.url"];
  const { relays, at } = status;
  return [`core: ${standing(status)}`, ...relays.flatMap((relay) => rows(relay, at))];
}

function standing({ mode, lease, waitsFor }: Configured): string {
  if (waitsFor === "state") return `${mode}, waits for the state, which another gateway has`;
  if (waitsFor === "work") {
    return `${mode} with a state of its own, waits until the edge has no other leader`;
  }
  return lease === null ? mode : `${mode}, epoch ${lease.epoch}`;
}

function rows(relay: Relay, at: number): string[] {
  const { name, connected, since, lastError, colo, rttMs, leads, draining, report } = relay;
  const age = duration(at - since);
  if (!connected) return [`${name}: not connected for ${age}${lastError ? ` (${lastError})` : ""}`];
  const facts = [
    `connected for ${age}`,
    ...(colo === "" ? [] : [`in ${colo}`]),
    ...(rttMs === null ? [] : [`${Math.round(rttMs)} ms away`]),
    leads ? "sends its work here" : "sends its work elsewhere",
    ...(draining ? ["to be given up"] : []),
  ];
  return [`${name}: ${facts.join(", ")}`, ...(report === null ? [] : [`  ${said(report, at)}`])];
}

function said({ sockets, spooled, oldestSpooledAt, cores }: z.output<typeof Report>, at: number) {
  const oldest = typeof oldestSpooledAt === "number" ? at - oldestSpooledAt : undefined;
  const age = oldest === undefined || spooled === 0 ? "" : ` (the oldest for ${duration(oldest)})`;
  const others = cores.map(({ instance, mode, leads }) => {
    return `${instance.slice(0, 8)} ${mode}${leads ? ", leads" : ""}`;
  });
  return `${sockets} sockets, ${spooled} webhooks waiting${age}, cores: ${others.join("; ") || "none"}`;
}

/** In its largest unit: people look at this, nothing computes with it. */
function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}
